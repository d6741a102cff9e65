"""The database can be brought up, and down again, on both kinds, and is then what the code expects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from flask import Flask
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

import config
from lti_tool import schema
from lti_tool.app import create_app
from lti_tool.database import Base, db
from tests.support import postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An app whose database holds nothing."""

    def made(url: str) -> Flask:
        values = {"database_url": url, "queue_url": f"sqlite:///{tmp_path / 'queue.db'}", "keys_dir": tmp_path}
        return create_app(config.Settings(**values).with_secrets())  # type: ignore[arg-type]  # checked by pydantic

    if request.param == "sqlite":
        app = made(f"sqlite:///{tmp_path / 'empty.db'}")
        with app.app_context():
            yield app
            db.engine.dispose()
        return
    with postgres.fresh_database(request.getfixturevalue("postgres_server")) as uri:
        app = made(uri)
        with app.app_context():
            yield app
            db.session.remove()
            db.engine.dispose()


def test_an_empty_database_refuses_to_serve_and_says_what_to_run(empty_app: Flask) -> None:
    assert empty_app
    with pytest.raises(config.ConfigError, match="peerloop db upgrade"):
        schema.require_current()


def test_the_migrations_make_exactly_the_tables_that_the_code_expects(empty_app: Flask) -> None:
    assert empty_app
    schema.upgrade()
    schema.require_current()
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_migrations_run_down_to_nothing_and_up_again(empty_app: Flask) -> None:
    assert empty_app
    schema.upgrade()
    flask_migrate.downgrade(revision="base")
    assert set(inspect(db.engine).get_table_names()) <= {"alembic_version", *QUEUE_TABLES}
    before, after = schema.upgrade()
    assert before is None
    assert after == schema.newest()


def test_what_launches_said_of_a_deployment_is_known_after_the_migration(empty_app: Flask) -> None:
    assert empty_app
    flask_migrate.upgrade(revision="rotate_signing_keys")
    fill(DEPLOYMENTS_BEFORE)
    schema.upgrade()
    rows = db.session.execute(text("SELECT deployment_id, guid FROM lti_deployment"))
    found = {row.deployment_id: row.guid for row in rows}
    assert found == {"one": "g1", "several": "", "nameless": None, "waits": None}
    [reference] = db.session.scalars(text("SELECT reference FROM lti_deployment WHERE reference IS NOT NULL"))
    assert len(reference) == 7


def test_programs_keep_the_names_of_their_columns_and_links_what_they_open(empty_app: Flask) -> None:
    assert empty_app
    flask_migrate.upgrade(revision="waiting_deployments")
    fill(f"{COURSE_BEFORE};\n{PROGRAM_BEFORE}")
    schema.upgrade()
    programs = db.session.execute(text("SELECT resource_id, gradebook_plan FROM program"))
    assert [tuple(row) for row in programs] == [("peerloop-program-7", "totals")]
    assert list(db.session.scalars(text("SELECT opens FROM course_link"))) == ["course/home"]


def test_a_registration_that_waited_before_has_a_reference_of_its_own(empty_app: Flask) -> None:
    assert empty_app
    flask_migrate.upgrade(revision="last_standing")
    fill(WAITING_BEFORE)
    schema.upgrade()
    references = list(db.session.scalars(text("SELECT reference FROM lti_pending_registration")))
    assert len(set(references)) == 2
    assert {len(reference) for reference in references} == {7}


def test_going_back_by_a_version_keeps_who_is_in_which_cohort(empty_app: Flask) -> None:
    assert empty_app
    flask_migrate.upgrade(revision="cohorts_that_end")
    fill(f"{COURSE_BEFORE};\n{COHORT_BEFORE}")
    flask_migrate.downgrade(revision="learners_answers")
    members = db.session.execute(text("SELECT cohort_id, person_id FROM cohort_membership"))
    assert [tuple(row) for row in members] == [(3, 5)]
    assert list(db.session.scalars(text("SELECT cohort_id FROM meeting"))) == [3]


def test_nothing_that_belongs_to_a_program_is_lost_on_the_way_up(empty_app: Flask) -> None:
    assert empty_app
    flask_migrate.upgrade(revision="admin_pages")
    fill(f"{COURSE_BEFORE};\n{PROGRAM_BEFORE};\n{FIRST_COHORT_BEFORE}")
    schema.upgrade()
    members = db.session.execute(text("SELECT cohort_id, person_id FROM cohort_membership"))
    assert [tuple(row) for row in members] == [(3, 5)]
    assert list(db.session.scalars(text("SELECT cohort_id FROM meeting"))) == [3]
    stray = "INSERT INTO cohort_membership (program_id, cohort_id, person_id, since, until)"
    with pytest.raises(IntegrityError):  # what rows refer to is watched over again
        fill(f"{stray} VALUES (7, 99, 5, '2026-01-02', '2026-01-03')")


def fill(statements: str) -> None:
    with db.engine.begin() as connection:
        for statement in statements.strip().split(";\n"):
            connection.execute(text(statement))


