"""Cohorts from a file or from the groups of the LMS: checked against the rules, and a draft once it is confirmed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from lti_tool.cohorts import editing, loosening, people, wishes, words
from lti_tool.cohorts.proposing import Draft, checked, proposal_of, question, with_bound
from lti_tool.cohorts.standing import rules_of
from lti_tool.cohorts.wishes import Rules
from lti_tool.cohorts.words import _, ngettext
from lti_tool.matching.problem import Problem
from lti_tool.programs.tables import Program
from lti_tool.roster import attributes, groups
from lti_tool.roster.attributes import ImportRefusedError
from lti_tool.roster.tables import Person

COLUMN = "cohort"
MOST_COHORTS = 200


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file or the groups of the LMS would make. `labels` are their own names of the cohorts, in their order;
    `broken` the rules that these break, which stay the draft's rules; `notes` what else changes or is left open.
    """

    draft: Draft
    labels: list[str]
    names: Mapping[str, str]
    broken: list[str]
    notes: list[str]

    @property
    def digest(self) -> str:
        """Equal for previews that tell the same: who would be where, which rules break, what is left open."""
        told = [self.labels, self.draft.cohorts, self.broken, self.notes]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def preview(session: Session, program: Program, data: bytes) -> Preview:
    """Read cohorts from a CSV file; nothing is stored. Raises ImportRefusedError with what is wrong, line by line."""
    table = attributes.read_csv(session, program.course_id, data)
    column = next((name for name in table.names if name.casefold() == COLUMN), None)
    if column is None:
        raise ImportRefusedError(_("No column says which cohort a person is in. Name one of them cohort."))
    placeable = {person.id: person for person in people.placeable(session, program.course_id)}
    label_of = {p: values[column] for p, values in table.values.items() if p in placeable and values[column]}
    nobody = _("The file puts nobody into a cohort, or into more than %(n)s.", n=MOST_COHORTS)
    return _preview(session, program, placeable, label_of, _about_lines(table, placeable), nobody)


def preview_groups(session: Session, program: Program, title: str) -> Preview:
    """Read cohorts from the set of groups of the LMS that has this title; nothing is stored.

    Raises ImportRefusedError when they make no cohorts, or are gone.
    """
    set_ = next((set_ for set_ in groups.sets_of(session, program.course_id) if set_.title == title), None)
    if set_ is None:
        raise ImportRefusedError(_("These groups are no longer in the LMS. Choose others."))
    placeable = {person.id: person for person in people.placeable(session, program.course_id)}
    names = {p: found for p, found in set_.members.items() if p in placeable}
    several = [placeable[p].name for p, found in names.items() if len(found) > 1]
    notes = [
        ngettext(
            "%(num)s person is in several of these groups: %(names)s.",
            "%(num)s people are in several of these groups: %(names)s.",
            len(several),
            names=words.listed(sorted(several)),
        )
    ]
    label_of = {p: found[0] for p, found in names.items() if len(found) == 1}
    nobody = _("These groups put nobody into a cohort, or into more than %(n)s.", n=MOST_COHORTS)
    return _preview(session, program, placeable, label_of, notes if several else [], nobody)


def _preview(
    session: Session,
    program: Program,
    placeable: Mapping[int, Person],
    label_of: Mapping[int, str],
    notes: Sequence[str],
    nobody: str,
) -> Preview:
    labels = sorted(set(label_of.values()), key=_natural)
    if not labels or len(labels) > MOST_COHORTS:
        raise ImportRefusedError(nobody)
    inside = [person for person in placeable.values() if person.id in label_of]
    cohorts = [[str(person.id) for person in inside if label_of[person.id] == label] for label in labels]
    names = people.labels(placeable.values())
    rules = wishes.among(rules_of(program, proposal_of(session, program.id)), set(label_of))
    rules, freed = _without_old_places(rules, cohorts, names)
    problem = replace(question(session, program, rules, inside), cohorts=len(cohorts))
    left_out = _left_out(placeable, label_of)
    session.rollback()  # nothing was written: let nobody wait for the database while the bound is made
    broken = loosening.all_broken(problem, cohorts, names)
    return Preview(_draft(rules, problem, cohorts), labels, names, broken, [*freed, *left_out, *notes])


def _natural(label: str) -> list[tuple[int, str]]:
    """Sorts "Group 2" before "Group 10"."""
    return [(int(part), "") if part.isdecimal() else (0, part.casefold()) for part in re.split(r"(\d{1,9})", label)]


def _without_old_places(
    rules: Rules, cohorts: Sequence[Sequence[str]], names: words.Names
) -> tuple[Rules, list[str]]:
    """The rules without the locks of those whom these cohorts put elsewhere, and who they are."""
    at = {int(person): position for position, members in enumerate(cohorts) for person in members}
    freed = [person for person, place in rules.locked.items() if at[person] != place]
    kept = {person: place for person, place in rules.locked.items() if person not in freed}
    told = [
        _(
            "%(name)s was kept in %(old)s by hand, and would be in %(new)s.",
            name=names[str(person)],
            old=words.cohort(rules.locked[person]),
            new=words.cohort(at[person]),
        )
        for person in freed
    ]
    return replace(rules, locked=kept), told


def _draft(rules: Rules, asked: Problem, cohorts: list[list[str]]) -> Draft:
    problem = loosening.loosened(asked, cohorts)
    empty = {"status": "solved", "seed": 1, "seconds": 0.0, "iterations": 0, "lower_bound": 0.0}
    solution = editing.figures(problem, cohorts, empty)
    solution = with_bound(solution, editing.sharp_bound(problem, len(cohorts)))
    checked(problem, solution)
    return Draft(rules, problem, solution)


def _left_out(placeable: Mapping[int, Person], label_of: Mapping[int, str]) -> list[str]:
    missing = [person.name for id_, person in placeable.items() if id_ not in label_of]
    if not missing:
        return []
    text = ngettext(
        "%(num)s person would be in no cohort: %(names)s.",
        "%(num)s people would be in no cohort: %(names)s.",
        len(missing),
        names=words.listed(missing),
    )
    return [text]


def _about_lines(table: attributes.Table, placeable: Mapping[int, Person]) -> list[str]:
    found = []
    if table.unknown:
        found.append(_("Not in this course: %(lines)s.", lines=words.listed(table.unknown)))
    others = sum(person not in placeable for person in table.values)
    if others:
        found.append(
            ngettext(
                "%(num)s line is about somebody who is never placed.",
                "%(num)s lines are about people who are never placed.",
                others,
            )
        )
    return found
