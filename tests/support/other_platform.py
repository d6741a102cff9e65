"""An LMS made of `lti1p3platform`, a library that has nothing to do with Peerloop, its sandbox or pylti1p3.

Logins, messages, tokens and the rules of the services are the library's; here is only what it leaves to its user:
a web server, a course with its people, and a gradebook in memory.
"""

# mypy: disable-error-code="misc"
# The library's classes, to be subclassed, have no types that it would publish.

from __future__ import annotations

import json
from html import escape
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask, Response, redirect, request
from flask.typing import ResponseReturnValue
from lti1p3platform.exceptions import LineItemNotFoundException
from lti1p3platform.ltiplatform import LTI1P3PlatformConfAbstract
from lti1p3platform.membership import Context
from lti1p3platform.message_launch import LTIAdvantageMessageLaunchAbstract
from lti1p3platform.oidc_login import OIDCLoginAbstract
from lti1p3platform.registration import Registration
from lti1p3platform.request import Request
from lti1p3platform.response import generate_next_link
from lti1p3platform.score import UpdateScoreStatus
from lti1p3platform.service_connector import AssignmentsGradesService, NamesRoleProvisioningService

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
CLIENT_ID, DEPLOYMENT_ID = "other-client", "other-deployment"
COURSE = Context("course-9", "PEER-9", "Peer learning elsewhere")
PEOPLE = {"teacher": "Instructor"} | {f"learner-{number}": "Learner" for number in range(1, 8)}
PAGE = 3


class FlaskRequest(Request):
    """Flask's request in the library's form; it adds 1 to a page's number, so numbers are numbers."""

    def build_metadata(self, request: Any) -> Any:
        query = {name: int(value) if value.isdecimal() else value for name, value in request.args.items()}
        return {
            "method": request.method,
            "form_data": request.form.to_dict(),
            "get_data": query,
            "headers": request.headers,
            "content_type": request.content_type,
            "path": request.path,
            "json": json.loads(request.get_data()) if request.method == "POST" and not request.form else None,
        }


class Login(OIDCLoginAbstract):
    def set_lti_message_hint(self, **kwargs: Any) -> None:
        self._lti_message_hint = kwargs["hint"]

    def get_redirect(self, url: str) -> Any:
        return redirect(url)


class Launch(LTIAdvantageMessageLaunchAbstract):
    def render_launch_form(self, launch_data: dict[str, Any], **_more: Any) -> str:
        values = {name: escape(launch_data[name]) for name in ("id_token", "state")}
        fields = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in values.items())
        return f'<form method="post" action="{escape(launch_data["launch_url"])}" data-auto-submit>{fields}</form>'


class Configuration(LTI1P3PlatformConfAbstract):
    """One registered tool, with a key that is made for it."""

    def init_platform_config(self, **kwargs: Any) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._registration = (
            Registration()
            .set_iss(kwargs["issuer"])
            .set_client_id(CLIENT_ID)
            .set_deployment_id(DEPLOYMENT_ID)
            .set_launch_url(f"{kwargs['tool']}/lti/launch")
            .set_oidc_login_url(f"{kwargs['tool']}/lti/login")
            .set_tool_key_set_url(f"{kwargs['tool']}/lti/jwks")
            .set_platform_public_key(public.decode())
            .set_platform_private_key(private.decode())
        )

    def get_registration_by_params(self, **_kwargs: Any) -> Registration:
        return self._registration


class Members(NamesRoleProvisioningService):
    def get_context_by_id(self) -> Context:
        return COURSE

    def get_member_data_page(self, page: int = 1, limit: int | None = None, **_filters: Any) -> Any:
        """At most PAGE people, whatever the limit."""
        del limit
        everybody = [
            {"user_id": person, "name": person.title(), "roles": [f"{MEMBERSHIP}#{role}"]}
            for person, role in PEOPLE.items()
        ]
        return {"content": everybody[(page - 1) * PAGE : page * PAGE], "has_next": page * PAGE < len(everybody)}


