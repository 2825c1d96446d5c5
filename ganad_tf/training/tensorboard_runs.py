"""TensorBoard runs of a model folder: their folders, HParams and text."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams_api

from ganad_tf import artifacts
from ganad_tf.data.dataset import Split


def log_dir(model_dir: str, run: str) -> str:
    """Returns the folder of a run's event files."""
    return os.path.join(model_dir, "logs", run)


@contextlib.contextmanager
def new_run(model_dir: str, run: str) -> Iterator[str]:
    """Opens a run's folder, which replaces an older one when it is complete.

    It is written elsewhere first: a running TensorBoard takes every folder
    with event files for a run.

    Args:
        model_dir: The model folder.
        run: Name of the run.

    Yields:
        folder: Where to write to.
    """
    target = log_dir(model_dir, run)
    with artifacts.temporary_directory() as parent:
        folder = os.path.join(parent, run)
        os.makedirs(folder)
        yield folder
        shutil.rmtree(target, ignore_errors=True)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.move(folder, target)


def write_hparams(
    model_dir: str, settings: dict[str, Any], metrics: dict[str, float | None]
) -> None:
    """Writes the row of a model on TensorBoard's HParams page.

    Args:
        model_dir: The model folder; an older row is replaced.
        settings: Of the training run; None and lists are shown as text.
        metrics: Figures of the model; those that are None are skipped.
    """
    plain = {
        name: value if isinstance(value, bool | int | float) else str(value)
        for name, value in settings.items()
    }
    with new_run(model_dir, "hparams") as folder:
        writer = tf.summary.create_file_writer(folder)
        with writer.as_default(0):
            hparams_api.hparams(plain, trial_id=os.path.abspath(model_dir))
            for name, value in metrics.items():
                if value is not None:
                    tf.summary.scalar(f"metrics/{name}", value)
        writer.close()


def settings_text(
    *,
    settings: dict[str, Any],
    versions: dict[str, str],
    data: str,
    split: Split,
) -> str:
    """The text page of a training run, in Markdown.

    Args:
        settings: Overrides and configuration by name.
        versions: Versions of packages by name.
        data: Name of the data set, as of `--data`.
        split: The roles of its images.

    Returns:
        text: Markdown: image counts by role, settings, versions.
    """
    counts = {
        role.replace("_", " "): len(files)
        for role, files in split._asdict().items()
    }
    types = sorted({file.defect_type for file in split.test_defective})
    return (
        f"### Data: {data}\n\n{_table(counts)}\n"
        f"Defect types in the test: {', '.join(types) or 'none'}. Nothing is "
        "trained, chosen or stopped by test images.\n\n"
        f"### Settings\n\n{_table(settings)}\n"
        f"### Versions\n\n{_table(versions)}"
    )


def _table(values: dict[str, Any]) -> str:
    rows = "".join(f"| {name} | {value} |\n" for name, value in values.items())
    return f"| | |\n|---|---|\n{rows}"
