import time

import certificates
import grpc_double
import pytest
from conftest import encoded
from conftest import make_parts

from ganad_tf.benchmark import serving_double
from ganad_tf.errors import UserError
from ganad_tf.serving import client as clients
from ganad_tf.serving import grpc_client
from ganad_tf.serving import rest_client
from ganad_tf.serving import scorer as scorers


def client_of(address, **changes):
    arguments = {"timeout": 60.0, "num_retries": 2, **changes}
    return grpc_client.GrpcClient(address, **arguments)


def test_rows_are_those_of_rest(served):
    images = encoded(make_parts(3, seed=8))
    data = [images[0], b"junk", *images[1:]]
    found = client_of(f"{served.grpc}/1").score(data)
    other = rest_client.RestClient(served.rest, timeout=60, num_retries=0)
    assert "Unknown image file format" in found[1]
    for row, expected in zip(found, other.score(data), strict=True):
        if isinstance(row, dict):
            assert row == pytest.approx(expected, rel=1e-6)


def test_the_signature_is_checked(served):
    client_of(served.grpc).check("inspect")
    with pytest.raises(UserError, match="no signature 'nothing'"):
        client_of(served.grpc).check("nothing")
    with pytest.raises(UserError, match="NOT_FOUND: Servable not found"):
        client_of(f"{served.grpc}/9").check("score")


def test_a_client_follows_the_version_that_answers(served, monkeypatch):
    client = client_of(served.grpc)
    client.check("score")
    assert client.version == "1"
    data = encoded(make_parts(1, seed=8))
    client.score(data)
    monkeypatch.setattr(served.version, "number", 7)  # 1 is unloaded
    assert isinstance(client.score(data)[0], dict)
    assert client.version == "7"
    with pytest.raises(clients.GoneError, match="NOT_FOUND: Servable not"):
        client_of(f"{served.grpc}/1").score(data)


def test_an_answer_of_another_version_is_an_error(served, monkeypatch):
    client = client_of(served.grpc)
    client.check("score")
    monkeypatch.setattr(served, "find", lambda *_: served.version)
    monkeypatch.setattr(served.version, "number", 7)
    with pytest.raises(scorers.BadAnswerError, match="version 7 has answered"):
        client.score(encoded(make_parts(1, seed=8)))


def test_tls_a_certificate_and_a_token_are_shown(base_path, tmp_path):
    credentials = certificates.make(tmp_path)
    data = encoded(make_parts(1, seed=8))
    quick = {"num_retries": 0, "timeout": 5.0}
    with (
        serving_double.serve(str(base_path), "parts") as model,
        grpc_double.serve(model, credentials=credentials),
    ):
        client = client_of(model.grpc, credentials=credentials)
        client.check("score")
        assert isinstance(client.score(data)[0], dict)
        no_token = credentials._replace(token_file=None)
        with pytest.raises(UserError, match="UNAUTHENTICATED: no token"):
            client_of(model.grpc, credentials=no_token).score(data)
        with pytest.raises(clients.UnavailableError):
            client_of(model.grpc, **quick).score(data)


def test_a_request_has_a_deadline(served, monkeypatch):
    find = served.find

    def find_late(*arguments):
        time.sleep(1.0)
        return find(*arguments)

    monkeypatch.setattr(served, "find", find_late)
    with pytest.raises(clients.UnavailableError, match="Deadline Exceeded"):
        client_of(served.grpc, timeout=0.2, num_retries=0).score([b"x"])


def test_an_overloaded_server_is_asked_again(served, monkeypatch):
    monkeypatch.setattr(clients.time, "sleep", lambda _: None)
    data = encoded(make_parts(1, seed=8))
    served.num_failures = 2
    assert isinstance(client_of(served.grpc).score(data)[0], dict)
    served.num_failures = 1
    with pytest.raises(clients.UnavailableError, match="overloaded"):
        client_of(served.grpc, num_retries=0).score(data)


@pytest.mark.parametrize(
    "address", ["grpc://", "grpc://host", "grpc://h:1/a/b", "grpc://h:1/a/1/2"]
)
def test_an_address_of_another_kind_is_an_error(address):
    with pytest.raises(UserError, match="Expected grpc://host:8500/NAME"):
        client_of(address)
