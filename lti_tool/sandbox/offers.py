"""What the LMS offers to tools besides the services, changed by tests while it runs."""

from enum import StrEnum

FRAME = "sandbox_storage"
PARENT = "_parent"


class Storage(StrEnum):
    """How the LMS keeps a tool's state and nonce (platform storage); see ``storage.py``."""

    NONE = "none"  # offers nothing
    FRAME = "frame"  # a frame that answers
    PARENT = "parent"  # the page around the tool answers
    UNNAMED = "unnamed"  # the same, but only a tool that asks for it learns of it
    APART = "apart"  # a frame, of another origin than the page where there is one; only a tool that asks learns of it
    ABSENT = "absent"  # names a frame that is not there
    SILENT = "silent"  # a frame that never answers
    ELSEWHERE = "elsewhere"  # a frame that lets another origin answer

    @property
    def target(self) -> str | None:
        """What the login names as ``lti_storage_target``."""
        if self in (Storage.NONE, Storage.UNNAMED, Storage.APART):
            return None
        return PARENT if self is Storage.PARENT else FRAME

    @property
    def frame(self) -> str | None:
        """The name of the frame that is on the page."""
        return FRAME if self in (Storage.FRAME, Storage.APART, Storage.SILENT, Storage.ELSEWHERE) else None
