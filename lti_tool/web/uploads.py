"""What a form sends as a file, or as text pasted from one."""

from __future__ import annotations

from flask import request


def sent_file(most: int) -> tuple[bytes, str]:
    """The bytes of the field `file`, at most `most` and one more, else of the field `text`; and that text."""
    upload = request.files.get("file")
    pasted = request.form.get("text", "")
    return (upload.read(most + 1) if upload and upload.filename else pasted.encode()), pasted
