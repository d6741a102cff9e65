"""What a form sends as a file, or as text pasted from one."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from flask import request

P = ParamSpec("P")
R = TypeVar("R")


def takes_up_to(size: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a view's form be larger than others, by a file; the gate reads it before the transaction begins."""

    def mark(view: Callable[P, R]) -> Callable[P, R]:
        view.largest = size  # type: ignore[attr-defined]  # functions take attributes
        return view

    return mark


def sent_file(most: int) -> tuple[bytes, str]:
    """The bytes of the field `file`, at most `most` and one more, else of the field `text`; and that text."""
    upload = request.files.get("file")
    pasted = request.form.get("text", "")
    return (upload.read(most + 1) if upload and upload.filename else pasted.encode()), pasted
