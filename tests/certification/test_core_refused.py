"""Messages that a tool must refuse. https://www.imsglobal.org/spec/security/v1p0/#authentication-response-validation"""

from __future__ import annotations

import time

from tests.certification.tool import ToolUnderTest
from tests.support.platform import GONE, LTI, OTHER_KEY

PART = "Core"
AN_HOUR = 3600


def test_no_kid(tool: ToolUnderTest) -> None:
    """A message whose header has no `kid`"""
    tool.refuses(tool.launch(header={"kid": GONE}), 401, "token_without_kid")


def test_wrong_kid(tool: ToolUnderTest) -> None:
    """A message whose `kid` is no key of the platform"""
    tool.refuses(tool.launch(header={"kid": "not-published"}), 401, "unknown_key")


def test_wrong_key(tool: ToolUnderTest) -> None:
    """A message signed with a key that is not the one its `kid` names"""
    tool.refuses(tool.launch(key=OTHER_KEY), 401, "bad_signature")


def test_wrong_version(tool: ToolUnderTest) -> None:
    """A message of another version (`1.2.0`)"""
    tool.refuses(tool.launch(version="1.2.0"), 400, "wrong_version")


def test_no_version(tool: ToolUnderTest) -> None:
    """A message without the claim `version`"""
    tool.refuses(tool.launch(version=GONE), 400, "wrong_version")


def test_not_lti_1_3(tool: ToolUnderTest) -> None:
    """A signed message of LTI 1.1 (`LTI-1p0`, `basic-lti-launch-request`)"""
    response = tool.launch(version="LTI-1p0", message_type="basic-lti-launch-request")
    tool.refuses(response, 400, "wrong_version")


def test_no_lti_claims(tool: ToolUnderTest) -> None:
    """A signed message of OpenID Connect without any claim of LTI"""
    claims = [name for name in tool.platform.claims() if name.startswith(LTI)]
    tool.refuses(tool.launch(**dict.fromkeys([*claims, LTI + "target_link_uri"], GONE)), 400, "claim_missing")


def test_something_else_that_is_signed(tool: ToolUnderTest) -> None:
    """A signed message that is none of LTI or OpenID Connect (`{{"name": "…"}}`)"""
    claims = dict.fromkeys([*tool.platform.claims(), LTI + "target_link_uri", "nonce"], GONE)
    tool.refuses(tool.launch(**{**claims, "name": "not a launch"}), 400, "claim_missing")


def test_expired(tool: ToolUnderTest) -> None:
    """A message whose `exp` has passed"""
    tool.refuses(tool.launch(exp=int(time.time()) - AN_HOUR), 401, "token_expired")


def test_issued_in_the_future(tool: ToolUnderTest) -> None:
    """A message whose `iat` is still to come"""
    tool.refuses(tool.launch(iat=int(time.time()) + AN_HOUR), 401, "token_from_future")


def test_issued_long_ago(tool: ToolUnderTest) -> None:
    """A message whose `iat` is an hour old, though it has not expired"""
    tool.refuses(tool.launch(iat=int(time.time()) - AN_HOUR), 401, "token_too_old")


def test_times_long_past(tool: ToolUnderTest) -> None:
    """A message whose `iat` and `exp` are both of 1970"""
    tool.refuses(tool.launch(iat=11111, exp=22222), 401, "token_expired")


def test_times_that_are_texts(tool: ToolUnderTest) -> None:
    """A message whose `iat` and `exp` are no numbers"""
    tool.refuses(tool.launch(iat="yesterday", exp="tomorrow"), 400, "claim_invalid")


def test_no_times(tool: ToolUnderTest) -> None:
    """A message without `iat` and `exp`"""
    tool.refuses(tool.launch(iat=GONE, exp=GONE), 400, "claim_missing")


def test_no_message_type(tool: ToolUnderTest) -> None:
    """A message without the claim `message_type`"""
    tool.refuses(tool.launch(message_type=GONE), 400, "claim_missing")


def test_unknown_message_type(tool: ToolUnderTest) -> None:
    """A message of a type that nobody has defined"""
    tool.refuses(tool.launch(message_type="LtiInventedRequest"), 400, "unsupported_message")


def test_no_roles(tool: ToolUnderTest) -> None:
    """A message without the claim `roles`"""
    tool.refuses(tool.launch(roles=GONE), 400, "claim_missing")


