"""A certificate of this machine's address, made anew for each run of tests."""

import shutil
import subprocess

import pytest

from ganad_tf.serving.credentials import Credentials


def make(folder) -> Credentials:
    """Credentials of a server that is its own authority."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here")
    key, certificate = str(folder / "key.pem"), str(folder / "certificate.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes"]
        + ["-keyout", key, "-out", certificate, "-days", "2"]
        + ["-subj", "/CN=localhost"]
        + ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
        check=True,
        capture_output=True,
    )
    (folder / "token").write_text("s3cret\n")
    return Credentials(
        ca_file=certificate,
        token_file=str(folder / "token"),
        certificate_file=certificate,
        key_file=key,
    )
