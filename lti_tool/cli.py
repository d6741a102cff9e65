"""The console script `peerloop`."""

from __future__ import annotations

import click


@click.group()
def main() -> None:
    """Peerloop: peer learning that any LMS can launch."""
