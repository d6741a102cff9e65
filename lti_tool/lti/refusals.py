"""Why a launch can be refused, in words for the person who sees the page.

A code is stable: it stands in the header `X-Peerloop-Error`, in the log and in the documentation.
"""

from __future__ import annotations

import re
import secrets
from typing import NamedTuple

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

REFERENCE_LETTERS = 6  # of a refused launch or a deployment that waits: 7F3K-2A
# No letters or digits that are mistaken for one another when read out on the telephone.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


class Explanation(NamedTuple):
    """What a page says about a refusal; each text is translated when it is shown."""

    status: int
    title: LazyString
    happened: LazyString
    who: LazyString
    todo: LazyString


_YOU = _("You can mend this yourself.")
_ADMIN = _("The administrator of your LMS can mend this.")
_OPERATOR = _("The people who run Peerloop can mend this.")
_AGAIN = _("Go back to your course page and open the link again.")
_TELL_ADMIN = _("Send the reference below to the administrator of your LMS.")
_NOT_TRUSTED = _("This launch could not be trusted")

EXPLANATIONS: dict[str, Explanation] = {
    "login_incomplete": Explanation(
        400,
        _("Your LMS sent an incomplete request"),
        _("The request to sign you in lacks something that the standard requires, or a part of it cannot be read."),
        _ADMIN,
        _("Open Peerloop from a course page. If you did, send the reference below to your administrator."),
    ),
    "unknown_platform": Explanation(
        400,
        _("Peerloop does not know this LMS"),
        _("No LMS is registered with the address and client id that came with this request."),
        _ADMIN,
        _("The LMS must be registered here first, with exactly the issuer and client id that it sends."),
    ),
    "ambiguous_platform": Explanation(
        400,
        _("Several registrations fit"),
        _("More than one registration has this issuer, and the LMS did not say which client id it means."),
        _ADMIN,
        _(
            "Enter in the LMS the login address that ends with the registration's number; the people who run "
            "Peerloop see it with the LMS."
        ),
    ),
    "foreign_target": Explanation(
        400,
        _("This link leads elsewhere"),
        _("The link in your course names an address that does not belong to this Peerloop."),
        _ADMIN,
        _("Correct the tool's address in the link or in the LMS's tool settings."),
    ),
    "foreign_return": Explanation(
        400,
        _("The answer would go elsewhere"),
        _("The LMS asked for an answer at an address that is none of its own, so nothing was sent."),
        _ADMIN,
        _TELL_ADMIN,
    ),
    "no_links_accepted": Explanation(
        400,
        _("Nothing of Peerloop fits there"),
        _("The place in the LMS from which you came takes no links that open a tool."),
        _YOU,
        _("Add Peerloop where the LMS adds activities or external tools to a course."),
    ),
    "not_your_work": Explanation(
        403,
        _("This is somebody else's work"),
        _("What a learner has done is shown to that learner, and to the instructors and assistants of the course."),
        _YOU,
        _("Open your own grades in the LMS. If you teach this course, ask to be made an instructor there."),
    ),
    "launch_opened_directly": Explanation(
        400,
        _("Please open Peerloop from your course"),
        _("This address works only when your LMS sends you here. It cannot be opened or reloaded by itself."),
        _YOU,
        _AGAIN,
    ),
    "launch_incomplete": Explanation(
        400,
        _("Your LMS sent an incomplete answer"),
        _("The answer of your LMS lacks the signed message or the state that belongs to it."),
        _YOU,
        _AGAIN,
    ),
    "platform_error": Explanation(
        400,
        _("Your LMS did not sign you in"),
        _("Your LMS answered with an error instead of a launch. Often its own session has ended."),
        _YOU,
        _("Sign in to your LMS again, then open the link once more."),
    ),
    "launch_expired": Explanation(
        401,
        _("This launch is no longer valid"),
        _("A launch can be used once and only for a few minutes. This one has been used, or took too long."),
        _YOU,
        _AGAIN,
    ),
    "state_cookie_missing": Explanation(
        401,
        _("Your browser did not recognise this launch"),
        _("The cookie that ties the launch to your browser did not come back. Some browsers block it."),
        _YOU,
        _("Open the link in a new window or another browser, or permit cookies for this site."),
    ),
    "nonce_mismatch": Explanation(
        401,
        _NOT_TRUSTED,
        _("The signed message does not belong to the login that your browser began."),
        _YOU,
        _AGAIN,
    ),
    "token_malformed": Explanation(
        400,
        _("The message of your LMS cannot be read"),
        _("What your LMS sent is not a signed message (JWT) as the LTI standard describes it."),
        _ADMIN,
        _TELL_ADMIN,
    ),
    "token_too_large": Explanation(
        400,
        _("The message of your LMS is too large"),
        _("The signed message is larger than any launch needs, so it was not read."),
        _ADMIN,
        _("Remove custom parameters that this tool does not need from the LMS's tool settings."),
    ),
    "token_algorithm": Explanation(
        401,
        _NOT_TRUSTED,
        _("The message is not signed with RS256, the only method that Peerloop accepts."),
        _ADMIN,
        _TELL_ADMIN,
    ),
    "token_without_kid": Explanation(
        401,
        _NOT_TRUSTED,
        _("The message does not say with which key it was signed (kid)."),
        _ADMIN,
        _TELL_ADMIN,
    ),
    "unknown_key": Explanation(
        401,
        _NOT_TRUSTED,
        _("The message is signed with a key that the LMS does not publish."),
        _ADMIN,
        _("Check that the key set address registered here is the one that the LMS shows."),
    ),
    "weak_key": Explanation(
        401,
        _NOT_TRUSTED,
        _("The LMS signs with a key that is too short. RSA keys need at least 2048 bits."),
        _ADMIN,
        _("Give the LMS a new key of 2048 bits or more."),
    ),
    "keys_unreachable": Explanation(
        401,
        _("The keys of your LMS cannot be read now"),
        _("Peerloop could not fetch the keys that it needs to check the message."),
        _ADMIN,
        _("Try again in a minute. If it stays so, the key set address registered here must be checked."),
    ),
    "bad_signature": Explanation(
        401,
        _NOT_TRUSTED,
        _("The signature of the message is not valid."),
        _ADMIN,
        _TELL_ADMIN,
    ),
    "wrong_issuer": Explanation(
        401,
        _NOT_TRUSTED,
        _("The message names another LMS than the one that you came from."),
        _ADMIN,
        _("The issuer registered here must be exactly the one that the LMS sends, slashes included."),
    ),
    "wrong_audience": Explanation(
        401,
        _NOT_TRUSTED,
        _("The message is meant for another tool, or not for this one alone."),
        _ADMIN,
        _("The client id registered here must be exactly the one that the LMS sends."),
    ),
    "token_expired": Explanation(
        401,
        _("This launch is no longer valid"),
        _("The message of your LMS has expired."),
        _YOU,
        _("Open the link again. If this repeats, the clock of the LMS is wrong: tell its administrator."),
    ),
    "token_from_future": Explanation(
        401,
        _NOT_TRUSTED,
        _("The message of your LMS is dated in the future."),
        _ADMIN,
        _("The clock of the LMS or of Peerloop is wrong by more than a minute."),
    ),
    "token_too_old": Explanation(
        401,
        _("This launch is no longer valid"),
        _("The message of your LMS was made more than ten minutes ago."),
        _YOU,
        _("Open the link again. If this repeats, the clock of the LMS is wrong: tell its administrator."),
    ),
    "wrong_version": Explanation(
        400,
        _("Your LMS speaks another version of LTI"),
        _("Peerloop understands LTI 1.3. The message names another version or none."),
        _ADMIN,
        _("Set the tool up in the LMS as an LTI 1.3 tool."),
    ),
    "unsupported_message": Explanation(
        400,
        _("Peerloop cannot answer this kind of request"),
        _("Your LMS asked for something other than opening a link."),
        _ADMIN,
        _("Place Peerloop where the LMS opens it as a link in a course."),
    ),
    "claim_missing": Explanation(
        400,
        _("The message of your LMS is incomplete"),
        _("The message lacks a part that the LTI standard requires."),
        _ADMIN,
        _TELL_ADMIN,
    ),
    "claim_invalid": Explanation(
        400,
        _("The message of your LMS cannot be understood"),
        _("A part of the message does not have the form that the LTI standard gives it."),
        _ADMIN,
        _TELL_ADMIN,
    ),
    "deployment_pending": Explanation(
        403,
        _("This placement still needs approval"),
        _("Peerloop was added to a new place in your LMS. Someone must accept it before it can be used."),
        _OPERATOR,
        _("Send the reference below to the administrator of your LMS, who asks them to accept the new place."),
    ),
    "too_many_waiting": Explanation(
        403,
        _("This placement still needs approval"),
        _("Peerloop was added to a new place in your LMS, and too many such places wait for approval already."),
        _OPERATOR,
        _("Tell the administrator of your LMS, who asks them to look at those. Then open the link again."),
    ),
    "target_mismatch": Explanation(
        400,
        _NOT_TRUSTED,
        _("The signed message names another link than the one that was opened."),
        _YOU,
        _AGAIN,
    ),
    "registration_incomplete": Explanation(
        400,
        _("Your LMS sent an incomplete registration"),
        _("The address of its configuration, or the token, with which it came cannot be used."),
        _ADMIN,
        _("Paste the registration address into the LMS once more. If this repeats, register Peerloop by hand."),
    ),
    "registration_invitation": Explanation(
        403,
        _("This invitation cannot be used"),
        _("An invitation is good for one registration and for some days. This one is used, expired or cut short."),
        _("If it registered your LMS, go on with what is left to do there."),
        _("Otherwise check that the whole address was pasted, or ask the people who run Peerloop for a new one."),
    ),
    "registration_unreachable": Explanation(
        400,
        _("Peerloop could not reach your LMS"),
        _("The LMS gave no answer in time, or named an address that Peerloop does not call, such as a private one."),
        _ADMIN,
        _(
            "The LMS must answer at a public https address with a valid certificate. If Peerloop stands among its "
            "tools now, delete it there; then begin again."
        ),
    ),
    "registration_unreadable": Explanation(
        400,
        _("Peerloop could not understand your LMS"),
        _("What the LMS says of itself, or its answer, is not what the standard for dynamic registration describes."),
        _ADMIN,
        _("Check the version of the LMS, or register Peerloop by hand. If it stands among the tools now, delete it."),
    ),
    "registration_foreign_issuer": Explanation(
        403,
        _("This configuration belongs to another LMS"),
        _("It names an issuer, but does not come from the address of that issuer, so it could be anybody's."),
        _ADMIN,
        _("Open the LMS at the address that is its issuer and begin again there, or register Peerloop by hand."),
    ),
    "registration_refused": Explanation(
        400,
        _("Your LMS did not take the registration"),
        _("The LMS answered that it will not register Peerloop. Often its registration link was used before."),
        _ADMIN,
        _("Begin again in the LMS, which makes a new link; a page that is reloaded uses the old one once more."),
    ),
    "registration_exists": Explanation(
        400,
        _("This LMS is registered already"),
        _("The LMS answered with a client id that Peerloop knows, so nothing was changed."),
        _ADMIN,
        _("Use the tool that the LMS has, or delete it there and ask the people who run Peerloop to remove it here."),
    ),
    "registration_full": Explanation(
        403,
        _("Too many registrations wait for approval"),
        _("Without an invitation a registration waits for approval, and as many wait now as Peerloop keeps."),
        _OPERATOR,
        _("Ask for an invitation, or try again when some have been looked at."),
    ),
    "registration_waiting": Explanation(
        403,
        _("This LMS waits for approval"),
        _("Peerloop was registered in your LMS, but nobody here has approved it yet."),
        _OPERATOR,
        _(
            "Ask them to approve the registration, and name the reference below. The administrator of your LMS knows "
            "whom to ask."
        ),
    ),
    "no_identity": Explanation(
        400,
        _("Your LMS did not say who you are"),
        _("Peerloop works with people, so it needs the user id that the LMS has for you."),
        _ADMIN,
        _(
            "Sign in to the LMS first. If you did, its administrator must let Peerloop have the user id of people "
            "(the claim “sub”). Names and e-mail addresses help, but may stay private."
        ),
    ),
}


class LaunchRefused(Exception):  # noqa: N818 - a refusal is an outcome of the rules, not a fault of the program
    """A login or launch that ends here. `detail` is for the log: claims' names, ids, nothing personal.

    Each has a reference of its own, unless what stopped it has one already. With a `ticket` the login can begin
    anew in a window of its own (see `opening.py`).
    """

    def __init__(
        self, code: str, detail: str = "", *, reference: str | None = None, ticket: str | None = None
    ) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.ticket = ticket
        self.explanation = EXPLANATIONS[code]
        self.status = self.explanation.status
        self.reference = reference or new_reference(REFERENCE_LETTERS)


def new_reference(count: int = 8) -> str:
    """Something short that a person can read out and that others can find, of so many letters: 7F3K-2AQM."""
    return spelled("".join(secrets.choice(_ALPHABET) for _letter in range(count)))


def spelled(text: str) -> str:
    """A reference as it is kept, however somebody wrote it down.

    >>> spelled(" 7f3k 2aqm ")
    '7F3K-2AQM'
    """
    letters = re.sub(r"[^0-9A-Z]", "", text[:40].upper())
    return f"{letters[:4]}-{letters[4:]}"
