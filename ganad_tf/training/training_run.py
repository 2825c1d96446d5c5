"""The training run: from a data set to a trained GAN in a model folder."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Sequence
from typing import Any

from absl import logging

from ganad_tf import staging
from ganad_tf.data import dataset
from ganad_tf.data import exclusion
from ganad_tf.data import grouping
from ganad_tf.data import image_tensors
from ganad_tf.data import near_copies
from ganad_tf.errors import UserError
from ganad_tf.gan.gan import DCGAN
from ganad_tf.training import choices
from ganad_tf.training import distribution
from ganad_tf.training import field_run
from ganad_tf.training import held_out_losses
from ganad_tf.training import loop
from ganad_tf.training import tensorboard_runs
from ganad_tf.training import warm_start
from ganad_tf.training.configuration import TrainingConfig
from ganad_tf.training.determinism import use_determinism
from ganad_tf.training.sample_images import SampleImages
from ganad_tf.version import versions

# Held-out images that losses are measured on, at most.
MAX_MEASURED = 512


@staging.staged("model_dir")
def train_gan(
    data: str,
    model_dir: str,
    *,
    method: str = "joint",
    seed: int = 0,
    max_images: int | None = None,
    group_by: str | None = None,
    devices: Sequence[str] = (),
    exclude: str | None = None,
    init_from: str | None = None,
    **overrides: Any,
) -> DCGAN:
    """Trains a GAN on the qualified images of a data set.

    Writes `split.json`, `config.json`, `checkpoint.weights.h5`,
    `training.json`, `field.weights.h5` (of the U-Net discriminator, which is
    trained after the GAN) and TensorBoard logs. Called again with the same
    arguments, it resumes an interrupted training run and repeats no complete
    one. The process is made deterministic first (`use_determinism`).

    Several devices give what one gives, up to rounding. Where `TF_CONFIG`
    names several hosts, each calls this with the same arguments and a model
    folder that all of them share; the chief alone writes.

    Args:
        data: A folder of qualified images (any depth), an MVTec-AD folder, or
            "elpv:mono" or "elpv:poly".
        model_dir: Folder to write the model to.
        method: Name of a recipe, "joint" or "paper".
        seed: Seed of the split and of everything random.
        max_images: Limit of training and calibration images together; None
            for all. The test images stay the same.
        group_by: Which images show one thing and have one role: "folder", or a
            regular expression on the file's name with one group; None: each
            image is a thing.
        devices: Of this host, such as ("GPU:0", "GPU:1"); all GPUs by default,
            or else the CPU. "CPU:0" and "CPU:1" divide the CPU.
        exclude: File of `marks.read_marks`: images that are not good, and
            have no role.
        init_from: Folder of a trained model whose networks this one begins
            with, for light or material that has changed.
        **overrides: Arguments of `choices.resolve`, such as `image_size` or
            `num_steps`. What is not given is chosen by images and recipe.

    Returns:
        gan: The trained `DCGAN`.

    Raises:
        UserError: If there is no such data, there are too few images, the
            folder holds a model with other settings, a value is invalid, the
            run becomes unstable, or another host ends.
    """
    strategy = distribution.open_strategy(tuple(devices))
    use_determinism(seed)
    roles = {"max_images": max_images, "group_by": group_by, "exclude": exclude}
    with distribution.scope(strategy):
        if not distribution.is_chief():
            staging.keep_to_itself(model_dir)
        with distribution.chief_first():
            split = open_split(data, model_dir, seed=seed, **roles)
            if init_from is not None:
                overrides = warm_start.with_shapes(overrides, method, init_from)
            samples = [
                SampleImages([file.path for file in files])
                for files in (split.train, split.calibration)
            ]
            config = choices.resolve(
                *samples, method=method, seed=seed, **overrides
            )
            _check_batches(config)
            config.save_or_match(
                model_dir, data=data, group_by=group_by, init_from=init_from
            )
        _log_start(split, config)
        asked = {"model_dir": model_dir, **roles, **overrides}
        text = tensorboard_runs.settings_text(
            settings={**asked, **dataclasses.asdict(config)},
            versions=versions(),
            data=data,
            split=split,
        )
        gan = _train(
            config, *samples, model_dir, text=text, init_from=init_from
        )
        distribution.agree()
    return gan


def _train(
    config: TrainingConfig,
    train_images: SampleImages,
    held_out_images: SampleImages,
    model_dir: str,
    *,
    text: str,
    init_from: str | None,
) -> DCGAN:
    """Both training runs, and what the first one gave."""
    gan = loop.train(
        config,
        train_images,
        model_dir,
        held_out_images=held_out_images,
        init_from=init_from,
        text=text,
    )
    if distribution.is_chief():
        _write_result(gan, config, model_dir, held_out_images)
    if config.field_size is not None:
        field_run.train_field(
            config, train_images.paths, model_dir, init_from=init_from
        )
    return gan


def _check_batches(config: TrainingConfig) -> None:
    batch_sizes = {"batch_size": config.batch_size}
    if config.field_size is not None:
        batch_sizes["crops"] = field_run.BATCH_SIZE
    distribution.check_batch_sizes(**batch_sizes)


def open_split(
    data: str,
    model_dir: str,
    *,
    seed: int,
    max_images: int | None = None,
    group_by: str | None = None,
    exclude: str | None = None,
) -> dataset.Split:
    """Reads the split of an earlier run, or makes and writes a new one.

    Args:
        data: As of `train_gan`.
        model_dir: The model folder.
        seed: Of a new split.
        max_images: Limit of training and calibration images of a new split.
        group_by: As of `train_gan`; of an earlier split it has to be equal.
        exclude: As of `train_gan`; an earlier split has to be without them.

    Returns:
        split: `Split`.

    Raises:
        UserError: As of `train_gan`.
    """
    if os.path.exists(os.path.join(model_dir, dataset.SPLIT_NAME)):
        recorded = dataset.read_facts(model_dir, "group_by")["group_by"]
        if recorded != group_by:
            raise UserError(
                f"{model_dir} holds a split with another --group_by. Expected "
                f"{recorded!r}. Received: {group_by!r}. Use the same to resume "
                "it, or another --model_dir"
            )
        split = dataset.load_split(data, model_dir)
        exclusion.check_excluded(split, exclude, model_dir)
        return split
    kept, excluded = exclusion.without_excluded(
        dataset.list_images(data), exclude
    )
    files = dataset.scan_images(kept, check=image_tensors.check_decodes)
    split = dataset.split_images(
        files, seed=seed, max_images=max_images, group_by=group_by
    )
    split = split._replace(unused=split.unused + tuple(excluded))
    copies = near_copies.find_near_copies(split, seed=seed)
    near_copies.warn_of(copies)
    dataset.save_split(
        split,
        model_dir,
        data=data,
        seed=seed,
        group_by=group_by,
        near_copies=near_copies.as_json(copies),
    )
    return split


def _log_start(split: dataset.Split, config: TrainingConfig) -> None:
    logging.info(
        "Images: %d training, %d calibration, %d + %d test, %d unreadable.",
        len(split.train),
        len(split.calibration),
        len(split.test_qualified),
        len(split.test_defective),
        len(split.unreadable),
    )
    _log_groups(split)
    _warn_of_few(len(split.calibration))
    logging.info("Configuration: %s", dataclasses.asdict(config))


def _log_groups(split: dataset.Split) -> None:
    if num_groups := grouping.num_groups(split._asdict()):
        logging.info(
            "Groups, each in one role: %s. Of a calibration group one image is "
            "used, so p-values hold for an image of a new group.",
            ", ".join(f"{n} {role}" for role, n in num_groups.items()),
        )


def _warn_of_few(num_calibration: int) -> None:
    """Says early which false-alarm rates the calibration images allow."""
    least = 1.0 / (num_calibration + 1)
    if least > 0.01:
        logging.warning(
            "With %d calibration images no p-value is below %.3g, so no "
            "--alpha below that can be reached%s. More qualified images help: "
            "the rate at alpha 0.05 spreads by +-%.1g from one calibration "
            "to another.",
            num_calibration,
            least,
            ", not even the default of 0.05" if least > 0.05 else "",
            math.sqrt(0.05 * 0.95 / (num_calibration + 2)),
        )


def _write_result(
    gan: DCGAN,
    config: TrainingConfig,
    model_dir: str,
    held_out_images: SampleImages,
) -> None:
    """Writes `training.json` and the model's row of the HParams page.

    Figures that only a process that trains can measure stay as they were.
    """
    measured = held_out_images.as_network_images(config, MAX_MEASURED)
    result = {
        **held_out_losses.read_result(model_dir),
        **held_out_losses.training_result(gan, measured),
    }
    held_out_losses.write_result(model_dir, result)
    tensorboard_runs.write_hparams(
        model_dir, dataclasses.asdict(config), result
    )
    logging.info(
        "Losses of held-out images: reconstruction %.4g; denoising, with "
        "synthetic defects, %.4g.",
        result[held_out_losses.RECONSTRUCTION_LOSS],
        result[held_out_losses.DENOISING_LOSS],
    )
