"""Summaries: what TensorBoard shows of an evaluation."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from PIL import Image
from tensorboard.plugins import projector

from ganad_tf import artifacts
from ganad_tf.data.dataset import ImageFile
from ganad_tf.data.dataset import Split
from ganad_tf.data.image_tensors import to_uint8
from ganad_tf.evaluation import figures
from ganad_tf.evaluation.formatting import printable
from ganad_tf.score_parts import ANOMALY
from ganad_tf.score_parts import FRECHET
from ganad_tf.score_parts import SCORE_PARTS

# Images of each role that the projector shows, and the side of a thumbnail in
# pixels. The sprite of them all has to stay below 8192 pixels a side.
NUM_PROJECTED = 600
THUMBNAIL_SIZE = 40


def write_scores(
    folder: str,
    *,
    labels: Sequence[int],
    scores: dict[str, np.ndarray],
    threshold: float,
) -> None:
    """Writes score histograms, ROC and precision-recall curves.

    Args:
        folder: TensorBoard's run.
        labels: Integers of shape (n,), 0 qualified, 1 defective.
        scores: For each method, floats of shape (n,).
        threshold: Least anomaly score that is called defective.
    """
    labels = np.asarray(labels)
    pictures = {
        f"test/{ANOMALY.name}": figures.histogram_png(
            labels, scores[ANOMALY.name], threshold
        )
    }
    if len(set(labels.tolist())) == 2:
        pictures |= {
            "test/roc_curves": figures.roc_png(labels, scores),
            "test/precision_recall_curves": figures.precision_recall_png(
                labels, scores
            ),
        }
    writer = tf.summary.create_file_writer(folder)
    with writer.as_default(0):
        for tag, png in pictures.items():
            tf.summary.image(tag, tf.image.decode_png(png, channels=3)[None])
        for name, values in _readable_scores(scores).items():
            for label, kind in enumerate(("qualified", "defective")):
                chosen = values[labels == label]
                if len(chosen):
                    tf.summary.histogram(f"test/{name}_of_{kind}", chosen)
    writer.close()


def _readable_scores(scores: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Our scores for histograms; distances range over powers of ten."""
    ours = {part.name: np.asarray(scores[part.name]) for part in SCORE_PARTS}
    distances = np.maximum(ours.pop(FRECHET.name), 1e-6)
    return {**ours, f"log10_{FRECHET.name}": np.log10(distances)}


def projected_files(split: Split) -> list[tuple[str, ImageFile]]:
    """Images for the projector, evenly spread over each role.

    Args:
        split: The roles of all images.

    Returns:
        rows: Role, a field of `Split`, and file of each image.
    """
    rows = []
    for part in ("train", "calibration", "test_qualified", "test_defective"):
        files = getattr(split, part)
        chosen = np.linspace(
            0, len(files) - 1, min(len(files), NUM_PROJECTED)
        ).astype(int)
        rows += [(part, files[row]) for row in chosen]
    return rows


def write_projector(
    folder: str,
    *,
    latents: np.ndarray,
    images: np.ndarray,
    rows: Sequence[tuple[str, ImageFile]],
    is_defective: np.ndarray,
) -> None:
    """Writes latents for TensorBoard's projector, with thumbnails.

    Tensors are text, so no TensorFlow is needed to look at them. The projector
    shows a folder only where it also holds an event file.

    Args:
        folder: TensorBoard's run.
        latents: Floats of shape (n, dim).
        images: Floats of shape (n, height, width, channels) in [-1, 1].
        rows: As `projected_files` gives them.
        is_defective: Booleans of shape (n,), the verdicts.
    """
    artifacts.write_text(
        os.path.join(folder, "latents.tsv"), _tsv(np.char.mod("%.5g", latents))
    )
    metadata = [("set", "verdict", "name")]
    metadata += [
        (
            printable(f"test: {file.defect_type}")
            if part.startswith("test")
            else part,
            "defective" if bad else "qualified",
            printable(file.name),
        )
        for (part, file), bad in zip(rows, is_defective, strict=True)
    ]
    artifacts.write_text(os.path.join(folder, "metadata.tsv"), _tsv(metadata))
    artifacts.write_bytes(os.path.join(folder, "sprite.png"), _sprite(images))
    config = projector.ProjectorConfig()
    shown = config.embeddings.add(
        tensor_name="latents",
        tensor_path="latents.tsv",
        metadata_path="metadata.tsv",
    )
    shown.sprite.image_path = "sprite.png"
    shown.sprite.single_image_dim.extend([THUMBNAIL_SIZE, THUMBNAIL_SIZE])
    projector.visualize_embeddings(folder, config)


def _tsv(rows: Sequence[Sequence[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter="\t", lineterminator="\n").writerows(rows)
    return buffer.getvalue()


def _sprite(images: np.ndarray) -> bytes:
    """Thumbnails in rows of a square, as the projector wants them."""
    side = int(np.ceil(np.sqrt(len(images))))
    small = tf.image.resize(
        images, [THUMBNAIL_SIZE, THUMBNAIL_SIZE], antialias=True
    ).numpy()
    gray = np.pad(small, [(0, side**2 - len(small)), (0, 0), (0, 0), (0, 0)])
    cells = gray.reshape(side, side, *gray.shape[1:]).transpose(0, 2, 1, 3, 4)
    pixels = to_uint8(cells.reshape(side * THUMBNAIL_SIZE, -1, gray.shape[-1]))
    buffer = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(buffer, "PNG")
    return buffer.getvalue()
