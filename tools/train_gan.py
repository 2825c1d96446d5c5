"""Trains the GAN on qualified images only.

    python tools/train_gan.py --data=elpv:mono --model_dir=/tmp/solar

writes `config.json`, `split.json`, a checkpoint and TensorBoard logs to the
model folder. Run again with the same flags, it resumes. Solar cells (352
training images of 64x64 pixels, 1000 steps) take about four minutes on two
cores. `tensorboard --logdir=/tmp/solar` shows the training run while it lasts.

    python tools/train_gan.py --data=elpv:mono --model_dir=/tmp/sweep \
        --sweep="width=8,16;learning_rate=1e-4,3e-4"

trains every combination in a folder of its own and names the one with the
least denoising loss: that of held-out qualified images with synthetic defects.
Run again, it resumes and skips combinations that are complete. All GPUs train
together, and several hosts where TF_CONFIG names them. A repeatable
flag takes several values at once: "without=linear_head+adversarial,field".
"""

import copy
import os
import sys
from typing import Any

from absl import flags
from absl import logging

import cli
from ganad_tf import recipes
from ganad_tf import remote
from ganad_tf import staging
from ganad_tf.data import dataset
from ganad_tf.errors import UserError
from ganad_tf.training import choices
from ganad_tf.training import held_out_losses
from ganad_tf.training import sweep
from ganad_tf.training.configuration import LEAST
from ganad_tf.training.training_run import train_gan


def _default(field: str) -> str:
    """A recipe's value for the help: one, or one for each method."""
    values = {name: getattr(r, field) for name, r in recipes.RECIPES.items()}
    if len(set(values.values())) == 1:
        return f"Default: {values[recipes.METHODS[0]]}."
    listed = ", ".join(f"{value} ({name})" for name, value in values.items())
    return f"Default: {listed}."


_DATA = flags.DEFINE_string(
    "data",
    None,
    "Folder of qualified images, MVTec-AD folder, elpv:mono or elpv:poly.",
    required=True,
)
_MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "Folder to write the model to.", required=True
)
flags.DEFINE_enum(
    "method",
    recipes.JOINT.name,
    recipes.METHODS,
    "; ".join(f"{r.name}: {r.description}" for r in recipes.RECIPES.values())
    + ".",
)
flags.DEFINE_integer(
    "image_size",
    choices.IMAGE_SIZE,
    "Side in pixels to resize images to for the GAN: 16, 32, 64 or 128.",
)
flags.DEFINE_integer(
    "resolution",
    choices.RESOLUTION,
    "Short side in pixels that images are reduced to for the U-Net "
    "discriminator, which sees small defects. A larger one shows smaller "
    f"defects and takes longer. The long side is at most {choices.MAX_ASPECT} "
    "times it.",
    lower_bound=16,
)
flags.DEFINE_integer(
    "field_steps",
    None,
    "Steps of training the U-Net discriminator. " + _default("field_steps"),
    lower_bound=LEAST["field_steps"],
)
flags.DEFINE_enum(
    "channels",
    "auto",
    ("auto", "1", "3"),
    "1: gray; 3: RGB; auto: as the files.",
)
flags.DEFINE_integer(
    "latent_dim",
    None,
    "Length of a latent. By default the least of several that is enough for "
    f"held-out qualified images. {_default('latent_dims')}",
    lower_bound=LEAST["latent_dim"],
)
flags.DEFINE_integer(
    "width",
    None,
    f"Channels of the networks' finest layers. {_default('width')}",
    lower_bound=LEAST["width"],
)
flags.DEFINE_integer(
    "num_steps",
    None,
    f"Steps of training. {_default('num_steps')}",
    lower_bound=LEAST["num_steps"],
)
flags.DEFINE_integer(
    "batch_size",
    None,
    f"Images per step. {_default('batch_size')}",
    lower_bound=LEAST["batch_size"],
)
flags.DEFINE_float(
    "learning_rate",
    None,
    "Adam's step size for generator and encoder. " + _default("learning_rate"),
    lower_bound=LEAST["learning_rate"],
)
flags.DEFINE_float(
    "discriminator_learning_rate",
    None,
    "Adam's step size for the discriminator. "
    + _default("discriminator_learning_rate"),
    lower_bound=LEAST["discriminator_learning_rate"],
)
flags.DEFINE_bool(
    "horizontal_flip",
    None,
    "Train on images mirrored left-right, too. Default: if mirrored held-out "
    "qualified images look like the others.",
)
flags.DEFINE_bool(
    "vertical_flip", None, "The same for images mirrored up-down."
)
flags.DEFINE_integer(
    "max_shift",
    0,
    "Largest random shift of training images in pixels.",
    lower_bound=LEAST["max_shift"],
)
flags.DEFINE_multi_enum(
    "without",
    [],
    tuple(recipes.JOINT.ablations),
    "Switch off a part of the method joint, to see what it contributes: the "
    "encoder's synthetic defects, the linear head, the adversarial loss or the "
    "field of U-Net features. Repeatable.",
)
flags.DEFINE_integer(
    "max_images",
    None,
    "Limit of training and calibration images together, to see how many are "
    "needed; the test images stay the same. Default: all.",
    lower_bound=dataset.MIN_QUALIFIED,
)
flags.DEFINE_bool(
    "mixed_precision", False, "Compute hidden layers in bfloat16."
)
flags.DEFINE_string(
    "group_by",
    None,
    "Which images show one thing (exposures of one tile, tiles of one board) "
    "and have one role: folder, or a regular expression on the path below "
    '--data with one group in parentheses, such as "(tile[0-9]+)_".',
)
_DEVICES = flags.DEFINE_list(
    "devices",
    [],
    "Devices of this host to train on, such as GPU:0,GPU:1; several share "
    "each batch. CPU:0,CPU:1 divides the CPU. Default: all GPUs, or else the "
    "CPU. TF_CONFIG names several hosts.",
)
flags.DEFINE_string(
    "exclude",
    None,
    "List of images that are not good, one path a line, or the marks that "
    "look_first.py or report.html downloads: they get no role.",
)
flags.DEFINE_string(
    "init_from",
    None,
    "Folder of a trained model whose networks this one begins with, for light "
    "or material that has changed; fewer --num_steps and --field_steps are "
    "enough then.",
)
_SEED = flags.DEFINE_integer(
    "seed",
    0,
    "Seed of the split and of everything random.",
    lower_bound=LEAST["seed"],
)
_SWEEP = flags.DEFINE_string(
    "sweep",
    None,
    'Flags and the values to try, such as "width=8,16;learning_rate=1e-4,3e-4".'
    " Names the combination with the least denoising loss, that of held-out "
    "qualified images with synthetic defects. Longer latents always "
    "reconstruct better: sweep latent_dim only with care.",
)
_SWEEP_SAMPLES = flags.DEFINE_integer(
    "sweep_samples",
    None,
    "Number of combinations to draw at random. Default: all.",
    lower_bound=1,
)
# Flags that are not arguments of a single training run.
_NOT_SWEPT = (
    "data",
    "model_dir",
    "devices",
    "seed",
    "sweep",
    "sweep_samples",
)


