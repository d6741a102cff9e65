"""Our own keys: made on first start, encrypted at rest, parsed once, published by their public half.

https://www.imsglobal.org/spec/security/v1p0/#h_key-set-url
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from functools import partial

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError

import config
from lti_tool.database import db, transaction
from lti_tool.lti.tables import LtiSigningKey

KEY_BITS = 2048
# Another process may rotate the keys; this one notices so soon.
REREAD_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair of ours, ready to sign."""

    kid: str
    private_key: rsa.RSAPrivateKey


class Keyring:
    """The signing keys of this process. Needs an app context."""

    def __init__(self, settings: config.Settings) -> None:
        if settings.key_encryption_key is None:
            raise config.ConfigError("PEERLOOP_KEY_ENCRYPTION_KEY is not set")
        self._fernet = Fernet(settings.key_encryption_key.get_secret_value())
        self._lock = threading.Lock()
        self._parsed: dict[str, SigningKey] = {}
        self._current: tuple[SigningKey, float] | None = None

    def ensure(self) -> None:
        """Make the first key if there is none. Two processes that start together agree on one.

        Opens its own transaction. Raises config.ConfigError when any of the keys cannot be decrypted.
        """
        if _read(db.engine) is None:
            try:
                with transaction() as session:
                    session.add(self.make("current"))
            except IntegrityError:
                # The other process was first; its key is read below.
                db.session.rollback()
        for row in db.session.scalars(select(LtiSigningKey)):
            self.check(row)
        db.session.rollback()

    def current(self) -> SigningKey:
        """The key to sign with. Raises config.ConfigError when there is none or it cannot be decrypted."""
        return self.signer()()

    def signer(self) -> Callable[[], SigningKey]:
        """What gives the key to sign with whenever it is called, from any thread and without an app context.

        Work that goes on for longer than a key so notices a rotation too.
        """
        return partial(self._sign_with, db.engine)

    def _sign_with(self, engine: Engine) -> SigningKey:
        with self._lock:
            if self._current and time.monotonic() < self._current[1]:
                return self._current[0]
            # In a context of its own: the caller may hold the write lock of SQLite, and this only reads.
            row = Context().run(_read, engine)
            if row is None:
                raise config.ConfigError("there is no signing key yet: start the tool once with `peerloop serve`")
            key = self._parse(*row)
            self._current = (key, time.monotonic() + REREAD_SECONDS)
            return key

    def public_keys(self) -> list[dict[str, str]]:
        """The public halves of all published keys, as JSON Web Keys."""
        rows = db.session.scalars(select(LtiSigningKey.public_jwk).order_by(LtiSigningKey.created_at))
        return [json.loads(row) for row in rows]

    def seal(self, secret: bytes) -> bytes:
        """Another secret, encrypted as private keys are."""
        return self._fernet.encrypt(secret)

    def unseal(self, sealed: bytes) -> bytes | None:
        """The secret again; None where another encryption key is in use by now."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            return None

    def check(self, row: LtiSigningKey) -> None:
        """Raises config.ConfigError when the key cannot be decrypted."""
        self._parse(row.kid, row.private_key)

    def make(self, state: str) -> LtiSigningKey:
        """A fresh key pair in `state`, its private half encrypted, not yet in any session."""
        private_key = _generate()
        pem = private_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        jwk = public_jwk(private_key.public_key())
        return LtiSigningKey(
            kid=jwk["kid"], private_key=self._fernet.encrypt(pem), public_jwk=json.dumps(jwk), state=state
        )

    def _parse(self, kid: str, encrypted: bytes) -> SigningKey:
        if kid not in self._parsed:
            try:
                pem = self._fernet.decrypt(encrypted)
            except InvalidToken:
                raise config.ConfigError(
                    "PEERLOOP_KEY_ENCRYPTION_KEY does not fit the signing keys in the database: "
                    "set the one that they were encrypted with "
                    "(if it is lost for good, see “Signing keys” in docs/operate.md)"
                ) from None
            private_key = serialization.load_pem_private_key(pem, password=None)
            if not isinstance(private_key, rsa.RSAPrivateKey):
                raise config.ConfigError(f"the signing key {kid} in the database is not an RSA key")
            self._parsed[kid] = SigningKey(kid, private_key)
        return self._parsed[kid]


def _read(engine: Engine) -> tuple[str, bytes] | None:
    query = select(LtiSigningKey.kid, LtiSigningKey.private_key).where(LtiSigningKey.state == "current")
    with engine.connect() as connection:
        row = connection.execute(query).one_or_none()
    return (row[0], row[1]) if row else None


def _generate() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)


def public_jwk(key: rsa.RSAPublicKey) -> dict[str, str]:
    """The JSON Web Key of `key`, named by its thumbprint (RFC 7638, section 3)."""
    numbers = key.public_numbers()
    required = {"e": _base64url(numbers.e), "kty": "RSA", "n": _base64url(numbers.n)}
    canonical = json.dumps(required, sort_keys=True, separators=(",", ":")).encode()
    kid = base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
    return {**required, "kid": kid, "use": "sig", "alg": "RS256"}


def _base64url(number: int) -> str:
    octets = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
