"""The main job, from the course page to the gradebook and back, by real processes over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from lti_tool.sandbox.families import FAMILIES
from tests.support import postgres
from tests.support.demonstration import Demonstration

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_SECONDS = 280


def play(data: Path, more: Mapping[str, str], family: str = "standard") -> subprocess.CompletedProcess[str]:
    """`peerloop demo --check` in a folder of its own, on an LMS of this family."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PEERLOOP_")}
    return subprocess.run(
        [sys.executable, "-m", "lti_tool", "demo", "--check", "--family", family, "--data", str(data)],
        cwd=ROOT,
        env=environment | dict(more),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def test_three_weeks_of_a_program_arrive_in_the_lms_as_they_happened(demonstration: Demonstration) -> None:
    assert len(demonstration.counts) >= 10
    wrong = {what: count for what, count in demonstration.counts.items() if count[0] != count[1]}
    assert wrong == {}
    assert [lms["issuer"] for lms in json.loads(in_its_shell(demonstration.data, "platform list --json"))]


def in_its_shell(data: Path, command: str) -> str:
    """What `peerloop` prints in a shell that has read the demonstration's file, from any folder."""
    words = f". {data / 'use.sh'} && peerloop {command}"
    return subprocess.run(["/bin/sh", "-c", words], cwd=data, capture_output=True, text=True, check=True).stdout


@pytest.mark.long
def test_the_same_holds_on_postgresql(tmp_path: Path, postgres_server: str) -> None:
    with postgres.fresh_database(postgres_server) as uri:
        played = play(tmp_path / "demo", {"PEERLOOP_DATABASE_URL": uri})
        assert played.returncode == 0, played.stdout + played.stderr
        assert "All counts are right." in played.stdout


@pytest.mark.long
@pytest.mark.parametrize("family", sorted(FAMILIES.keys() - {"standard"}))
def test_the_same_holds_on_every_lms(tmp_path: Path, family: str) -> None:
    played = play(tmp_path / "demo", {}, family)
    assert played.returncode == 0, played.stdout + played.stderr
    assert "All counts are right." in played.stdout
