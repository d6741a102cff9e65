"""What an administrator does in each LMS, in that LMS's own words.

Names in quotation marks are what stands on its pages, and so are the labels of its forms: they are not translated.
Sources: CANVAS, MOODLE, D2L, BB, SAKAI and SCHO, see `docs/families.md`; where those are silent, the setup guides of
other tools' makers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

Steps = tuple[LazyString, ...]
Form = tuple[tuple[str, str], ...]

_IN_THE_LMS = _("Enter this in the LMS:")


@dataclass(frozen=True, slots=True)
class Places:
    """Paths through an LMS's menus.

    `tool` leads to the settings of this tool. From there `addresses` leads to what both sides know of each other,
    `roster` and `grades` to the switch of a service.
    """

    tool: LazyString
    addresses: LazyString
    roster: LazyString
    grades: LazyString


@dataclass(frozen=True, slots=True)
class Guide:
    """How Peerloop is brought into an LMS, and the `places` in which its settings stand there later.

    `begin` leads to the place where the registration address is pasted, and is empty where there is none; `activate`
    comes when the LMS has registered Peerloop by it. `finish` is left to do in the LMS either way. The others are for
    doing it by hand: `where`; the LMS's form as (label, value), in which `{launch}` and the like stand for this
    tool's values (see `offer.values`); what comes `after` it; and what is known of the LMS's own values, by the
    option of `peerloop platform add`.
    """

    title: str | LazyString
    places: Places
    begin: Steps = ()
    activate: Steps = ()
    finish: Steps = ()
    where: LazyString = _IN_THE_LMS
    form: Form = ()
    after: Steps = ()
    known: Mapping[str, str] = field(default_factory=dict)

    def filled_form(self, values: Mapping[str, str]) -> list[tuple[str, str]]:
        """The form with this tool's values, as `offer.values` gives them."""
        return [(label, value.format_map(values)) for label, value in self.form]

    def steps_once_registered(self, values: Mapping[str, str]) -> list[str]:
        """What is left to do when the LMS has registered Peerloop by itself, with this tool's values."""
        return [str(step).format_map(values) for step in self.activate + self.finish]

    def steps_once_entered(self, values: Mapping[str, str]) -> list[str]:
        """What is left to do when both sides are entered by hand, with this tool's values."""
        return [str(step).format_map(values) for step in self.finish]


STANDARD = Guide(
    title=_("Another LMS"),
    places=Places(
        tool=_("the LMS’s list of external (LTI 1.3) tools → Peerloop"),
        addresses=_("its addresses and client id"),
        roster=_("its service “Names and Roles”"),
        grades=_("its service “Assignment and Grades”, with columns, scores and results"),
    ),
    begin=(
        _("As an administrator, open the page of the LMS where tools are registered (“LTI Advantage”, “LTI 1.3”)."),
        _("Choose dynamic registration, and paste the address where the LMS asks for the registration URL."),
    ),
    activate=(_("Activate Peerloop, if the LMS asks for that."),),
    finish=(
        _("Allow the services that it asks for: the roster, and the gradebook with columns, scores and results."),
        _(
            "Allow deep linking (also called content selection or content items), if the LMS asks: with it teachers "
            "choose what a link opens, or add the whole program at once."
        ),
        _("Place Peerloop in a course and open it there as the instructor."),
    ),
    form=(
        ("Login initiation URL", "{login}"),
        ("Redirect URL", "{launch}"),
        ("Target link URL", "{launch}"),
        ("Public key set URL (JWKS)", "{keys}"),
        ("Deep linking (content selection) URL", "{launch}"),
        ("Services", "Names and Roles; Assignment and Grades with line items, scores and results"),
        ("Privacy", "name and e-mail address"),
        ("Custom parameters", "{custom}"),
    ),
)

