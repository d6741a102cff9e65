"""The whole product as a running server, to be launched into over HTTP: what the wire lets in, arrives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.typing import ResponseReturnValue

from lti_tool.home.arrival import arrive
from lti_tool.lti.launch import Launch
from tests.support.platform import Tool, serving

LEFT_BY_A_LAUNCH = ("tenant", "course", "course_link", "person", "enrolment", "roster_reading", "visit")


class Product(Tool):
    """Peerloop with all its rooms; a launch that is good leads to the visit's first page."""

    def _record(self, launch: Launch) -> ResponseReturnValue:
        self.launches.append(launch)
        return arrive(launch)


@pytest.fixture(scope="session")
def running_product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with serving(None) as (server, base):
        product = Product(base, tmp_path_factory.mktemp("product"))
        server.app = product.app
        yield product
        product.close()


@pytest.fixture
def product(running_product: Product) -> Product:
    """The product of this run, which has forgotten the launches of earlier tests but not what they left."""
    running_product.launches.clear()
    return running_product
