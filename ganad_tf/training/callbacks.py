"""Callbacks of a training run: progress, checkpoint, guard, last step."""

from __future__ import annotations

import math
import os
import time

import keras
import numpy as np
from absl import logging

from ganad_tf import artifacts
from ganad_tf import progress
from ganad_tf.errors import UserError
from ganad_tf.training import distribution

CHECKPOINT_NAME = "checkpoint.weights.h5"


def steps_taken(model: keras.Model) -> int:
    """The step counter of a model, on one device or on several."""
    return int(np.asarray(model.step))


class Progress(keras.callbacks.Callback):
    """Logs a line per epoch: the step, the speed and the time left.

    Adds `images_per_second` to the logs for the callbacks that follow. The
    first batch of an epoch is not counted: it includes tracing and reading
    ahead.

    Args:
        batch_size: Images per step.
    """

    def __init__(self, batch_size: int):
        super().__init__()
        self.batch_size = batch_size

    def on_train_batch_end(self, batch: int, logs=None) -> None:
        if batch == 0:
            self._start, self._num_batches = time.monotonic(), 0
        else:
            self._num_batches += 1

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        seconds = time.monotonic() - self._start
        rate = max(self._num_batches, 1) * self.batch_size / seconds
        step, total = steps_taken(self.model), self.model.num_steps
        left = max(total - step, 0) * self.batch_size / rate
        logging.info(
            "Step %d of %d: %.0f images/s, %s left.",
            step,
            total,
            rate,
            progress.duration(left),
        )
        if logs is not None:
            logs["images_per_second"] = rate


class Checkpoint(keras.callbacks.Callback):
    """Writes a checkpoint; a resumed run equals an uninterrupted one.

    Networks, moving averages, both optimizers and the step are in one file,
    which replaces the last one only when it is complete. Of several hosts, the
    chief writes it.

    Args:
        model_dir: Folder of the checkpoint.
        name: Of its file, ending in ".weights.h5".
    """

    def __init__(self, model_dir: str, name: str = CHECKPOINT_NAME):
        super().__init__()
        os.makedirs(model_dir, exist_ok=True)
        self.path = os.path.join(model_dir, name)

    def restore(self, model: keras.Model) -> int:
        """Loads the checkpoint into a compiled model, if there is one.

        Args:
            model: Compiled model of the checkpoint's configuration.

        Returns:
            step: Steps the model was trained for; 0 without a checkpoint.

        Raises:
            UserError: If the checkpoint is damaged or of another model.
        """
        if os.path.exists(self.path):
            try:
                model.load_weights(self.path)
            # HDF5 and Keras report damage and other shapes by any of these.
            except (OSError, ValueError, KeyError) as error:
                raise UserError(
                    f"{self.path} is damaged or of another model ({error}). "
                    "Train again with another --model_dir"
                ) from error
        return steps_taken(model)

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        if not distribution.is_chief():
            self._take_part()
            return
        with artifacts.new_file(self.path, suffix=".weights.h5") as part:
            # HDF5 ends the process with a segmentation fault on a full disk.
            artifacts.claim_space(part, self._most_bytes())
            self.model.save_weights(part, overwrite=True)

    def _take_part(self) -> None:
        """Writes a file that is not kept: Keras makes variables to write one.

        A variable of several hosts is there when all of them have made it.
        """
        with artifacts.temporary_directory() as folder:
            path = os.path.join(folder, CHECKPOINT_NAME)
            self.model.save_weights(path, overwrite=True)

    def _most_bytes(self) -> int:
        """What the file takes at most: Adam keeps two values of each weight."""
        variables = self.model.variables
        values = sum(math.prod(variable.shape) for variable in variables)
        return 3 * (4 * values + 4096 * len(variables))


class StopAtLastStep(keras.callbacks.Callback):
    """Ends a training run at its last step, within an epoch or not.

    Keras counts epochs of equal length; the last one is cut short. All
    callbacks see its end.

    Args:
        num_steps: Of the whole training run, earlier parts included.
    """

    def __init__(self, num_steps: int):
        super().__init__()
        self.num_steps = num_steps

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        self._left = self.num_steps - steps_taken(self.model)

    def on_train_batch_end(self, batch: int, logs=None) -> None:
        if batch + 1 >= self._left:
            self.model.stop_training = True


class UnstableTrainingError(UserError):
    """The training run has diverged or collapsed."""


class TrainingGuard(keras.callbacks.Callback):
    """Stops a training run that has diverged or collapsed.

    Args:
        min_diversity: Least spread of generated images, as a share of the
            real images' (`step_losses.diversity`).
        patience: Epochs in a row below it before the run stops.

    Raises:
        UnstableTrainingError: In `fit`, at a loss that is not finite, or when
            the generator repeats one image.
    """

    def __init__(self, *, min_diversity: float = 0.05, patience: int = 3):
        super().__init__()
        self.min_diversity = min_diversity
        self.patience = patience
        self._num_low = 0

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        logs = logs or {}
        for name, value in logs.items():
            if not math.isfinite(value):
                raise UnstableTrainingError(
                    f"The training run has diverged: `{name}` is {value} in "
                    f"epoch {epoch + 1}. Run again with a lower "
                    "--learning_rate and another --model_dir"
                )
        low = logs.get("diversity", 1.0) < self.min_diversity
        self._num_low = self._num_low + 1 if low else 0
        if low:
            logging.warning(
                "Generated images hardly differ: their diversity is %.3f of "
                "the real images'.",
                logs["diversity"],
            )
        if self._num_low >= self.patience:
            raise UnstableTrainingError(
                "The generator has collapsed: the diversity of generated "
                f"images is below {self.min_diversity} of the real images' for "
                f"{self.patience} epochs, up to epoch {epoch + 1}. Run again "
                "with another --seed, a lower --learning_rate or more images, "
                "and another --model_dir"
            )
