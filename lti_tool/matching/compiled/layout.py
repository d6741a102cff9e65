"""A problem and a placement as arrays, for compiled code.

Indices: i people, u units (people who must be together), c cohorts, a attributes, v values of all attributes,
x balanced attributes, r ``not_alone`` rules, s slots.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lti_tool.matching.compiled.jit import Bits, Floats, Ints


class Question(NamedTuple):
    """What does not change during a search."""

    member: Ints
    """The people of all units one after the other; unit u has those from ``first[u]`` to ``first[u + 1]``."""
    first: Ints
    size: Ints
    lock: Ints
    """u → cohort or -1."""
    enemy: Ints
    """The units that must be apart from u, from ``first_enemy[u]`` to ``first_enemy[u + 1]``."""
    first_enemy: Ints
    value: Ints
    """i, a → v."""
    curvature: Floats
    """v → A: n people of v in a cohort add A·n² to J."""
    least: Ints
    """v → how many people of v each cohort has at least when v is shared out evenly; ``most`` at most."""
    most: Ints
    only_spread: bool
    """Whether J has no terms but spread's, so that it is least when no cohort has fewer or more."""
    size_curvature: float
    number: Floats
    """i, x → deviation from the mean of all, 0 where there is none."""
    known: Ints
    """i, x → 1 where there is a number."""
    scale: Floats
    """x → weight / variance."""
    before: Ints
    """i → the cohort of ``previous``, or -1."""
    move_cost: float
    company: Ints
    """u, r → how many people of the unit have the rule's value."""
    kin: Ints
    """g, position → u: for each gathered attribute all units, those of one value beside each other."""
    kin_from: Ints
    """g, u → where the units with the value of u begin in ``kin``."""
    kin_to: Ints
    """g, u → where they end."""
    slots: Bits
    """u, word → the slots that all of the unit named, 64 to a word."""
    slot_count: int
    slots_needed: int
    cohorts: int
    size_min: int
    size_max: int
    slack: int


class Placement(NamedTuple):
    """Who is where, and the counts from which changes of J and broken rules are read."""

    where: Ints
    """u → cohort or -1."""
    place: Ints
    """u → its position among the units of its cohort."""
    units: Ints
    """c, position → u; there is room for as many units as people."""
    unit_count: Ints
    people: Ints
    """c → how many people."""
    sizes: Ints
    """How many cohorts have so many people."""
    having: Ints
    """c, v → n."""
    deviation: Floats
    """c, x → sum of the deviations."""
    numbers: Ints
    """c, x → how many have a number."""
    company: Ints
    """c, r → how many people have the rule's value."""
    uneven: Ints
    """Cohorts with fewer or more people of some value; ``uneven_count[0]`` of them, in any order."""
    uneven_at: Ints
    """c → its position in ``uneven``, or -1."""
    uneven_count: Ints
    named: Ints
    """c, s → how many units can come."""
    everybody: Bits
    """c, word → the slots at which all units can come."""
    all_but_one: Bits
    """c, word → the slots at which all units but one can come."""


def nobody_placed(question: Question) -> Placement:
    """An empty placement."""
    units, cohorts = len(question.size), question.cohorts
    words = question.slots.shape[1]
    # A search may put a unit of any size into a full cohort for a moment, before others go.
    room = question.size_max + 2 * int(question.size.max()) + 1

    def zeros(*shape: int) -> Ints:
        return np.zeros(shape, np.int64)

    sizes = zeros(room + 1)
    sizes[0] = cohorts
    return Placement(
        where=zeros(units) - 1,
        place=zeros(units),
        units=zeros(cohorts, room),
        unit_count=zeros(cohorts),
        people=zeros(cohorts),
        sizes=sizes,
        having=zeros(cohorts, len(question.curvature)),
        deviation=np.zeros((cohorts, len(question.scale))),
        numbers=zeros(cohorts, len(question.scale)),
        company=zeros(cohorts, question.company.shape[1]),
        uneven=zeros(cohorts),
        uneven_at=zeros(cohorts) - 1,
        uneven_count=zeros(1),
        named=zeros(cohorts, question.slot_count),
        everybody=np.zeros((cohorts, words), np.uint64),
        all_but_one=np.zeros((cohorts, words), np.uint64),
    )
