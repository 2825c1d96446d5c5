"""Client of TensorFlow Serving's REST API, on the standard library alone."""

from __future__ import annotations

import base64
import http.client
import json
import urllib.error
import urllib.request
from typing import Any

from ganad_tf.errors import UserError
from ganad_tf.errors import runtime_reason
from ganad_tf.serving.client import ServingClient
from ganad_tf.serving.client import UnavailableError
from ganad_tf.serving.scorer import RefusedError

# Too many requests, bad gateway, unavailable, gateway timeout.
_RETRIED = (429, 502, 503, 504)
_REFUSED = (400, 413, 422)


class RestClient(ServingClient):
    """Scores encoded images by a model behind a REST server.

    Args:
        url: `http://host:8501/v1/models/NAME`, optionally followed by
            `/versions/N` or `/labels/NAME`.
        timeout: As of `ServingClient`.
        num_retries: As of `ServingClient`.

    Raises:
        UserError: If the address has another form.
    """

    def __init__(self, url: str, *, timeout: float, num_retries: int):
        if "/v1/models/" not in url:
            raise UserError(
                "Invalid address of a REST server. Expected "
                f"http://host:8501/v1/models/NAME. Received: {url}"
            )
        super().__init__(
            url.rstrip("/"), timeout=timeout, num_retries=num_retries
        )

    def _inputs(self) -> dict[str, Any]:
        metadata = self._ask("/metadata")["metadata"]
        return {
            name: signature.get("inputs", {})
            for name, signature in metadata["signature_def"][
                "signature_def"
            ].items()
        }

    def _predict(
        self, images: list[bytes], signature: str
    ) -> list[dict[str, Any]]:
        instances = [
            {"b64": base64.b64encode(data).decode()} for data in images
        ]
        answer = self._ask(
            ":predict", {"signature_name": signature, "instances": instances}
        )
        return [_decode_strings(row) for row in answer["predictions"]]

    def _ask(self, method: str, body: dict | None = None) -> Any:
        request = urllib.request.Request(
            self.source + method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        return self._with_retries(lambda: self._ask_once(request))

    def _ask_once(self, request: urllib.request.Request) -> Any:
        try:
            with urllib.request.urlopen(
                request, timeout=self._timeout
            ) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise _client_error(error, self.source) from error
        # A ValueError is an answer that is cut off, or not JSON.
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error) or type(error).__name__
            raise UnavailableError(
                f"No answer from {self.source}: {reason}"
            ) from error


def _client_error(error: urllib.error.HTTPError, url: str) -> UserError:
    """The server's error as one of ours."""
    text = error.read().decode(errors="replace")
    try:
        text = json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        text = text.strip() or error.reason
    if error.code in _RETRIED:
        return UnavailableError(f"{url} is unavailable: {text}")
    if error.code in _REFUSED:
        return RefusedError(runtime_reason(text))
    return UserError(f"{url}: HTTP {error.code}: {text}")


def _decode_strings(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose strings, which come as {"b64": ...}, are bytes."""
    return {
        name: base64.b64decode(value["b64"])
        if isinstance(value, dict)
        else value
        for name, value in row.items()
    }
