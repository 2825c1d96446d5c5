"""Chooses the scorer for a SavedModel here or for the address of a server."""

from __future__ import annotations

import importlib

from ganad_tf.errors import UserError
from ganad_tf.serving.credentials import NO_CREDENTIALS
from ganad_tf.serving.credentials import Credentials
from ganad_tf.serving.scorer import Scorer

# Module and class for the scheme of an address. A module is imported when its
# scheme is used: REST must start without TensorFlow, and gRPC's package is an
# extra.
_CLIENTS = {
    "http": ("rest_client", "RestClient"),
    "https": ("rest_client", "RestClient"),
    "grpc": ("grpc_client", "GrpcClient"),
    "grpcs": ("grpc_client", "GrpcClient"),
}


def open_scorer(
    *,
    saved_model: str | None = None,
    server: str | None = None,
    timeout: float = 60.0,
    num_retries: int = 6,
    credentials: Credentials = NO_CREDENTIALS,
) -> Scorer:
    """Opens a SavedModel, or a client of a server; expects one of the two.

    Args:
        saved_model: Folder of a version, or folder of the versions.
        server: `http://host:8501/v1/models/NAME` or `grpc://host:8500/NAME`;
            with TLS `https://` or `grpcs://`.
        timeout: Seconds to wait for a server's answer.
        num_retries: How often a request to an unavailable server is repeated.
        credentials: For a server that asks for them, or for TLS.

    Returns:
        scorer: `SavedModelScorer`, `RestClient` or `GrpcClient`.

    Raises:
        UserError: If both or neither are given, there is no SavedModel, the
            address has another form, or gRPC is not installed.
    """
    if (saved_model is None) == (server is None):
        raise UserError("Expected one of --saved_model and --server")
    if saved_model is not None:
        return _load("saved_model", "SavedModelScorer")(saved_model)
    scheme, separator, _ = server.partition("://")
    if not separator or scheme not in _CLIENTS:
        raise UserError(
            "Invalid value for --server. Expected http://, https:// or "
            f"grpc://, or grpcs:// for TLS. Received: {server}"
        )
    try:
        client = _load(*_CLIENTS[scheme])
    except ImportError as error:
        raise UserError(
            f"{scheme}:// needs the extra `serving` ({error}): pip install "
            '"ganad_tf[serving]", or use http://'
        ) from error
    return client(
        server,
        timeout=timeout,
        num_retries=num_retries,
        credentials=credentials,
    )


def _load(module: str, name: str) -> type[Scorer]:
    return getattr(importlib.import_module(f"ganad_tf.serving.{module}"), name)
