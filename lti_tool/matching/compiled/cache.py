"""Where machine code is kept between runs, and whether it is there; imports no compiler."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent


def folder() -> Path:
    """Of these files' content under this Python and compiler; NUMBA_CACHE_DIR says where.

    Without it beside these files, or below the user's cache when an installation must not be written.
    """
    content = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(HERE.glob("*.py"))))
    content.update(f"{version('numba')} {sys.version}".encode())
    return _parent() / content.hexdigest()[:16]


def _parent() -> Path:
    named = os.environ.get("NUMBA_CACHE_DIR")
    if named:
        return Path(named) / "peerloop"
    if os.access(HERE, os.W_OK):
        return HERE / "__pycache__" / "compiled"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "peerloop"


def is_complete() -> bool:
    """Whether all was compiled."""
    return _stamp().exists()


def completed() -> None:
    """Note that all is compiled, and remove the machine code of other versions of these files."""
    kept = folder()
    for other in kept.parent.iterdir():
        if other != kept:
            shutil.rmtree(other, ignore_errors=True)
    _stamp().touch()


def _stamp() -> Path:
    return folder() / "complete"
