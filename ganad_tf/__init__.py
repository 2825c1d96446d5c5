"""One-class defect detection with a GAN, in the order in which data flow.

    split = split_images(scan_images(list_images("parts/")), seed=0)
    gan = train(config, [file.path for file in split.train], "model")
    detector = for_method(gan, method="joint", aligned=True, alpha=0.05)
    detector.fit(training_batches, calibration_batches)
    detection = detector.detect(images)
    export_detector(detector, "saved_models/parts")

The scripts in `tools/` do just this, with flags. A name is imported when it is
first used, so that what needs no TensorFlow starts without it.
"""

import importlib

from ganad_tf.version import __version__

_NAMES = {
    # images
    "data.dataset": (
        "ImageFile",
        "Split",
        "list_images",
        "scan_images",
        "split_images",
    ),
    "data.images": ("load_images", "image_dataset", "training_dataset"),
    "gan.corruptions": ("corrupt",),
    # GAN
    "gan.networks": ("build_generator", "build_discriminator", "build_encoder"),
    "gan.linear_head": ("LinearHead",),
    "gan.latent_prior": ("LatentPrior",),
    "gan.gan": ("DCGAN",),
    "training.training": ("TrainingConfig", "train", "load_gan"),
    # inversion
    "gan.pyramid": (
        "gaussian_pyramid",
        "laplacian_pyramid",
        "reconstruct_from_laplacian",
        "laplacian_pyramid_l1",
    ),
    "gan.inversion": ("InversionResult", "LatentInverter"),
    # statistics and calibration
    "detector.latent_statistics": ("LatentGaussian", "frechet_distance"),
    "detector.residual_statistics": ("ResidualStatistics",),
    "detector.calibration": ("ConformalCalibrator", "conformal_p_values"),
    # detector
    "detector.detector": ("Detection", "OneClassDetector", "for_method"),
    # evaluation
    "evaluation.baselines": ("make_baselines",),
    "evaluation.assessment": ("Assessor",),
    "evaluation.report": ("write_report",),
    # export
    "serving.export": ("export_saved_model", "export_detector"),
    # scoring
    "serving.open_scorer": ("open_scorer",),
    "serving.saved_model": ("SavedModelScorer",),
    "serving.score_files": ("score_images",),
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names}
__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(f"ganad_tf.{_HOMES[name]}")
    return getattr(home, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
