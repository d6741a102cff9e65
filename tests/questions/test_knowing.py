"""What answers become when cohorts are formed."""

from __future__ import annotations

from datetime import date

import pytest

from lti_tool.database import db, transaction
from lti_tool.programs.tables import Program
from lti_tool.questions import knowing, week
from tests.questions.conftest import Class
from tests.support import factories


def slots(here: Class) -> dict[str, tuple[str, ...]]:
    """Everybody's slots by first name."""
    program = db.session.get_one(Program, here.program.id)
    found = knowing.slots_of(db.session(), program, [person.id for person in here.learners])
    return {person.name.split()[0]: found[person.id] for person in here.learners if person.id in found}


def known(here: Class) -> dict[str, dict[str, str]]:
    program = db.session.get_one(Program, here.program.id)
    found = knowing.attributes_of(db.session(), program, [person.id for person in here.learners])
    names = {person.id: person.name.split()[0] for person in here.learners}
    return {name: {names[p]: value for p, value in values.items()} for name, values in found.items()}


def test_answers_are_attributes_and_an_open_question_is_unknown(here: Class) -> None:
    ana, bilal, tom, _zoe = here.learners
    here.says(ana, goal="peers", experience="0", language=["pt", "en"], zone="Europe/Lisbon")
    here.says(bilal, experience="5", zone="Asia/Kolkata")
    here.says(tom, do="later", experience="4", zone="UTC")
    assert known(here) == {
        "experience": {"Ana": "0", "Bilal": "5"},
        "goal": {"Ana": "peers"},
        "language": {"Ana": "Portuguese"},
        "time zone": {"Ana": "UTC+0", "Bilal": "UTC+5:30"},
        "who has answered": {"Ana": "answered", "Bilal": "answered", "Tom": "not yet", "Zoë": "not yet"},
    }
    assert "Zoë" not in slots(here)


def test_people_in_different_zones_share_the_hours_that_are_the_same(here: Class) -> None:
    ana, bilal, tom, _zoe = here.learners
    here.says(ana, zone="Europe/Berlin", free=["tue-14", "tue-15"])
    here.says(bilal, zone="America/New_York", free=["tue-09", "tue-10"])
    here.says(tom, zone="Asia/Tokyo", free=["mon-08", "sun-21"])
    # New York puts its clocks forward on 8 March, Berlin three weeks later.
    assert slots(here) == {
        "Ana": ("tue-13", "tue-14"),
        "Bilal": ("tue-13", "tue-14"),
        "Tom": ("sun-12", "sun-23"),
    }


def test_the_clocks_are_those_of_the_programs_first_week(here: Class) -> None:
    here.says(here.learners[0], zone="Europe/Berlin", free=["tue-14"])
    assert slots(here) == {"Ana": ("tue-13",)}
    with transaction() as session:
        session.get_one(Program, here.program.id).first_session_on = date(2026, 6, 10)
    assert slots(here) == {"Ana": ("tue-12",)}


def test_a_second_program_in_summer_moves_no_hour_of_the_first(here: Class) -> None:
    here.says(here.learners[0], zone="Europe/Berlin", free=["tue-14"])
    factories.make_program(here.course, first_on=date(2026, 6, 10))
    assert slots(here) == {"Ana": ("tue-13",)}
    assert known(here)["time zone"] == {"Ana": "UTC+1"}


def test_where_hours_begin_at_half_past_elsewhere_they_are_the_programs(here: Class) -> None:
    here.says(here.learners[0], zone="Asia/Kolkata", free=["wed-09", "wed-10"])
    assert slots(here) == {"Ana": ("wed-04",)}
    with transaction() as session:
        session.get_one(Program, here.program.id).zone = "Asia/Kolkata"
    assert slots(here) == {"Ana": ("wed-03:30", "wed-04:30")}


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_a_week_that_is_all_free_has_as_many_hours_everywhere(zone: str) -> None:
    cells = [f"{day}-{hour:02}" for day in week.DAYS for hour in range(24)]
    assert len(week.slots(cells, zone, "UTC", date(2026, 11, 2))) == 7 * 24


def test_wishes_are_pairs_among_those_who_are_asked_about(here: Class) -> None:
    ana, bilal, tom, zoe = here.learners
    here.says(ana, do=f"avoid:{tom.id}")
    here.says(tom, do=f"avoid:{ana.id}")
    here.says(bilal, do=f"with:{zoe.id}")
    wishes = knowing.wishes_of(db.session(), here.course.id, [person.id for person in here.learners])
    assert wishes.apart == ((min(ana.id, tom.id), max(ana.id, tom.id)),)
    assert wishes.like == ((bilal.id, zoe.id),)
    assert knowing.wishes_of(db.session(), here.course.id, [ana.id, bilal.id]) == knowing.Wishes((), ())
