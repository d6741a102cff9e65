"""The tool and the sandbox LMS on two sites of their own, over https, so that a browser treats them as strangers.

The LMS plays Canvas, whose message hints are good for one answer only.
The LMS is reachable over plain http too: that is where the tool reads its keys and where tests direct it. And it is
reachable at another port, and so another origin, where people may sign in.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask, Response
from sqlalchemy import select

import config
from lti_tool.app import create_app
from lti_tool.database import db, transaction
from lti_tool.lti import registrations, wire
from lti_tool.lti.tables import LtiRegistration
from lti_tool.sandbox.app import create_app as create_lms
from lti_tool.sandbox.families.canvas import Canvas
from lti_tool.sandbox.settings import Settings
from lti_tool.web.gate import Access, allow, current_visit
from tests.support.platform import serving
from tests.support.sandbox import SandboxControl, register_tool

LMS, TOOL, ELSEWHERE = "lms.test", "tool.test", "elsewhere.lms.test"
CONTROL_TOKEN = "control"

Start = Callable[..., Any]


def certificate(folder: Path) -> ssl.SSLContext:
    """What a server needs to be all three hosts; signed by nobody but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Peerloop's tests")])
    names: list[x509.GeneralName] = [x509.DNSName(host) for host in (LMS, TOOL, ELSEWHERE)]
    names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context


class OldBrowser:
    """Stands between a tool and a browser that does not know the attribute Partitioned, and so passes over it."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self.is_old = False

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        def begin(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            if self.is_old:
                headers = [(name, value.replace("; Partitioned", "")) for name, value in headers]
            return start(status, headers, *more)

        return self._app(environ, begin)


@dataclass
class Sites:
    """Where both are, and what a test may change about them."""

    lms: str
    apart: str
    """The LMS's other origin."""
    tool: str
    app: Flask
    control: SandboxControl
    browser: OldBrowser

    def keep_state(self, storage: str) -> None:
        """Let the LMS keep a tool's state in this way, and people sign in where it is kept."""
        self.control.storage(storage)
        with self.app.app_context(), transaction() as session:
            registration = session.scalars(select(LtiRegistration)).one()
            path = urlsplit(registration.auth_url).path
            registration.auth_url = (self.apart if storage == "apart" else self.lms) + path


@contextmanager
def running_sites(folder: Path) -> Iterator[Sites]:
    """Both servers, each knowing the other."""
    tls = certificate(folder)
    with (
        serving(None) as (plain_server, plain),
        serving(None, tls) as (lms_server, _),
        serving(None, tls) as (apart_server, _),
        serving(None, tls) as (tool_server, _),
    ):
        lms, tool = f"https://{LMS}:{lms_server.port}", f"https://{TOOL}:{tool_server.port}"
        apart = f"https://{LMS}:{apart_server.port}"
        played = create_lms(Settings(lms, folder / "lms", CONTROL_TOKEN, Canvas(), apart_url=apart))
        plain_server.app = lms_server.app = apart_server.app = played
        app = _tool(tool, folder)
        browser = OldBrowser(app)
        tool_server.app = browser
        details = register_tool(
            plain,
            login_url=f"{tool}/lti/login",
            redirect_uris=[f"{tool}/lti/launch"],
            target_link_uri=f"{tool}/lti/launch",
            jwks_url=f"{tool}/lti/jwks",
        )
        with app.app_context():
            with transaction() as session:
                registrations.add(
                    session,
                    name="Sandbox LMS",
                    issuer=details["issuer"],
                    client_id=details["client_id"],
                    auth_url=details["auth_url"],
                    token_url=details["token_url"].replace(lms, plain),
                    jwks_url=details["jwks_url"].replace(lms, plain),
                    deployment_ids=[details["deployment_id"]],
                )
            db.session.remove()
        control = SandboxControl(plain, CONTROL_TOKEN)
        yield Sites(lms, apart, tool, app, control, browser)
        control.close()
        with app.app_context():
            wire.current().close()
            db.session.remove()
            db.engine.dispose()


@allow(Access.VISITOR)
def _download() -> Response:
    """A file for whoever is here, as pages of a visit offer it."""
    headers = {"Content-Disposition": "attachment; filename=list.csv"}
    return Response(f"{current_visit().person_name}\n", content_type="text/csv; charset=utf-8", headers=headers)


def _tool(base_url: str, folder: Path) -> Flask:
    settings = config.Settings(
        base_url=base_url,
        secret_key="x" * 40,
        key_encryption_key="a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=",
        database_url=f"sqlite:///{folder / 'tool.db'}",
        queue_url=f"sqlite:///{folder / 'queue.db'}",
        allow_private_platforms=True,
    )
    app = create_app(settings)
    app.add_url_rule("/v/<visit>/list.csv", view_func=_download)
    with app.app_context():
        db.create_all()
        wire.ensure_signing_key()
    return app
