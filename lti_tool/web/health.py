"""Whether the process lives (`/healthz`) and whether it can do its work (`/readyz`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, Flask, current_app
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from lti_tool import jobs
from lti_tool.database import db
from lti_tool.lti import wire
from lti_tool.web.gate import Access, allow

blueprint = Blueprint("health", __name__)


def register(app: Flask) -> None:
    """Add both addresses to `app`."""
    app.register_blueprint(blueprint)


@blueprint.get("/healthz")
@allow(Access.PUBLIC)
def alive() -> ResponseReturnValue:
    """The process answers."""
    return {"status": "ok"}


@blueprint.get("/readyz")
@allow(Access.PUBLIC)
def ready() -> ResponseReturnValue:
    """Database, queue and keys are within reach; 503 names what is not. `workers` counts those that live.

    Launches and pages need no worker, so a balancer must not take them away where there is none.
    """
    found = failing()
    if found:
        return {"status": "failing", "failing": found}, 503
    return {"status": "ok", "workers": jobs.living(db.session())}


def failing() -> list[str]:
    """What is out of reach, by the names of `CHECKS`; the log keeps the reasons."""
    return [name for name, check in CHECKS.items() if not _passes(name, check)]


def _passes(name: str, check: Callable[[], object]) -> bool:
    try:
        check()
    except Exception:
        # Whatever the reason is, the answer is "not ready"; the log keeps the reason.
        current_app.logger.exception("not ready: %s", name)
        return False
    return True


CHECKS: Mapping[str, Callable[[], object]] = {
    "database": lambda: db.session.execute(text("SELECT 1")),
    "queue": lambda: current_app.extensions["huey"].pending_count(),
    "keys": lambda: wire.current().keyring.current(),
}
