"""How deeds become wanted cells: rooms register measures, and say whose progress changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Flask
from flask_babel import LazyString
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of the `due` so far; `total` is the whole program. Excused things are in none of the three."""

    done: int
    due: int
    total: int


# (session, program id, person ids, now) -> progress by person id; people without any are left out.
Compute = Callable[[Session, int, Sequence[int], datetime], Mapping[int, Progress]]


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that counts. `label` names its column in the LMS; `unit` goes into comments ("sessions")."""

    key: str
    label: LazyString
    unit: LazyString
    compute: Compute


def register_measure(app: Flask, measure: Measure) -> None:
    """Make `measure` a column of every program's gradebook."""
    app.extensions.setdefault("measures", {})[measure.key] = measure
