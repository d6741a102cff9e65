"""What one sandbox process is told on its command line."""

from dataclasses import dataclass, field
from pathlib import Path

from lti_tool.sandbox.families.standard import Standard
from lti_tool.sandbox.offers import Storage


@dataclass(frozen=True)
class Settings:
    base_url: str
    """The public address without a trailing slash."""
    data: Path
    """The folder of the database and the keys."""
    control_token: str | None = None
    """The secret of the control API, which does not exist without it."""
    lms: Standard = field(default_factory=Standard)
    """Which LMS this process plays."""
    storage: Storage | None = None
    """How it keeps a tool's state and nonce at first; None for the way of the LMS that it plays."""
    apart_url: str = ""
    """Another origin that leads here, where people may sign in and `Storage.APART` is; empty if there is none."""

    @property
    def issuer(self) -> str:
        return self.lms.issuer or self.base_url

    @property
    def token_url(self) -> str:
        return self.base_url + self.lms.addresses.token

    @property
    def auth_url(self) -> str:
        return self.base_url + self.lms.addresses.auth

    def jwks_url(self, client_id: str) -> str:
        """The key set as it is named to a tool; Blackboard's depends on the client."""
        return self.base_url + self.lms.addresses.jwks.replace("<client_id>", client_id)
