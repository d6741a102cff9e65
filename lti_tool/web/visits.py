"""A visit: one person's stay in one course, from a launch until it is left idle.

Pages inside an LMS's frame cannot rely on cookies, so the visit's opaque token stands in the path of every
page (`/v/<visit>/…`). Only its hash is stored. Where the browser does return the cookie that a launch set,
the visit is bound to it from then on, so that a copied address opens nothing in another browser.

One cookie stands for the browser (within one LMS, where it is partitioned), so that somebody who signs in after
somebody else finds nothing of theirs open. Where it is blocked, the platform's storage keeps the same secret for
the next launch. A launch also ends what its person has open in a role that is no longer theirs.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import structlog
from flask import Response, g, request
from sqlalchemy import (
    JSON,
    Boolean,
    ForeignKey,
    String,
    Table,
    and_,
    bindparam,
    delete,
    insert,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, Session, mapped_column

from lti_tool import clock, settings
from lti_tool.database import Base, db, transaction
from lti_tool.lti.launch import Role
from lti_tool.web.proofs import digest

log = structlog.get_logger(__name__)

TOUCH_EVERY = timedelta(minutes=1)
LONGEST = timedelta(hours=12)
# Ended visits go in passing: one launch in so many removes at most so many rows.
SWEEP_ONE_IN = 50
SWEEP_ROWS = 500
SECRET_BYTES = 32
SECRET = re.compile(r"[\w-]{43}")  # as secrets.token_urlsafe writes so many bytes


class VisitRow(Base):
    """What is stored of a visit. Role and frame are those of the launch; changes count from the next."""

    __tablename__ = "visit"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    cookie_hash: Mapped[str] = mapped_column(String(64), index=True)
    bound: Mapped[bool] = mapped_column(default=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id", ondelete="CASCADE"), index=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"))
    person_name: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(20))
    is_test: Mapped[bool]
    is_admin: Mapped[bool]
    zone: Mapped[str] = mapped_column(String(64))
    locale: Mapped[str | None] = mapped_column(String(35))
    frame_origins: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime] = mapped_column(index=True)


# On the way of every launch: Core statements, built once, since the ORM would double their time.
_visit = cast(Table, VisitRow.__table__)
_INSERT = insert(_visit)
_END_FORMER = delete(_visit).where(
    _visit.c.person_id == bindparam("person_id"),
    or_(
        and_(_visit.c.course_id == bindparam("course_id"), _visit.c.role != bindparam("role")),
        and_(_visit.c.is_admin, not_(bindparam("is_admin", type_=Boolean))),
    ),
)
_END_OTHERS = delete(_visit).where(
    _visit.c.cookie_hash == bindparam("cookie_hash"),
    _visit.c.tenant_id == bindparam("tenant_id"),
    _visit.c.person_id != bindparam("person_id"),
)
_SWEEP = delete(_visit).where(
    _visit.c.id.in_(select(_visit.c.id).where(_visit.c.seen_at < bindparam("ended")).limit(SWEEP_ROWS))
)


@dataclass(frozen=True, slots=True)
class Visit:
    """Who is here, where, as what. `token` is a secret: never log it, never mail it."""

    id: int
    token: str
    person_id: int
    person_name: str
    course_id: int
    tenant_id: int
    role: Role
    is_test: bool
    is_admin: bool
    zone: str
    locale: str | None
    frame_origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the browser is given when a visit opens."""

    token: str
    cookie: str


