"""The whole product as a running server, to be launched into over HTTP, and the platforms that do so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.typing import ResponseReturnValue

from lti_tool.home.arrival import arrive
from lti_tool.lti.launch import Launch
from tests.support.platform import Platforms, Tool, running, serving

LEFT_BY_A_LAUNCH = ("tenant", "course", "course_link", "person", "enrolment", "roster_reading", "visit")


class Product(Tool):
    """Peerloop with all its rooms; a launch that is good leads to the visit's first page."""

    def _record(self, launch: Launch) -> ResponseReturnValue:
        self.launches.append(launch)
        return arrive(launch)


@pytest.fixture(scope="session")
def platforms() -> Iterator[Platforms]:
    """Platforms for the run's tests to take new ones of, on one server."""
    platforms = Platforms()
    with serving(platforms.app) as (_server, base):
        platforms.base = base
        yield platforms


@pytest.fixture(scope="session")
def running_product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(Product, tmp_path_factory.mktemp("product")) as product:
        yield product


@pytest.fixture
def product(running_product: Product) -> Product:
    """The product of this run, which has forgotten the launches of earlier tests but not what they left."""
    running_product.launches.clear()
    return running_product
