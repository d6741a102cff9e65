"""Files that are handed in: which are taken, where they lie, and that they go with their row.

They lie outside of the database, each under a name of our own in a folder of its institution. A job removes what
belongs to no row: uploads that were not handed in after all, and what rows that are gone have left.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from hashlib import file_digest
from pathlib import Path
from shutil import copyfileobj
from typing import BinaryIO

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from lti_tool import clock, settings
from lti_tool.database import after_commit, transaction
from lti_tool.programs.fields import FormError
from lti_tool.work.tables import FILE_NAME_LENGTH, Submission

LARGEST = 10 * 1024 * 1024  # bytes
TYPES = (
    *("pdf", "docx", "odt", "rtf", "txt", "md", "pptx", "odp", "xlsx", "ods", "csv"),
    *("png", "jpg", "jpeg", "webp", "heic", "mp3", "m4a", "ogg", "wav", "mp4", "mov", "webm"),
)
LEFT_ALONE = timedelta(hours=1)  # so long an upload may be on its way to its row
SWEPT_AT_ONCE = 500
_KEY = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was sent and may be taken."""

    name: str
    size: int
    digest: str
    stream: BinaryIO


def read(sent: FileStorage | None) -> Upload | None:
    """What a form's field holds; None for no file. Raises FormError for one that is not taken."""
    if sent is None or not sent.filename:
        return None
    name = _safe_name(sent.filename)
    stem, _dot, ending = name.rpartition(".")
    if not stem or ending.lower() not in TYPES:
        raise FormError(
            {"file": _("Files of this type are not taken. These are: %(types)s.", types=", ".join(TYPES))}
        )
    size = sent.stream.seek(0, 2)
    if size > LARGEST:
        raise FormError({"file": _("This file is larger than 10 MB. Make it smaller, or cut it into parts.")})
    if size == 0:
        raise FormError({"file": _("This file is empty. Choose another one.")})
    sent.stream.seek(0)
    digest = file_digest(sent.stream, "sha256").hexdigest()  # type: ignore[arg-type]  # IO[bytes] is one
    return Upload(name, size, digest, sent.stream)  # type: ignore[arg-type]  # the same


def _safe_name(sent: str) -> str:
    """The name alone, without a path and without what would change how it is read."""
    name = re.split(r"[/\\]", sent)[-1]
    name = "".join(letter for letter in name if letter.isprintable()).strip()
    stem, dot, ending = name.rpartition(".")
    return f"{stem[: FILE_NAME_LENGTH - len(ending) - 1]}{dot}{ending}"[-FILE_NAME_LENGTH:]


def put(session: Session, submission: Submission, upload: Upload, tenant_id: int) -> None:
    """Store a file as that of a submission. The one before goes when this is committed."""
    key, before = secrets.token_hex(16), path_of(submission, tenant_id)
    path = _path(tenant_id, key)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    upload.stream.seek(0)
    with path.open("xb") as file:
        copyfileobj(upload.stream, file)
    submission.file_key, submission.file_name = key, upload.name
    submission.file_size, submission.file_digest = upload.size, upload.digest
    if before is not None:
        after_commit(session, ("file", submission.id), lambda: before.unlink(missing_ok=True))


def path_of(submission: Submission, tenant_id: int) -> Path | None:
    """Where a submission's file lies, if it has one."""
    return _path(tenant_id, submission.file_key) if submission.file_key else None


def _path(tenant_id: int, key: str) -> Path:
    return settings.current().files_folder / str(tenant_id) / key[:2] / key


def sweep() -> bool:
    """Job: remove the files that belong to no row."""
    old = (clock.wall() - LEFT_ALONE).timestamp()
    paths = (path for path in settings.current().files_folder.glob("*/*/*") if _KEY.fullmatch(path.name))
    for some in _by(SWEPT_AT_ONCE, (path for path in paths if path.stat().st_mtime < old)):
        with transaction() as session:
            keys = [path.name for path in some]
            known = set(session.scalars(select(Submission.file_key).where(Submission.file_key.in_(keys))))
        for path in some:
            if path.name not in known:
                path.unlink(missing_ok=True)
    return False


def _by(number: int, paths: Iterable[Path]) -> Iterator[list[Path]]:
    some: list[Path] = []
    for path in paths:
        some.append(path)
        if len(some) == number:
            yield some
            some = []
    if some:
        yield some
