"""Views at the addresses that the LMS of this process has."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint
from flask.sansio.blueprints import BlueprintSetupState

View = TypeVar("View", bound=Callable[..., Any])


def served_at(
    bp: Blueprint, address: str, below: str = "", *, methods: tuple[str, ...] = ("GET",)
) -> Callable[[View], View]:
    """Serve a view at the member `address` of the LMS's `Addresses`, or at a path below it, where it has one."""

    def decorate(view: View) -> View:
        def add(state: BlueprintSetupState) -> None:
            addresses = state.app.extensions["sandbox"].lms.addresses
            if (path := getattr(addresses, address)) is not None:
                state.add_url_rule(path + below, view_func=view, methods=list(methods))

        bp.record(add)
        return view

    return decorate
