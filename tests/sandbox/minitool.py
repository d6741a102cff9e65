"""A tool of a few lines, with its own key and client code, to talk to the sandbox as any tool would."""

import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.sandbox import SandboxProcess

TIMEOUT = 20
ROSTER = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
ITEM, ITEM_READ, RESULT, SCORE = (AGS + n for n in ("lineitem", "lineitem.readonly", "result.readonly", "score"))
ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
ITEMS_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"
SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
RESULTS_TYPE = "application/vnd.ims.lis.v2.resultcontainer+json"
ROSTER_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class MiniTool:
    """Answers login with a redirect and launch with a page, and keeps what it was sent."""

    def __init__(self, sandbox: SandboxProcess, name: str) -> None:
        self.sandbox = sandbox
        self.key, self.kid = new_key(), secrets.token_hex(4)
        self.login: dict[str, str] = {}
        self.answer: dict[str, str] = {}
        self.sent = {"state": "", "nonce": ""}
        self._tokens: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://localhost:{self._server.server_port}"
        self.registration = sandbox.register_tool(
            name=name,
            login_url=f"{self.url}/login",
            redirect_uris=[f"{self.url}/launch", f"{self.url}/other"],
            target_link_uri=f"{self.url}/launch",
            jwks_url=f"{self.url}/jwks",
        )
        self.client_id: str = self.registration["client_id"]
        self.audience: str = self.registration["token_url"]
        self.links = {link["course_id"]: link["id"] for link in self.registration["resource_links"]}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def key_set(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**public, "kid": self.kid, "use": "sig", "alg": "RS256"}]}

    def auth_request(self) -> dict[str, str]:
        """A right authorization request for the last login."""
        self.sent = {"state": secrets.token_hex(8), "nonce": secrets.token_hex(8)}
        return {
            "scope": "openid",
            "response_type": "id_token",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": self.client_id,
            "redirect_uri": f"{self.url}/launch",
            "login_hint": self.login["login_hint"],
            "lti_message_hint": self.login["lti_message_hint"],
            **self.sent,
        }

    def claims(self) -> dict[str, Any]:
        """The verified claims of the last launch."""
        token = self.answer["id_token"]
        keys = jwt.PyJWKSet.from_dict(requests.get(self.registration["jwks_url"], timeout=TIMEOUT).json())
        key = keys[jwt.get_unverified_header(token)["kid"]]
        issuer = self.registration["issuer"]
        claims: dict[str, Any] = jwt.decode(
            token, key.key, algorithms=["RS256"], audience=self.client_id, issuer=issuer
        )
        return claims

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        tool = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, query = urlsplit(self.path).path, urlsplit(self.path).query
                if path == "/jwks":
                    self._send(json.dumps(tool.key_set()), "application/json")
                elif path == "/login":
                    self._log_in(query)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if self.path == "/login":
                    self._log_in(body)
                else:
                    tool.answer = dict(parse_qsl(body))
                    self._send("<h1>Hello</h1>", "text/html")

            def _log_in(self, form: str) -> None:
                tool.login = dict(parse_qsl(form))
                self.send_response(302)
                query = urlencode(tool.auth_request())
                self.send_header("Location", f"{tool.registration['auth_url']}?{query}")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _send(self, body: str, media_type: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler

    def assertion(self, key: Any = None, algorithm: str = "RS256", kid: str | None = None, **changes: Any) -> str:
        """A client assertion; ``changes`` set claims, and None takes one away."""
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.audience,
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_hex(8),
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        # PyJWT would refuse to write an iss or sub that is not a text; a broken tool would not.
        headers = {"kid": kid or self.kid, "typ": "JWT"}
        return jwt.api_jws.encode(json.dumps(claims).encode(), key or self.key, algorithm, headers)

    def ask_token(self, assertion: str, scope: str = ROSTER, **changes: str) -> requests.Response:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
            "scope": scope,
            **changes,
        }
        return requests.post(self.registration["token_url"], data=form, timeout=TIMEOUT)

    def token(self, scope: str) -> str:
        if scope not in self._tokens:
            answer = self.ask_token(self.assertion(), scope)
            assert answer.status_code == 200, answer.text
            self._tokens[scope] = answer.json()["access_token"]
        return self._tokens[scope]

    def call(
        self,
        method: str,
        url: str,
        scope: str,
        *,
        accept: str | None = None,
        send: str | None = None,
        body: Any = None,
    ) -> requests.Response:
        """One service call; ``send`` is the media type of the body, which is JSON unless it is a text."""
        headers = {"Authorization": f"Bearer {self.token(scope)}"}
        headers |= {"Accept": accept} if accept else {}
        headers |= {"Content-Type": send} if send else {}
        data = body if isinstance(body, str) or body is None else json.dumps(body)
        return requests.request(method, url, headers=headers, data=data, timeout=TIMEOUT)

    def items_url(self, course: str = "ctx-feedback") -> str:
        """As the claim of a launch gives it."""
        with_tool = self.sandbox.control.state()["tools"]
        number = next(one["id"] for one in with_tool if one["client_id"] == self.client_id)
        return f"{self.sandbox.base_url}/api/courses/{course}/lineitems?type_id={number}"

    def create_item(self, **members: Any) -> dict[str, Any]:
        body = {"label": "Sessions attended", "scoreMaximum": 10, **members}
        answer = self.call("POST", self.items_url(), ITEM, send=ITEM_TYPE, body=body)
        assert answer.status_code == 201, answer.text
        item: dict[str, Any] = answer.json()
        return item

    def score(self, item: dict[str, Any], user: str, **changes: Any) -> requests.Response:
        """Post a right score with these members changed; a member of ... is left out."""
        body = {
            "userId": user,
            "scoreGiven": 8,
            "scoreMaximum": 10,
            "activityProgress": "Completed",
            "gradingProgress": "FullyGraded",
            "timestamp": moment(),
            **changes,
        }
        body = {name: value for name, value in body.items() if value is not ...}
        return self.call("POST", under(item["id"], "scores"), SCORE, send=SCORE_TYPE, body=body)

    def results(self, item: dict[str, Any], **query: str) -> list[dict[str, Any]]:
        url = f"{under(item['id'], 'results')}&{urlencode(query)}"
        answer = self.call("GET", url, RESULT, accept=RESULTS_TYPE)
        assert answer.status_code == 200, answer.text
        results: list[dict[str, Any]] = answer.json()
        return results

    def result(self, item: dict[str, Any], user: str) -> dict[str, Any] | None:
        found = self.results(item, user_id=user)
        return found[0] if found else None


def under(url: str, name: str) -> str:
    """The scores or results of a line item: one step deeper in the path, the query kept."""
    parts = urlsplit(url)
    return parts._replace(path=f"{parts.path}/{name}").geturl()


def moment(seconds: float = 0) -> str:
    """Now, or some seconds from now, as a score's timestamp."""
    whole = time.time() + seconds
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{int(whole % 1 * 1_000_000):06}Z"
