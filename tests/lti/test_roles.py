"""From the names of roles, in all the spellings that LMSs use, to a person's standing."""

from __future__ import annotations

import pytest

from lti_tool.lti.launch import Role
from lti_tool.lti.roles import standing

LIS = "http://purl.imsglobal.org/vocab/lis/v2/"
CONTEXT = LIS + "membership"
TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"

ASSISTANTS = [
    [f"{CONTEXT}/Instructor#TeachingAssistant"],
    [f"{CONTEXT}/Instructor#TeachingAssistantSection"],
    [f"{CONTEXT}/Instructor#Grader"],
    [f"{CONTEXT}/instructor#TeachingAssistant"],
    [f"{CONTEXT}#Instructor", f"{CONTEXT}/Instructor#TeachingAssistant"],
    [f"{CONTEXT}#Instructor#TeachingAssistant"],
    ["urn:lti:role:ims/lis/TeachingAssistant"],
    ["urn:lti:role:ims/lis/Instructor", "urn:lti:role:ims/lis/TeachingAssistant/TeachingAssistant"],
    ["TeachingAssistant"],
]
INSTRUCTORS = [
    [f"{CONTEXT}#Instructor"],
    [f"{CONTEXT}#INSTRUCTOR"],
    [f"{CONTEXT}/Instructor#Lecturer"],
    [f"{CONTEXT}#Administrator"],
    [f"{CONTEXT}/Administrator#Support"],
    [f"{CONTEXT}#ContentDeveloper"],
    [f"{CONTEXT}#Learner", f"{CONTEXT}#Instructor"],
    ["Instructor"],
    ["urn:lti:role:ims/lis/Instructor"],
]
MENTORS = [
    [f"{CONTEXT}#Mentor"],
    [f"{CONTEXT}/Mentor#Advisor"],
    ["Mentor"],
    [f"{CONTEXT}#Mentor", f"{CONTEXT}#Learner"],
]
LEARNERS = [
    [f"{CONTEXT}#Learner"],
    [f"{CONTEXT}/Learner#NonCreditLearner"],
    [f"{CONTEXT}/Learner#Instructor"],
    [f"{CONTEXT}#Member"],
    [f"{CONTEXT}#Member", f"{CONTEXT}#Manager"],
    [f"{LIS}institution/person#Faculty", f"{CONTEXT}#Learner"],
    ["Learner"],
    [" Learner "],
    ["urn:lti:role:ims/lis/Learner"],
]
NOBODIES = [
    [],
    [""],
    [f"{LIS}institution/person#Instructor"],
    [f"{LIS}institution/person#Student", f"{LIS}system/person#User"],
    ["urn:lti:instrole:ims/lis/Instructor"],
    [f"{CONTEXT}#Janitor"],
    [f"{CONTEXT}#Officer"],
    ["https://evil.example/membership#Instructor"],
    [f"x{CONTEXT}#Instructor"],
]
CASES = [
    (roles, role)
    for role, all_roles in [
        (Role.TEACHING_ASSISTANT, ASSISTANTS),
        (Role.INSTRUCTOR, INSTRUCTORS),
        (Role.MENTOR, MENTORS),
        (Role.LEARNER, LEARNERS),
        (Role.NONE, NOBODIES),
    ]
    for roles in all_roles
]


@pytest.mark.parametrize(("roles", "role"), CASES)
def test_a_person_has_the_role_that_the_lms_means(roles: list[str], role: Role) -> None:
    found = standing(roles)
    assert (found.role, found.is_test, found.is_admin) == (role, False, False)


def test_a_test_user_keeps_the_role_and_is_marked() -> None:
    found = standing([f"{CONTEXT}#Learner", TEST_USER])
    assert (found.role, found.is_test) == (Role.LEARNER, True)


@pytest.mark.parametrize(
    "name",
    [
        f"{LIS}institution/person#Administrator",
        f"{LIS}system/person#Administrator",
        f"{LIS}system/person#SysAdmin",
        f"{LIS}system/person#AccountAdmin",
        f"{LIS}person#Administrator",
        "urn:lti:instrole:ims/lis/Administrator",
        "urn:lti:sysrole:ims/lis/SysAdmin",
    ],
)
def test_an_administrator_of_the_institution_is_no_member_of_the_course(name: str) -> None:
    found = standing([name])
    assert (found.role, found.is_admin) == (Role.NONE, True)
    assert standing([name, f"{CONTEXT}#Instructor"]).role is Role.INSTRUCTOR
