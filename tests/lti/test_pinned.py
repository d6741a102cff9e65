"""A connection goes to the address that was checked, whatever the DNS says a moment later."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from lti_tool.lti import addresses
from lti_tool.lti.client import LmsClient
from lti_tool.lti.failures import Refused, Retryable
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
        self.resolved = 0
        self.server_names: list[str | None] = []
        self.hosts: list[str | None] = []
        self.clients: set[Any] = set()

    def resolve(self, host: str) -> list[Any]:
        assert host == NAME
        self.resolved += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in self.dns.pop(0)]


@pytest.fixture
def lms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lms]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            served.hosts.append(self.headers["Host"])
            served.clients.add(self.client_address)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

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


@pytest.fixture
def client(lms: Lms, tmp_path: Path) -> Iterator[LmsClient]:
    assert lms
    client = LmsClient(timeout=5, allow_private=False)
    client.session.verify = str(tmp_path / "lms.pem")
    yield client
    client.close()


def test_the_checked_address_is_called_by_the_name_that_it_was_given(lms: Lms, client: LmsClient) -> None:
    lms.dns = [[STAND_IN]]
    assert client.send("keys", "GET", lms.url, headers={}).status == 200
    assert lms.resolved == 1
    assert lms.server_names == [NAME]
    assert lms.hosts == [lms.url.removeprefix("https://").removesuffix("/keys")]


def test_a_pooled_connection_is_used_again_without_asking_the_dns(lms: Lms, client: LmsClient) -> None:
    lms.dns = [[STAND_IN]]
    for _ in range(5):
        client.send("keys", "GET", lms.url, headers={})
    assert lms.resolved == 1
    assert len(lms.clients) == 1


def test_a_name_that_turns_to_a_private_address_is_refused_at_the_next_connection(
    lms: Lms, client: LmsClient
) -> None:
    lms.dns = [[STAND_IN], ["10.0.0.5"], [STAND_IN, "169.254.169.254"]]
    client.send("keys", "GET", lms.url, headers={})
    client.close()
    for private in ("10.0.0.5", "169.254.169.254"):
        with pytest.raises(Refused, match=private):
            client.send("keys", "GET", lms.url, headers={})
    assert len(lms.hosts) == 1


def test_the_certificate_must_be_for_the_name_and_not_the_address(lms: Lms, client: LmsClient) -> None:
    with pytest.raises(Retryable, match="certificate"):
        client.send("keys", "GET", lms.url.replace(NAME, STAND_IN), headers={})
    assert lms.hosts == []


def test_a_second_address_is_tried_when_the_first_does_not_answer(
    lms: Lms, client: LmsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = "127.0.0.2"
    monkeypatch.setattr(addresses, "_is_public", lambda address: address in {STAND_IN, closed})
    lms.dns = [[closed, STAND_IN]]
    assert client.send("keys", "GET", lms.url, headers={}).status == 200


def test_a_name_that_does_not_resolve_may_do_so_later(lms: Lms, client: LmsClient) -> None:
    with pytest.raises(Retryable) as error:
        client.send("keys", "POST", "https://nowhere.invalid/", headers={})
    assert not error.value.answer_lost
    assert lms.hosts == []
