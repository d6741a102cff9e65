"""A connection goes to the address that was checked, whatever the DNS says a moment later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lti_tool.lti import addresses
from lti_tool.lti.client import LmsClient
from lti_tool.lti.failures import Refused, Retryable
from tests.lti.https_lms import NAME, STAND_IN, Lms, https_lms


@pytest.fixture
def lms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lms]:
    with https_lms(tmp_path, monkeypatch) as lms:
        yield lms


@pytest.fixture
def client(lms: Lms, tmp_path: Path) -> Iterator[LmsClient]:
    assert lms
    client = LmsClient(timeout=5, allow_private=False)
    client.session.verify = str(tmp_path / "lms.pem")
    yield client
    client.close()


def test_the_checked_address_is_called_by_the_name_that_it_was_given(lms: Lms, client: LmsClient) -> None:
    lms.dns = [[STAND_IN]]
    assert client.send("keys", "GET", lms.url, headers={}).status == 200
    assert lms.resolved == 1
    assert lms.server_names == [NAME]
    assert lms.hosts == [lms.url.removeprefix("https://").removesuffix("/keys")]


def test_a_pooled_connection_is_used_again_without_asking_the_dns(lms: Lms, client: LmsClient) -> None:
    lms.dns = [[STAND_IN]]
    for _ in range(5):
        client.send("keys", "GET", lms.url, headers={})
    assert lms.resolved == 1
    assert len(lms.clients) == 1


def test_a_name_that_turns_to_a_private_address_is_refused_at_the_next_connection(
    lms: Lms, client: LmsClient
) -> None:
    lms.dns = [[STAND_IN], ["10.0.0.5"], [STAND_IN, "169.254.169.254"]]
    client.send("keys", "GET", lms.url, headers={})
    client.close()
    for private in ("10.0.0.5", "169.254.169.254"):
        with pytest.raises(Refused, match=private):
            client.send("keys", "GET", lms.url, headers={})
    assert len(lms.hosts) == 1


def test_the_certificate_must_be_for_the_name_and_not_the_address(lms: Lms, client: LmsClient) -> None:
    with pytest.raises(Retryable, match="certificate"):
        client.send("keys", "GET", lms.url.replace(NAME, STAND_IN), headers={})
    assert lms.hosts == []


def test_a_second_address_is_tried_when_the_first_does_not_answer(
    lms: Lms, client: LmsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = "127.0.0.2"
    monkeypatch.setattr(addresses, "_is_public", lambda address: address in {STAND_IN, closed})
    lms.dns = [[closed, STAND_IN]]
    assert client.send("keys", "GET", lms.url, headers={}).status == 200


def test_a_name_that_does_not_resolve_may_do_so_later(lms: Lms, client: LmsClient) -> None:
    with pytest.raises(Retryable) as error:
        client.send("keys", "POST", "https://nowhere.invalid/", headers={})
    assert not error.value.answer_lost
    assert lms.hosts == []
