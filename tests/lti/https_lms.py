"""An https server for a name of its own, and a DNS that answers what a test says."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from lti_tool.lti import addresses
from tests.support.platform import KEY

NAME = "lms.example.edu"
# Stands for a public address: the server of this test has no other.
STAND_IN = "127.0.0.1"


def certificate(path: Path) -> Path:
    """A self-signed certificate for NAME, with its key, in one file."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, KEY.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(KEY, hashes.SHA256())
    )
    key = KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + key)
    return path


class Lms:
    """An https server for NAME that notes who was asked for, and a DNS that answers what a test says."""

    def __init__(self, port: int) -> None:
        self.url = f"https://{NAME}:{port}/keys"
        self.dns: list[list[str]] = []
        self.pages: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.resolved = 0
        self.server_names: list[str | None] = []
        self.hosts: list[str | None] = []
        self.clients: set[Any] = set()

    def resolve(self, host: str) -> list[Any]:
        assert host == NAME
        self.resolved += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in self.dns.pop(0)]


@contextmanager
def https_lms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lms]:
    """The server, whose certificate is `lms.pem` in that folder."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def do_GET(self) -> None:
            served.hosts.append(self.headers["Host"])
            served.clients.add(self.client_address)
            status, headers, body = served.pages.get(self.path, (200, {}, b"{}"))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Lms(server.server_port)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path / "lms.pem"))
    context.sni_callback = lambda _socket, name, _context: served.server_names.append(name)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    real, is_public = socket.getaddrinfo, addresses._is_public

    def resolve(host: str, *arguments: Any, **more: Any) -> list[Any]:
        return served.resolve(host) if host == NAME else list(real(host, *arguments, **more))

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(addresses, "_is_public", lambda address: address == STAND_IN or is_public(address))
    yield served
    server.shutdown()
    thread.join()
    server.server_close()
