"""A launch belongs to the browser that began it, even where that browser keeps no cookie of ours."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.lti.conftest import Refused
from tests.support.platform import OTHER_KEY, Browser


def attribute(page: requests.Response, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', page.text)
    assert found is not None, f"{name} is not on the page"
    return unescape(found[1])


def window_address(page: requests.Response) -> str:
    found = re.search(r'href="(/lti/login/window\?ticket=[^"]+)"', page.text)
    assert found is not None
    return unescape(found[1])


def login_with_storage(browser: Browser) -> requests.Response:
    """Begin a login at an LMS that offers storage, and go on to the LMS as the page's script would."""
    page = browser.login(lti_storage_target="its_frame")
    assert page.status_code == 200
    sent = parse_qs(urlsplit(attribute(page, "data-onward")).query)
    browser.auth = {name: values[0] for name, values in sent.items()}
    return page


def send(browser: Browser, path: str, origin: str | None, **form: str) -> requests.Response:
    """Send a form from a page of `origin`."""
    headers = {"Origin": origin} if origin else {}
    return browser.http.post(browser.base + path, data=form, headers=headers, timeout=10)


def come_back(browser: Browser, origin: str | None, **more: str) -> requests.Response:
    """Send the message of the login under way."""
    return send(browser, "/lti/launch", origin, id_token=browser.token(), state=browser.auth["state"], **more)


def ask_for_cookie(browser: Browser, state: str, origin: str | None) -> requests.Response:
    return send(browser, "/lti/login/cookie", origin, state=state)


def in_frame(browser: Browser) -> Browser:
    browser.http.headers["Sec-Fetch-Dest"] = "iframe"
    return browser


# -- The platform's storage


def test_a_platform_that_offers_storage_is_asked_to_keep_state_and_nonce(browser: Browser) -> None:
    page = login_with_storage(browser)
    assert attribute(page, "data-target") == "its_frame"
    assert attribute(page, "data-endpoint") == browser.platform.url("/auth")
    assert attribute(page, "data-state") == browser.auth["state"]
    assert attribute(page, "data-nonce") == browser.auth["nonce"]
    assert attribute(page, "data-onward").startswith(browser.platform.url("/auth?"))
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Content-Security-Policy"].endswith("frame-ancestors *")
    assert "Set-Cookie" not in page.headers


def test_a_message_whose_state_is_in_no_cookie_is_looked_for_in_the_storage_before_anything_is_recorded(
    browser: Browser,
) -> None:
    login_with_storage(browser)
    page = come_back(browser, browser.platform.issuer)
    assert page.status_code == 200
    assert attribute(page, "data-target") == "its_frame"
    assert browser.tool.launches == []
    assert "Set-Cookie" not in page.headers


def test_our_own_page_that_found_the_state_completes_the_launch_once(browser: Browser) -> None:
    login_with_storage(browser)
    come_back(browser, browser.platform.issuer)
    found = {"stored_state": browser.auth["state"]}
    assert come_back(browser, browser.base, **found).text == "welcome"
    again = come_back(browser, browser.base, **found)
    assert again.headers["X-Peerloop-Error"] == "launch_expired"
    assert len(browser.tool.launches) == 1


def test_what_the_storage_keeps_of_a_browser_counts_only_with_the_state_from_there(browser: Browser) -> None:
    login_with_storage(browser)
    found = {"stored_state": browser.auth["state"], "stored_browser": "from the storage"}
    come_back(browser, browser.base, **found)
    browser.login()
    come_back(browser, browser.platform.issuer, stored_browser="from somebody's form")
    assert [launch.stored_browser for launch in browser.tool.launches] == ["from the storage", None]


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "the platform"])
def test_no_other_page_can_say_that_the_state_was_found(
    browser: Browser, refused: Refused, origin: str | None
) -> None:
    login_with_storage(browser)
    origin = browser.platform.issuer if origin == "the platform" else origin
    response = come_back(browser, origin, stored_state=browser.auth["state"])
    assert refused(response) == (401, "state_cookie_missing")


def test_another_value_than_the_state_is_no_proof(browser: Browser, refused: Refused) -> None:
    login_with_storage(browser)
    response = come_back(browser, browser.base, stored_state="something else")
    assert refused(response) == (401, "state_cookie_missing")


def test_storage_is_no_proof_where_the_platform_offered_none(browser: Browser, refused: Refused) -> None:
    browser.login()
    browser.http.cookies.clear()
    response = come_back(browser, browser.base, stored_state=browser.auth["state"])
    assert refused(response) == (401, "state_cookie_missing")


def test_a_message_is_checked_in_full_before_the_storage_is_asked(browser: Browser, refused: Refused) -> None:
    login_with_storage(browser)
    forged = browser.token(key=OTHER_KEY)
    assert refused(browser.post(id_token=forged, state=browser.auth["state"])) == (401, "bad_signature")
    unversioned = browser.token(version="1.1")
    assert refused(browser.post(id_token=unversioned, state=browser.auth["state"])) == (400, "wrong_version")


