"""Compile search and pairing ahead of time: ``python -m lti_tool.matching.preparing``, and the start of a process."""

from __future__ import annotations

from lti_tool.matching.compiled import cache


def prepare() -> None:
    """Make sure that nobody will wait for the compiler. The first time takes up to 30 seconds, then a moment."""
    if cache.is_complete():
        return
    from lti_tool.matching.forming import load_compiled
    from lti_tool.matching.pairing import pair

    load_compiled()
    pair("abc")
    cache.completed()


if __name__ == "__main__":
    prepare()
