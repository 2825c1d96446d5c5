import pytest

from ganad_tf.serving import client as serving_client
from ganad_tf.serving import scoring


class Fake(serving_client.ServingClient):
    """Knows one signature of bytes, and refuses what is no image."""

    def __init__(self, failure=None):
        super().__init__("fake://host/x", timeout=1.0, num_retries=2)
        self.failure, self.asked = failure, []

    def _inputs(self):
        if self.failure:
            raise self.failure
        return {"score": {"image_bytes"}, "images": {"images"}}

    def _predict(self, images, signature):
        self.asked.append((signature, len(images)))
        if b"bad" in images:
            raise scoring.RefusedError("no image")
        return [{"length": len(image)} for image in images]


def test_a_signature_of_bytes_is_expected():
    Fake().check("score")
    for name in ("images", "nothing"):
        with pytest.raises(ValueError, match=f"no signature '{name}' of im.*"):
            Fake().check(name)


def test_a_refused_question_names_the_address_and_the_reason():
    with pytest.raises(ValueError, match="fake://host/x: not so") as found:
        Fake(scoring.RefusedError("not so")).check("score")
    assert not isinstance(found.value, scoring.RefusedError)
    with pytest.raises(scoring.UnavailableError, match="gone"):
        Fake(scoring.UnavailableError("gone")).check("score")


def test_a_refused_image_costs_itself_alone():
    client = Fake()
    found = client.score([b"a", b"bad", b"abc"], signature="inspect")
    assert found == [{"length": 1}, "no image", {"length": 3}]
    assert {signature for signature, _ in client.asked} == {"inspect"}


def test_it_asks_again_as_often_as_it_is_told(monkeypatch):
    monkeypatch.setattr(scoring.time, "sleep", lambda _: None)
    failures = [scoring.UnavailableError("later")] * 2

    def ask():
        if failures:
            raise failures.pop()
        return "answer"

    assert Fake()._retried(ask) == "answer"
    failures += [scoring.UnavailableError("later")] * 3
    with pytest.raises(scoring.UnavailableError):
        Fake()._retried(ask)
