"""What one process keeps of the wire: connections, tokens, keys. `current()` is that of the present app."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from flask import Flask, current_app

import config
from lti_tool.database import db
from lti_tool.lti.budget import Budget
from lti_tool.lti.client import LmsClient
from lti_tool.lti.connection import Connection
from lti_tool.lti.keyring import Keyring
from lti_tool.lti.launch import LINK_PATH
from lti_tool.lti.limits import Refusals
from lti_tool.lti.platform_keys import PlatformKeys
from lti_tool.lti.registrations import Registration
from lti_tool.lti.token_shelf import Shelf
from lti_tool.lti.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Wire:
    """Shared by all threads of the process."""

    base_url: str
    client: LmsClient
    tokens: Tokens
    budget: Budget
    keyring: Keyring
    platform_keys: PlatformKeys
    refusals: Refusals

    def close(self) -> None:
        """Give up what the platforms' budgets lent us, and close the connections."""
        self.budget.close()
        self.client.close()


def register(app: Flask) -> None:
    """Give `app` its wire. Opens no connection."""
    settings: config.Settings = app.extensions["settings"]
    client = LmsClient(timeout=settings.lms_timeout_seconds, allow_private=settings.allow_private_platforms)
    keyring = Keyring(settings)
    with app.app_context():
        engine = db.engine
    # To connect, to read the head and to read the body may each take the whole timeout.
    shelf = Shelf(engine, keyring, lease_seconds=10 + 3 * settings.lms_timeout_seconds)
    app.extensions["lti"] = Wire(
        settings.base_url,
        client,
        Tokens(client, shelf),
        Budget(engine),
        keyring,
        PlatformKeys(client),
        Refusals(settings.refusals_per_minute),
    )


def current() -> Wire:
    """The wire of the present app."""
    wire: Wire = current_app.extensions["lti"]
    return wire


def link_url(what: str) -> str:
    """The address of a link that opens `what`; the LMS sends it along with each launch."""
    return f"{current().base_url}{LINK_PATH}{what}"


def ensure_signing_key() -> None:
    """Make the first signing key if there is none; see `Keyring.ensure`. Raises config.ConfigError."""
    current().keyring.ensure()


def connect(registration: Registration, deployment_id: str) -> Connection:
    """The services of a deployment. Needs an app context; what it returns needs none."""
    wire = current()
    turn = partial(wire.budget.call, registration)
    return Connection(wire.client, wire.tokens, registration, deployment_id, wire.keyring.signer(), turn)
