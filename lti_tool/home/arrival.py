"""From a launch message to a visit: record who came, open the visit, lead to the first page. One transaction."""

from __future__ import annotations

from flask import make_response, redirect, url_for
from flask.typing import ResponseReturnValue

from lti_tool.database import db
from lti_tool.gradebook import reading
from lti_tool.lti.launch import Launch, Role
from lti_tool.lti.refusals import LaunchRefused
from lti_tool.roster import launches
from lti_tool.web import visits


def arrive(launch: Launch) -> ResponseReturnValue:
    """Record `launch` in the caller's transaction and send the browser to the visit's first page."""
    session = db.session()
    try:
        recorded = launches.record(session, launch)
    except launches.NoCourseError:
        raise LaunchRefused("no_course") from None
    ticket = visits.open_visit(
        session,
        person_id=recorded.person_id,
        person_name=recorded.person_name,
        course_id=recorded.course_id,
        tenant_id=recorded.tenant_id,
        role=recorded.role,
        is_test=recorded.is_test,
        is_admin=recorded.is_admin,
        zone=recorded.zone,
        locale=recorded.locale,
        frame_origins=launch.frame_origins,
    )
    if recorded.role is Role.INSTRUCTOR:
        reading.want_reading(session, recorded.course_id)
    response = make_response(redirect(url_for("home.index", visit=ticket.token), code=303))
    visits.set_cookie(response, ticket)
    return response
