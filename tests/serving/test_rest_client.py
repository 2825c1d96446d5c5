import contextlib
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer

import certificates
import pytest
from conftest import encoded
from conftest import make_parts

from ganad_tf.errors import UserError
from ganad_tf.serving import client as clients
from ganad_tf.serving import rest_client
from ganad_tf.serving import saved_model as serving
from ganad_tf.serving import scorer as scorers


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


def test_a_client_follows_the_version_of_the_server(served, data, monkeypatch):
    client = client_of(served.rest)
    client.check("score")
    assert client.version == "1"
    client.score(data[:1])
    monkeypatch.setattr(served.version, "number", 7)  # 1 is unloaded
    assert isinstance(client.score(data[:1])[0], dict)
    assert client.version == "7"
    pinned = client_of(f"{served.rest}/versions/1")
    with pytest.raises(clients.GoneError, match="HTTP 404: Servable not found"):
        pinned.score(data[:1])


@contextlib.contextmanager
def answering(answer, tls=None):
    """A server that runs `answer(handler)`; the headers that it was sent."""
    headers = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            headers.append(self.headers)
            self.rfile.read(int(self.headers["Content-Length"]))
            answer(self)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    scheme = "https" if tls else "http"
    try:
        url = f"{scheme}://127.0.0.1:{server.server_port}/v1/models/parts"
        yield url, headers
    finally:
        server.shutdown()
        server.server_close()


def send(handler, body, *, code=200, length=None, **headers):
    handler.send_response(code)
    handler.send_header("Content-Length", str(length or len(body)))
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"predictions": [{"anomaly_sc',
        b'{"predictions": [{}, {}]}',
        b'{"predictions": []}',
        b'{"predictions": 3}',
        b'{"predictions": [3]}',
        b'{"predictions": [{"png": {"b64": "?"}}]}',
        b'{"outputs": [{}]}',
        b"[]",
        b"<html>",
        b"\xff",
        b"",
    ],
)
def test_a_bad_answer_is_an_error_at_once(body):
    with answering(lambda handler: send(handler, body)) as (url, asked):
        with pytest.raises(scorers.BadAnswerError):
            client_of(url, num_retries=5).score([b"x"])
        assert len(asked) == 1


def test_an_answer_that_breaks_off_is_asked_for_again(monkeypatch):
    monkeypatch.setattr(clients.time, "sleep", lambda _: None)
    whole = json.dumps({"predictions": [{"a": 1}]}).encode()
    left = [2]

    def break_off(handler):
        left[0] -= 1
        body = whole[:9] if left[0] >= 0 else whole
        send(handler, body, length=len(whole))

    with answering(break_off) as (url, asked):
        assert client_of(url).score([b"x"]) == [{"a": 1}]
        assert len(asked) == 3
        left[0] = 99
        with pytest.raises(clients.UnavailableError, match="No answer"):
            client_of(url).score([b"x"])
        assert len(asked) == 6


@pytest.mark.parametrize(
    ("code", "error"),
    [(503, clients.UnavailableError), (400, str), (500, UserError)],
)
@pytest.mark.parametrize("length", [99, 0])
def test_a_reason_that_breaks_off_leaves_the_code(code, error, length):
    """A chunk that never comes, or fewer bytes than were announced."""

    def break_off(handler):
        if length:
            send(handler, b'{"er', code=code, length=length)
            return
        handler.send_response(code)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b'ffff\r\n{"er')

    with answering(break_off) as (url, _):
        client = client_of(url, num_retries=0)
        if error is str:
            (reason,) = client.score([b"x"])
            assert isinstance(reason, str) and reason
        else:
            with pytest.raises(error):
                client.score([b"x"])


def test_an_answer_that_drips_is_late():
    def drip(handler):
        with contextlib.suppress(OSError):
            send(handler, b" ", length=999)
            for _ in range(100):
                time.sleep(0.05)
                handler.wfile.write(b" ")

    with answering(drip) as (url, _):
        start = time.monotonic()
        with pytest.raises(
            clients.UnavailableError, match="not complete|timed out"
        ):
            client_of(url, timeout=0.3, num_retries=0).score([b"x"])
        assert time.monotonic() - start < 3.0


def test_a_token_and_an_authority_are_used_and_not_given_away(tmp_path):
    credentials = certificates.make(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(credentials.certificate_file, credentials.key_file)
    good = b'{"predictions": [{"a": 1}]}'
    with answering(lambda handler: send(handler, good), tls) as (url, asked):
        client = client_of(url, credentials=credentials)
        assert client.score([b"x"]) == [{"a": 1}]
        assert asked[0]["Authorization"] == "Bearer s3cret"
        with pytest.raises(UserError, match="is not trusted: .*--ca_file"):
            client_of(url).score([b"x"])


def test_no_server_is_unavailable():
    with pytest.raises(clients.UnavailableError, match="No answer from http"):
        client_of("http://127.0.0.1:9/v1/models/x", num_retries=0).check(
            "score"
        )


def test_an_address_of_another_kind_is_an_error():
    with pytest.raises(UserError, match="Expected http://host:8501/v1/"):
        client_of("http://host:8501")
