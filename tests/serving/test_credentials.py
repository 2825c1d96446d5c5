import ssl

import certificates
import pytest

from ganad_tf.errors import UserError
from ganad_tf.serving.credentials import Credentials


def test_nothing_is_needed():
    assert Credentials().authorization() is None
    context = Credentials().ssl_context()
    assert context.verify_mode == ssl.CERT_REQUIRED and context.check_hostname


def test_a_token_is_one_line_of_a_file(tmp_path):
    path = tmp_path / "token"
    credentials = Credentials(token_file=str(path))
    with pytest.raises(UserError, match="Cannot read .*token: No such file"):
        credentials.authorization()
    path.write_text(" abc.DEF-123 \n")
    assert credentials.authorization() == "Bearer abc.DEF-123"
    for content in (b"", b"\n", b"a\r\nX-Evil: 1", b"\xff\xfe"):
        path.write_bytes(content)
        with pytest.raises(UserError, match="holds no token"):
            credentials.authorization()


def test_certificates_are_read(tmp_path):
    credentials = certificates.make(tmp_path)
    assert len(credentials.ssl_context().get_ca_certs()) == 1
    (tmp_path / "key.pem").write_text("no key")
    with pytest.raises(UserError, match="Cannot use .*certificate.pem"):
        credentials.ssl_context()
    with pytest.raises(UserError, match="Cannot use nowhere"):
        Credentials(ca_file="nowhere").ssl_context()
