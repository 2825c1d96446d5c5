import pytest
from conftest import encoded
from conftest import make_parts

from ganad_tf.errors import UserError
from ganad_tf.serving import client as clients
from ganad_tf.serving import grpc_client
from ganad_tf.serving import rest_client


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