def test_a_frame_with_a_name_that_no_frame_has_is_refused(browser: Browser, refused: Refused) -> None:
    assert refused(browser.login(lti_storage_target="f" * 256)) == (400, "login_incomplete")
    assert refused(browser.login(lti_storage_target="a\nb")) == (400, "login_incomplete")


# -- The cookie


def test_a_frame_that_has_sent_no_cookie_is_asked_whether_it_keeps_one(browser: Browser) -> None:
    page = in_frame(browser).login()
    assert page.status_code == 200
    assert attribute(page, "data-target") == ""
    assert ask_for_cookie(browser, attribute(page, "data-state"), browser.base).json() == {"kept": True}


def test_a_frame_that_sends_a_cookie_goes_on_at_once(browser: Browser) -> None:
    in_frame(browser).http.cookies.set("visit-of-yesterday", "x")
    assert browser.login().status_code == 302


def test_a_browser_that_has_lost_the_cookie_is_given_it_once_more(browser: Browser) -> None:
    login_with_storage(browser)
    answers = [ask_for_cookie(browser, browser.auth["state"], browser.base).json() for _time in range(2)]
    assert answers == [{"kept": False}, {"kept": True}]
    assert come_back(browser, browser.platform.issuer).text == "welcome"


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example"])
def test_no_other_page_can_give_this_browser_the_cookie_of_its_own_login(
    browser: Browser, refused: Refused, origin: str | None
) -> None:
    login_with_storage(browser)
    answer = ask_for_cookie(browser, browser.auth["state"], origin)
    assert refused(answer) == (400, "launch_opened_directly")


def test_a_cookie_is_kept_for_logins_alone_that_are_under_way(browser: Browser, refused: Refused) -> None:
    assert refused(ask_for_cookie(browser, "invented", browser.base)) == (401, "launch_expired")


# -- The window


def test_a_window_begins_the_login_anew_and_its_ticket_is_good_once(browser: Browser, refused: Refused) -> None:
    page = login_with_storage(browser)
    old = dict(browser.auth)
    browser.http.headers["Sec-Fetch-Dest"] = "document"
    address = browser.base + window_address(page)
    response = browser.http.get(address, allow_redirects=False, timeout=10)
    assert response.status_code == 302
    sent = parse_qs(urlsplit(response.headers["Location"]).query)
    browser.auth = {name: values[0] for name, values in sent.items()}
    secrets = {"state", "nonce"}
    assert {k: v for k, v in browser.auth.items() if k not in secrets} == {
        k: v for k, v in old.items() if k not in secrets
    }
    assert all(browser.auth[name] != old[name] for name in secrets)
    again = browser.http.get(address, allow_redirects=False, timeout=10)
    assert refused(again) == (401, "launch_expired")
    assert come_back(browser, browser.platform.issuer).text == "welcome"


def test_a_frame_that_lost_its_cookie_on_the_way_is_offered_a_window(browser: Browser) -> None:
    browser.login()
    browser.http.cookies.clear()
    page = in_frame(browser).post(id_token=browser.token(), state=browser.auth["state"])
    assert page.headers["X-Peerloop-Error"] == "state_cookie_missing"
    address = window_address(page)
    browser.http.headers["Sec-Fetch-Dest"] = "document"
    assert browser.http.get(browser.base + address, allow_redirects=False, timeout=10).status_code == 302


def test_a_window_without_cookies_is_not_sent_to_another_window(browser: Browser) -> None:
    browser.login()
    browser.http.cookies.clear()
    browser.http.headers["Sec-Fetch-Dest"] = "document"
    page = browser.post(id_token=browser.token(), state=browser.auth["state"])
    assert page.headers["X-Peerloop-Error"] == "state_cookie_missing"
    assert "/lti/login/window" not in page.text


def test_a_ticket_opens_nothing_once_its_launch_went_through(browser: Browser, refused: Refused) -> None:
    page = login_with_storage(browser)
    come_back(browser, browser.base, stored_state=browser.auth["state"])
    browser.tool.launches.clear()
    assert refused(browser.http.get(browser.base + window_address(page), timeout=10)) == (401, "launch_expired")


def test_a_page_that_found_storage_by_asking_begins_anew_with_it(browser: Browser, refused: Refused) -> None:
    page = in_frame(browser).login()
    address = browser.base + window_address(page) + "&lti_storage_target=_parent"
    found = browser.http.get(address, timeout=10)
    assert attribute(found, "data-target") == "_parent"
    assert attribute(found, "data-state") != attribute(page, "data-state")
    too_long = browser.base + window_address(found) + "&lti_storage_target=" + "f" * 256
    assert refused(browser.http.get(too_long, timeout=10)) == (400, "login_incomplete")
