"""Trains the GAN on qualified images only.

    python tools/train_gan.py --data=elpv:mono --model_dir=/tmp/solar

writes `config.json`, `split.json`, a checkpoint and TensorBoard logs to the
model folder. Run again with the same flags, it goes on where it stopped.
Solar cells (352 training images of 64x64 pixels, 1000 steps) take about four
minutes on two cores. `tensorboard --logdir=/tmp/solar` shows them while they
are trained.

    python tools/train_gan.py --data=elpv:mono --model_dir=/tmp/sweep \
        --sweep="width=8,16;learning_rate=1e-4,3e-4"

trains every combination in a folder of its own, and names the one that, of
held-out qualified images with synthetic defects on them, gives back the clean
images best. Run again, finished ones are not repeated.
"""

import dataclasses
import functools
import math
import os
import sys

from absl import flags
from absl import logging

import cli
from ganad_tf import artifacts
from ganad_tf.data import dataset
from ganad_tf.data import image_tensors
from ganad_tf.data.tiles import fitting_side
from ganad_tf.evaluation import assessment
from ganad_tf.evaluation import summaries
from ganad_tf.training import sweep
from ganad_tf.training import training

_DATA = flags.DEFINE_string(
    "data",
    None,
    "Folder of qualified images, MVTec-AD folder, elpv:mono or elpv:poly.",
    required=True,
)
_MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "Folder to write the model to.", required=True
)
_METHOD = flags.DEFINE_enum(
    "method",
    "joint",
    training.METHODS,
    "joint: linear head, denoising encoder and joint losses; paper: the plain "
    "DCGAN of Lai et al. (2018).",
)
_IMAGE_SIZE = flags.DEFINE_integer(
    "image_size",
    64,
    "Side in pixels to resize whole images to: 32, 64 or 128.",
)
_TILE_SIZE = flags.DEFINE_enum(
    "tile_size",
    "auto",
    ("auto", "whole", "16", "32", "64", "128"),
    "Side in pixels of the tiles that cover an image at its own resolution. "
    "whole: no tiles, images are resized to --image_size; auto: whole images "
    "for aligned parts and for textures that keep half of their resolution, "
    "else tiles of 16.",
)
_TILE_STRIDE = flags.DEFINE_integer(
    "tile_stride",
    None,
    "Pixels from one tile to the next. Default: half of a tile.",
    lower_bound=1,
)
_RESIZE = flags.DEFINE_list(
    "resize",
    None,
    "height,width in pixels to resize images to before they are cut into "
    "tiles. Default: the median size of the training images.",
)
_CHANNELS = flags.DEFINE_enum(
    "channels", "auto", ("auto", "1", "3"), "1 gray, 3 RGB, auto by the files."
)
_ALIGNED = flags.DEFINE_enum(
    "aligned",
    "auto",
    ("auto", "true", "false"),
    "Whether every image shows the same part in the same place; auto decides "
    "by how much of the training images their mean explains.",
)
_LATENT_DIM = flags.DEFINE_integer(
    "latent_dim",
    None,
    "Length of a latent. Default: 224 or 400 for aligned parts, whichever is "
    "enough for held-out qualified images, 128 for textures, 64 for tiles and "
    "with --method=paper.",
    lower_bound=2,
)
_WIDTH = flags.DEFINE_integer(
    "width",
    None,
    "Channels of the networks' finest layers. Default: 16; 32 with "
    "--method=paper.",
    lower_bound=1,
)
_NUM_STEPS = flags.DEFINE_integer(
    "num_steps", 1000, "Steps of training.", lower_bound=1
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size",
    training.TrainingConfig.batch_size,
    "Images a step.",
    lower_bound=2,
)
_LEARNING_RATE = flags.DEFINE_float(
    "learning_rate",
    None,
    "Adam's step size for generator and encoder; by default "
    + ", ".join(f"{v:g} for {k}" for k, v in training.LEARNING_RATES.items())
    + ".",
)
_DISCRIMINATOR_LEARNING_RATE = flags.DEFINE_float(
    "discriminator_learning_rate",
    training.TrainingConfig.discriminator_learning_rate,
    "Adam's step size, discriminator.",
)
_HORIZONTAL_FLIP = flags.DEFINE_bool(
    "horizontal_flip", True, "Mirror left-right; --no... if parts differ."
)
_VERTICAL_FLIP = flags.DEFINE_bool(
    "vertical_flip", True, "Mirror up-down; --no... if parts differ."
)
_MAX_SHIFT = flags.DEFINE_integer(
    "max_shift", 0, "Shift by up to so many pixels.", lower_bound=0
)
_WITHOUT = flags.DEFINE_multi_enum(
    "without",
    [],
    training.ABLATIONS,
    "Leave this part of the method joint out, to see what it gives: the "
    "synthetic defects, the linear head or the adversarial loss. Repeatable.",
)
_MAX_IMAGES = flags.DEFINE_integer(
    "max_images",
    None,
    "Use so many of the qualified training and calibration images at the most, "
    "to see how many are needed; the test images stay the same.",
    lower_bound=dataset.MIN_QUALIFIED,
)
_MIXED_PRECISION = flags.DEFINE_bool(
    "mixed_precision", False, "Compute hidden layers in bfloat16."
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Of the split and of everything random.", lower_bound=0
)
_SWEEP = flags.DEFINE_string(
    "sweep",
    None,
    'Flags and the values to try, such as "width=8,16;learning_rate=1e-4,3e-4";'
    " the combination with the least denoising loss is named: that of held-out "
    "qualified images that are seen with synthetic defects. Longer latents "
    "always reconstruct better: sweep latent_dim only with care.",
)
_SWEEP_SAMPLES = flags.DEFINE_integer(
    "sweep_samples",
    None,
    "Try so many combinations, drawn at random, instead of all.",
    lower_bound=1,
)
_NOT_SWEPT = ("data", "model_dir", "seed", "sweep", "sweep_samples")
# Held-out images that the losses are measured on, at the most.
_NUM_HELD_OUT = 512


