"""`docs/conformance.md`: its rows as they stand, the row of a test, and writing all of them from a run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "conformance.md"
FOLDER = "tests/certification"
STALE = "docs/conformance.md is not what this run has seen: python -m tests.doc_tables"
PROPERTY = "conformance"

_TABLE = re.compile(r"(<!-- conformance:begin -->\n)(.*?)(<!-- conformance:end -->)", re.DOTALL)
_HEAD = ["| part | the platform sends or does | Peerloop was seen to | test |", "| --- | --- | --- | --- |"]


def documented() -> list[str]:
    """The rows of the page."""
    found = _TABLE.search(PAGE.read_text())
    assert found, "the page has lost the marks of its table"
    return found[2].splitlines()[len(_HEAD) :]


def row_of(test: pytest.Function, answer: str) -> str:
    """The row of a test that has seen `answer`. Its docstring is the case, `PART` of its module the part."""
    values = test.callspec.params if hasattr(test, "callspec") else {}
    case = " ".join((test.function.__doc__ or "").split()).format(**values)
    return f"| {test.module.PART} | {case} | {answer} | {_name(test.nodeid)} |"


def _name(nodeid: str) -> str:
    return f"`{nodeid.removeprefix(f'{FOLDER}/')}`"


def cases(session: pytest.Session) -> set[str]:
    """The last cell of the row of every case of a run."""
    items = (item for item in session.items if isinstance(item, pytest.Function) and hasattr(item.module, "PART"))
    return {_name(item.nodeid) for item in items}


def is_whole(session: pytest.Session) -> bool:
    """Whether a run has all the cases: nobody asked for some files or names alone."""
    return not session.config.option.keyword and not any(".py" in argument for argument in session.config.args)


class Collector:
    """A plugin that notes the rows of a run in its order. While it is there, no row is compared with the page."""

    def __init__(self) -> None:
        self.rows: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            self.rows += [str(value) for name, value in report.user_properties if name == PROPERTY]


def write() -> None:
    """Run the cases and write what they have seen. Raises SystemExit when one fails; the page stays as it was."""
    collector = Collector()
    arguments = [str(ROOT / FOLDER), f"--ignore={FOLDER}/test_table.py", "-q", "-p", "no:cacheprovider"]
    if pytest.main(arguments, plugins=[collector]) != pytest.ExitCode.OK:
        raise SystemExit(f"a case of {FOLDER} fails")
    table = "".join(f"{line}\n" for line in [*_HEAD, *collector.rows])
    PAGE.write_text(_TABLE.sub(lambda found: f"{found[1]}{table}{found[3]}", PAGE.read_text()))
