"""An exported SavedModel: its newest version, its content, scoring by it."""

from __future__ import annotations

import glob
import hashlib
import json
import os
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from ganad_tf import remote
from ganad_tf import staging
from ganad_tf.errors import UserError
from ganad_tf.errors import runtime_reason
from ganad_tf.model_versions import is_version
from ganad_tf.serving.scorer import RefusedError
from ganad_tf.serving.scorer import Scorer
from ganad_tf.serving.scorer import inputs_of
from ganad_tf.serving.scorer import rows_of

_MANIFEST_NAME = os.path.join("assets.extra", "manifest.json")


class ModelError(UserError):
    """A SavedModel does not load or run, or gives wrong numbers."""


def newest_version(path: str) -> str:
    """Finds the SavedModel in a folder.

    Args:
        path: Folder of a version, or folder of the versions, here or at an
            address that TensorFlow reads.

    Returns:
        version: `path` itself, or its sub-folder of the largest integer; at an
            address one that is being uploaded is no version yet.

    Raises:
        UserError: If there is no SavedModel.
    """
    if _is_saved_model(path):
        return path
    versions = filter(is_version, remote.list_dir(path))
    for name in sorted(versions, key=int, reverse=True):
        version = remote.join(path, name)
        if _is_saved_model(version):
            return version
    raise UserError(
        f"There is no SavedModel in {path}. Expected saved_model.pb, or a "
        "folder named by an integer with one. Run export_saved_model.py first"
    )


def _is_saved_model(path: str) -> bool:
    return remote.is_file(remote.join(path, "saved_model.pb"))


def read_manifest(path: str) -> dict[str, Any]:
    """Reads the manifest of a version.

    Args:
        path: Folder of the version.

    Returns:
        manifest: Content of `assets.extra/manifest.json`.

    Raises:
        ModelError: If there is none, or it is not JSON.
    """
    name = os.path.join(path, _MANIFEST_NAME)
    try:
        with open(name, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{name} cannot be read ({error}). Expected a model of "
            "export_saved_model.py"
        ) from error


def read_signatures(path: str) -> dict[str, SignatureDef]:
    """Reads which tensors are inputs and outputs of each signature.

    Args:
        path: Folder of a version.

    Returns:
        signatures: `SignatureDef`s by name.

    Raises:
        ModelError: If `saved_model.pb` is missing or broken.
    """
    name = os.path.join(path, "saved_model.pb")
    try:
        with open(name, "rb") as file:
            content = saved_model_pb2.SavedModel.FromString(file.read())
    except (OSError, DecodeError) as error:
        raise ModelError(f"{name} cannot be read: {error}") from error
    for meta_graph in content.meta_graphs:
        if "serve" in meta_graph.meta_info_def.tags:
            return dict(meta_graph.signature_def)
    raise ModelError(f"{name} holds no graph to serve")


def _digest(path: str) -> str:
    """SHA-256 of the files that the outputs of a version depend on."""
    digest = hashlib.sha256()
    variables = glob.glob(os.path.join(glob.escape(path), "variables", "*"))
    for name in (os.path.join(path, "saved_model.pb"), *sorted(variables)):
        with open(name, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


class SavedModelScorer(Scorer):
    """Scores encoded images by a SavedModel, in this process.

    Nothing of the code that made the model is needed, only TensorFlow.

    Args:
        path: Folder of a version, or folder of the versions, as of
            `newest_version`.

    Attributes:
        path: Folder of the version.
        version: A digest of the model's files.

    Raises:
        UserError: If there is no SavedModel, or it cannot be loaded.
    """

    def __init__(self, path: str):
        self.path = newest_version(path)
        with staging.local_folder(self.path) as folder:
            super().__init__(remote.absolute(self.path), read_manifest(folder))
            self._signatures = read_signatures(folder)
            self.version = _digest(folder)
            self._loaded = self._load(folder)

    def _load(self, folder: str) -> Any:
        try:
            return tf.saved_model.load(folder)
        except (OSError, tf.errors.OpError) as error:
            raise ModelError(
                f"{self.path} cannot be loaded: {error}"
            ) from error

    def _inputs(self) -> dict[str, Any]:
        return inputs_of(self._signatures)

    def _predict(
        self, images: list[bytes], signature: str
    ) -> list[dict[str, Any]]:
        try:
            outputs = self._loaded.signatures[signature](
                image_bytes=tf.constant(images)
            )
        except tf.errors.InvalidArgumentError as error:
            reason = runtime_reason(error.message)
            raise RefusedError(f"not decodable: {reason}") from error
        except tf.errors.ResourceExhaustedError as error:
            reason = runtime_reason(error.message)
            raise RefusedError(f"too large: {reason}") from error
        return rows_of(
            {name: np.asarray(values) for name, values in outputs.items()}
        )