def test_no_deployment(tool: ToolUnderTest) -> None:
    """A message without the claim `deployment_id`"""
    tool.refuses(tool.launch(deployment_id=GONE), 400, "claim_missing")


def test_no_resource_link(tool: ToolUnderTest) -> None:
    """A message without the claim `resource_link`"""
    tool.refuses(tool.launch(resource_link=GONE), 400, "claim_missing")


def test_no_resource_link_id(tool: ToolUnderTest) -> None:
    """A message whose `resource_link` has no `id`"""
    tool.refuses(tool.launch(resource_link={"title": "Week 1"}), 400, "claim_missing")


def test_no_subject(tool: ToolUnderTest) -> None:
    """A message without the person's id (`sub`)"""
    response = tool.launch(sub=GONE)
    assert "must let Peerloop have the user id of people (the claim “sub”)" in response.text
    tool.refuses(response, 400, "no_identity")


def test_no_target_link(tool: ToolUnderTest) -> None:
    """A message without the claim `target_link_uri`"""
    tool.refuses(tool.launch(target_link_uri=GONE), 400, "claim_missing")


def test_other_target_link(tool: ToolUnderTest) -> None:
    """A message that names another `target_link_uri` than its login did"""
    tool.refuses(tool.launch(target_link_uri=f"{tool.browser.base}/elsewhere"), 400, "target_mismatch")


def test_no_nonce(tool: ToolUnderTest) -> None:
    """A message without a `nonce`"""
    tool.refuses(tool.launch(nonce=GONE), 400, "claim_missing")


def test_other_nonce(tool: ToolUnderTest) -> None:
    """A message with a `nonce` that this login did not give out"""
    tool.refuses(tool.launch(nonce="of-another-login"), 401, "nonce_mismatch")


def test_other_issuer(tool: ToolUnderTest) -> None:
    """A message of another issuer"""
    tool.refuses(tool.launch(iss="https://other.example"), 401, "wrong_issuer")


def test_other_audience(tool: ToolUnderTest) -> None:
    """A message for another client id"""
    tool.refuses(tool.launch(aud="another-tool"), 401, "wrong_audience")


def test_other_algorithm(tool: ToolUnderTest) -> None:
    """A message signed with RS512"""
    tool.refuses(tool.launch(alg="RS512"), 401, "token_algorithm")


def test_state_of_nobody(tool: ToolUnderTest) -> None:
    """A message with a `state` that was never given out"""
    tool.browser.login()
    response = tool.browser.post(id_token=tool.browser.token(), state="invented")
    tool.refuses(response, 401, "launch_expired")


def test_login_of_nobody(tool: ToolUnderTest) -> None:
    """A login of an issuer that is not registered"""
    tool.refuses(tool.browser.login(iss="https://unheard-of.example"), 400, "unknown_platform")


def test_login_without_hint(tool: ToolUnderTest) -> None:
    """A login without a `login_hint`"""
    tool.refuses(tool.browser.login(login_hint=None), 400, "login_incomplete")


def test_login_to_elsewhere(tool: ToolUnderTest) -> None:
    """A login whose `target_link_uri` is not the tool's"""
    tool.refuses(tool.browser.login(target_link_uri="https://elsewhere.example/"), 400, "foreign_target")


def test_login_for_one_of_two(tool: ToolUnderTest) -> None:
    """A login that does not name the client, of an issuer with two registrations"""
    tool.product.register(tool.platform, client_id="another", deployments=())
    response = tool.browser.login(client_id=None)
    assert "the login address that ends with the registration" in response.text
    tool.refuses(response, 400, "ambiguous_platform")


def test_unknown_deployment(tool: ToolUnderTest) -> None:
    """A message of a deployment that nobody has accepted"""
    first = tool.launch(deployment_id="new", sub="ana")
    tool.looks_again()  # the deployment is there now, and waits
    second = tool.launch(deployment_id="new", sub="bo")
    assert second.text == first.text
    tool.refuses(second, 403, "deployment_pending")


def test_message_twice(tool: ToolUnderTest) -> None:
    """A message that was taken once, sent again from the same browser"""
    tool.browser.login()
    form = {"id_token": tool.browser.token(), "state": tool.browser.auth["state"]}
    cookies = tool.browser.http.cookies.copy()
    assert tool.browser.post(**form).status_code == 200
    tool.looks_again()
    tool.browser.http.cookies = cookies
    tool.refuses(tool.browser.post(**form), 401, "launch_expired")
