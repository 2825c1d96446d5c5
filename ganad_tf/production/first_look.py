"""Look at these first: the training images that are most unlike the rest.

A training set may hold defects that nobody has noticed. A page shows the most
unusual images, so that a person can clean the folder in minutes.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ganad_tf import artifacts
from ganad_tf.data import dataset
from ganad_tf.data.listing import ImageFile
from ganad_tf.detector import out_of_fold
from ganad_tf.detector.detector import OneClassDetector
from ganad_tf.detector.model_folder import image_batches
from ganad_tf.detector.model_folder import load_detector
from ganad_tf.evaluation import gallery
from ganad_tf.evaluation import page
from ganad_tf.evaluation.map_pictures import Panel
from ganad_tf.evaluation.map_pictures import strip_jpeg
from ganad_tf.training.configuration import TrainingConfig
from ganad_tf.training.determinism import use_determinism

# Images that are shown: at least so many, and a tenth of all, with an end.
MIN_SHOWN, MAX_SHOWN = 30, 300


class FirstLook(NamedTuple):
    """What a person should look at."""

    files: list[ImageFile]  # the most unlike the rest first, all of them
    num_outliers: int


def look_first(data: str, model_dir: str, output: str) -> FirstLook:
    """Writes the page of the training images that are most unlike the rest.

    Args:
        data: The data that the GAN was trained on.
        model_dir: Folder of the trained and fitted model.
        output: HTML file to write.

    Returns:
        looked: `FirstLook`.

    Raises:
        UserError: If the model is incomplete, images are missing, or there are
            too few to leave some out.
    """
    config = TrainingConfig.load(model_dir)
    use_determinism(config.seed)
    split = dataset.load_split(data, model_dir)
    detector = load_detector(model_dir)
    scored = out_of_fold.score_out_of_fold(
        detector,
        split.train + split.calibration,
        load=functools.partial(image_batches, detector),
        seed=config.seed,
    )
    order = np.argsort(-scored.scores, kind="stable")
    count = max(MIN_SHOWN, min(MAX_SHOWN, len(order) // 10))
    num_outliers = int(scored.is_outlier.sum())
    html = page.render(
        "first_look.html",
        room="ganad_tf.production",
        title=data,
        entries=_entries(detector, scored, order[:count]),
        num_images=len(order),
        num_outliers=num_outliers,
    )
    artifacts.write_text(output, html)
    return FirstLook([scored.files[row] for row in order], num_outliers)


def _entries(
    detector: OneClassDetector,
    scored: out_of_fold.OutOfFold,
    rows: Sequence[int],
) -> list[gallery.Entry]:
    entries = {}
    for fold, fitted in enumerate(scored.detectors):
        # Maps in the scale of the model's own, by statistics of other images.
        fitted.map_scale_ = detector.map_scale_
        chosen = [row for row in rows if scored.folds[row] == fold]
        files = [scored.files[row] for row in chosen]
        panels = _panels(fitted, files, detector.map_calibrator_.threshold_)
        for row, file, panel in zip(chosen, files, panels, strict=True):
            entries[row] = gallery.Entry(
                file.name,
                "training image",
                "outlier" if scored.is_outlier[row] else "usual",
                float(scored.scores[row]),
                float(scored.p_values[row]),
                "",
                strip_jpeg(panel, size=gallery.SIZE),
            )
    return [entries[row] for row in rows]


def _panels(
    fitted: OneClassDetector, files: Sequence[ImageFile], threshold: float
) -> list[Panel]:
    """Image, reconstruction and map of each file."""
    panels = []
    for batch in image_batches(fitted, files) if files else ():
        inverted = fitted.invert(batch)
        maps = fitted.merge_maps(fitted.measure(batch, inverted).maps)
        columns = (batch, fitted.reconstruct(inverted), maps)
        panels += [
            Panel("", *pictures, threshold)
            for pictures in zip(*(c.numpy() for c in columns), strict=True)
        ]
    return panels
