"""What one sandbox process is told on its command line."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    base_url: str
    """The public address without a trailing slash; it is also the issuer."""
    data: Path
    """The folder of the database and the keys."""
    control_token: str | None = None
    """The secret of the control API, which does not exist without it."""

    @property
    def token_url(self) -> str:
        return f"{self.base_url}/token"

    @property
    def auth_url(self) -> str:
        return f"{self.base_url}/auth"

    @property
    def jwks_url(self) -> str:
        return f"{self.base_url}/jwks"