CANVAS = Guide(
    title="Canvas",
    places=Places(
        tool=_("Admin → the account → Developer Keys → the LTI key of Peerloop → Edit"),
        addresses=_(
            "Redirect URIs and JWK Method; the client id stands in the list of keys, Canvas’s own addresses nowhere"
        ),
        roster=_(
            "LTI Advantage Services → “Can retrieve user data associated with the context the tool is installed in”"
        ),
        grades=_("LTI Advantage Services → all that name assignment data, submission data or submission results"),
    ),
    begin=(
        _("Open “Admin”, your account, “Developer Keys”; then “+ Developer Key” and “+ LTI Registration”."),
        _("Paste the address as the registration URL and choose “Continue”."),
    ),
    activate=(
        _("Canvas shows what Peerloop asks for: leave it as it is and choose “Enable & Close”."),
        _("In “Developer Keys”, the state of Peerloop must be “On”."),
    ),
    finish=(
        _(
            "Leave the placements “Assignment Selection” and “Link Selection” on: by them teachers choose in "
            "Peerloop what to add, under “External Tool” in an assignment’s “Submission Type” and in a module."
        ),
        _("In a course, open “Settings”, “Navigation”, move Peerloop up among the items that are shown, and save."),
        _("Open Peerloop from the course's menu as a teacher."),
    ),
    form=(
        ("Method", "Enter URL"),
        ("Key Name", "Peerloop"),
        ("Redirect URIs", "{launch}"),
        ("JSON URL", "{canvas}"),
    ),
    after=(
        _("Save, and switch the key to “On”. The number in its “Details” is the client id."),
        _("In “Settings”, “Apps”, “View App Configurations”, “+ App”, choose “By Client ID” and enter it."),
        _("The gear of the installed app shows the “Deployment Id”."),
    ),
    known={
        "--issuer": "https://canvas.instructure.com",
        "--auth-url": "https://sso.canvaslms.com/api/lti/authorize_redirect",
        "--token-url": "https://sso.canvaslms.com/login/oauth2/token",
        "--jwks-url": "https://sso.canvaslms.com/api/lti/security/jwks",
    },
)

MOODLE = Guide(
    title="Moodle",
    places=Places(
        tool=_("Site administration → Plugins → Activity modules → External tool → Manage tools → Peerloop"),
        addresses=_("the cog for what Moodle knows of Peerloop, the list beside it for Moodle’s own addresses"),
        roster=_("Services → “IMS LTI Names and Role Provisioning”: use this service"),
        grades=_(
            "Services → “IMS LTI Assignment and Grade Services”: use this service for grade sync and column "
            "management"
        ),
    ),
    begin=(
        _("Open “Site administration”, “Plugins”, “External tool”, “Manage tools”."),
        _("Paste the address into “Tool URL…” and choose “Add LTI Advantage”."),
    ),
    activate=(_("Peerloop's card says “Pending”: choose “Activate”."),),
    finish=(
        _(
            "In its settings “Supports Deep Linking (Content-Item Message)” must be ticked: then teachers choose "
            "what a link opens by “Select content”. “Tool configuration usage” decides whether they find Peerloop "
            "among the activities."
        ),
        _("In a course, add the activity “Peerloop” and open it as the teacher."),
    ),
    form=(
        ("Tool name", "Peerloop"),
        ("Tool URL", "{launch}"),
        ("LTI version", "LTI 1.3"),
        ("Public key type", "Keyset URL"),
        ("Public keyset", "{keys}"),
        ("Initiate login URL", "{login}"),
        ("Redirection URI(s)", "{launch}"),
        ("Custom parameters", "{custom}"),
        ("Tool configuration usage", "Show in activity chooser and as a preconfigured tool"),
        ("Supports Deep Linking (Content-Item Message)", "ticked"),
        ("Content Selection URL", "{launch}"),
        ("IMS LTI Assignment and Grade Services", "Use this service for grade sync and column management"),
        (
            "IMS LTI Names and Role Provisioning",
            "Use this service to retrieve members' information as per privacy settings",
        ),
        ("Share launcher's name with tool", "Always"),
        ("Share launcher's email with tool", "Always"),
        ("Accept grades from the tool", "Always"),
    ),
    after=(
        _(
            "Save. On Peerloop's card, the list beside the cog shows the client id, the deployment id and the "
            "addresses."
        ),
    ),
    known={
        "--issuer": "https://moodle.example.edu",
        "--auth-url": "https://moodle.example.edu/mod/lti/auth.php",
        "--token-url": "https://moodle.example.edu/mod/lti/token.php",
        "--jwks-url": "https://moodle.example.edu/mod/lti/certs.php",
    },
)

