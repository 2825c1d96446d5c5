"""One-class defect detection with a GAN, in the order in which data flow.

    train_gan("parts/", "model")
    detector = fit_detector("parts/", "model", alpha=0.05)
    detection = detector.detect(images)
    results = evaluate_detector("parts/", "model", "report")
    export_saved_model("model", "saved_models/parts")

The scripts in `tools/` are these functions with flags, and the same defaults.
A name is imported at its first use, so that what needs no TensorFlow starts
without it.
"""

import importlib

from ganad_tf.version import __version__

_NAMES = {
    # errors that a user can mend
    "errors": ("UserError",),
    # images
    "data.listing": ("ImageFile", "list_images"),
    "data.dataset": ("Split", "scan_images", "split_images"),
    "data.image_tensors": ("load_images", "image_dataset", "training_dataset"),
    "gan.corruptions": ("corrupt",),
    # GAN
    "gan.networks": ("build_generator", "build_discriminator", "build_encoder"),
    "gan.linear_head": ("LinearHead",),
    "gan.latent_prior": ("LatentPrior",),
    "gan.gan": ("DCGAN",),
    # inversion
    "gan.pyramid": (
        "gaussian_pyramid",
        "laplacian_pyramid",
        "reconstruct_from_laplacian",
        "laplacian_pyramid_l1",
    ),
    "gan.inversion": ("InversionResult", "LatentInverter"),
    # training run
    "training.configuration": ("TrainingConfig",),
    "training.training_run": ("train_gan",),
    "training.building": ("load_gan",),
    # statistics and calibration
    "detector.latent_statistics": ("LatentGaussian", "frechet_distance"),
    "detector.residual_statistics": ("ResidualStatistics",),
    "detector.calibration": ("ConformalCalibrator", "conformal_p_values"),
    # detector
    "detector.detection": ("Detection",),
    "detector.detector": ("OneClassDetector", "build_detector"),
    "detector.model_folder": ("fit_detector", "load_detector"),
    # evaluation
    "evaluation.baselines": ("make_baselines",),
    "evaluation.assessment": ("Assessor",),
    "evaluation.evaluate": ("evaluate_detector",),
    "paper.reproduce": ("reproduce_paper",),
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
