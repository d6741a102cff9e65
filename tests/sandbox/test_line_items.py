import secrets
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.sandbox.minitool import ITEM, ITEM_READ, ITEM_TYPE, ITEMS_TYPE, SCORE, MiniTool


def listed(tool: MiniTool, query: str = "", scope: str = ITEM) -> list[dict[str, Any]]:
    answer = tool.call("GET", tool.items_url() + query, scope, accept=ITEMS_TYPE)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()
    return items


def test_a_created_line_item_keeps_everything_and_can_be_read_again(tool: MiniTool) -> None:
    sent = {
        "label": "Sessions attended",
        "scoreMaximum": 8,
        "resourceId": "Program-1/sessions",
        "tag": "Sessions",
        "resourceLinkId": tool.links["ctx-feedback"],
        "startDateTime": "2026-01-05T08:00:00+01:00",
        "endDateTime": "2026-03-05T08:00:00Z",
        "gradesReleased": True,
        "https://tool.example/extra": {"deep": [1, 2]},
    }
    answer = tool.call("POST", tool.items_url(), ITEM, send=ITEM_TYPE, body=sent)
    item = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == item["id"]
    assert answer.headers["Content-Type"].startswith(ITEM_TYPE)
    assert urlsplit(item["id"]).query.startswith("type_id=")
    assert {name: value for name, value in item.items() if name != "id"} == sent
    assert tool.call("GET", item["id"], ITEM_READ, accept=ITEM_TYPE).json() == item
    assert item in listed(tool, scope=ITEM_READ)


def test_line_items_are_found_by_resource_tag_and_link_together(tool: MiniTool) -> None:
    resource, link = secrets.token_hex(4), tool.links["ctx-feedback"]
    one = tool.create_item(resourceId=resource, tag="a", resourceLinkId=link)
    two = tool.create_item(resourceId=resource, tag="b")
    assert listed(tool, f"&resource_id={resource}") == [one, two]
    assert listed(tool, f"&resource_id={resource}&tag=b") == [two]
    assert listed(tool, f"&resource_id={resource}&resource_link_id={link}") == [one]
    assert listed(tool, f"&resource_id={resource}&tag=A") == []


def test_line_items_come_in_pages_when_a_limit_is_asked(tool: MiniTool) -> None:
    resource = secrets.token_hex(4)
    made = [tool.create_item(resourceId=resource, label=f"Week {n}") for n in range(5)]
    url, found, pages = f"{tool.items_url()}&resource_id={resource}&limit=2", [], 0
    while url:
        answer = tool.call("GET", url, ITEM)
        found += answer.json()
        url, pages = answer.links.get("next", {}).get("url", ""), pages + 1
    assert (found, pages) == (made, 3)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"label": "  "}, 400),
        ({"label": None}, 400),
        ({"scoreMaximum": 0}, 400),
        ({"scoreMaximum": -1}, 400),
        ({"scoreMaximum": "10"}, 400),
        ({"scoreMaximum": True}, 400),
        ({"scoreMaximum": 10**400}, 400),
        ({"scoreMaximum": None}, 400),
        ({"tag": 5}, 400),
        ({"startDateTime": "2026-01-05T08:00:00"}, 400),
        ({"startDateTime": "2026-02-01T00:00:00Z", "endDateTime": "2026-01-01T00:00:00Z"}, 400),
        ({"gradesReleased": "yes"}, 400),
        ({"colour": "red"}, 400),
        ({"resourceLinkId": "made-up"}, 404),
    ],
)
def test_a_line_item_that_breaks_a_rule_is_refused_with_a_reason(
    tool: MiniTool, changes: dict[str, Any], status: int
) -> None:
    body = {"label": "Week 1", "scoreMaximum": 10, **changes}
    answer = tool.call("POST", tool.items_url(), ITEM, send=ITEM_TYPE, body=body)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_a_link_of_another_course_or_tool_cannot_carry_a_line_item(tool: MiniTool, other_tool: MiniTool) -> None:
    for link in (tool.links["ctx-coaching"], other_tool.links["ctx-feedback"]):
        body = {"label": "Week 1", "scoreMaximum": 10, "resourceLinkId": link}
        assert tool.call("POST", tool.items_url(), ITEM, send=ITEM_TYPE, body=body).status_code == 404


