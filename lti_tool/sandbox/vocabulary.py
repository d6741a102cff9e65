"""Names that the LTI standards define: roles, claims, scopes and media types.

Sources: LTI Core 1.3 (https://www.imsglobal.org/spec/lti/v1p3), Names and Role Provisioning Services 2.0
(https://www.imsglobal.org/spec/lti-nrps/v2p0), Assignment and Grade Services 2.0
(https://www.imsglobal.org/spec/lti-ags/v2p0), Deep Linking 2.0 (https://www.imsglobal.org/spec/lti-dl/v2p0),
Course Groups Service 1.0 (https://www.imsglobal.org/spec/lti-gs/v1p0).
"""

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
NRPS_CLAIM = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
DL_CLAIM = "https://purl.imsglobal.org/spec/lti-dl/claim/"
AGS_CLAIM = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
GROUPS_CLAIM = "https://purl.imsglobal.org/spec/lti-gs/claim/groupsservice"

PLATFORM_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-platform-configuration"
TOOL_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"
MESSAGE_TYPES = ("LtiResourceLinkRequest",)
VARIABLES = (
    "Person.address.timezone",
    "Person.name.full",
    "Person.name.given",
    "Person.name.family",
    "Person.email.primary",
    "User.id",
    "Context.id",
    "Context.id.history",
    "Context.title",
    "Context.label",
    "ResourceLink.id",
    "ResourceLink.id.history",
    "ResourceLink.title",
)

SCOPE_ROSTER = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
SCOPE_ITEMS = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem"
SCOPE_ITEMS_READ = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem.readonly"
SCOPE_RESULTS = "https://purl.imsglobal.org/spec/lti-ags/scope/result.readonly"
SCOPE_SCORE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
SCOPE_GROUPS = "https://purl.imsglobal.org/spec/lti-gs/scope/contextgroup.readonly"
ALLOWED_SCOPES = (SCOPE_ROSTER, SCOPE_ITEMS, SCOPE_ITEMS_READ, SCOPE_RESULTS, SCOPE_SCORE)

MEDIA_ROSTER = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
MEDIA_ITEM = "application/vnd.ims.lis.v2.lineitem+json"
MEDIA_ITEMS = "application/vnd.ims.lis.v2.lineitemcontainer+json"
MEDIA_SCORE = "application/vnd.ims.lis.v1.score+json"
MEDIA_RESULTS = "application/vnd.ims.lis.v2.resultcontainer+json"
MEDIA_GROUPS = "application/vnd.ims.lti-gs.v1.contextgroupcontainer+json"
MEDIA_GROUP_SETS = "application/vnd.ims.lti-gs.v1.contextgroupsetcontainer+json"

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
PERSON = "http://purl.imsglobal.org/vocab/lis/v2/institution/person"
SYSTEM = "http://purl.imsglobal.org/vocab/lis/v2/system/person"
TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"
ADMIN_ROLES = [f"{PERSON}#Administrator", f"{SYSTEM}#Administrator"]
COURSE_TYPE = "http://purl.imsglobal.org/vocab/lis/v2/course#CourseOffering"

ROLE_NAMES = {
    "learner": "Learner",
    "instructor": "Instructor",
    "ta": "Teaching assistant",
    "mentor": "Observer",
}
