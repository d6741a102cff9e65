"""What holds for the whole house."""

from __future__ import annotations

import pytest

from lti_tool.cohorts.tables import Membership
from lti_tool.database import db
from tests.support import factories


@pytest.mark.usefixtures("any_app")
def test_people_can_be_placed_on_every_database() -> None:
    course = factories.make_course()
    people = factories.make_people(course, 9)
    factories.make_cohort(factories.make_program(course), people)
    assert db.session.query(Membership).count() == 9
