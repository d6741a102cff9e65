"""How commands list what there is: as JSON, or line by line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import click

T = TypeVar("T")


def show(
    found: Sequence[T],
    *,
    as_json: bool,
    described: Callable[[T], Mapping[str, object]],
    told: Callable[[T], Iterable[str]],
    nothing: str,
) -> None:
    """Print every one as it is `described` in JSON or `told` to a person; `nothing` says that there is none."""
    if as_json:
        click.echo(json.dumps([described(one) for one in found]))
        return
    if not found:
        click.echo(nothing)
    for one in found:
        for line in told(one):
            click.echo(line)
