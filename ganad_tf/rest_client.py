"""Client of TensorFlow Serving's REST API, by the standard library alone."""

from __future__ import annotations

import base64
import http.client
import json
import urllib.error
import urllib.request
from typing import Any

from ganad_tf import scoring

# Too many requests, bad gateway, unavailable, gateway timeout.
_COME_BACK = (429, 502, 503, 504)
_REFUSED = (400, 413, 422)


class RestClient:
    """Scores encoded images by a model behind a REST server.

    Args:
        url: `http://host:8501/v1/models/NAME`, perhaps followed by
            `/versions/N` or `/labels/NAME`.
        timeout: Seconds to wait for an answer.
        num_retries: How often to ask again while the server is unavailable.

    Attributes:
        url: As given.
    """

    def __init__(self, url: str, *, timeout: float, num_retries: int):
        if "/v1/models/" not in url:
            raise ValueError(
                "Invalid address of a REST server. Expected "
                f"http://host:8501/v1/models/NAME. Received: {url}"
            )
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._num_retries = num_retries

    def check(self, signature: str) -> None:
        """Makes sure that the model is served and has a signature.

        Args:
            signature: Its name.

        Raises:
            ValueError: If there is no such model, or no such signature.
            UnavailableError: If there is no server.
        """
        try:
            metadata = self._ask("/metadata")
        except scoring.RefusedError as error:
            raise ValueError(f"{self.url}: {error}") from error
        found = metadata["metadata"]["signature_def"]["signature_def"]
        if "image_bytes" not in found.get(signature, {}).get("inputs", {}):
            raise ValueError(
                f"{self.url} has no signature {signature!r} of image_bytes: "
                f"it has {sorted(found)}. Expected a model of "
                "export_saved_model.py"
            )

    def score(
        self, image_bytes: list[bytes], *, signature: str = "score"
    ) -> list[scoring.ScoredRow]:
        """Scores images; one that the server refuses costs itself alone.

        Args:
            image_bytes: Encoded PNG, JPEG or BMP images.
            signature: "score", or "inspect" for PNGs beside the scalars.

        Returns:
            rows: For each image a dictionary from the signature's outputs to
                their values, or the reason why there is none.

        Raises:
            ValueError: If the model is not there.
            UnavailableError: If the server stays unavailable.
        """

        def predict(images: list[bytes]) -> list[dict[str, Any]]:
            instances = [
                {"b64": base64.b64encode(data).decode()} for data in images
            ]
            answer = self._ask(
                ":predict",
                {"signature_name": signature, "instances": instances},
            )
            return [_decoded(row) for row in answer["predictions"]]

        return scoring.score_apart(predict, image_bytes)

    def _ask(self, method: str, body: dict | None = None) -> Any:
        return scoring.with_retries(
            lambda: self._ask_once(method, body), num_retries=self._num_retries
        )

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
