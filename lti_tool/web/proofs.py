"""What is derived of the secret that a browser holds: the hash that is stored, and the token of its forms."""

from __future__ import annotations

import hashlib
import hmac

from lti_tool import settings


def digest(secret: str) -> str:
    """What is stored of a secret, in 64 letters."""
    return hashlib.sha256(secret.encode()).hexdigest()


def form_token(secret: str) -> str:
    """The token of the forms of whoever holds `secret`: an HMAC, so that it needs no cookie and no storage."""
    key = settings.current().signing_secret.encode()
    return hmac.new(key, b"csrf:" + secret.encode(), hashlib.sha256).hexdigest()
