"""`peerloop demo`: play the whole loop on a sandbox LMS, say what happened, and stay."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click
import requests
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

import config
from lti_tool.demo.play import Play
from lti_tool.demo.processes import DemoError, Place, free_port, peerloop, require_free, running
from lti_tool.demo.report import Line, lines, table
from lti_tool.sandbox.families import FAMILIES

ROLES = ("admin", "instructor", "facilitator", "learner")
ENDING = (signal.SIGTERM, signal.SIGHUP)  # as when a terminal is closed
DATA = config.ROOT / "var" / "demo"  # a folder in it for each port, so that one demonstration spares the others


@click.command()
@click.option("--check", is_flag=True, help="Do not stay; fail when a count is wrong.")
@click.option("--json", "as_json", is_flag=True, help="Print addresses and counts as one line of JSON, and stay.")
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="Port of Peerloop.")
@click.option("--lms-port", type=click.IntRange(1, 65535), default=8081, show_default=True, help="Port of the LMS.")
@click.option("--family", type=click.Choice(list(FAMILIES)), default="standard", help="Which LMS is played.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the demonstration; made anew.")
def demo(check: bool, as_json: bool, port: int, lms_port: int, family: str, data: Path | None) -> None:
    """Play three weeks of a program on a sandbox LMS, then stay with an address for each role."""
    console = Console(stderr=as_json)
    for signum in ENDING:
        signal.signal(signum, _end)
    try:
        tool, lms = (free_port(), free_port()) if check else _chosen(port, lms_port)
        folder = data or DATA / str(tool)
        place = _fresh(Place(f"http://localhost:{tool}", f"http://localhost:{lms}", folder, family))
        with running(place):
            result = _perform(place, console)
            console.print(table(result, family))
            if check:
                _fail_on_wrong(result)
                return
            _offer(place, result, console, as_json=as_json)
    except (DemoError, requests.RequestException) as error:
        raise click.ClickException(str(error)) from None


def _end(signum: int, _frame: FrameType | None) -> NoReturn:
    """Leave by way of everything that stops what was started."""
    sys.exit(128 + signum)


def _chosen(port: int, lms_port: int) -> tuple[int, int]:
    if port == lms_port:
        raise DemoError(
            f"Peerloop and the LMS need a port each; choose another than {port} by --lms-port (LMS_PORT=…)"
        )
    require_free(port, "--port", "PORT")
    require_free(lms_port, "--lms-port", "LMS_PORT")
    return port, lms_port


def _fresh(place: Place) -> Place:
    shutil.rmtree(place.data, ignore_errors=True)
    place.data.mkdir(parents=True)
    place.clock_file.write_text("0")
    place.write_shell_file()
    peerloop(place, "db", "upgrade")
    return place


def _perform(place: Place, console: Console) -> list[Line]:
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("Starting", total=None)

        def tell(step: str, done: int = 0, total: int = 0) -> None:
            progress.update(bar, description=step, completed=done, total=total or None)

        play = Play(place, tell)
        deeds = play.perform()
        return lines(place, play, deeds)


def _fail_on_wrong(result: list[Line]) -> None:
    wrong = [line for line in result if not line.holds]
    if wrong:
        raise DemoError("; ".join(f"{line.what}: {line.found} instead of {line.expected}" for line in wrong))
    click.echo("All counts are right.")


def _offer(place: Place, result: list[Line], console: Console, *, as_json: bool) -> None:
    addresses = {role: f"{place.lms}/enter/{role}" for role in ROLES}
    if as_json:
        counts = {line.what: [line.found, line.expected] for line in result}
        click.echo(json.dumps({"addresses": addresses, "counts": counts}))
    else:
        console.print("\nOpen as")
        for role, address in addresses.items():
            console.print(f"  {role:<12} {address}")
        console.print("\nThe operator's pages and commands, in another terminal:")
        console.print(f"  . {_from_here(place.shell_file)} && peerloop admin link", soft_wrap=True)
        console.print("\nThe LMS's own gradebook is in its course menu. Ctrl-C stops everything.")
    stop = threading.Event()
    for signum in (signal.SIGINT, *ENDING):
        signal.signal(signum, lambda *_: stop.set())
    stop.wait()
    console.print("Stopping")


def _from_here(file: Path) -> str:
    """How a shell in this folder names the file."""
    absolute, here = file.absolute(), Path.cwd()
    return shlex.quote(str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute))
