"""Accepting or dismissing a deployment that waits, written down for the record."""

from __future__ import annotations

from sqlalchemy.orm import Session

from lti_tool import audit
from lti_tool.lti import deployments
from lti_tool.lti.tables import LtiDeployment


def approve(session: Session, reference: str) -> LtiDeployment:
    """Accept the deployment that waits under `reference`. Raises deployments.NotWaitingError."""
    return _written_down(session, "deployment.approved", deployments.approve(session, reference))


def dismiss(session: Session, reference: str) -> LtiDeployment:
    """Take it off the list; its next launch waits anew. Raises deployments.NotWaitingError."""
    return _written_down(session, "deployment.dismissed", deployments.dismiss(session, reference))


def _written_down(session: Session, action: str, row: LtiDeployment) -> LtiDeployment:
    about = {"registration": row.registration_id, "deployment": row.deployment_id, "guid": row.guid}
    audit.record(session, action, "deployment", row.id, course_id=None, actor_id=None, after=about)
    return row
