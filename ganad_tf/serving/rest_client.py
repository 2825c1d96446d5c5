"""Client of TensorFlow Serving's REST API, on the standard library alone."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from absl import logging

from ganad_tf.errors import UserError
from ganad_tf.errors import runtime_reason
from ganad_tf.serving.client import GoneError
from ganad_tf.serving.client import ServingClient
from ganad_tf.serving.client import UnavailableError
from ganad_tf.serving.scorer import BadAnswerError
from ganad_tf.serving.scorer import RefusedError

# Too many requests, bad gateway, unavailable, gateway timeout.
_RETRIED = (429, 502, 503, 504)
_REFUSED = (400, 413, 422)
_PART_BYTES = 2**16


class RestClient(ServingClient):
    """Scores encoded images by a model behind a REST server.

    Args:
        url: `http://host:8501/v1/models/NAME`, optionally followed by
            `/versions/N` or `/labels/NAME`.
        **settings: Those of `ServingClient`.

    Raises:
        UserError: If the address has another form, or credentials cannot be
            read.
    """

    def __init__(self, url: str, **settings: Any):
        if "/v1/models/" not in url:
            raise UserError(
                "Invalid address of a REST server. Expected "
                f"http://host:8501/v1/models/NAME. Received: {url}"
            )
        super().__init__(url.rstrip("/"), **settings)
        host, separator, model = self.source.partition("/v1/models/")
        self._model = host + separator + model.partition("/")[0]
        self._authorization = self._credentials.authorization()
        tls = url.startswith("https:")
        if self._authorization and not tls:
            logging.warning("The token is sent unencrypted: expected https://")
        self._tls = self._credentials.ssl_context() if tls else None

    def _inputs(self) -> dict[str, Any]:
        answer = self._ask(f"{self.source}/metadata")
        with self._bad_answers():
            signatures = answer["metadata"]["signature_def"]["signature_def"]
            inputs = {k: v.get("inputs", {}) for k, v in signatures.items()}
        self.version = self._newest_version()
        return inputs

    def _newest_version(self) -> str:
        try:
            answer = self._ask(self.source)
        except (BadAnswerError, RefusedError):
            return ""
        with self._bad_answers():
            found = [
                int(status["version"])
                for status in answer.get("model_version_status", [])
                if status["state"] == "AVAILABLE"
            ]
        return str(max(found)) if found else ""

    def _predict_by(
        self, version: str, images: list[bytes], signature: str
    ) -> list[dict[str, Any]]:
        instances = [
            {"b64": base64.b64encode(data).decode()} for data in images
        ]
        address = (
            f"{self._model}/versions/{version}" if version else self.source
        )
        answer = self._ask(
            f"{address}:predict",
            {"signature_name": signature, "instances": instances},
        )
        with self._bad_answers():
            return [_decode_strings(row) for row in answer["predictions"]]

    @contextlib.contextmanager
    def _bad_answers(self) -> Iterator[None]:
        """Says of an answer of another form that it is one."""
        try:
            yield
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BadAnswerError(
                f"{self.source} does not answer as TensorFlow Serving does: "
                f"{type(error).__name__}: {error}"
            ) from error

    def _ask(self, url: str, body: dict | None = None) -> Any:
        request = urllib.request.Request(
            url,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        if self._authorization:  # not for hosts that the server redirects to
            request.add_unredirected_header(
                "Authorization", self._authorization
            )
        content = self._with_retries(lambda: self._ask_once(request))
        with self._bad_answers():
            return json.loads(content)

    def _ask_once(self, request: urllib.request.Request) -> bytes:
        try:
            with urllib.request.urlopen(
                request, timeout=self._timeout, context=self._tls
            ) as answer:
                return _read(answer, time.monotonic() + self._timeout)
        except urllib.error.HTTPError as error:
            raise _client_error(error, self.source) from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error) or type(error).__name__
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise UserError(
                    f"{self.source} is not trusted: {reason}. Expected a "
                    "certificate by an authority of the system, or of --ca_file"
                ) from error
            raise UnavailableError(
                f"No answer from {self.source}: {reason}"
            ) from error


def _read(answer: http.client.HTTPResponse, deadline: float) -> bytes:
    """The whole answer; the socket's own timeout is that of a single byte."""
    parts = []
    while part := answer.read1(_PART_BYTES):
        parts.append(part)
        if time.monotonic() > deadline:
            raise TimeoutError("the answer is not complete in time")
    if answer.length:
        raise http.client.IncompleteRead(b"".join(parts), answer.length)
    return b"".join(parts)


def _read_reason(error: urllib.error.HTTPError) -> bytes:
    """What the server says, as far as it comes: the code says enough."""
    try:
        return error.read(_PART_BYTES)
    except (OSError, http.client.HTTPException):
        return b""


def _client_error(error: urllib.error.HTTPError, url: str) -> UserError:
    """The server's error as one of ours."""
    text = _read_reason(error).decode(errors="replace")
    try:
        text = json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        text = text.strip() or error.reason
    text = str(text)
    if error.code in _RETRIED:
        return UnavailableError(f"{url} is unavailable: {text}")
    if error.code == http.HTTPStatus.NOT_FOUND:
        return GoneError(f"{url}: HTTP {error.code}: {text}")
    if error.code in _REFUSED:
        return RefusedError(runtime_reason(text))
    return UserError(f"{url}: HTTP {error.code}: {text}")


def _decode_strings(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose strings, which come as {"b64": ...}, are bytes."""
    return {
        name: base64.b64decode(value["b64"], validate=True)
        if isinstance(value, dict)
        else value
        for name, value in row.items()
    }
