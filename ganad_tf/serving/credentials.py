"""Credentials: what a client shows to a server, and whom it trusts."""

from __future__ import annotations

import ssl
from typing import NamedTuple

from ganad_tf import artifacts
from ganad_tf.errors import UserError


class Credentials(NamedTuple):
    """Files of secrets and certificates; none is needed for plain servers.

    Secrets are in files, since every user of a machine sees the arguments of
    its processes.
    """

    ca_file: str | None = None  # PEM, whom to trust; the system's by default
    token_file: str | None = None  # one line, sent as "Bearer <token>"
    certificate_file: str | None = None  # PEM, of the client
    key_file: str | None = None  # PEM, of the client's certificate

    def authorization(self) -> str | None:
        """The value of the header `Authorization`; None without a token.

        Raises:
            UserError: If the file cannot be read, or does not hold a token.
        """
        if self.token_file is None:
            return None
        token = read(self.token_file).decode("ascii", "replace").strip()
        if not token or not token.isprintable() or "\ufffd" in token:
            raise UserError(
                f"{self.token_file} holds no token: expected one line of "
                "ASCII characters"
            )
        return f"Bearer {token}"

    def ssl_context(self) -> ssl.SSLContext:
        """What Python's TLS connections take.

        Raises:
            UserError: If a file cannot be read or is of another format.
        """
        files = self.ca_file, self.certificate_file
        with artifacts.path_errors("use", " or ".join(filter(None, files))):
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.certificate_file:
                context.load_cert_chain(self.certificate_file, self.key_file)
        return context


NO_CREDENTIALS = Credentials()


def read(path: str) -> bytes:
    """The content of a file of credentials.

    Raises:
        UserError: If it cannot be read.
    """
    with artifacts.path_errors("read", path), open(path, "rb") as file:
        return file.read()
