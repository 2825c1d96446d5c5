"""Scoring by an exported SavedModel, without any of the code that made it."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np
import tensorflow as tf

from ganad_tf.serving import scoring


def newest_version(path: str) -> str:
    """Finds the SavedModel in a folder.

    Args:
        path: A version's folder, or the folder of the versions.

    Returns:
        version: `path` itself, or its sub-folder of the largest integer.

    Raises:
        FileNotFoundError: If there is no SavedModel.
    """
    if os.path.isfile(os.path.join(path, "saved_model.pb")):
        return path
    names = os.listdir(path) if os.path.isdir(path) else []
    versions = sorted((n for n in names if n.isdigit()), key=int)
    if not versions:
        raise FileNotFoundError(
            f"There is no SavedModel in {path}. Expected saved_model.pb, or "
            "a folder named by an integer with one. Run export_saved_model.py "
            "first"
        )
    return newest_version(os.path.join(path, versions[-1]))


class SavedModelScorer:
    """Scores encoded images by a SavedModel.

    Args:
        path: A version's folder, or the folder of the versions.

    Attributes:
        path: The version's folder.
        manifest: The content of its `manifest.json`.

    Raises:
        FileNotFoundError: If there is no SavedModel.
    """

    def __init__(self, path: str):
        self.path = newest_version(path)
        self._loaded = tf.saved_model.load(self.path)
        manifest = os.path.join(self.path, "assets.extra", "manifest.json")
        with open(manifest, encoding="utf-8") as file:
            self.manifest = json.load(file)

    def score(
        self, image_bytes: list[bytes], *, signature: str = "score"
    ) -> list[scoring.ScoredRow]:
        """Scores images; one that cannot be decoded costs itself alone.

        Args:
            image_bytes: Encoded PNG, JPEG or BMP images.
            signature: "score" for the scalars, "inspect" for the scalars and
                PNGs of reconstruction and anomaly map.

        Returns:
            rows: For each image a dictionary from the signature's outputs to
                their values, or the reason why there is none.
        """
        run = self._loaded.signatures[signature]

        def predict(images: list[bytes]) -> list[dict[str, Any]]:
            try:
                outputs = run(image_bytes=tf.constant(images))
            except tf.errors.InvalidArgumentError as error:
                reason = error.message.splitlines()[0]
                raise scoring.RefusedError(
                    f"not decodable: {reason}"
                ) from error
            return scoring.rows_of(
                {name: np.asarray(values) for name, values in outputs.items()}
            )

        return scoring.score_apart(predict, image_bytes)