BRIGHTSPACE = Guide(
    title="Brightspace",
    # Services are allowed twice there: in the registration, and in each deployment.
    places=Places(
        tool=_("Admin Tools → Manage Extensibility → LTI Advantage → Peerloop"),
        addresses=_("Brightspace Registration Details"),
        roster=_("Extensions → “Names and Role Provisioning Services”, and the same in its deployment"),
        grades=_("Extensions → “Assignment and Grade Services”, and the same in its deployment"),
    ),
    begin=(
        _("Open “Admin Tools”, “Manage Extensibility”, “LTI Advantage”, “Register Tool”."),
        _("Choose “Dynamic”, paste the address, and choose “Register”. A new tab opens."),
    ),
    activate=(_("In “Manage Extensibility”, “LTI Advantage”, open Peerloop and enable it: it is off now."),),
    finish=(
        _(
            "Choose “View Deployments”, “New Deployment”: Peerloop, your org units, and all three extensions: “Deep "
            "Linking” lets teachers choose what a link opens."
        ),
        _(
            "Under “Security Settings” share the name and e-mail, and switch on “Classlist including users not known "
            "to this deployment”, or Peerloop sees only people who have opened it."
        ),
        _(
            "In the deployment, choose “View Links”, “New Link”, twice, both with the address {launch}: one of the "
            "type “Basic Launch”, one of the type “Deep Linking Quicklink”, by which teachers choose."
        ),
        _("Add the first to a course and open it there as the instructor."),
    ),
    form=(
        ("Name", "Peerloop"),
        ("Domain", "{base}"),
        ("Redirect URLs", "{launch}"),
        ("OpenID Connect Login URL", "{login}"),
        ("Target Link URI", "{launch}"),
        ("Keyset URL", "{keys}"),
        ("Extensions", "Assignment and Grade Services; Deep Linking; Names and Role Provisioning Services"),
        ("Custom Parameters", "{custom}"),
    ),
    after=(
        _(
            "Save it enabled. “Brightspace Registration Details” show the client id and the addresses; the "
            "deployment id comes with the deployment, which is made last."
        ),
    ),
    known={"--token-url": "https://auth.brightspace.com/core/connect/token"},
)

BLACKBOARD = Guide(
    title="Blackboard",
    places=Places(
        tool=_("Administrator Panel → Integrations → LTI Tool Providers → Peerloop → Edit"),
        addresses=_(
            "the client id; the addresses of both sides stand in the application at developer.blackboard.com"
        ),
        roster=_("Institution Policies → “Allow Membership Service Access”: Yes"),
        grades=_("Institution Policies → “Allow grade service access”: Yes"),
    ),
    where=_("The people who run Peerloop enter this once at developer.blackboard.com, and give you the client id:"),
    finish=(
        _("In “Administrator Panel”, “LTI Tool Providers”, “Register LTI 1.3/Advantage Tool”, enter the client id."),
        _(
            "Set “Tool Status” to “Approved”. Under “User Fields to Send” allow all three; allow the grade service "
            "and the membership service."
        ),
        _(
            "In the list, choose the number under “Placements”, then “Create Placement”: type “Deep Linking content "
            "tool” without “Allow student access”, “Target Link URI” {launch}. By it teachers choose what a link "
            "opens."
        ),
        _("Tell the people who run Peerloop the deployment id that Blackboard shows."),
        _("In a course, add Peerloop from the “Content Market” and open it as the instructor."),
    ),
    form=(
        ("Login Initiation URL", "{login}"),
        ("Tool Redirect URL(s)", "{launch}"),
        ("Tool JWKS URL", "{keys}"),
        ("Signing Algorithm", "RS256"),
        ("Custom Parameters", "{custom}"),
    ),
    known={
        "--issuer": "https://blackboard.com",
        "--auth-url": "https://developer.blackboard.com/api/v1/gateway/oidcauth",
        "--jwks-url": "https://developer.blackboard.com/api/v1/management/applications/…/jwks.json",
        "--token-url": "https://developer.blackboard.com/api/v1/gateway/oauth2/jwttoken",
    },
)

