import pytest

from ganad_tf.errors import UserError
from ganad_tf.serving import client as clients


@pytest.fixture
def pauses(monkeypatch):
    """The pauses in seconds, none of which is made."""
    seconds = []
    monkeypatch.setattr(clients.time, "sleep", seconds.append)
    return seconds


def unavailable(times):
    left = [times]

    def call():
        if left[0]:
            left[0] -= 1
            raise clients.UnavailableError("later")
        return "done"

    return call


def test_an_unavailable_server_is_called_again_after_growing_pauses(pauses):
    assert clients.with_retries(unavailable(5), num_retries=5) == "done"
    assert len(pauses) == 5 and pauses[4] > 4 * pauses[0]


def test_the_last_error_is_raised(pauses):
    with pytest.raises(clients.UnavailableError, match="later"):
        clients.with_retries(unavailable(3), num_retries=2)
    assert len(pauses) == 2


def test_other_errors_are_not_retried(pauses):
    def fail():
        raise UserError("no such model")

    with pytest.raises(UserError, match="no such model"):
        clients.with_retries(fail, num_retries=5)
    assert not pauses


class EchoClient(clients.ServingClient):
    def _inputs(self):
        return {"score": {"image_bytes"}}

    def _newest_version(self):
        return ""

    def _predict_by(self, version, images, signature):
        return self._with_retries(lambda: [{"length": len(i)} for i in images])


def test_a_client_is_a_scorer_of_its_address():
    client = EchoClient("http://host/x", timeout=1.0, num_retries=2)
    assert client.source == "http://host/x" and client.manifest == {}
    client.check("score")
    assert client.score([b"abc"]) == [{"length": 3}]
