"""A product to launch into, a platform for each case, and the comparison of each case with the documentation."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.certification import table
from tests.certification.course import CourseWithServices
from tests.certification.tool import ToolUnderTest
from tests.support.platform import Platforms, running
from tests.support.product import Product

Seen = Callable[[str], None]


@pytest.fixture
def tool(product: Product, platforms: Platforms, seen: Seen) -> Iterator[ToolUnderTest]:
    """Peerloop, registered at a platform that nobody has used before."""
    tool = ToolUnderTest(product, platforms.new(), seen)
    yield tool
    tool.close()


@pytest.fixture
def course(platforms: Platforms, own_product: Product, seen: Seen) -> Iterator[CourseWithServices]:
    """A course whose platform offers services."""
    tool = ToolUnderTest(own_product, platforms.new(), seen)
    yield CourseWithServices(tool)
    tool.close()


@pytest.fixture(scope="session")
def own_product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A product whose workers have nothing to do but what these cases leave them."""
    with running(Product, tmp_path_factory.mktemp("own")) as product:
        yield product


@pytest.fixture
def seen(request: pytest.FixtureRequest) -> Iterator[Seen]:
    """Takes what the case has seen Peerloop do; in the end that must be what the documentation says."""
    answers: list[str] = []
    failed_before = request.session.testsfailed
    yield answers.append
    if request.session.testsfailed > failed_before:
        return
    assert answers, "the case says nothing of what it has seen"
    row = table.row_of(request.node, "; ".join(dict.fromkeys(answers)))
    request.node.user_properties.append((table.PROPERTY, row))
    if not any(isinstance(plugin, table.Collector) for plugin in request.config.pluginmanager.get_plugins()):
        assert row in table.documented(), f"{table.STALE}\n{row}"
