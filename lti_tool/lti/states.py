"""Logins under way: a state bound to one browser, and a nonce, each good for one launch."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, cast

from flask import Response, request
from pylti1p3.cookie import CookieService
from pylti1p3.session import SessionService, TStateParams
from sqlalchemy import BindParameter, Table, and_, bindparam, delete, insert, select
from sqlalchemy.orm import Session

from lti_tool import clock
from lti_tool.database import UtcDateTime, db, transaction
from lti_tool.lti.deployments import Deployment
from lti_tool.lti.registrations import COLUMNS, Registration
from lti_tool.lti.tables import LtiDeployment, LtiLoginState, LtiRegistration

LIFETIME = timedelta(minutes=10)
# Expired states go in passing: one login in so many removes at most so many rows.
SWEEP_ONE_IN = 50
SWEEP_ROWS = 500
# A page that is reloaded again and again must not fill the request's header with cookies.
MOST_COOKIES = 10


# Core statements, built once: every launch runs them, and the ORM would double their time.
_state = cast(Table, LtiLoginState.__table__)
_registration = cast(Table, LtiRegistration.__table__)
_deployment = cast(Table, LtiDeployment.__table__)
_NOW: BindParameter[datetime] = bindparam("now", type_=UtcDateTime())
_INSERT = insert(_state)
_BEGUN = ("nonce_hash", "target_link_uri", "login_hint", "message_hint", "storage_target")
_DEPLOYMENT = tuple(_deployment.c[field.name] for field in fields(Deployment))
_FIND = (
    select(*(_state.c[name] for name in _BEGUN), *_DEPLOYMENT, *COLUMNS)
    .join_from(_state, _registration, _state.c.registration_id == _registration.c.id)
    .outerjoin(
        _deployment,
        and_(
            _deployment.c.registration_id == _state.c.registration_id,
            _deployment.c.deployment_id == bindparam("deployment"),
        ),
    )
    .where(_state.c.state_hash == bindparam("state"), _state.c.expires_at > _NOW)
)
_CONSUME = (
    delete(_state)
    .where(
        _state.c.state_hash == bindparam("state"),
        _state.c.nonce_hash == bindparam("nonce"),
        _state.c.expires_at > _NOW,
    )
    .returning(_state.c.registration_id)
)
_TAKE = delete(_state).where(_state.c.state_hash == bindparam("state")).returning(_state.c.state_hash)
_SWEEP = delete(_state).where(
    _state.c.state_hash.in_(select(_state.c.state_hash).where(_state.c.expires_at <= _NOW).limit(SWEEP_ROWS))
)


def digest(secret: str) -> bytes:
    """What is kept of a state or nonce."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class Login:
    """A login under way, as the launch that answers it needs it, with the deployment that the launch names."""

    nonce_hash: bytes
    target_link_uri: str
    login_hint: str
    message_hint: str
    storage_target: str
    deployment: Deployment | None
    registration: Registration


def _login(row: Sequence[Any]) -> Login:
    begun, row = row[: len(_BEGUN)], row[len(_BEGUN) :]
    deployment, registration = Deployment(*row[: len(_DEPLOYMENT)]), row[len(_DEPLOYMENT) :]
    return Login(
        **dict(zip(_BEGUN, begun, strict=True)),
        deployment=deployment if deployment.status else None,
        registration=Registration(*registration),
    )


class LoginStates(SessionService):
    """Corrects the library's session service: kept in the database, hashed, and good for one launch only."""

    def __init__(self) -> None:
        self.state = ""
        self.nonce = ""
        self.login: Login | None = None

    def save_nonce(self, nonce: str) -> None:
        self.nonce = nonce

    def save_state_params(self, state: str, params: TStateParams) -> None:
        """Writes the login down, in a transaction of its own."""
        self.state = state
        secret = {"state_hash": digest(state), "nonce_hash": digest(self.nonce)}
        with transaction() as session:
            session.execute(_INSERT, {**secret, **params, "expires_at": clock.wall() + LIFETIME})
            if secrets.randbelow(SWEEP_ONE_IN) == 0:
                sweep(session)

    def check_state_is_valid(self, state: str, id_token_hash: str) -> bool:  # noqa: ARG002 - the library's signature
        """Never: the library would accept a message again that it has accepted before, without the cookie."""
        return False

    def find(self, state: str, deployment_id: str = "") -> Login | None:
        """The unexpired login of `state`. Ends its read, since keys may be fetched next."""
        values = {"state": digest(state), "deployment": deployment_id, "now": clock.wall()}
        row = db.session.execute(_FIND, values).one_or_none()
        db.session.rollback()
        self.login = _login(row) if row else None
        return self.login

    def check_nonce(self, nonce: str) -> bool:
        return self.login is not None and secrets.compare_digest(self.login.nonce_hash, digest(nonce))


def consume(session: Session, state: str, nonce: str) -> bool:
    """Use up a state with its nonce in the caller's transaction. False if that has been done already."""
    used = session.execute(_CONSUME, {"state": digest(state), "nonce": digest(nonce), "now": clock.wall()})
    return used.one_or_none() is not None


def take(session: Session, state: str) -> bool:
    """Give up a state in the caller's transaction, to begin its login anew. False if it is gone already."""
    return session.execute(_TAKE, {"state": digest(state)}).one_or_none() is not None


def sweep(session: Session) -> None:
    """Remove some expired states."""
    session.execute(_SWEEP, {"now": clock.wall()})


class StateCookies(CookieService):
    """Corrects the library's cookies: ten minutes, for this host alone, partitioned for LMS frames.

    https://developers.google.com/privacy-sandbox/cookies/chips
    """

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure
        self._prefix = ("__Host-" if secure else "") + "peerloop-state-"
        self._values: dict[str, tuple[str, int | None]] = {}

    def get_cookie(self, name: str) -> str | None:
        return request.cookies.get(self._key(name))

    def set_cookie(self, name: str, value: str | int, exp: int | None = None) -> None:  # noqa: ARG002
        held = [key for key in request.cookies if key.startswith(self._prefix)]
        for oldest in held[: max(0, len(held) - MOST_COOKIES)]:
            self._values[oldest] = ("", 0)
        self._values[self._key(name)] = (str(value), int(LIFETIME.total_seconds()))

    def forget(self, name: str) -> None:
        self._values[self._key(name)] = ("", 0)

    def write_to(self, response: Response) -> None:
        """Put the cookies that were set on `response`."""
        for key, (value, seconds) in self._values.items():
            response.set_cookie(
                key,
                value,
                max_age=seconds,
                path="/",
                httponly=True,
                secure=self._secure,
                samesite="None" if self._secure else "Lax",
                partitioned=self._secure,
            )

    def _key(self, state: str) -> str:
        """A name for each state, so that several frames of one page can log in at once."""
        return self._prefix + digest(state).hex()[:16]