COURSE_BEFORE = """
INSERT INTO lti_registration (id, name, issuer, client_id, auth_url, token_url, jwks_url, audience, created_at)
VALUES (1, 'LMS', 'https://lms.test', 'c', 'a', 't', 'j', 't', '2026-01-01');
INSERT INTO tenant (id, registration_id, key, name, launched_at) VALUES (1, 1, 'guid:g1', 'A', '2026-01-01');
INSERT INTO course (id, tenant_id, context_id, deployment_id, title, zone, grade_scopes)
VALUES (1, 1, 'c1', 'one', 'C', 'UTC', '[]')
""".strip()
PROGRAM_BEFORE = """
INSERT INTO course_link (course_id, link_id, title) VALUES (1, 'link-1', 'Peerloop');
INSERT INTO program (id, course_id, title, skill, first_session_on, session_time, session_minutes, zone, size_min,
size_max, size_target, created_at) VALUES
(7, 1, 'Giving feedback', 'F', '2026-01-05', '14:00', 45, 'UTC', 8, 20, 12, '2026-01-01')
""".strip()
FIRST_COHORT_BEFORE = """
INSERT INTO module (id, program_id, number, title, micro_teach, prompt_a, prompt_b, reflection, assignment_title,
assignment_text, assignment_minutes) VALUES (2, 7, 1, 'M', 'm', 'a', 'b', 'r', 'A', 'p', 10);
INSERT INTO person (id, tenant_id, subject, name) VALUES (5, 1, 'ana', 'Ana');
INSERT INTO cohort (id, program_id, position, name, published_at) VALUES (3, 7, 0, 'A', '2026-01-02');
INSERT INTO cohort_membership (program_id, cohort_id, person_id, since) VALUES (7, 3, 5, '2026-01-02');
INSERT INTO meeting (cohort_id, module_id, starts_at, minutes) VALUES (3, 2, '2026-01-05', 45)
""".strip()
COHORT_BEFORE = """
INSERT INTO program (id, course_id, title, skill, first_session_on, session_time, session_minutes, zone, size_min,
size_max, size_target, resource_id, gradebook_plan, created_at) VALUES
(7, 1, 'Giving feedback', 'F', '2026-01-05', '14:00', 45, 'UTC', 8, 20, 12, 'r', 'totals', '2026-01-01');
INSERT INTO module (id, program_id, number, title, micro_teach, prompt_a, prompt_b, reflection, assignment_title,
assignment_text, assignment_minutes) VALUES (2, 7, 1, 'M', 'm', 'a', 'b', 'r', 'A', 'p', 10);
INSERT INTO person (id, tenant_id, subject, name, launched_as_admin) VALUES (5, 1, 'ana', 'Ana', false);
INSERT INTO cohort (id, program_id, position, name, published_at) VALUES (3, 7, 0, 'A', '2026-01-02');
INSERT INTO cohort_membership (program_id, cohort_id, person_id, since) VALUES (7, 3, 5, '2026-01-02');
INSERT INTO meeting (cohort_id, module_id, starts_at, minutes, version) VALUES (3, 2, '2026-01-05', 45, 0)
""".strip()
WAITING_BEFORE = """
INSERT INTO lti_pending_registration
(host, doubt, family, name, issuer, client_id, auth_url, token_url, jwks_url, audience, created_at) VALUES
('lms.test', false, 'moodle', 'LMS', 'https://lms.test', 'c1', 'a', 't', 'j', 't', '2026-01-01'),
('lms.test', false, 'moodle', 'LMS', 'https://lms.test', 'c2', 'a', 't', 'j', 't', '2026-01-01')
""".strip()
DEPLOYMENTS_BEFORE = """
INSERT INTO lti_registration (id, name, issuer, client_id, auth_url, token_url, jwks_url, audience, created_at)
VALUES (1, 'LMS', 'https://lms.test', 'c', 'a', 't', 'j', 't', '2026-01-01');
INSERT INTO lti_deployment (registration_id, deployment_id, status, created_at) VALUES
(1, 'one', 'active', '2026-01-01'), (1, 'several', 'active', '2026-01-01'),
(1, 'nameless', 'active', '2026-01-01'), (1, 'waits', 'pending', '2026-01-01');
INSERT INTO tenant (id, registration_id, key, name, launched_at) VALUES
(1, 1, 'guid:g1', 'A', '2026-01-01'), (2, 1, 'guid:g2', 'B', '2026-01-01'),
(3, 1, 'deployment:nameless', 'C', '2026-01-01');
INSERT INTO course (tenant_id, context_id, deployment_id, title, zone, grade_scopes) VALUES
(1, 'c1', 'one', 'C', 'UTC', '[]'), (1, 'c2', 'several', 'C', 'UTC', '[]'),
(2, 'c1', 'several', 'C', 'UTC', '[]'), (3, 'c1', 'nameless', 'C', 'UTC', '[]')
"""

QUEUE_TABLES = {"huey_kv", "huey_schedule", "huey_task", "huey_counter"}
