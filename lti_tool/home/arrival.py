"""From a launch message to a visit: record who came, open the visit, lead to the first page. One transaction."""

from __future__ import annotations

from flask import make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from lti_tool.database import db
from lti_tool.gradebook import reading
from lti_tool.links import doors
from lti_tool.lti.launch import Launch, Role
from lti_tool.roster import launches
from lti_tool.roster.names import stated_name
from lti_tool.web import headers, visits


def arrive(launch: Launch) -> ResponseReturnValue:
    """Record `launch` in the caller's transaction and send the browser to the page that it is about."""
    session = db.session()
    try:
        recorded = launches.record(session, launch)
    except launches.NoCourseError:
        administrator = launches.record_administrator(session, launch)
        if administrator is None:
            return _outside_courses(launch)
        recorded = administrator
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
        stored_browser=launch.stored_browser,
        standing_changed=recorded.standing_changed,
    )
    if recorded.role is Role.INSTRUCTOR:
        reading.want_reading(session, recorded.course_id)
    door = doors.door(session, launch, recorded)
    response = make_response(redirect(url_for(door.endpoint, visit=ticket.token, **door.values), code=303))
    visits.set_cookie(response, ticket)
    return response


def _outside_courses(launch: Launch) -> ResponseReturnValue:
    """The answer to a good launch from a place that belongs to no course. Nothing is recorded, no visit opened."""
    name = stated_name(launch.identity) or launch.identity.email
    response = make_response(render_template("home/no_course.html", name=name))
    headers.framed_by(response, launch.frame_origins)
    response.headers["Cache-Control"] = "no-store"
    return response