class Gradebook(AssignmentsGradesService):
    """Columns and scores in memory, for as long as `book` lives."""

    book: dict[str, dict[str, Any]]

    def find_lineitems(self, page: int = 1, limit: int | None = None, **filters: str) -> Any:
        del page, limit
        names = {"resource_id": "resourceId", "tag": "tag", "resource_link_id": "resourceLinkId"}
        wanted = {names[name]: value for name, value in filters.items()}
        found = [one["item"] for one in self.book.values() if wanted.items() <= one["item"].items()]
        return {"content": found, "has_next": False}

    def find_lineitem(self, line_item_id: str) -> Any:
        return self._column(line_item_id)["item"]

    def create_lineitem(self, creation_data: Any) -> Any:
        number = str(len(self.book) + 1)
        item = {**creation_data, "id": f"{self.ags.lineitems_url}/{number}"}
        self.book[number] = {"item": item, "scores": {}}
        return item

    def update_lineitem(self, update_data: Any) -> Any:
        self._column(update_data["id"])["item"] = update_data
        return update_data

    def delete_lineitem(self, line_item_id: str) -> None:
        del self.book[line_item_id]

    def update_score(self, line_item_id: str, score: Any) -> UpdateScoreStatus:
        scores = self._column(line_item_id)["scores"]
        before = scores.get(score["userId"])
        if before is not None and score["timestamp"] <= before["timestamp"]:
            return UpdateScoreStatus.OLD_TIMESTAMP
        scores[score["userId"]] = score
        return UpdateScoreStatus.SUCCESS

    def get_results(self, line_item_id: str, page: int = 1, limit: int | None = None, **filters: str) -> Any:
        del page, limit
        column = self._column(line_item_id)
        scores = [s for s in column["scores"].values() if filters.get("user_id", s["userId"]) == s["userId"]]
        results = [
            {
                "id": f"{column['item']['id']}/results/{score['userId']}",
                "userId": score["userId"],
                "resultScore": score.get("scoreGiven"),
                "resultMaximum": column["item"]["scoreMaximum"],
                "scoreOf": column["item"]["id"],
            }
            for score in scores
        ]
        return {"content": results, "has_next": False}

    def _column(self, number: str) -> dict[str, Any]:
        if number not in self.book:
            raise LineItemNotFoundException
        return self.book[number]


class OtherPlatform:
    """The LMS as a web application. `base` is its issuer, `tool` where Peerloop is."""

    def __init__(self, base: str, tool: str) -> None:
        self.base = base
        self.configuration = Configuration(issuer=base, tool=tool)
        self.book: dict[str, dict[str, Any]] = {}
        self.app = Flask("other platform")
        for path, view, method in (
            ("/open/<person>", self._open, "GET"),
            ("/auth", self._authorize, "GET"),
            ("/jwks", self._keys, "GET"),
            ("/token", self._token, "POST"),
            ("/members", self._members, "GET"),
            ("/items", self._list, "GET"),
            ("/items", self._make, "POST"),
            ("/items/<number>/scores", self._score, "POST"),
            ("/items/<number>/results", self._results, "GET"),
        ):
            self.app.add_url_rule(path, view.__name__, view, methods=[method])

    def registration(self) -> dict[str, Any]:
        """What Peerloop is told about it."""
        addresses = {f"{name}_url": f"{self.base}/{name}" for name in ("auth", "token", "jwks")}
        return {"name": "Other", "issuer": self.base, "client_id": CLIENT_ID, **addresses}

    def _open(self, person: str) -> ResponseReturnValue:
        login = Login(FlaskRequest(request), self.configuration)
        login.set_lti_message_hint(hint=COURSE.id)
        response: ResponseReturnValue = login.initiate_login(person)
        return response

    def _authorize(self) -> str:
        launch = Launch(FlaskRequest(request), self.configuration)
        person = request.args["login_hint"]
        launch.set_user_data(person, [f"{MEMBERSHIP}#{PEOPLE[person]}"], full_name=person.title())
        launch.set_launch_context_claim(COURSE.id, context_title=COURSE.title, context_label=COURSE.label)
        launch.set_resource_link_claim("link-9", title="Week 1")
        launch.set_launch_presentation_claim("iframe", f"{self.base}/course")
        launch.set_ags(f"{self.base}/items")
        launch.set_nrps(f"{self.base}/members")
        form: str = launch.lti_launch()
        return form

    def _keys(self) -> Any:
        return self.configuration.get_jwks()

    def _token(self) -> Any:
        return self.configuration.get_access_token(request.form.to_dict())

    def _members(self) -> Response:
        service = Members(FlaskRequest(request), self.configuration, f"{self.base}/members")
        answer = service.handle_resp(service.handle_get_members)
        return _response(answer, answer.result, (answer.result or {}).get("next"))

    def _gradebook(self) -> Gradebook:
        service = Gradebook(FlaskRequest(request), self.configuration, f"{self.base}/items")
        service.book = self.book
        return service

    def _list(self) -> Response:
        service = self._gradebook()
        answer = service.handle_resp(service.handle_get_lineitems)
        return _response(answer, answer.result and answer.result["content"])

    def _make(self) -> Response:
        service = self._gradebook()
        answer = service.handle_resp(service.handle_create_lineitem)
        return _response(answer, answer.result)

    def _score(self, number: str) -> Response:
        service = self._gradebook()
        answer = service.handle_resp(service.handle_update_score, line_item_id=number)
        return _response(answer, {"message": answer.message})

    def _results(self, number: str) -> Response:
        service = self._gradebook()
        answer = service.handle_resp(service.handle_get_results, line_item_id=number)
        return _response(answer, answer.result and answer.result["content"])


def _response(answer: Any, body: Any, following: str | None = None) -> Response:
    """The library's answer over HTTP, which it leaves to its user."""
    response = Response(json.dumps(body), answer.code, content_type=answer.media_type)
    if following:
        response.headers["Link"] = generate_next_link(following)
    return response
