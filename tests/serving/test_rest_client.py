import pytest
from conftest import encoded
from conftest import make_parts

from ganad_tf.errors import UserError
from ganad_tf.serving import client as clients
from ganad_tf.serving import rest_client
from ganad_tf.serving import saved_model as serving


def client_of(address, **changes):
    arguments = {"timeout": 60.0, "num_retries": 2, **changes}
    return rest_client.RestClient(address, **arguments)


@pytest.fixture
def client(served):
    return client_of(served.rest)


@pytest.fixture(scope="module")
def data():
    images = encoded(make_parts(5, seed=8))
    return [images[0], b"junk", *images[1:], images[2][:60]]


def test_rows_are_those_of_the_saved_model(client, exported, data):
    expected = serving.SavedModelScorer(exported).score(data)
    found = client.score(data)
    assert isinstance(found[1], str) and isinstance(found[6], str)
    for row, other in zip(found, expected, strict=True):
        assert type(row) is type(other)
        if isinstance(row, dict):
            assert row == pytest.approx(other, rel=1e-4)


def test_pictures_come_as_bytes(client, data):
    (row,) = client.score(data[:1], signature="inspect")
    assert row["anomaly_map_png_bytes"].startswith(b"\x89PNG")


def test_the_signature_is_checked(client, served):
    client.check("score")
    with pytest.raises(UserError, match="no signature 'nothing'"):
        client.check("nothing")
    with pytest.raises(UserError, match="no signature 'images' of image_b"):
        client.check("images")
    with pytest.raises(UserError, match="HTTP 404: Servable not found"):
        client_of(served.rest + "2").check("score")


def test_an_overloaded_server_is_asked_again(client, served, data, monkeypatch):
    monkeypatch.setattr(clients.time, "sleep", lambda _: None)
    served.num_failures = 2
    assert isinstance(client.score(data[:1])[0], dict)
    served.num_failures = 3
    with pytest.raises(clients.UnavailableError, match="overloaded"):
        client.score(data[:1])


def test_no_server_is_unavailable():
    with pytest.raises(clients.UnavailableError, match="No answer from http"):
        client_of("http://127.0.0.1:9/v1/models/x", num_retries=0).check(
            "score"
        )


def test_an_address_of_another_kind_is_an_error():
    with pytest.raises(UserError, match="Expected http://host:8501/v1/"):
        client_of("http://host:8501")
