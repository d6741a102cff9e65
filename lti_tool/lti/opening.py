"""How a launch's state stays with its browser where a frame may not keep our cookie.

The state must come back from the browser that the login was sent to. In this order it is kept by the
platform's own storage, asked by `postMessage`; by a partitioned cookie; or by a cookie in a window of its own,
where it is no third party's. A browser that keeps it in none of these ways is not let in.

LTI Client Side postMessages, postMessage Storage and OIDC Login with Client Side postMessages, each 0.1:
https://www.imsglobal.org/spec/lti-cs-pm/v0p1, …/lti-pm-s/v0p1, …/lti-cs-oidc/v0p1
"""

from __future__ import annotations

import secrets

from flask import Response, g, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lti_tool.database import transaction
from lti_tool.lti import addresses, states, wire
from lti_tool.lti.login import PlatformLogin
from lti_tool.lti.messages import PlatformLookup, PlatformMessage, WebRequest
from lti_tool.lti.refusals import LaunchRefused
from lti_tool.lti.states import Login, LoginStates, StateCookies

FRAMES = frozenset({"iframe", "frame"})


class LoginAgain(WebRequest):
    """The request with which a login began, for beginning it once more.

    Where the platform named no frame for the state, the page may have found one by asking (`lti.capabilities`).
    """

    def __init__(self, login: Login, storage_target: str) -> None:
        self._asked = {
            "iss": login.registration.issuer,
            "client_id": login.registration.client_id,
            "target_link_uri": login.target_link_uri,
            "login_hint": login.login_hint,
            "lti_message_hint": login.message_hint,
            "lti_storage_target": storage_target,
        }

    def get_param(self, key: str) -> str:
        return self._asked.get(key, "")


def begin(login: PlatformLogin) -> Response:
    """Send the browser on to the platform, by way of a page where it is in doubt whether it keeps our cookie.

    A frame that sends any cookie of ours keeps cookies (Fetch Metadata tells a frame).
    """
    onward = login.get_redirect_object(f"{login.base_url}/lti/launch")
    is_doubtful = request.headers.get("Sec-Fetch-Dest") in FRAMES and not request.cookies
    if not login.storage_target and not is_doubtful:
        return onward.do_redirect()
    response = _page(
        endpoint=login.registration.auth_url,
        target=login.storage_target,
        state=login.states.state,
        nonce=login.states.nonce,
        onward=onward.get_redirect_url(),
    )
    if not login.storage_target:
        login.cookies.write_to(response)
    return response


def keep_cookie() -> ResponseReturnValue:
    """Answers whether the cookie of a login came back, and sets it where it did not.

    For our own page alone: another site's form could otherwise give its own login to this browser.
    """
    base_url = wire.current().base_url
    if request.headers.get("Origin") != addresses.origin(base_url):
        raise LaunchRefused("launch_opened_directly")
    state = request.form.get("state", "")
    if LoginStates().find(state) is None:
        raise LaunchRefused("launch_expired")
    cookies = StateCookies(secure=base_url.startswith("https:"))
    if cookies.get_cookie(state) == state:
        return {"kept": True}
    response = make_response({"kept": False})
    cookies.set_cookie(state, state)
    cookies.write_to(response)
    return response


def open_window() -> ResponseReturnValue:
    """A login once more, as a rule in a window of its own, where our cookie is no third party's.

    Its ticket is the state that it had, which is used up.
    """
    ticket = request.args.get("ticket", "")
    login = LoginStates().find(ticket)
    if login is not None:
        with transaction() as session:
            is_ours = states.take(session, ticket)
    if login is None or not is_ours:
        raise LaunchRefused("launch_expired")
    again = LoginAgain(login, request.args.get("lti_storage_target", ""))
    lookup = PlatformLookup(login.registration)
    return begin(PlatformLogin(lookup, base_url=wire.current().base_url, began_with=again))


def ask_storage(message: PlatformMessage) -> Response:
    """A page that looks for the state of a checked message in the platform's storage, and sends both back to us."""
    return _page(
        endpoint=message.registration.auth_url,
        target=message.storage_target,
        state=message.state,
        nonce=message.nonce,
        id_token=message.id_token,
        fresh_browser=secrets.token_urlsafe(32),
    )


def window_address(ticket: str) -> str | None:
    """Where a login can begin anew in a window of its own; None in a window, where that would be no help."""
    is_window = request.headers.get("Sec-Fetch-Dest") == "document"
    return None if is_window else url_for("lti.open_window", ticket=ticket)


def _page(*, state: str, **values: str) -> Response:
    # Nothing is known of this person yet, so any site may frame the page: its one link begins a login.
    g.any_frame = True
    window = url_for("lti.open_window", ticket=state)
    response = make_response(render_template("lti/opening.html", state=state, window=window, **values))
    response.headers["Cache-Control"] = "no-store"
    return response
