"""The platform's RSA key and other secrets, kept as private files in the data folder."""

import hashlib
import json
import os
import secrets
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


def write_private(path: Path, content: bytes) -> None:
    """Create a file that only its owner can read; a file that exists already is an error."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def secret_of(path: Path) -> str:
    """The secret in this file, made on the first start."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32).encode())
    return path.read_text()


class PlatformKey:
    """Signs id_tokens. The ``kid`` is the key's RFC 7638 thumbprint, so it can never name another key."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            write_private(path, _new_pem())
        loaded = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(loaded, rsa.RSAPrivateKey):
            raise ValueError(f"{path} does not hold an RSA private key; remove it to get a new one")
        self._key = loaded
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(loaded.public_key()))
        numbers = {member: public[member] for member in ("e", "kty", "n")}
        canonical = json.dumps(numbers, sort_keys=True, separators=(",", ":")).encode()
        self.kid = urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
        self.key_set = {"keys": [{**numbers, "use": "sig", "alg": "RS256", "kid": self.kid}]}

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self.kid})


def _new_pem() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