def _own_flags() -> dict[str, flags.Flag]:
    """This tool's flags that may be swept, by name."""
    own = flags.FLAGS.get_key_flags_for_module(sys.argv[0])
    return {flag.name: flag for flag in own if flag.name not in _NOT_SWEPT}


def _argument(value: Any) -> Any:
    """A flag's value as `train_gan` takes it: "auto" is None, "16" is 16."""
    if isinstance(value, list):
        return [_argument(item) for item in value]
    if isinstance(value, str):
        if value == "auto":
            return None
        return int(value) if value.isdecimal() else value
    return value


def _swept_argument(name: str, text: str) -> Any:
    """The argument that a flag has after `--name=text`, whatever it has now.

    A repeatable flag gets several values by "one+other".
    """
    flag = copy.deepcopy(_own_flags()[name])
    flag.unparse()
    try:
        repeatable = isinstance(flag, flags.MultiFlag)
        flag.parse(text.split("+") if repeatable else text)
    except flags.Error as error:
        raise UserError(f"Invalid value for --sweep: {error}") from error
    return _argument(flag.value)


def _train(model_dir: str, **swept: Any) -> None:
    arguments = {n: _argument(f.value) for n, f in _own_flags().items()}
    train_gan(
        _DATA.value,
        model_dir,
        seed=_SEED.value,
        devices=_DEVICES.value,
        **{**arguments, **swept},
    )


def _sweep() -> str:
    """Trains every combination; returns the folder of the best one."""
    if os.environ.get("TF_CONFIG"):
        raise UserError(
            "--sweep runs on one host. Expected no TF_CONFIG: start a sweep of "
            "other combinations on each host"
        )
    values = sweep.parse_sweep(_SWEEP.value, names=_own_flags())
    arguments = {
        (name, text): _swept_argument(name, text)
        for name, texts in values.items()
        for text in texts
    }

    def train_one(combination: dict[str, str], model_dir: str) -> float:
        swept = {name: arguments[name, t] for name, t in combination.items()}
        _train(model_dir, **swept)
        result = held_out_losses.read_result(model_dir)
        return result[held_out_losses.DENOISING_LOSS]

    chosen = sweep.combinations(
        values, num_samples=_SWEEP_SAMPLES.value, seed=_SEED.value
    )
    with staging.local_folder(_MODEL_DIR.value) as folder:
        best = sweep.run_sweep(train_one, chosen, folder)
    return remote.join(_MODEL_DIR.value, os.path.relpath(best, folder))


def main() -> None:
    model_dir = _MODEL_DIR.value
    if _SWEEP.value is None:
        _train(model_dir)
    else:
        model_dir = _sweep()
        logging.info(
            "All combinations: tensorboard --logdir=%s", _MODEL_DIR.value
        )
    cli.finish(
        f"The model is in {model_dir}",
        f"python tools/fit_detector.py --data={_DATA.value} "
        f"--model_dir={model_dir}",
    )


if __name__ == "__main__":
    cli.run(main)
