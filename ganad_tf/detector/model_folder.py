"""The detector of a model folder: fitted to the GAN and the split in it."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from absl import logging

from ganad_tf import artifacts
from ganad_tf import progress
from ganad_tf import staging
from ganad_tf.data import dataset
from ganad_tf.data import image_tensors
from ganad_tf.data.listing import ImageFile
from ganad_tf.detector import out_of_fold
from ganad_tf.detector.calibration import least_alpha
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.detector.detector import build_detector
from ganad_tf.detector.feature_field import MAX_LATENTS
from ganad_tf.detector.feature_field import FeatureField
from ganad_tf.detector.inversion_curves import invert_samples
from ganad_tf.detector.inversion_curves import write_curves
from ganad_tf.training.building import load_gan
from ganad_tf.training.configuration import TrainingConfig
from ganad_tf.training.determinism import use_determinism
from ganad_tf.training.field_run import load_unet

DETECTOR_NAME = "detector"
# Names of images that were left out, one a line.
OUTLIERS_NAME = "outliers.txt"
ALPHA = 0.05


@staging.staged("model_dir")
def fit_detector(
    data: str,
    model_dir: str,
    *,
    alpha: float | None = None,
    batch_size: int | None = None,
    trim: bool = False,
    **inversion: Any,
) -> OneClassDetector:
    """Fits the detector of a trained GAN, and saves it in the model folder.

    TensorBoard shows the inversion of some calibration images, step by step.

    Args:
        data: The data that the GAN was trained on, as `list_images` takes it.
        model_dir: Folder of a trained GAN, with its split.
        alpha: False-alarm rate: share of qualified images that may be called
            defective, at least 1 / (calibration images + 1). None: `ALPHA`, or
            the least that so few calibration images can promise.
        batch_size: Images at a time; 64, or fewer of large images, by default.
        trim: Whether images that are most unlike the rest are left out, as
            `out_of_fold` finds them: for data that may hold defects. Their
            names are written to `OUTLIERS_NAME` in the model folder.
        **inversion: Arguments of `LatentInverter` that replace the recipe's.

    Returns:
        detector: Fitted `OneClassDetector`, also in `model_dir/detector/`.

    Raises:
        UserError: If GAN or split are missing, images of the split are missing
            or changed, or there are too few calibration images for `alpha`.
    """
    detector, split = unfitted_detector(data, model_dir, **inversion)
    if trim:
        split = _trimmed(detector, split, model_dir)
    promise(detector, alpha, len(split.calibration))
    train, calibration = (
        progress.LoggedBatches(
            image_batches(detector, files, batch_size=batch_size),
            total=len(files),
            what=f"Processed {role} images",
        )
        for role, files in (
            ("training", split.train),
            ("calibration", split.calibration),
        )
    )
    detector.fit(train, calibration)
    publish(detector, model_dir, split)
    return detector


def unfitted_detector(
    data: str, model_dir: str, **inversion: Any
) -> tuple[OneClassDetector, dataset.Split]:
    """What `fit_detector` begins with; draws are those of the seed from here.

    Args:
        data: The data that the GAN was trained on.
        model_dir: Local folder of a trained GAN, with its split.
        **inversion: Arguments of `LatentInverter` that replace the recipe's.

    Returns:
        detector: Unfitted `OneClassDetector`, of `ALPHA`.
        split: The images to fit it to.

    Raises:
        UserError: As `fit_detector`.
    """
    config = TrainingConfig.load(model_dir)
    split = dataset.load_split(data, model_dir)
    use_determinism(config.seed)
    detector = build_detector(
        load_gan(model_dir),
        method=config.method,
        alpha=ALPHA,
        field=_build_field(config, model_dir, num_images=len(split.train)),
        **inversion,
    )
    return detector, split


@staging.staged("model_dir")
def load_unfitted(model_dir: str, config: dict[str, Any]) -> OneClassDetector:
    """Loads the networks of a model folder as an unfitted detector.

    Args:
        model_dir: Folder of a trained GAN.
        config: Of `OneClassDetector.get_config`.

    Returns:
        detector: Unfitted; draws are those of the model's seed from here.
    """
    use_determinism(TrainingConfig.load(model_dir).seed)
    return OneClassDetector.from_config(
        config, load_gan(model_dir), load_unet(model_dir)
    )


def publish(
    detector: OneClassDetector, model_dir: str, split: dataset.Split
) -> None:
    """What `fit_detector` ends with: the detector's folder, and its curves.

    Args:
        detector: Fitted.
        model_dir: Local folder of its GAN.
        split: The images it was fitted to.
    """
    detector.save(os.path.join(model_dir, DETECTOR_NAME))
    curves = invert_samples(detector, model_dir, split.calibration)
    write_curves(model_dir, "calibration_images", curves)


def promise(
    detector: OneClassDetector, alpha: float | None, num_calibration: int
) -> None:
    """Sets the false-alarm rate, or refuses it before any image is measured.

    Args:
        detector: Unfitted.
        alpha: False-alarm rate. None: `ALPHA`, or the least that so few
            calibration images can promise, with a warning.
        num_calibration: Calibration images.

    Raises:
        UserError: If `alpha` is not in (0, 1), or the images are too few.
    """
    if alpha is None:
        alpha = _least_promise(num_calibration)
    detector.set_alpha(alpha)
    detector.calibrator_.check_enough(num_calibration)


def _least_promise(num_calibration: int) -> float:
    if not num_calibration:
        return ALPHA
    least = least_alpha(num_calibration)
    if least > ALPHA + 1e-9:
        logging.warning(
            "%d calibration images cannot promise a false-alarm rate of %g. "
            "The least they can promise is 1/(%d + 1) = %.3g, which this "
            "detector has: up to %.0f %% of all good images may be called "
            "defective. %d calibration images are enough for %g; a fifth to a "
            "quarter of the good images calibrate.",
            num_calibration,
            ALPHA,
            num_calibration,
            least,
            100 * least,
            round(1 / ALPHA) - 1,
            ALPHA,
        )
    return max(least, ALPHA)


def _trimmed(
    detector: OneClassDetector, split: dataset.Split, model_dir: str
) -> dataset.Split:
    """The split without images that are most unlike the rest."""
    scored = out_of_fold.score_out_of_fold(
        detector,
        split.train + split.calibration,
        load=functools.partial(image_batches, detector),
        seed=TrainingConfig.load(model_dir).seed,
    )
    outliers = {
        file
        for file, is_outlier in zip(
            scored.files, scored.is_outlier, strict=True
        )
        if is_outlier
    }
    logging.info(
        "Left out %d of %d images, which are most unlike the rest.",
        len(outliers),
        len(scored.files),
    )
    artifacts.write_text(
        os.path.join(model_dir, OUTLIERS_NAME),
        "".join(f"{file.name}\n" for file in sorted(outliers)),
    )
    return split._replace(
        train=tuple(f for f in split.train if f not in outliers),
        calibration=tuple(f for f in split.calibration if f not in outliers),
    )


@staging.staged("model_dir")
def load_detector(model_dir: str) -> OneClassDetector:
    """Loads the fitted detector of a model folder, with its networks.

    Args:
        model_dir: Folder that `train_gan` and `fit_detector` wrote.

    Returns:
        detector: Fitted `OneClassDetector`.

    Raises:
        UserError: If GAN or detector are missing or broken.
    """
    return OneClassDetector.load(
        os.path.join(model_dir, DETECTOR_NAME),
        load_gan(model_dir),
        load_unet(model_dir),
    )


def _build_field(
    config: TrainingConfig, model_dir: str, *, num_images: int
) -> FeatureField | None:
    """The unfitted field of a trained model; fewer latents of few images."""
    if config.field_size is None:
        return None
    return FeatureField(
        load_unet(model_dir),
        image_size=config.field_size,
        latent_dim=min(MAX_LATENTS, config.latent_dim, num_images // 4),
    )


def image_batches(
    detector: OneClassDetector,
    files: Sequence[ImageFile],
    *,
    batch_size: int | None = None,
) -> tf.data.Dataset:
    """Images of files, as a detector takes them.

    Args:
        detector: `OneClassDetector`.
        files: The files.
        batch_size: Images at a time; 64, or fewer of large images, by default.

    Returns:
        batches: float32 of shape (batch, height, width, channels) in [-1, 1].
    """
    *image_size, channels = detector.image_shape
    return image_tensors.image_dataset(
        [file.path for file in files],
        image_size=tuple(image_size),
        channels=channels,
        batch_size=batch_size,
    )
