"""The keys of platforms, kept in this process: read once, read again when they age or an unknown one appears.

https://www.imsglobal.org/spec/security/v1p0/#h_key-set-url
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from typing import Any

import structlog
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.utils import base64url_decode

from lti_tool.lti.client import Answer, LmsClient
from lti_tool.lti.failures import LmsError
from lti_tool.lti.refusals import LaunchRefused

MIN_SECONDS = 300.0
MAX_SECONDS = 86_400.0
DEFAULT_SECONDS = 3600.0
# The least time between two reads that an unknown key or a failure causes.
FLOOR_SECONDS = 10.0
MIN_BITS = 2048
MAX_BITS = 8192

log = structlog.get_logger(__name__)


class PlatformKeys:
    """Key sets by address. Safe for threads; no transaction may be open, since a call may read a key set."""

    def __init__(self, client: LmsClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._sets: dict[str, _KeySet] = {}

    def find(self, url: str, kid: str) -> rsa.RSAPublicKey:
        """The key named `kid`. Raises LaunchRefused: unknown_key, weak_key or keys_unreachable."""
        with self._lock:
            keys = self._sets.setdefault(url, _KeySet(url, self._client))
        return keys.find(kid)


class _KeySet:
    """One platform's key set, kept as parsed objects: parsing can cost more than checking a signature."""

    def __init__(self, url: str, client: LmsClient) -> None:
        self._url = url
        self._client = client
        self._lock = threading.Lock()
        self._keys: Mapping[str, rsa.RSAPublicKey] | None = None
        self._fresh_until = 0.0
        self._next_forced = 0.0

    def find(self, kid: str) -> rsa.RSAPublicKey:
        key = self._fresh(kid)
        if key is None:
            with self._lock:
                # Another thread may have read the set while this one waited.
                key = self._fresh(kid) or self._read_for(kid)
        if key.key_size < MIN_BITS:
            raise LaunchRefused("weak_key", f"{key.key_size} bits")
        return key

    def _fresh(self, kid: str) -> rsa.RSAPublicKey | None:
        keys = self._keys
        return keys.get(kid) if keys is not None and time.monotonic() < self._fresh_until else None

    def _read_for(self, kid: str) -> rsa.RSAPublicKey:
        now = time.monotonic()
        if now >= self._fresh_until or now >= self._next_forced:
            forced = now < self._fresh_until
            self._read()
            if forced:
                self._next_forced = now + FLOOR_SECONDS
        if self._keys is None:
            raise LaunchRefused("keys_unreachable", self._url)
        if kid not in self._keys:
            raise LaunchRefused("unknown_key", self._url)
        return self._keys[kid]

    def _read(self) -> None:
        try:
            answer = ask(self._client, self._url)
            self._keys = parse(answer)
            self._fresh_until = time.monotonic() + _max_age(answer.headers.get("Cache-Control", ""))
        except LmsError as error:
            # Keys read before stay in use; a platform that is down is not asked again by every launch.
            log.warning("platform keys not read", url=self._url, reason=error.reason, status=error.status)
            self._fresh_until = time.monotonic() + FLOOR_SECONDS
            self._next_forced = self._fresh_until


def ask(client: LmsClient, url: str) -> Answer:
    """The answer that holds a key set. Raises LmsError where none is served."""
    answer = client.send("keys", "GET", url, headers={"Accept": "application/json"})
    if answer.status != 200:
        raise answer.unreadable("the key set was not served")
    return answer


def parse(answer: Answer) -> dict[str, rsa.RSAPublicKey]:
    """The usable keys of a key set by their names. Raises Unreadable for an answer that is none."""
    data = answer.json()
    entries = data.get("keys") if isinstance(data, dict) else None
    if not isinstance(entries, list):
        raise answer.unreadable("the answer is not a key set")
    keys: dict[str, rsa.RSAPublicKey] = {}
    for entry in entries:
        if isinstance(entry, dict) and isinstance(entry.get("kid"), str):
            key = _public_key(entry)
            if key is not None:
                keys.setdefault(entry["kid"], key)
    return keys


def _public_key(entry: Mapping[str, Any]) -> rsa.RSAPublicKey | None:
    """An RSA key meant for signatures; a missing `alg` means RS256 (Brightspace sends none). Else None."""
    if entry.get("kty") != "RSA" or entry.get("use", "sig") != "sig" or entry.get("alg", "RS256") != "RS256":
        return None
    try:
        modulus = int.from_bytes(base64url_decode(entry["n"]), "big")
        exponent = int.from_bytes(base64url_decode(entry["e"]), "big")
        if modulus.bit_length() > MAX_BITS:
            return None
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _max_age(cache_control: str) -> float:
    match = re.search(r"max-age=\"?(\d{1,9})", cache_control, re.IGNORECASE)
    return min(max(float(match.group(1)), MIN_SECONDS), MAX_SECONDS) if match else DEFAULT_SECONDS