@pytest.mark.parametrize("body", ["{", "[]", '{"label": "x", "scoreMaximum": NaN}'])
def test_a_body_that_is_no_json_object_is_refused(tool: MiniTool, body: str) -> None:
    assert tool.call("POST", tool.items_url(), ITEM, send=ITEM_TYPE, body=body).status_code == 400


def test_media_types_are_checked(tool: MiniTool) -> None:
    item, body = tool.create_item(), {"label": "Week 1", "scoreMaximum": 10}
    assert tool.call("POST", tool.items_url(), ITEM, send="application/json", body=body).status_code == 415
    assert tool.call("PUT", item["id"], ITEM, send="application/json", body=body).status_code == 415
    assert tool.call("GET", tool.items_url(), ITEM, accept=ITEM_TYPE).status_code == 406
    assert tool.call("GET", item["id"], ITEM, accept=ITEMS_TYPE).status_code == 406


def test_replacing_a_line_item_replaces_the_whole_definition(tool: MiniTool) -> None:
    item = tool.create_item(tag="a", resourceId="r")
    changed = {"id": item["id"], "label": "New name", "scoreMaximum": 10, "resourceId": "r"}
    answer = tool.call("PUT", item["id"], ITEM, send=ITEM_TYPE, body=changed)
    assert answer.status_code == 200
    assert answer.json() == changed


def test_the_id_and_link_of_a_line_item_cannot_be_changed(tool: MiniTool) -> None:
    item = tool.create_item()
    for change in ({"id": "https://elsewhere.example/1"}, {"resourceLinkId": tool.links["ctx-feedback"]}):
        assert tool.call("PUT", item["id"], ITEM, send=ITEM_TYPE, body=item | change).status_code == 400


def test_another_maximum_rescales_the_stored_grades(tool: MiniTool, learners: list[str]) -> None:
    item = tool.create_item()
    tool.score(item, learners[0])
    tool.call("PUT", item["id"], ITEM, send=ITEM_TYPE, body=item | {"scoreMaximum": 100})
    result = tool.result(item, learners[0])
    assert result is not None
    assert (result["resultScore"], result["resultMaximum"]) == (80, 100)


def test_a_deleted_line_item_is_gone_with_its_grades(tool: MiniTool, learners: list[str]) -> None:
    item = tool.create_item()
    tool.score(item, learners[0])
    assert tool.call("DELETE", item["id"], ITEM).status_code == 204
    assert tool.call("GET", item["id"], ITEM).status_code == 404
    assert tool.score(item, learners[0]).status_code == 404


def test_an_address_without_its_query_string_is_not_found(tool: MiniTool) -> None:
    bare = tool.create_item()["id"].partition("?")[0]
    assert tool.call("GET", bare, ITEM).status_code == 404
    assert tool.call("POST", f"{bare}/scores", SCORE).status_code == 404


def test_a_tool_sees_neither_the_items_of_others_nor_the_instructors_own_column(
    tool: MiniTool, other_tool: MiniTool
) -> None:
    item = tool.create_item()
    assert other_tool.call("GET", other_tool.items_url(), ITEM).json() == []
    assert other_tool.call("GET", item["id"], ITEM).status_code == 404
    assert "Reading quiz" not in {one["label"] for one in listed(tool)}


def test_reading_is_all_that_the_read_only_scope_allows(tool: MiniTool) -> None:
    item = tool.create_item()
    assert tool.call("DELETE", item["id"], ITEM_READ).status_code == 403
    body = {"label": "Week 1", "scoreMaximum": 10}
    assert tool.call("POST", tool.items_url(), ITEM_READ, send=ITEM_TYPE, body=body).status_code == 403
