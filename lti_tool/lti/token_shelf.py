"""Access tokens that all processes share: encrypted rows, and a lease for whoever asks for a new one."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import Connection, Engine, Row, Table, select, update
from sqlalchemy.dialects import postgresql, sqlite

from lti_tool.database import server_time, writing
from lti_tool.lti.keyring import Keyring
from lti_tool.lti.tables import LtiToken

EARLY_SECONDS = 60.0

TOKEN = cast(Table, LtiToken.__table__)


@dataclass(frozen=True, slots=True)
class Kept:
    """A token, and for how many seconds it is fresh and good. `sealed` is how the table names this very one."""

    token: str
    fresh_for: float
    good_for: float
    sealed: bytes = b""


def kept(token: str, seconds: float, sealed: bytes = b"") -> Kept:
    """A new token that lives for so long; it is replaced a minute early, or after half of a short life."""
    return Kept(token, max(seconds - EARLY_SECONDS, seconds / 2), seconds, sealed)


class Shelf:
    """One for each process; its methods may be called from many threads, with no app context."""

    def __init__(self, engine: Engine, keyring: Keyring, lease_seconds: float) -> None:
        self._engine = engine
        self._keyring = keyring
        self._lease_seconds = lease_seconds
        self._owner = secrets.token_hex(16)

    def take(self, key: str, registration_id: int) -> tuple[Kept | None, bool]:
        """The token under `key` if there is a good one, and whether the caller must now bring one, or give up."""
        with writing(self._engine) as connection:
            row, now = self._locked(connection, key, registration_id), server_time(connection)
            found = self._open(row, now)
            is_due = found is None or found.fresh_for <= 0
            claims = is_due and (row.leased_until is None or row.leased_until <= now)
            if claims:
                until = now + timedelta(seconds=self._lease_seconds)
                connection.execute(self._of(key).values(leased_by=self._owner, leased_until=until))
        return found, claims

    def bring(self, key: str, token: str, seconds: float) -> Kept:
        """Put a new token on the shelf, which ends the lease."""
        new = kept(token, seconds, self._keyring.seal(token.encode()))
        with writing(self._engine) as connection:
            now = server_time(connection)
            connection.execute(
                self._of(key).values(
                    sealed=new.sealed,
                    renew_at=now + timedelta(seconds=new.fresh_for),
                    expires_at=now + timedelta(seconds=new.good_for),
                    leased_by=None,
                    leased_until=None,
                )
            )
        return new

    def give_up(self, key: str) -> None:
        """No new token could be had: the next one may ask."""
        self._write(self._of(key).where(TOKEN.c.leased_by == self._owner).values(leased_by=None, leased_until=None))

    def drop(self, key: str, sealed: bytes) -> None:
        """Remove this very token, which the platform does not accept."""
        self._write(self._of(key).where(TOKEN.c.sealed == sealed).values(sealed=None, renew_at=None, expires_at=None))

    def _write(self, statement: Any) -> None:
        with writing(self._engine) as connection:
            connection.execute(statement)

    def _locked(self, connection: Connection, key: str, registration_id: int) -> Row[Any]:
        insert: Callable[..., Any] = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
        connection.execute(insert(TOKEN).values(key=key, registration_id=registration_id).on_conflict_do_nothing())
        return connection.execute(select(TOKEN).where(TOKEN.c.key == key).with_for_update()).one()

    def _open(self, row: Row[Any], now: Any) -> Kept | None:
        token = None if row.sealed is None else self._keyring.unseal(row.sealed)
        if token is None or row.expires_at <= now:
            return None
        fresh, good = (row.renew_at - now).total_seconds(), (row.expires_at - now).total_seconds()
        return Kept(token.decode(), fresh, good, row.sealed)

    def _of(self, key: str) -> Any:
        return update(TOKEN).where(TOKEN.c.key == key)
