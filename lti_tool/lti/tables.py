"""What the wire remembers: registrations, deployments, our signing keys, and logins under way."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Float,
    ForeignKey,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column

from lti_tool import clock
from lti_tool.database import Base, unique_where

URL_LENGTH = 2048
NAME_LENGTH = 200
ID_LENGTH = 255  # LTI Core limits sub, deployment_id and resource link ids to 255 ASCII characters


class LtiPlatform:
    """What both sides know of each other: the columns of whatever is registered, or waits to be."""

    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    issuer: Mapped[str] = mapped_column(String(ID_LENGTH))
    client_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    auth_url: Mapped[str] = mapped_column(String(URL_LENGTH))
    token_url: Mapped[str] = mapped_column(String(URL_LENGTH))
    jwks_url: Mapped[str] = mapped_column(String(URL_LENGTH))
    audience: Mapped[str] = mapped_column(String(URL_LENGTH))


class LtiRegistration(LtiPlatform, Base):
    """One client id at one platform. https://www.imsglobal.org/spec/lti/v1p3#tool-deployment"""

    __tablename__ = "lti_registration"
    __table_args__ = (UniqueConstraint("issuer", "client_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    family: Mapped[str] = mapped_column(String(30), default="standard", server_default="standard")
    # Registered by the LMS itself, which named no deployment: the first launch brings it, and it needs no approval.
    expects_deployment: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(default=clock.wall)


class LtiDeployment(Base):
    """A deployment: `active`, or `pending` while nobody has accepted what a launch brought.

    `reference` is what people are told while it waits. `guid` is the instance of the LMS that its launches name;
    empty text once they have named several. `institution` is the name that came with the first launch.
    """

    __tablename__ = "lti_deployment"
    __table_args__ = (
        UniqueConstraint("registration_id", "deployment_id"),
        CheckConstraint("status in ('active', 'pending')", name="status"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("lti_registration.id", ondelete="CASCADE"))
    deployment_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    status: Mapped[str] = mapped_column(String(10))
    reference: Mapped[str | None] = mapped_column(String(20), unique=True)
    guid: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    institution: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(default=clock.wall)


class LtiInvitation(Base):
    """An address for one registration, good until it is used or expires. Only a hash of its secret is kept.

    `host` is where the invited LMS is opened; empty if whoever invited did not say.
    """

    __tablename__ = "lti_invitation"

    id: Mapped[int] = mapped_column(primary_key=True)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    note: Mapped[str] = mapped_column(String(NAME_LENGTH))
    host: Mapped[str] = mapped_column(String(ID_LENGTH), default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.wall)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class LtiPendingRegistration(LtiPlatform, Base):
    """What an LMS registered and nobody here has approved. No launch sees it.

    `reference` is what people are told. `host` is where its configuration was read; with a `doubt`, it names
    addresses that are not its issuer's own. `invitation` is the note of the invitation that was used, None without.
    """

    __tablename__ = "lti_pending_registration"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(20), unique=True)
    host: Mapped[str] = mapped_column(String(ID_LENGTH), index=True)
    doubt: Mapped[bool] = mapped_column(default=False)
    invitation: Mapped[str | None] = mapped_column(String(NAME_LENGTH))
    family: Mapped[str] = mapped_column(String(30))
    deployment_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    created_at: Mapped[datetime] = mapped_column(default=clock.wall)


class LtiSigningKey(Base):
    """A key pair of ours. Three states so that a rotation can publish a key before and after its use.

    `since` is when the key came into its state; every key in the table is published.
    """

    __tablename__ = "lti_signing_key"
    __table_args__ = (
        CheckConstraint("state in ('next', 'current', 'previous')", name="state"),
        # Two processes that start together must not both make the first key.
        unique_where("uq_lti_signing_key_current", "state", condition="state = 'current'"),
        # Two rotations at once must not both publish a next key.
        unique_where("uq_lti_signing_key_next", "state", condition="state = 'next'"),
    )

    kid: Mapped[str] = mapped_column(String(64), primary_key=True)
    private_key: Mapped[bytes] = mapped_column(LargeBinary)
    public_jwk: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime] = mapped_column(default=clock.wall)
    since: Mapped[datetime] = mapped_column(default=clock.wall)


class LtiLoginState(Base):
    """A login that was sent to the platform and has not come back. Only hashes of its secrets are kept.

    The hints are the platform's; with them the login can begin anew in another window. `storage_target` names
    the frame in which the platform offers to keep the state (platform storage).
    """

    __tablename__ = "lti_login_state"

    state_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    nonce_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    registration_id: Mapped[int] = mapped_column(ForeignKey("lti_registration.id", ondelete="CASCADE"))
    target_link_uri: Mapped[str] = mapped_column(String(URL_LENGTH))
    login_hint: Mapped[str] = mapped_column(Text, server_default="")
    message_hint: Mapped[str] = mapped_column(Text, server_default="")
    storage_target: Mapped[str] = mapped_column(String(ID_LENGTH), server_default="")
    expires_at: Mapped[datetime] = mapped_column(index=True)


class LtiToken(Base):
    """An access token that all processes share, encrypted. `key` is a hash of everything that it was asked for.

    From `renew_at` on whoever holds the lease asks for a new one; the others use this one until `expires_at`.
    """

    __tablename__ = "lti_token"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("lti_registration.id", ondelete="CASCADE"))
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    renew_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    leased_by: Mapped[str | None] = mapped_column(String(32))
    leased_until: Mapped[datetime | None]


class LtiPace(Base):
    """How a platform bears our calls. No process calls it before `rests_until`.

    `setbacks` counts how often in a row it had to rest; while there is one, a single call at a time is made.
    `cause` is why it rests: "throttled" or "down".
    """

    __tablename__ = "lti_pace"

    registration_id: Mapped[int] = mapped_column(
        ForeignKey("lti_registration.id", ondelete="CASCADE"), primary_key=True
    )
    rests_until: Mapped[datetime | None]
    setbacks: Mapped[int] = mapped_column(default=0)
    cause: Mapped[str | None] = mapped_column(String(10))


class LtiLane(Base):
    """One of the calls that a platform takes at a time, lent to a process; its `owner` prolongs it while it needs it.

    `wanted_by` is a process that waits for it until `wanted_until`: nobody else takes it when it comes free.
    """

    __tablename__ = "lti_lane"

    registration_id: Mapped[int] = mapped_column(
        ForeignKey("lti_registration.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    owner: Mapped[str | None] = mapped_column(String(32))
    until: Mapped[datetime | None]
    wanted_by: Mapped[str | None] = mapped_column(String(32))
    wanted_until: Mapped[datetime | None]


class LtiCallCount(Base):
    """How many calls of a service ended in one way, and how many seconds they took together."""

    __tablename__ = "lti_call_count"

    registration_id: Mapped[int] = mapped_column(
        ForeignKey("lti_registration.id", ondelete="CASCADE"), primary_key=True
    )
    service: Mapped[str] = mapped_column(String(20), primary_key=True)
    outcome: Mapped[str] = mapped_column(String(20), primary_key=True)
    calls: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[float] = mapped_column(Float)
