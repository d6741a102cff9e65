"""A small gradebook that a test can look into and break."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Request, Response

from lti_tool.lti import grades
from lti_tool.lti.launch import GradeService
from tests.support.platform import Platform

SCOPES = frozenset({grades.SCOPE_LINE_ITEM, grades.SCOPE_SCORE, grades.SCOPE_RESULT})


def service_of(platform: Platform) -> GradeService:
    """What a launch from a course of this LMS says of its gradebook."""
    return GradeService(platform.url("/lineitems"), None, SCOPES)


class Gradebook:
    """Keeps columns and scores as an LMS does. `faults` answer in place of an operation, by its name:
    list, make, delete, score, results."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.columns: dict[str, dict[str, Any]] = {}
        self.scores: list[dict[str, Any]] = []
        self.shown: dict[tuple[str, str], float] = {}
        self.most_columns = 0
        self.faults: dict[str, Callable[[], Response]] = {}
        platform.answers["/lineitems"] = self._columns

    def _spoilt(self, operation: str, answer: Callable[[], Response]) -> Response:
        return self.faults.get(operation, answer)()

    def _columns(self, request: Request) -> Response:
        if request.method == "GET":
            return self._spoilt("list", lambda: Response(json.dumps(list(self.columns.values()))))
        return self._spoilt("make", lambda: self.make(json.loads(request.get_data())))

    def make(self, body: dict[str, Any]) -> Response:
        """Add a column, as an earlier check could have left one."""
        path = f"/lineitems/{len(self.platform.answers)}"
        self.columns[path] = {**body, "id": self.platform.url(path)}
        self.most_columns = max(self.most_columns, len(self.columns))
        self.platform.answers[path] = lambda request: self._spoilt("delete", lambda: self._delete(path, request))
        self.platform.answers[f"{path}/scores"] = lambda request: self._spoilt(
            "score", lambda: self._score(path, json.loads(request.get_data()))
        )
        self.platform.answers[f"{path}/results"] = lambda request: self._spoilt(
            "results", lambda: self._results(path, request.args["user_id"])
        )
        return Response(json.dumps(self.columns[path]), 201)

    def _delete(self, path: str, request: Request) -> Response:
        assert request.method == "DELETE"
        return Response(status=204 if self.columns.pop(path, None) else 404)

    def _score(self, path: str, body: dict[str, Any]) -> Response:
        self.scores.append(body)
        self.shown[path, body["userId"]] = body["scoreGiven"]
        return Response("{}")

    def _results(self, path: str, user_id: str) -> Response:
        shown = self.shown.get((path, user_id))
        rows = [] if shown is None else [{"userId": user_id, "resultScore": shown, "resultMaximum": 1}]
        return Response(json.dumps(rows))
