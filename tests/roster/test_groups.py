"""The groups that a course has in the LMS are read with its roster, and never stand in the roster's way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Request, Response

from lti_tool.database import db
from lti_tool.lti import course_groups
from lti_tool.lti.launch import GroupService
from lti_tool.roster import groups
from tests.roster.lms import Lms, class_of, course, member, person, present, reading


class Groups:
    """The LMS's service of groups, two groups a page; people's groups come with the roster if they are asked for."""

    def __init__(self, lms: Lms) -> None:
        self.lms = lms
        self.groups: list[dict[str, Any]] = [
            {"id": 1, "name": "Red", "set_id": "lab"},
            {"id": 2, "name": "Blue", "set_id": "lab", "tag": "x"},
            {"id": 3, "name": "Choir"},
        ]
        self.refuses = False
        lms.platform.answers["/groups"] = self._groups
        lms.platform.answers["/sets"] = lambda _request: json.dumps(
            {"id": "x", "sets": [{"id": "lab", "name": "Lab"}]}
        )
        lms.people = [member("teacher", "Ines Duarte", "Instructor"), *class_of(12)]
        lms.arrives(groups=GroupService(lms.platform.url("/groups"), lms.platform.url("/sets")))

    def put(self, subject: str, *ids: object) -> None:
        [found] = [entry for entry in self.lms.people if entry["user_id"] == subject]
        found["group_enrollments"] = [{"group_id": id_} for id_ in ids]

    def _groups(self, request: Request) -> Response | str:
        if self.refuses:
            return Response("no", 403)
        start = int(request.args.get("from", 0))
        response = Response(json.dumps({"id": "x", "groups": self.groups[start : start + 2]}))
        if start + 2 < len(self.groups):
            response.headers["Link"] = f'<{self.lms.platform.url("/groups")}?from={start + 2}>; rel="next"'
        return response


@pytest.fixture
def lab(lms: Lms) -> Groups:
    """On SQLite, then on PostgreSQL."""
    return with_groups(lms)


@pytest.fixture
def lab_on_sqlite(lms_on_sqlite: Lms) -> Groups:
    return with_groups(lms_on_sqlite)


def with_groups(lms: Lms) -> Groups:
    """A course with two groups in the set "Lab" and one in none, and four people in them."""
    lab = Groups(lms)
    lab.put("s1", 1)
    lab.put("s2", "2")
    lab.put("s3", 1, 2, 3)
    lab.put("s4", 2, "unheard of", None, {})
    return lab


def told() -> dict[str, dict[str, tuple[str, ...]]]:
    """Who is in which groups, by the title of their set."""
    db.session.rollback()
    names = {person(subject).id: subject for subject in present()}
    return {
        set_.title: {names.get(id_, "gone"): groups_ for id_, groups_ in set_.members.items()}
        for set_ in groups.sets_of(db.session(), course().id)
    }


def test_groups_are_read_with_the_roster_by_set_and_person(lab: Groups) -> None:
    assert lab.lms.read().state == "complete"
    assert told() == {
        "Group": {"s3": ("Choir",)},
        "Group (Lab)": {"s1": ("Red",), "s2": ("Blue",), "s3": ("Blue", "Red"), "s4": ("Blue",)},
    }
    asked = [path for _method, path, _headers, _body in lab.lms.platform.requests]
    walk = [path.partition("?")[0].rpartition("/")[2] for path in asked]
    assert walk == ["sets", "groups", "groups", "members", "members"]
    assert "groups=true" in asked[3]
    accepted = [headers["Accept"] for _method, _path, headers, _body in lab.lms.platform.requests]
    assert accepted[:2] == [course_groups.SETS_TYPE, course_groups.GROUPS_TYPE]
    assert course_groups.SCOPE in [token["scope"] for token in lab.lms.platform.token_requests]


def test_who_leaves_a_group_or_the_course_is_in_it_no_more(lab: Groups) -> None:
    lab.lms.read()
    lab.put("s1", 2)
    lab.put("s3")
    lab.lms.people = [entry for entry in lab.lms.people if entry["user_id"] != "s2"]
    lab.groups = [dict(lab.groups[1], name="Navy"), lab.groups[2]]
    assert lab.lms.read().leaving == 1
    assert told() == {"Group (Lab)": {"s1": ("Navy",), "s4": ("Navy",)}}


def test_groups_that_the_lms_keeps_back_stay_as_they_were_and_the_people_are_read(lab_on_sqlite: Groups) -> None:
    lab = lab_on_sqlite
    lab.lms.read()
    before = told()
    lab.refuses = True
    lab.put("s1", 2)
    lab.lms.people.append(member("late", "Late"))
    done = lab.lms.read()
    assert (done.state, "late" in present(), told()) == ("complete", True, before)
    assert "“Course Groups”" in (done.groups_problem or "")
    lab.refuses = False
    lab.lms.read()
    assert (reading().groups_problem, told()["Group (Lab)"]["s1"]) == (None, ("Blue",))


def test_sets_and_groups_whose_names_look_alike_stay_apart(lab_on_sqlite: Groups) -> None:
    lab, long = lab_on_sqlite, "Groups for the weekly exercises in the laboratory of building"
    sets = [{"id": "lab", "name": f"{long} A"}, {"id": "other", "name": f"{long} B"}]
    lab.lms.platform.answers["/sets"] = lambda _request: json.dumps({"id": "x", "sets": sets})
    lab.groups = [
        {"id": 1, "name": "Red", "set_id": "lab"},
        {"id": 2, "name": "Red", "set_id": "lab"},
        {"id": 3, "name": "Red", "set_id": "other"},
    ]
    lab.lms.read()
    one, other = told().values()
    assert {one["s1"], one["s2"]} == {("Red",), ("Red 2",)}
    assert other == {"s3": ("Red",)}


@pytest.mark.parametrize("body", ["{", "[]", '{"groups": 7}'])
def test_an_answer_that_is_no_list_of_groups_takes_nobody_out_of_one(lab_on_sqlite: Groups, body: str) -> None:
    lab = lab_on_sqlite
    lab.lms.read()
    before = told()
    lab.lms.platform.answers["/groups"] = lambda _request: body
    done = lab.lms.read()
    assert (done.state, told()) == ("complete", before)
    assert "could not be read" in (done.groups_problem or "")


def test_an_lms_without_the_service_is_asked_for_no_groups(lms_on_sqlite: Lms) -> None:
    lms = lms_on_sqlite
    lms.people = class_of(2)
    lms.arrives()
    lms.read()
    assert all("groups" not in path for _method, path, _headers, _body in lms.platform.requests)