def _open_split(model_dir: str) -> dataset.Split:
    """The split of an earlier run, or a new one that is written first."""
    path = os.path.join(model_dir, dataset.SPLIT_NAME)
    if os.path.exists(path):
        return dataset.load_split(path, data=_DATA.value)
    files = dataset.scan_images(dataset.list_images(_DATA.value))
    split = dataset.split_images(
        files, seed=_SEED.value, max_images=_MAX_IMAGES.value
    )
    dataset.save_split(split, path, data=_DATA.value, seed=_SEED.value)
    return split


def _resolve(paths: list[str], held_out: list[str]) -> training.TrainingConfig:
    joint = _METHOD.value == "joint"
    channels = (
        image_tensors.color_channels(paths)
        if _CHANNELS.value == "auto"
        else int(_CHANNELS.value)
    )

    def loaded(paths):
        return image_tensors.load_images(
            paths[: training.MAX_HEAD_IMAGES],
            image_size=_IMAGE_SIZE.value,
            channels=channels,
        )

    qualified = functools.cache(lambda: loaded(paths))  # where a choice asks
    aligned = _ALIGNED.value == "true"
    if _ALIGNED.value == "auto":
        aligned = training.is_aligned(qualified())
    field_size, image_size = _resolve_field(paths, aligned)
    latent_dim = _LATENT_DIM.value or _default_latent_dim(aligned, field_size)
    if latent_dim is None:
        latent_dim = training.choose_latent_dim(qualified(), loaded(held_out))
    return training.TrainingConfig(
        method=_METHOD.value,
        image_size=image_size,
        channels=channels,
        aligned=aligned,
        latent_dim=latent_dim,
        width=_WIDTH.value or (16 if joint else 32),
        num_steps=_NUM_STEPS.value,
        batch_size=_BATCH_SIZE.value,
        learning_rate=_learning_rate(),
        discriminator_learning_rate=_DISCRIMINATOR_LEARNING_RATE.value,
        horizontal_flip=_HORIZONTAL_FLIP.value,
        vertical_flip=_VERTICAL_FLIP.value,
        max_shift=_MAX_SHIFT.value,
        mixed_precision=_MIXED_PRECISION.value,
        seed=_SEED.value,
        field_size=field_size,
        tile_stride=_TILE_STRIDE.value or image_size // 2,
        without=tuple(sorted(set(_WITHOUT.value))),
    )


def _default_latent_dim(aligned: bool, field_size) -> int | None:
    """None where the images choose."""
    if _METHOD.value == "paper" or field_size:
        return 64
    return None if aligned else 128


def _learning_rate() -> float:
    if _LEARNING_RATE.value is None:
        return training.LEARNING_RATES[_METHOD.value]
    return _LEARNING_RATE.value


def _resolve_field(paths: list[str], aligned: bool):
    """The size of the tiled image, None for whole ones, and the networks'."""
    if _TILE_SIZE.value == "whole" or _METHOD.value == "paper":
        return None, _IMAGE_SIZE.value
    tile_size = training.TILE_SIZE
    if _TILE_SIZE.value != "auto":
        tile_size = int(_TILE_SIZE.value)
    stride = _TILE_STRIDE.value or tile_size // 2
    size = _resize() or image_tensors.median_size(paths)
    if _TILE_SIZE.value == "auto":
        field_size = training.choose_field_size(
            size,
            aligned=aligned,
            image_size=_IMAGE_SIZE.value,
            tile_stride=stride,
        )
        return field_size, tile_size if field_size else _IMAGE_SIZE.value
    height, width = (
        fitting_side(side, tile_size=tile_size, stride=stride) for side in size
    )
    return (height, width), tile_size


