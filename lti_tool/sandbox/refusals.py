"""How the sandbox says no to a tool."""

import json
from dataclasses import dataclass

from flask import Response, jsonify


@dataclass(eq=False)
class ServiceError(Exception):
    """A refusal of a service, with a reason that its reader can act on."""

    status: int
    reason: str

    def response(self) -> Response:
        answer = Response(json.dumps({"error": self.reason}), self.status, mimetype="application/json")
        if self.status == 401:
            answer.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
        return answer


@dataclass(eq=False)
class OAuthError(Exception):
    """A refusal of the token endpoint as RFC 6749 section 5.2 writes it."""

    code: str
    description: str
    status: int = 400

    def response(self) -> Response:
        answer = jsonify(error=self.code, error_description=self.description)
        answer.status_code = self.status
        return answer
