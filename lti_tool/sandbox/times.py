"""Moments as the wire writes them."""

from datetime import UTC, datetime


def parse_moment(text: object) -> datetime:
    """An ISO 8601 date and time with a zone, in UTC; ValueError for anything else."""
    if not isinstance(text, str) or "T" not in text:
        raise ValueError(f"{text!r} is not an ISO 8601 date and time")
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} lacks a time zone")
    return moment.astimezone(UTC)


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970, exact, so that moments can be compared in the database."""
    passed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


def now_text() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
