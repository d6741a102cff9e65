"""Set up `.venv` from a lock file, with nothing but Python's standard library.

    python3 lti_tool/bootstrap.py run      what the product needs
    python3 lti_tool/bootstrap.py test     and what its tests need, a browser included

Runs as a script before anything is installed. Safe to repeat and to interrupt: a step that is done is
skipped, a step that was cut is done again.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = {"run": ROOT / "requirements.lock", "test": ROOT / "requirements-dev.lock"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BAR_WIDTH = 30


def main(arguments: Sequence[str]) -> None:
    """Do what is missing for `run` or `test`."""
    if len(arguments) != 1 or arguments[0] not in LOCKS:
        fail("usage: bootstrap.py run|test")
    purpose = arguments[0]
    if not is_done(purpose):
        make_venv()
        install(LOCKS[purpose])
        install_peerloop()
        compile_search()
        stamp(purpose).write_text(fingerprint(purpose))
    if purpose == "test":
        find_browser()


def say(text: str) -> None:
    """A calm line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def fail(text: str) -> NoReturn:
    """One clear line, and the end."""
    sys.stderr.write(text + "\n")
    raise SystemExit(1)


def stamp(purpose: str) -> Path:
    """Where the fingerprint of the last complete installation stands."""
    return VENV / f"installed-{purpose}"


def fingerprint(purpose: str) -> str:
    """Changes whenever something must be installed again."""
    content = LOCKS[purpose].read_bytes() + (ROOT / "pyproject.toml").read_bytes() + str(ROOT).encode()
    return hashlib.sha256(content).hexdigest()


def is_done(purpose: str) -> bool:
    """Whether this purpose, or a wider one, was installed completely."""
    wider = [purpose] if purpose == "test" else ["run", "test"]
    return PYTHON.exists() and any(
        stamp(each).exists() and stamp(each).read_text() == fingerprint(each) for each in wider
    )


def make_venv() -> None:
    """An environment in the project's own folder; a broken one is made anew."""
    works = (
        PYTHON.exists() and subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True).returncode == 0
    )
    if works:
        return
    say(f"Making an environment in .venv (Python {sys.version_info[0]}.{sys.version_info[1]})")
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        venv.create(VENV, with_pip=True)
    except subprocess.CalledProcessError:
        fail("This Python cannot make environments: install its venv package (on Debian: apt install python3-venv).")


def install(lock: Path) -> None:
    """Install exactly what the lock names, each file checked against its hash."""
    total = len(re.findall(r"^[A-Za-z0-9]", lock.read_text(), re.MULTILINE))
    say(f"Installing {total} packages from {lock.name}")
    run_pip(["--no-deps", "--require-hashes", "--progress-bar", "off", "--requirement", str(lock)], total)


def install_peerloop() -> None:
    """Make `peerloop` a command of the environment, from this folder."""
    run_pip(["--no-deps", "--no-build-isolation", "--editable", str(ROOT)], 1)


def compile_search() -> None:
    """Make machine code of the search for cohorts, which would take as long when it is first needed."""
    say("Compiling the search for cohorts")
    subprocess.run([PYTHON, "-m", "lti_tool.matching.preparing"], cwd=ROOT, check=True)


def run_pip(arguments: Sequence[str], total: int) -> None:
    """Run `pip install` with a bar for what it has looked at; when it fails, say why in one line."""
    command = [str(PYTHON), "-m", "pip", "install", *arguments]
    environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    lines: list[str] = []
    seen = 0
    for line in process.stdout or ():
        lines.append(line.strip())
        seen += line.startswith(("Collecting", "Requirement already", "Obtaining"))
        draw(min(seen, total), total, "installing" if line.startswith("Installing collected") else "")
    draw_end()
    if process.wait() != 0:
        fail(explain(lines))


def explain(lines: list[str]) -> str:
    """What stopped pip, in one line."""
    text = "\n".join(lines)
    unreachable = ("Could not fetch URL", "NewConnectionError", "Name or service", "Connection", "ProxyError")
    if any(word in text for word in unreachable):
        return "The package index is out of reach: check the network or pip's index settings, then run this again."
    errors = [line for line in lines if line.startswith("ERROR")]
    return "Installation failed: " + (errors[0] if errors else lines[-1] if lines else "pip said nothing")


def draw(done: int, total: int, note: str) -> None:
    """A progress bar, on a terminal only."""
    if sys.stdout.isatty():
        filled = BAR_WIDTH * done // max(total, 1)
        sys.stdout.write(f"\r  [{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {done}/{total} {note:<12}")
        sys.stdout.flush()


def draw_end() -> None:
    """Leave the bar's line."""
    if sys.stdout.isatty():
        sys.stdout.write("\r\033[K")


def find_browser() -> None:
    """Tests of pages need a Chromium: find one, or have the system install it, or say that there is none."""
    if os.environ.get("PEERLOOP_CHROMIUM") or any(shutil.which(name) for name in BROWSERS):
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        say("Installing Chromium for the tests of pages")
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "chromium"]):
            subprocess.run(command, capture_output=True, check=False, env=environment)
    if not any(shutil.which(name) for name in BROWSERS):
        say("No Chromium found: tests of pages will be skipped. Install one, or set PEERLOOP_CHROMIUM to its path.")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        fail("\nStopped. Run the same command again to go on.")
