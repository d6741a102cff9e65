"""What a launch leaves in the roster."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import event, func, select, update

from lti_tool import clock
from lti_tool.database import db, transaction
from lti_tool.lti.launch import Context, Identity, Platform, Role, Standing
from lti_tool.roster import launches
from lti_tool.roster.launches import NoCourseError, Recorded
from lti_tool.roster.tables import Course, CourseLink, Enrolment, ReadingState, RosterReading, Tenant
from tests.roster.lms import Lms, course, enrolment, person, reading

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_launch_records_institution_course_link_person_and_role(lms: Lms) -> None:
    recorded = lms.arrives("ana", Role.LEARNER)
    assert (recorded.person_name, recorded.role, recorded.course_title) == ("The ana", Role.LEARNER, "Peer learning")
    tenant = db.session.scalars(select(Tenant)).one()
    assert (tenant.id, tenant.key, tenant.name) == (recorded.tenant_id, "guid:guid-1", "Northfield College")
    link = db.session.scalars(select(CourseLink)).one()
    assert (link.id, link.link_id, link.title) == (recorded.link_id, "link-1", "Week 1")
    assert (course().grade_scopes, course().line_items_url) == (["a", "b"], lms.platform.url("/lineitems"))
    assert enrolment("ana").id == recorded.enrolment_id
    assert enrolment("ana").role == "learner"


def test_a_second_launch_finds_the_same_rows(lms: Lms) -> None:
    assert lms.arrives("ana", Role.LEARNER) == lms.arrives("ana", Role.LEARNER)
    assert db.session.scalar(select(func.count(Enrolment.id))) == 1


def test_a_launch_that_brings_no_news_costs_two_statements(lms: Lms) -> None:
    lms.arrives("ana", Role.LEARNER)
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    lms.arrives("ana", Role.LEARNER)
    verbs = [s.split()[0] for s in statements if not s.startswith(("BEGIN", "SAVEPOINT"))]
    assert verbs == ["SELECT", "UPDATE"]


def test_institutions_that_share_a_registration_are_kept_apart_by_their_guid(lms: Lms) -> None:
    here = lms.arrives("ana", Role.LEARNER)
    there = lms.arrives("ana", Role.LEARNER, platform=Platform(guid="guid-2", name="Southfield"))
    assert here.tenant_id != there.tenant_id
    assert here.person_id != there.person_id
    assert here.course_id != there.course_id


def test_deployments_of_one_institution_share_their_people(lms: Lms) -> None:
    here = lms.arrives("ana", Role.LEARNER)
    there = lms.arrives("ana", Role.LEARNER, deployment_id="deployment-2")
    assert (here.tenant_id, here.person_id) == (there.tenant_id, there.person_id)


def test_without_a_guid_each_deployment_is_an_institution(lms: Lms) -> None:
    here = lms.arrives("ana", Role.LEARNER, platform=Platform())
    there = lms.arrives("ana", Role.LEARNER, platform=Platform(), deployment_id="deployment-2")
    assert here.tenant_id != there.tenant_id
    assert db.session.get_one(Tenant, here.tenant_id).name == "Test LMS"


def test_an_lms_that_begins_to_name_its_instance_keeps_its_courses(lms: Lms) -> None:
    before = lms.arrives("ana", Role.LEARNER, platform=Platform())
    after = lms.arrives("ana", Role.LEARNER)
    assert (before.course_id, before.person_id) == (after.course_id, after.person_id)


def test_a_launch_without_a_course_is_refused_and_leaves_nothing(lms: Lms) -> None:
    with pytest.raises(NoCourseError):
        lms.arrives("root", Role.NONE, context=None)
    assert db.session.scalar(select(func.count(Tenant.id))) == 0


def test_what_a_launch_leaves_out_stays_as_it_was(lms: Lms) -> None:
    full = Identity("ana", name="Ana Ruiz", email="ana@example.edu", locale="es", zone="Europe/Madrid")
    lms.arrives("ana", Role.INSTRUCTOR, identity=full)
    recorded = lms.arrives(
        "ana", Role.INSTRUCTOR, identity=Identity("ana"), memberships_url=None, grades=None, resource_link=None
    )
    assert recorded.person_name == "Ana Ruiz"
    assert (recorded.zone, recorded.locale, recorded.link_id) == ("Europe/Madrid", "es", None)
    assert person("ana").email == "ana@example.edu"
    assert course().memberships_url == lms.platform.url("/members")
    assert course().grade_scopes == ["a", "b"]


def test_addresses_of_services_follow_the_last_launch(lms: Lms) -> None:
    lms.arrives()
    lms.arrives("ana", Role.LEARNER, memberships_url=lms.platform.url("/moved"))
    assert course().memberships_url == lms.platform.url("/moved")


def test_only_an_instructor_sets_the_time_zone_of_the_course(lms: Lms) -> None:
    lms.arrives("ana", Role.LEARNER, identity=Identity("ana", zone="Asia/Tokyo"))
    assert course().zone == "UTC"
    lms.arrives("teacher", identity=Identity("teacher", zone="Europe/Lisbon"))
    assert course().zone == "Europe/Lisbon"
    assert lms.arrives("bo", Role.LEARNER).zone == "Europe/Lisbon"


def test_a_person_without_a_name_gets_one_that_does_not_give_the_id_away(lms: Lms) -> None:
    recorded = lms.arrives("secret-subject", Role.LEARNER, identity=Identity("secret-subject"))
    assert recorded.person_name.startswith("Learner ")
    assert "secret" not in recorded.person_name
    named = lms.arrives("secret-subject", Role.LEARNER, identity=Identity("secret-subject", None, "Ana", "Ruiz"))
    assert named.person_name == "Ana Ruiz"


def test_the_first_launch_of_an_instructor_asks_for_the_roster_once(lms: Lms) -> None:
    assert lms.arrives("ana", Role.LEARNER).first_reading is False
    assert lms.arrives().first_reading is True
    assert lms.arrives().first_reading is True
    assert db.session.scalar(select(func.count(RosterReading.id))) == 1
    assert reading().state == ReadingState.REQUESTED


def test_an_instructor_who_comes_after_a_reading_asks_for_none(lms: Lms) -> None:
    lms.arrives()
    with transaction() as session:
        session.execute(update(Course).values(roster_read_at=clock.now()))
    assert lms.arrives().first_reading is False


def test_somebody_who_was_gone_and_comes_back_is_active_again(lms: Lms) -> None:
    lms.arrives("ana", Role.LEARNER)
    with transaction() as session:
        session.execute(update(Enrolment).values(left_at=LONG_AGO, joined_at=LONG_AGO))
    lms.arrives("ana", Role.LEARNER)
    assert enrolment("ana").left_at is None
    assert enrolment("ana").joined_at > LONG_AGO


def test_a_test_user_and_somebody_without_a_role_are_recorded_and_never_placed(lms: Lms) -> None:
    lms.arrives("preview", Role.LEARNER, standing=Standing(Role.LEARNER, is_test=True))
    lms.arrives("guest", Role.NONE)
    assert [enrolment(who).may_learn for who in ("preview", "guest")] == [False, False]


def test_an_administrators_launch_does_not_take_a_role_in_the_course_away(lms: Lms) -> None:
    lms.arrives("ana", Role.LEARNER)
    recorded = lms.arrives("ana", Role.NONE, standing=Standing(Role.NONE, is_admin=True))
    assert (recorded.role, recorded.is_admin) == (Role.NONE, True)
    assert enrolment("ana").role == "learner"


@pytest.mark.parametrize(
    ("before", "now", "changed"),
    [
        (Standing(Role.LEARNER), Standing(Role.LEARNER), False),
        (Standing(Role.INSTRUCTOR), Standing(Role.LEARNER), True),
        (Standing(Role.INSTRUCTOR), Standing(Role.NONE), True),
        (Standing(Role.INSTRUCTOR), Standing(Role.NONE, is_admin=True), False),
        (Standing(Role.INSTRUCTOR, is_admin=True), Standing(Role.INSTRUCTOR), True),
        (Standing(Role.INSTRUCTOR), Standing(Role.INSTRUCTOR, is_admin=True), True),
    ],
)
def test_a_launch_tells_whether_its_person_was_something_else_before(
    lms: Lms, before: Standing, now: Standing, *, changed: bool
) -> None:
    assert not lms.arrives("ana", before.role, standing=before).standing_changed
    assert lms.arrives("ana", now.role, standing=now).standing_changed is changed
    assert lms.arrives("ana", now.role, standing=now).standing_changed is False


def test_a_roster_that_has_told_of_the_new_role_first_hides_no_change(lms: Lms) -> None:
    lms.arrives("ana", Role.INSTRUCTOR)
    with transaction() as session:
        session.execute(update(Enrolment).values(role="learner"))
    assert lms.arrives("ana", Role.LEARNER).standing_changed


def test_after_two_launches_at_once_the_next_one_ends_what_is_not_its_persons(
    lms: Lms, monkeypatch: pytest.MonkeyPatch
) -> None:
    lms.arrives("ana", Role.INSTRUCTOR)
    slow = lms.launch("ana", Role.INSTRUCTOR)
    assert slow.context is not None
    with transaction() as session:
        seen = launches._known(session.connection(), slow, slow.context)
    lms.arrives("ana", Role.LEARNER)
    monkeypatch.setattr(launches, "_known", lambda *_: seen)
    lms.arrives("ana", Role.INSTRUCTOR)
    monkeypatch.undo()
    assert lms.arrives("ana", Role.LEARNER).standing_changed


def test_who_was_an_administrator_is_none_in_another_course_either(lms: Lms) -> None:
    lms.arrives("ana", standing=Standing(Role.INSTRUCTOR, is_admin=True))
    assert lms.arrives("ana", context=Context("c2", "PL2", "Another course")).standing_changed


def test_a_role_that_changes_in_the_lms_changes_here(lms: Lms) -> None:
    lms.arrives("ana", Role.LEARNER)
    lms.arrives("ana", Role.TEACHING_ASSISTANT)
    assert enrolment("ana").role == "ta"


def test_first_launches_at_the_same_moment_make_one_person(lms: Lms, any_app: Flask) -> None:
    def arrive(_: int) -> Recorded:
        with any_app.app_context():
            return lms.arrives("ana", Role.LEARNER)

    db.session.remove()
    with ThreadPoolExecutor(6) as pool:
        recorded = list(pool.map(arrive, range(6)))
    assert len(set(recorded)) == 1
    assert db.session.scalar(select(func.count(Enrolment.id))) == 1


def test_the_section_that_the_lms_tells_stays_until_it_tells_another(lms: Lms) -> None:
    lms.arrives("ana", Role.LEARNER, section="North")
    lms.arrives("ana", Role.LEARNER)
    assert db.session.scalars(select(Enrolment.section)).all() == ["North"]
    lms.arrives("ana", Role.LEARNER, section="South")
    db.session.rollback()
    assert db.session.scalars(select(Enrolment.section)).all() == ["South"]