def open_visit(
    session: Session,
    *,
    person_id: int,
    person_name: str,
    course_id: int,
    tenant_id: int,
    role: Role,
    is_test: bool,
    is_admin: bool,
    zone: str,
    locale: str | None,
    frame_origins: tuple[str, ...],
    stored_browser: str | None,
    standing_changed: bool,
) -> Ticket:
    """Store a new visit within the caller's transaction and return the browser's secrets.

    `stored_browser` is what the platform's storage keeps of this browser where it keeps no cookie. Ends what somebody
    else left open in this browser and, with `standing_changed`, what is no longer this person's.
    """
    cookie = _cookie()
    browser = cookie or _secret(stored_browser)
    ticket = Ticket(secrets.token_urlsafe(SECRET_BYTES), browser or secrets.token_urlsafe(SECRET_BYTES))
    now = clock.wall()
    values = {
        "token_hash": digest(ticket.token),
        "cookie_hash": digest(ticket.cookie),
        "bound": cookie is not None,
        "person_id": person_id,
        "person_name": person_name,
        "course_id": course_id,
        "tenant_id": tenant_id,
        "role": role.value,
        "is_test": is_test,
        "is_admin": is_admin,
        "zone": zone,
        "locale": locale,
        "frame_origins": list(frame_origins),
        "created_at": now,
        "seen_at": now,
    }
    if standing_changed:
        session.execute(_END_FORMER, values)
    if browser:
        session.execute(_END_OTHERS, values)
    session.execute(_INSERT, values)
    if secrets.randbelow(SWEEP_ONE_IN) == 0:
        sweep(session)
    return ticket


def _cookie_name() -> str:
    return ("__Host-" if settings.current().is_https else "") + "peerloop-browser"


def _cookie() -> str | None:
    """The secret that this browser sent, if it could be one of ours."""
    return _secret(request.cookies.get(_cookie_name()))


def _secret(sent: str | None) -> str | None:
    return sent if SECRET.fullmatch(sent or "") else None


def set_cookie(response: Response, ticket: Ticket) -> None:
    """Give the browser the cookie that binds the visit to it (RFC 6265bis; partitioned by CHIPS)."""
    https = settings.current().is_https
    response.set_cookie(
        _cookie_name(),
        ticket.cookie,
        max_age=LONGEST,
        path="/",
        httponly=True,
        secure=https,
        samesite="None" if https else "Lax",
        partitioned=https,
    )


def has_cookie() -> bool:
    """Whether the browser of this request returned the cookie of its visit."""
    return bool(g.get("has_cookie"))


def find(token: str) -> Visit | None:
    """The visit with this token, if it is alive and this browser may use it."""
    now = clock.wall()
    row = db.session.scalar(
        select(VisitRow).where(
            VisitRow.token_hash == digest(token),
            VisitRow.seen_at > now - timedelta(minutes=settings.current().visit_idle_minutes),
            VisitRow.created_at > now - LONGEST,
        )
    )
    if row is None:
        return None
    has_cookie = hmac.compare_digest(digest(_cookie() or ""), row.cookie_hash)
    if row.bound and not has_cookie:
        return None
    g.touch = (row.id, has_cookie) if row.seen_at < now - TOUCH_EVERY or has_cookie > row.bound else None
    g.has_cookie = has_cookie
    return Visit(
        id=row.id,
        token=token,
        person_id=row.person_id,
        person_name=row.person_name,
        course_id=row.course_id,
        tenant_id=row.tenant_id,
        role=Role(row.role),
        is_test=row.is_test,
        is_admin=row.is_admin,
        zone=row.zone,
        locale=row.locale,
        frame_origins=tuple(row.frame_origins),
    )


def touch() -> None:
    """Note that the visit goes on, at most once a minute, in a short transaction after the page is made."""
    due: tuple[int, bool] | None = g.pop("touch", None)
    if due is None:
        return
    visit_id, has_cookie = due
    values: dict[str, object] = {"seen_at": clock.wall()}
    if has_cookie:
        values["bound"] = True
    try:
        with transaction() as session:
            session.execute(update(VisitRow).where(VisitRow.id == visit_id).values(values))
    except OperationalError as error:
        # The page is made and its deed is done: the next page notes it.
        log.warning("visit not noted", reason=type(error.orig).__name__)


def sweep(session: Session) -> None:
    """Remove some visits that were left idle for too long."""
    session.execute(_SWEEP, {"ended": clock.wall() - timedelta(minutes=settings.current().visit_idle_minutes)})
