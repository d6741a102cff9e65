"""The records of the joint bound: what it is about, its prices, and where it is evaluated."""

from __future__ import annotations

from typing import NamedTuple

from lti_tool.matching.compiled.jit import Floats, Ints


class Relaxation(NamedTuple):
    """Indices: t types, g sites, v values of spread attributes, k classes, f families (classes that share prices),
    b size bins, x balanced numbers.
    """

    people: Ints
    """t → how many there are."""
    first_type: Ints
    """g → its first type; those of a site stand beside each other. One more for the end."""
    value: Ints
    """t, a → v."""
    weight: Floats
    """v → what spread weighs."""
    ideal: Floats
    """v → n(v) / K."""
    most: Ints
    """v → n(v)."""
    make_up: Ints
    """k, g → how many people."""
    cost: Floats
    """k → weighted gather cost of a cohort."""
    family: Ints
    """k → f."""
    first_site: Ints
    """f → the site that most people of its cohorts are from."""
    size_bin: Ints
    """k → b."""
    cohorts: Ints
    """b → how many cohorts have a class of it."""
    together: Ints
    """k, j → how many people it has of the sites of set j."""
    weight_of_crowd: Floats
    """j, n, m → what a cohort with m people of set j counts in the cut for crowds of n."""
    crowds: Floats
    """j, n → how much all cohorts can count in it."""
    scale: Floats
    """x → what balance weighs; deviations are in standard deviations."""
    total: Floats
    """g, x → sum of its people's deviations from the mean of all."""
    lowest: Floats
    """t, x → the least deviation of its people; ``highest`` the largest."""
    highest: Floats
    known: Ints
    """t, x → whether any of its people has a number."""
    unknown: Ints
    """t, x → whether any has none."""


class Prices(NamedTuple):
    """The dual variables, also used for their gradients and the moments of both."""

    of_type: Floats
    """t."""
    of_value: Floats
    """f, v."""
    of_crowd: Floats
    """j, n → of the cuts; never above 0."""
    of_mean: Floats
    """g, x → the mean that cohorts with most people from g are held against, in standard deviations."""


class Room(NamedTuple):
    """Where an evaluation works."""

    order: Ints
    """f, t → the types of each site from the cheapest to the dearest; kept, as it changes little."""
    price: Floats
    """t."""
    cheapest: Floats
    """f, g, n → the least that n people of g cost."""
    number: Ints
    """f, v → the number of people of v that is cheapest by itself."""
    spread: Floats
    """f → what these numbers cost."""
    reduced: Floats
    """k → reduced cost."""
    share: Floats
    """f, g, n → cohorts with n people of g."""
    toll: Floats
    """j, m → what m people of set j cost by the cuts."""
    crowded: Floats
    """j, m → cohorts with m people of set j."""
    least: Floats
    """b."""
    unbalance: Floats
    """g, t → what somebody costs by balance in a cohort with most people from g."""
    slope: Floats
    """g, t, x → its derivative by the price of g, ``outward`` by that of the person's own site."""
    outward: Floats
    near: Ints
    """The classes to look at, ``near_count[0]`` of them; ``families`` are theirs."""
    near_count: Ints
    families: Ints
    family_count: Ints
