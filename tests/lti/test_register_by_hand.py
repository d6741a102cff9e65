"""Where an LMS takes no address, everything stands ready to be pasted."""

from __future__ import annotations

import json
import re

import pytest

from lti_tool.lti import messages, offer
from lti_tool.lti.families import FAMILIES
from tests.lti.registering import WANTED_VARIABLES, Administrator, run
from tests.support.platform import Tool


def test_canvas_reads_the_tool_from_an_address(tool: Tool, admin: Administrator) -> None:
    base = tool.settings.base_url
    answer = admin.opens(f"{base}/lti/config.json")
    assert "max-age" in answer.headers["Cache-Control"]
    said = answer.json()
    assert said["oidc_initiation_url"] == f"{base}/lti/login"
    assert said["target_link_uri"] == f"{base}/lti/launch"
    assert said["public_jwk_url"] == f"{base}/lti/jwks"
    assert set(said["scopes"]) == set(offer.SCOPES)
    assert said["custom_fields"] == WANTED_VARIABLES | {"section": "$com.instructure.User.sectionNames"}
    [extension] = said["extensions"]
    assert extension["platform"] == "canvas.instructure.com"
    assert extension["privacy_level"] == "public"
    placements = {(one["placement"], one["message_type"]) for one in extension["settings"]["placements"]}
    assert placements == {
        ("course_navigation", "LtiResourceLinkRequest"),
        ("assignment_selection", "LtiDeepLinkingRequest"),
        ("link_selection", "LtiDeepLinkingRequest"),
    }


def test_only_messages_that_are_answered_are_offered() -> None:
    assert {message.type for message in offer.MESSAGES} == set(messages.MESSAGE_TYPES)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_to_enter_by_hand_is_printed_in_the_words_of_the_lms(tool: Tool, family: str) -> None:
    printed = run(tool, "settings", family)
    assert printed.exit_code == 0, printed.output
    assert "{" not in printed.output
    assert "peerloop platform add" in printed.output
    assert "peerloop deployment list" in printed.output
    custom = [f"{name}={variable}" for name, variable in WANTED_VARIABLES.items()]
    columns = {line.index(value) for line in printed.output.splitlines() for value in custom if value in line}
    assert len(columns) <= 1, "the lines of one value do not stand under each other"
    form = json.loads(run(tool, "settings", family, "--json").output)["form"]
    base = tool.settings.base_url
    needed = {f"{base}/lti/launch", f"{base}/lti/{'config.json' if family == 'canvas' else 'jwks'}"}
    assert needed <= set(form.values())


DEEP_LINKING = {
    "blackboard": "type “Deep Linking content tool”",
    "brightspace": "type “Deep Linking Quicklink”",
    "canvas": "placements “Assignment Selection” and “Link Selection”",
    "moodle": "“Supports Deep Linking (Content-Item Message)” must be ticked",
    "sakai": "(Deep Link launch)",
    "schoology": "Deep Linking",
    "standard": "Allow deep linking",
}


@pytest.mark.parametrize("family", FAMILIES)
def test_an_administrator_is_told_how_teachers_come_to_choose_what_a_link_opens(tool: Tool, family: str) -> None:
    assert DEEP_LINKING[family] in run(tool, "settings", family).output


REGISTERED_BY_ITSELF = ("Enable & Close", "Activate", "it is off now", "was filled in")


@pytest.mark.parametrize("family", FAMILIES)
def test_nobody_who_enters_it_by_hand_is_told_of_what_an_lms_does_that_registers_by_itself(
    tool: Tool, family: str
) -> None:
    printed = run(tool, "settings", family).output
    assert not [words for words in REGISTERED_BY_ITSELF if words in printed]
    last = [line for line in printed.splitlines() if line.strip()][-1]
    assert re.search("course|site", last), last
