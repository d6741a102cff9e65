"""The roster is read page by page, and a platform that misbehaves is told apart from an empty course."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Request, Response

from lti_tool.lti import paging
from lti_tool.lti.connection import Connection
from lti_tool.lti.failures import LmsError, Retryable, Unreadable
from lti_tool.lti.launch import Identity, Role, Standing
from lti_tool.lti.memberships import Member, Status, read_pages
from tests.support.platform import LEARNER, Platform


def person(number: int, **more: Any) -> dict[str, Any]:
    return {"user_id": f"u{number}", "roles": [LEARNER], "name": f"Person {number}", **more}


def page(members: Any, link: str | bytes | None = None) -> Response:
    response = Response(json.dumps({"id": "x", "context": {"id": "c"}, "members": members}))
    if link:
        response.headers["Link"] = link.decode("latin-1") if isinstance(link, bytes) else link
    return response


def numbered(platform: Platform, pages: int, shape: str = '<{url}>; rel="next"') -> Callable[[Request], Response]:
    """A roster of `pages` pages of two people each."""

    def answer(request: Request) -> Response:
        number = int(request.args.get("p", "1"))
        link = shape.format(url=platform.url(f"/members?p={number + 1}&Keep=%7EMe")) if number < pages else None
        return page([person(2 * number), person(2 * number + 1)], link.encode() if link else None)

    return answer


def test_a_roster_of_several_pages_is_read_to_its_end(platform: Platform, connection: Connection) -> None:
    platform.answers["/members"] = numbered(platform, 4)
    pages = list(read_pages(connection, platform.url("/members?type=a&limit=7")))
    assert [page.number for page in pages] == [1, 2, 3, 4]
    assert [m.identity.subject for page in pages for m in page.members] == [f"u{n}" for n in range(2, 10)]
    paths = [request[1] for request in platform.requests]
    assert paths[0].endswith("/members?type=a&limit=200")
    assert paths[1].endswith("/members?p=2&Keep=%7EMe")
    accepted = {request[2]["Accept"] for request in platform.requests}
    assert accepted == {"application/vnd.ims.lti-nrps.v2.membershipcontainer+json"}


def test_a_page_is_read_only_when_it_is_asked_for(platform: Platform, connection: Connection) -> None:
    platform.answers["/members"] = numbered(platform, 4)
    pages = read_pages(connection, platform.url("/members"))
    next(pages)
    assert len(platform.requests) == 1


@pytest.mark.parametrize(
    "shape",
    [
        '<{url}>; rel="next"',
        "<{url}>;rel=next",
        "<{url}> ; REL = Next",
        "<{url}>; rel=“next”",
        '<{url}>; title="a, b; c"; rel="last next"',
        '<https://x.example/>; rel="prev", <{url}>; rel="next", <https://y.example/>; rel="differences"',
    ],
)
def test_a_next_link_is_found_however_it_is_written(platform: Platform, connection: Connection, shape: str) -> None:
    platform.answers["/members"] = numbered(platform, 2, shape)
    assert len(list(read_pages(connection, platform.url("/members")))) == 2


@pytest.mark.parametrize("header", ["", "nonsense", '<u>; rel="prev"', '<u>; title="rel=next"', "<>; rel=next", "<u"])
def test_what_is_no_next_link_ends_the_walk(header: str) -> None:
    assert paging.next_link(header) is None


def test_a_next_link_that_is_no_address_is_said(platform: Platform, connection: Connection) -> None:
    platform.answers["/members"] = lambda _request: page([person(1)], '<//[>; rel="next"')
    with pytest.raises(Unreadable, match=r"page 1 names a next page whose address is not"):
        list(read_pages(connection, platform.url("/members")))


def test_a_next_link_to_another_server_is_not_followed(platform: Platform, connection: Connection) -> None:
    platform.answers["/members"] = lambda _request: page([person(1)], '<https://evil.example/>; rel="next"')
    pages = read_pages(connection, platform.url("/members"))
    assert len(next(pages).members) == 1
    with pytest.raises(Unreadable, match=r"page 1 .*another server"):
        next(pages)


def test_pages_that_go_round_in_a_circle_are_noticed(platform: Platform, connection: Connection) -> None:
    def answer(request: Request) -> Response:
        following = "b" if request.args.get("p") == "a" else "a"
        return page([], f'<{platform.url(f"/members?p={following}")}>; rel="next"')

    platform.answers["/members"] = answer
    with pytest.raises(Unreadable, match="read before"):
        list(read_pages(connection, platform.url("/members")))
    assert len(platform.requests) == 3


def test_pages_that_never_end_are_noticed(
    platform: Platform, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "MAX_PAGES", 5)
    platform.answers["/members"] = numbered(platform, 1_000_000)
    with pytest.raises(Unreadable, match="more than 5 pages"):
        list(read_pages(connection, platform.url("/members")))


@pytest.mark.parametrize(
    "body", ["{", "<html>", "[]", "null", '{"members": {}}', '{"members": null}', "[" * 50_000, b"\xff\xfe"]
)
def test_a_page_that_is_no_roster_is_an_error_that_names_the_page(
    platform: Platform, connection: Connection, body: str | bytes
) -> None:
    first = numbered(platform, 3)
    platform.answers["/members"] = lambda request: Response(body) if request.args.get("p") == "2" else first(request)
    pages = read_pages(connection, platform.url("/members"))
    next(pages)
    with pytest.raises(Unreadable, match="page 2"):
        next(pages)


def test_a_failure_half_way_is_not_an_end(platform: Platform, connection: Connection) -> None:
    first = numbered(platform, 3)
    platform.answers["/members"] = lambda request: (
        Response("down", 503) if request.args.get("p") == "3" else first(request)
    )
    with pytest.raises(Retryable):
        list(read_pages(connection, platform.url("/members")))


def test_people_who_cannot_be_understood_are_counted_and_the_others_kept(
    platform: Platform, connection: Connection
) -> None:
    odd = [
        None,
        7,
        {},
        person(1, user_id=None),
        person(1, user_id=7),
        person(1, user_id="u" * 256),
        person(1, user_id="u\x00"),
        person(1, roles="Learner"),
        person(1, roles=[7]),
        person(1, status="Vanished"),
    ]
    platform.answers["/members"] = lambda _request: page([*odd, person(2)])
    [only] = read_pages(connection, platform.url("/members"))
    assert only.skipped == len(odd)
    assert [member.identity.subject for member in only.members] == ["u2"]


def test_a_language_that_no_column_could_hold_is_cut(platform: Platform, connection: Connection) -> None:
    platform.answers["/members"] = lambda _request: page([person(1, locale="x" * 60)])
    [only] = read_pages(connection, platform.url("/members"))
    assert only.members[0].identity.locale == "x" * 35


def test_a_member_is_one_frozen_value_and_nothing_but_the_id_and_roles_is_needed(
    platform: Platform, connection: Connection
) -> None:
    platform.answers["/members"] = lambda _request: page(
        [
            {"user_id": "u1", "roles": ["Learner"]},
            person(
                2,
                status="inactive",
                email="two@example.edu",
                given_name="<script>",
                family_name="Åse\ud800",
                locale=["nb"],
                roles=["http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor#TeachingAssistant"],
            ),
        ]
    )
    [only] = read_pages(connection, platform.url("/members"))
    assert only.members == (
        Member(Identity("u1"), Standing(Role.LEARNER), Status.ACTIVE),
        Member(
            Identity("u2", "Person 2", "<script>", "Åse", "two@example.edu"),
            Standing(Role.TEACHING_ASSISTANT),
            Status.INACTIVE,
        ),
    )


def test_an_empty_course_is_an_empty_page(platform: Platform, connection: Connection) -> None:
    platform.answers["/members"] = lambda _request: page([])
    [only] = read_pages(connection, platform.url("/members"))
    assert (only.members, only.skipped) == ((), 0)


def test_every_failure_carries_what_a_page_can_explain(platform: Platform, connection: Connection) -> None:
    platform.answers["/members"] = lambda _request: Response('{"error":"tool may not read the roster"}', 403)
    with pytest.raises(LmsError) as error:
        list(read_pages(connection, platform.url("/members")))
    assert error.value.service == "roster"
    assert error.value.status == 403
    assert "may not read" in error.value.excerpt
