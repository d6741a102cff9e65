"""A process that asks an LMS for a token at each line that it is sent: `python -m tests.support.asking ID`.

It has one connection all the time, as a long job does, and answers each line with `given` or the reason of a refusal.
"""

from __future__ import annotations

import sys

import config
from lti_tool.app import create_app
from lti_tool.lti import keyring, memberships, registrations, wire
from lti_tool.lti.failures import LmsError
from lti_tool.lti.tokens import Tokens

REREAD_SECONDS = 0.1  # what takes a minute in the product


def main(registration_id: int) -> None:
    """Ask until no more lines come."""
    keyring.REREAD_SECONDS = REREAD_SECONDS
    with create_app(config.load()).app_context():
        registration = registrations.get(registration_id)
        assert registration is not None
        connection = wire.connect(registration, "deployment-1")
    for _line in sys.stdin:
        try:
            Tokens(connection.client).get(connection, (memberships.SCOPE,))
            print("given", flush=True)  # noqa: T201 - this is the answer
        except LmsError as error:
            print(error, error.excerpt, flush=True)  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]))
