"""Client of TensorFlow Serving's REST API, by the standard library alone."""

from __future__ import annotations

import base64
import http.client
import json
import urllib.error
import urllib.request
from typing import Any

from ganad_tf.serving import scoring
from ganad_tf.serving.client import ServingClient

# Too many requests, bad gateway, unavailable, gateway timeout.
_COME_BACK = (429, 502, 503, 504)
_REFUSED = (400, 413, 422)


class RestClient(ServingClient):
    """Scores encoded images by a model behind a REST server.

    Args:
        url: `http://host:8501/v1/models/NAME`, perhaps followed by
            `/versions/N` or `/labels/NAME`.
        timeout: Seconds to wait for an answer.
        num_retries: How often to ask again while the server is unavailable.
    """

    def __init__(self, url: str, *, timeout: float, num_retries: int):
        if "/v1/models/" not in url:
            raise ValueError(
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
        return [_decoded(row) for row in answer["predictions"]]

    def _ask(self, method: str, body: dict | None = None) -> Any:
        return self._retried(lambda: self._ask_once(method, body))

    def _ask_once(self, method: str, body: dict | None) -> Any:
        request = urllib.request.Request(
            self.url + method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(
                request, timeout=self._timeout
            ) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise _translated(error, self.url) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error) or type(error).__name__
            raise scoring.UnavailableError(
                f"No answer from {self.url}: {reason}"
            ) from error


def _translated(error: urllib.error.HTTPError, url: str) -> Exception:
    """The server's refusal as one of our errors."""
    text = error.read().decode(errors="replace")
    try:
        text = json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        text = text.strip() or error.reason
    if error.code in _COME_BACK:
        return scoring.UnavailableError(f"{url} is unavailable: {text}")
    if error.code in _REFUSED:
        return scoring.RefusedError(text.splitlines()[0])
    return ValueError(f"{url}: HTTP {error.code}: {text}")


def _decoded(row: dict[str, Any]) -> dict[str, Any]:
    """Strings come as {"b64": ...}."""
    return {
        name: base64.b64decode(value["b64"])
        if isinstance(value, dict)
        else value
        for name, value in row.items()
    }
