"""A platform's services for one course, as strict as the standard: what it forbids a tool is noted as a fault.

https://www.imsglobal.org/spec/lti-nrps/v2p0 and https://www.imsglobal.org/spec/lti-ags/v2p0
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from flask import Request, Response

from tests.certification.tool import MEMBERSHIP
from tests.support.platform import Platform

NRPS = "https://purl.imsglobal.org/spec/lti-nrps/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/"
ROSTER_SCOPE = NRPS + "scope/contextmembership.readonly"
ITEM_SCOPE, SCORE_SCOPE, RESULT_SCOPE = (AGS + f"scope/{name}" for name in ("lineitem", "score", "result.readonly"))
MEDIA = "application/vnd.ims."
MEMBERS_TYPE = MEDIA + "lti-nrps.v2.membershipcontainer+json"
ITEM_TYPE, ITEMS_TYPE = MEDIA + "lis.v2.lineitem+json", MEDIA + "lis.v2.lineitemcontainer+json"
SCORE_TYPE, RESULTS_TYPE = MEDIA + "lis.v1.score+json", MEDIA + "lis.v2.resultcontainer+json"
ACTIVITY = {"Initialized", "Started", "InProgress", "Submitted", "Completed"}
GRADING = {"FullyGraded", "Pending", "PendingManual", "Failed", "NotReady"}
# A query that the platform wants to keep, and capitals in a path that a tool must not change.
QUERY = "type_id=7"


def member(subject: str, role: str = "Learner", **more: Any) -> dict[str, Any]:
    """An entry of the roster."""
    return {"user_id": subject, "roles": [MEMBERSHIP + role], **more}


class Services:
    """`members` are the roster; `items`, `scores` and `results` the gradebook, by the number of the line item."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.members: list[dict[str, Any]] = []
        self.asked_for: list[str] = []
        self.items: dict[int, dict[str, Any]] = {}
        self.scores: list[tuple[int, dict[str, Any]]] = []
        self.results: dict[int, list[dict[str, Any]]] = {}
        self.faults: list[str] = []
        platform.answers["/Members"] = self._roster
        platform.answers["/lineitems"] = self._line_items

    def claims(self, *, scopes: list[str] | None = None) -> dict[str, Any]:
        """The claims of a launch that tell where the services are."""
        return {
            NRPS + "claim/namesroleservice": {
                "context_memberships_url": self.platform.url(f"/Members?{QUERY}"),
                "service_versions": ["2.0"],
            },
            AGS + "claim/endpoint": {
                "scope": scopes if scopes is not None else [ITEM_SCOPE, SCORE_SCOPE, RESULT_SCOPE],
                "lineitems": self.platform.url(f"/lineitems?{QUERY}"),
            },
        }

    def add_item(self, **members: Any) -> int:
        """A line item that is there already."""
        number = len(self.items) + 1
        self.items[number] = {**members, "id": self.platform.url(f"/lineitems/{number}?{QUERY}")}
        self.results[number] = []
        self.platform.answers[f"/lineitems/{number}/scores"] = lambda request: self._score(number, request)
        self.platform.answers[f"/lineitems/{number}/results"] = lambda request: self._results(number, request)
        return number

    def item(self, tag: str) -> int:
        """The number of the only line item with this tag."""
        [number] = [number for number, item in self.items.items() if item["tag"] == tag]
        return number

    def scores_of(self, tag: str, subject: str) -> list[dict[str, Any]]:
        """What was sent for a person, oldest first."""
        return [score for number, score in self.scores if number == self.item(tag) and score["userId"] == subject]

    # -- Names and Roles

    def _roster(self, request: Request) -> Response:
        self._wants(request.headers.get("Accept") == MEMBERS_TYPE, "asked for the roster in another form")
        self._wants(request.args.get("type_id") == "7", "lost the query of the roster's address")
        self.asked_for.append(request.full_path)
        body = {"id": request.url, "context": {"id": "course-1"}}
        return self._page(request, "/Members", "Page", self.members, lambda page: {**body, "members": page})

    def _page(self, request: Request, path: str, name: str, entries: list[Any], wrap: Any) -> Response:
        """Two entries a page; the next one's address is given as no tool would build it."""
        start = int(request.args.get(name, 0))
        response = Response(json.dumps(wrap(entries[start : start + 2])), content_type="application/json")
        if start + 2 < len(entries):
            following = self.platform.url(f"{path}?{QUERY}&{name}={start + 2}&Cursor=aB%2FcD")
            response.headers["Link"] = f'<{following}>; rel="next"'
        if start:
            self._wants(f"{name}={start}&Cursor=aB%2FcD" in request.full_path, "changed the address of a next page")
        return response

    # -- Assignment and Grades

    def _line_items(self, request: Request) -> Response:
        self._wants(request.args.get("type_id") == "7", "lost the query of the line items' address")
        if request.method == "POST":
            return self._new_item(request)
        self._wants(request.headers.get("Accept") == ITEMS_TYPE, "asked for line items in another form")
        wanted = {"resourceId": request.args.get("resource_id"), "tag": request.args.get("tag")}
        found = [
            item
            for item in self.items.values()
            if all(value in (None, item.get(name)) for name, value in wanted.items())
        ]
        return Response(json.dumps(found), content_type=ITEMS_TYPE)

    def _new_item(self, request: Request) -> Response:
        body = json.loads(request.get_data())
        self._wants(request.content_type == ITEM_TYPE, "sent a line item in another form")
        self._wants(bool(str(body.get("label", "")).strip()), "made a line item without a label")
        self._wants(body.get("scoreMaximum", 0) > 0, "made a line item without a maximum")
        self._wants("id" not in body, "chose the id of a line item")
        double = [i for i in self.items.values() if (i["resourceId"], i["tag"]) == (body["resourceId"], body["tag"])]
        self._wants(not double, "made a line item that was there")
        number = self.add_item(**body)
        return Response(json.dumps(self.items[number]), 201, content_type=ITEM_TYPE)

    def _score(self, number: int, request: Request) -> Response:
        body = json.loads(request.get_data())
        self._wants(request.args.get("type_id") == "7", "lost the query of a line item's address")
        self._wants(request.content_type == SCORE_TYPE, "sent a score in another form")
        self._wants(body["activityProgress"] in ACTIVITY, "made an activityProgress up")
        self._wants(body["gradingProgress"] in GRADING, "made a gradingProgress up")
        self._wants("scoreGiven" not in body or body["scoreMaximum"] > 0, "sent a score without its maximum")
        self._wants(body.get("scoreGiven", 0) >= 0, "sent a negative score")
        self._wants(bool(re.search(r"\.\d{3,}(Z|[+-]\d\d:\d\d)$", body["timestamp"])), "sent a coarse timestamp")
        before = [score for n, score in self.scores if (n, score["userId"]) == (number, body["userId"])]
        later = all(_time(score) < _time(body) for score in before)
        self._wants(later, "sent a timestamp that does not rise")
        self.scores.append((number, body))
        self._take(number, body)
        return Response(status=204)

    def _take(self, number: int, score: dict[str, Any]) -> None:
        kept = [result for result in self.results[number] if result["userId"] != score["userId"]]
        if "scoreGiven" in score:
            who, shown = score["userId"], {"resultScore": score["scoreGiven"], "resultMaximum": score["scoreMaximum"]}
            kept.append({"id": f"r-{who}", "userId": who, "comment": score.get("comment"), **shown})
        self.results[number] = kept

    def _results(self, number: int, request: Request) -> Response:
        self._wants(request.headers.get("Accept") == RESULTS_TYPE, "asked for results in another form")
        self._wants(request.args.get("type_id") == "7", "lost the query of a line item's address")
        who = request.args.get("user_id")
        found = [result for result in self.results[number] if who in (None, result["userId"])]
        return self._page(request, f"/lineitems/{number}/results", "From", found, lambda page: page)

    def _wants(self, holds: bool, fault: str) -> None:
        if not holds:
            self.faults.append(f"the tool {fault}")


def _time(score: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(score["timestamp"])