def _resize() -> tuple[int, int] | None:
    if _RESIZE.value is None:
        return None
    try:
        height, width = map(int, _RESIZE.value)
    except ValueError:
        raise ValueError(
            "Invalid value for --resize. Expected height,width in pixels, such "
            f"as 512,768. Received: --resize={','.join(_RESIZE.value)}"
        ) from None
    return height, width


def _own_flags() -> dict:
    """This tool's flags and their values."""
    return {
        flag.name: flag.value
        for flag in flags.FLAGS.get_key_flags_for_module(sys.argv[0])
    }


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


def _describe(split: dataset.Split, config: training.TrainingConfig) -> str:
    logging.info(
        "Images: %d training, %d calibration, %d + %d test, %d unreadable.",
        len(split.train),
        len(split.calibration),
        len(split.test_qualified),
        len(split.test_defective),
        len(split.unreadable),
    )
    _warn_of_few(len(split.calibration))
    logging.info("Training: %s", dataclasses.asdict(config))
    return summaries.settings_text(
        settings={**_own_flags(), **dataclasses.asdict(config)},
        versions=assessment.versions(),
        data=_DATA.value,
        split=split,
    )


def _finish(gan, config, model_dir: str, held_out: list[str]) -> float:
    """Writes and returns what a sweep compares."""
    path = os.path.join(model_dir, summaries.RESULT_NAME)
    result = summaries.training_result(
        gan, training.network_images(config, held_out, limit=_NUM_HELD_OUT)
    )
    if os.path.exists(path):
        old = artifacts.read_json(path, made_by="train_gan.py")
        result = {**old, **result}
    artifacts.write_json(path, result)
    summaries.write_hparams(model_dir, dataclasses.asdict(config), result)
    logging.info(
        "Reconstruction loss of held-out images: %.4g; of the same, seen with "
        "synthetic defects: %.4g.",
        result["held_out_reconstruction_loss"],
        result["held_out_denoising_loss"],
    )
    return result["held_out_denoising_loss"]


def _train(model_dir: str) -> float:
    """Trains one model; the denoising loss of held-out images."""
    training.use_determinism(_SEED.value)
    split = _open_split(model_dir)
    paths = [file.path for file in split.train]
    held_out = [file.path for file in split.calibration]
    config = _resolve(paths, held_out)
    training.start_or_resume(config, model_dir, data=_DATA.value)
    gan = training.train(
        config,
        paths,
        model_dir,
        calibration_paths=held_out,
        text=_describe(split, config),
    )
    return _finish(gan, config, model_dir, held_out)


def _sweep() -> str:
    """Trains every combination; the folder of the best one."""
    values = sweep.parse_sweep(_SWEEP.value)
    for name in values:
        if name in _NOT_SWEPT or name not in _own_flags():
            raise ValueError(
                f"Invalid value for --sweep. Expected flags of this tool but "
                f"for {', '.join(_NOT_SWEPT)}. Received: {name}"
            )
    chosen = sweep.combinations(
        values, num_samples=_SWEEP_SAMPLES.value, seed=_SEED.value
    )
    losses = {}
    for row, combination in enumerate(chosen):
        name = sweep.folder_name(combination)
        logging.info("Combination %d of %d: %s.", row + 1, len(chosen), name)
        for flag, value in combination.items():
            flags.FLAGS[flag].parse(value)
        losses[name] = _train(os.path.join(_MODEL_DIR.value, name))
        order = sweep.ranked(losses)
        artifacts.write_json(
            os.path.join(_MODEL_DIR.value, sweep.SWEEP_NAME),
            {
                "best": order[0],
                "held_out_denoising_loss": {n: losses[n] for n in order},
                "num_combinations": len(chosen),
            },
        )
    return os.path.join(_MODEL_DIR.value, order[0])


def main() -> None:
    model_dir = _MODEL_DIR.value
    if _SWEEP.value is None:
        _train(model_dir)
    else:
        model_dir = _sweep()
        logging.info(
            "All combinations: tensorboard --logdir=%s", _MODEL_DIR.value
        )
    logging.info("The model is in %s. Next:", model_dir)
    print(
        f"python tools/fit_detector.py --data={_DATA.value} "
        f"--model_dir={model_dir}"
    )


if __name__ == "__main__":
    cli.run(main)
