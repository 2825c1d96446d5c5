"""One-class defect detection with a GAN, in the order in which data flow.

    split = split_images(scan_images(list_images("parts/")), seed=0)
    gan = train(config, [file.path for file in split.train], "model")
    detector = for_method(gan, method="joint", aligned=True, alpha=0.05)
    detector.fit(training_batches, calibration_batches)
    detection = detector.detect(images)
    export_saved_model(detector, "saved_models/parts", ...)

The scripts in `tools/` do just this, with flags.
"""

from ganad_tf.assessment import Assessor
from ganad_tf.baselines import make_baselines
from ganad_tf.calibration import ConformalCalibrator
from ganad_tf.calibration import conformal_p_values
from ganad_tf.corruptions import corrupt
from ganad_tf.dataset import ImageFile
from ganad_tf.dataset import Split
from ganad_tf.dataset import list_images
from ganad_tf.dataset import scan_images
from ganad_tf.dataset import split_images
from ganad_tf.detector import Detection
from ganad_tf.detector import OneClassDetector
from ganad_tf.detector import for_method
from ganad_tf.export import export_saved_model
from ganad_tf.gan import DCGAN
from ganad_tf.images import image_dataset
from ganad_tf.images import load_images
from ganad_tf.images import training_dataset
from ganad_tf.inversion import InversionResult
from ganad_tf.inversion import LatentInverter
from ganad_tf.latent_prior import LatentPrior
from ganad_tf.latent_statistics import LatentGaussian
from ganad_tf.latent_statistics import frechet_distance
from ganad_tf.linear_head import LinearHead
from ganad_tf.networks import build_discriminator
from ganad_tf.networks import build_encoder
from ganad_tf.networks import build_generator
from ganad_tf.pyramid import gaussian_pyramid
from ganad_tf.pyramid import laplacian_pyramid
from ganad_tf.pyramid import laplacian_pyramid_l1
from ganad_tf.pyramid import reconstruct_from_laplacian
from ganad_tf.report import write_report
from ganad_tf.residual_statistics import ResidualStatistics
from ganad_tf.serving import SavedModelScorer
from ganad_tf.training import TrainingConfig
from ganad_tf.training import load_gan
from ganad_tf.training import train
from ganad_tf.version import __version__

__all__ = [
    # images
    "ImageFile",
    "Split",
    "list_images",
    "scan_images",
    "split_images",
    "load_images",
    "image_dataset",
    "training_dataset",
    "corrupt",
    # GAN
    "build_generator",
    "build_discriminator",
    "build_encoder",
    "LinearHead",
    "LatentPrior",
    "DCGAN",
    "TrainingConfig",
    "train",
    "load_gan",
    # inversion
    "gaussian_pyramid",
    "laplacian_pyramid",
    "reconstruct_from_laplacian",
    "laplacian_pyramid_l1",
    "InversionResult",
    "LatentInverter",
    # statistics and calibration
    "LatentGaussian",
    "frechet_distance",
    "ResidualStatistics",
    "ConformalCalibrator",
    "conformal_p_values",
    # detector
    "Detection",
    "OneClassDetector",
    "for_method",
    # evaluation
    "make_baselines",
    "Assessor",
    "write_report",
    # export
    "export_saved_model",
    "SavedModelScorer",
    "__version__",
]
