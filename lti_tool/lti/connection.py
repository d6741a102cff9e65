"""A deployment's services: every call carries a token, and fails as what to do next."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from lti_tool.lti.client import Answer, LmsClient, failure
from lti_tool.lti.keyring import SigningKey
from lti_tool.lti.registrations import Registration
from lti_tool.lti.tokens import Tokens


def unlimited(_service: str) -> AbstractContextManager[None]:
    """Calls that wait for nothing."""
    return nullcontext()


@dataclass(frozen=True)
class Connection:
    """A deployment as the services see it; safe to use from many threads, with no app context.

    `signer` gives the key of the moment: a connection may outlive a rotation. `turn` holds a call of a service back
    until the platform may have it, and learns how it ended (see `budget.py`).
    """

    client: LmsClient
    tokens: Tokens
    registration: Registration
    deployment_id: str
    signer: Callable[[], SigningKey]
    turn: Callable[[str], AbstractContextManager[None]] = unlimited

    def call(
        self,
        service: str,
        method: str,
        url: str,
        *,
        scopes: Iterable[str],
        accept: str | None = None,
        content: tuple[str, bytes] | None = None,
    ) -> Answer:
        """A 2xx answer of a service; `content` is a media type and a body. Raises a subclass of LmsError."""
        wanted = tuple(sorted(scopes))
        body = content[1] if content else None

        def send() -> Answer:
            token = self.tokens.get(self, wanted)
            answer = self.client.send(service, method, url, headers=_headers(token, accept, content), body=body)
            if answer.status == 401:
                self.tokens.drop(self, wanted, token)
            return answer

        with self.turn(service):
            answer = send()
            if answer.status == 401:
                answer = send()
            if 200 <= answer.status < 300:
                return answer
            raise failure(answer, self.registration)


def _headers(token: str, accept: str | None, content: tuple[str, bytes] | None) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {token}"}
    if accept:
        headers["Accept"] = accept
    if content:
        headers["Content-Type"] = content[0]
    return headers