SAKAI = Guide(
    title="Sakai",
    places=Places(
        tool=_("Administration Workspace → External Tools → Peerloop → Edit"),
        addresses=_("the LTI 1.3 fields at the end of the form"),
        roster=_("Services → “Provide Roster to External Tool”"),
        grades=_(
            "Services → “Allow External Tool to return grades” and “Allow External Tool to create grade columns”"
        ),
    ),
    begin=(
        _("In the “Administration Workspace”, open “External Tools”, “Install LTI 1.x Tool”, and enter a title."),
        _("Choose “LTI Advantage Auto-Configuration” and paste the address."),
    ),
    activate=(
        _("Allow names, e-mail addresses, the roster and the gradebook for Peerloop."),
        _(
            "Tick both kinds of launch, “Resource Link launch” and “Deep Link launch”, and the places in which "
            "instructors are to find Peerloop, such as Lessons: they choose there what a link opens."
        ),
        _("Look at the rest of what was filled in, and save the tool."),
    ),
    finish=(_("In a site, add Peerloop through “Site Info”, “Manage Tools”, and open it as an instructor."),),
    form=(
        ("Tool Title", "Peerloop"),
        ("Launch URL", "{launch}"),
        ("LTI 1.3 Tool Keyset URL", "{keys}"),
        ("LTI 1.3 Tool OpenID Connect/Initialization Endpoint", "{login}"),
        ("LTI 1.3 Tool Redirect Endpoint(s)", "{launch}"),
        ("Custom Parameters", "{custom}"),
        ("The tool URL supports a single LTI tool (Resource Link launch)", "ticked"),
        ("The tool URL supports a “resource picker” experience with one or more tools (Deep Link launch)", "ticked"),
        ("Allow the tool to be selected from Lessons", "ticked"),
        ("Allow the tool to be placed in site-level navigation", "ticked"),
        ("Services", "roster, gradebook columns and scores; send names and e-mail addresses"),
    ),
    after=(
        _("Save the tool and open it again: the LTI 1.3 fields at the end show the client id and the addresses."),
    ),
)

SCHOOLOGY = Guide(
    title="Schoology",
    places=Places(
        tool=_("App Center → My Developer Apps (or Organization Apps) → Peerloop → Options"),
        addresses=_("API Info for the client id, Edit for the addresses"),
        roster=_("Edit → “Names and Roles Services”"),
        grades=_("Edit → “Assignment and Grade Services”"),
    ),
    finish=(
        _("Install the app for your school (“Install LTI 1.3 App”, “Add to Organization”)."),
        _(
            "Tell the people who run Peerloop the client id (“Options”, “API Info”) and the deployment id "
            "(“Configure”, beside the installed app)."
        ),
        _("In a course, teachers choose Peerloop in “Add Materials”, and then what the link opens."),
    ),
    form=(
        ("Type of App", "LTI 1.3"),
        ("JWKS URL", "{keys}"),
        ("Domain/URL", "{launch}"),
        ("OIDC Login Init URL", "{login}"),
        ("Redirect URLs", "{launch}"),
        ("Deep Linking", "ticked"),
        ("Assignment and Grade Services", "ticked"),
        ("Names and Roles Services", "ticked"),
        ("Privacy", "Send Name and Email/Username of user who launches the tool"),
    ),
    known={
        "--issuer": "https://schoology.schoology.com",
        "--auth-url": "https://lti-service.svc.schoology.com/lti-service/authorize-redirect",
        "--token-url": "https://lti-service.svc.schoology.com/lti-service/access-token",
        "--jwks-url": "https://lti-service.svc.schoology.com/lti-service/.well-known/jwks",
    },
)

GUIDES: Mapping[str, Guide] = {
    "standard": STANDARD,
    "blackboard": BLACKBOARD,
    "brightspace": BRIGHTSPACE,
    "canvas": CANVAS,
    "moodle": MOODLE,
    "sakai": SAKAI,
    "schoology": SCHOOLOGY,
}


def of(family: str) -> Guide:
    """The guide of this family; that of any other LMS where none is known."""
    return GUIDES.get(family, STANDARD)


def in_order() -> list[Guide]:
    """By name, as a person looks for their LMS; what holds for any other comes last."""
    return sorted(GUIDES.values(), key=lambda guide: (guide is STANDARD, str(guide.title)))
