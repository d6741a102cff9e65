"""``python -m lti_tool.sandbox``: serve one sandbox LMS on a loopback address."""

import argparse
import ipaddress
import os
import socket
import sys
import threading
import time
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from lti_tool.sandbox.app import create_app
from lti_tool.sandbox.families import FAMILIES
from lti_tool.sandbox.families.standard import Standard
from lti_tool.sandbox.offers import Storage
from lti_tool.sandbox.settings import Settings

THREADS = 32  # enough for a client with 16 requests in flight that a fault makes slow


def main(arguments: list[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    problem = _problem(asked.host, asked.port, asked.base_url)
    if problem:
        sys.stderr.write(f"sandbox: {problem}\n")
        return 1
    base_url = (asked.base_url or f"http://localhost:{asked.port}").rstrip("/")
    settings = Settings(base_url, asked.data, asked.control_token, FAMILIES[asked.family](), asked.storage)
    sys.stdout.write(f"sandbox: serving {base_url} from {asked.data} as {asked.family}\n")
    sys.stdout.flush()
    server = Granian(
        "lti_tool.sandbox",
        address=asked.host,
        port=asked.port,
        interface=Interfaces.WSGI,
        blocking_threads=THREADS,
        log_level=LogLevels.error,
        websockets=False,
        workers_kill_timeout=5,
    )
    server.serve(target_loader=partial(_load, settings), wrap_loader=False)
    return 0


def _load(settings: Settings) -> Flask:
    """The application, in the process that serves it."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    return create_app(settings)


def _end_with(parent: int) -> None:
    """Granian serves from a child process, which would keep the port if its parent were killed outright."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lti_tool.sandbox", description="A small LMS for demos and tests of LTI 1.3 tools."
    )
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8081, help="default: %(default)s")
    parser.add_argument("--base-url", help="the address people and tools use (default: http://localhost:PORT)")
    parser.add_argument("--data", type=Path, required=True, help="the folder that keeps its data and keys")
    parser.add_argument(
        "--family", choices=FAMILIES, default=Standard.name, help="the LMS that is played (default: %(default)s)"
    )
    parser.add_argument("--control-token", help="opens the control API for tests, under this secret")
    parser.add_argument(
        "--storage",
        type=Storage,
        choices=list(Storage),
        help="how it keeps a tool's state where cookies are blocked (default: as the family does)",
    )
    return parser


def _problem(host: str, port: int, base_url: str | None) -> str | None:
    """Why the server cannot start, in one line that says what to do."""
    if not _is_loopback(host):
        return f"{host} is not a loopback address; anybody can sign in as anyone here, so use 127.0.0.1"
    if base_url is not None and urlsplit(base_url).scheme not in ("http", "https"):
        return f"--base-url {base_url} is not an http or https address"
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError) as error:
        return f"cannot listen on {host}:{port} ({error}); stop what uses it or choose another --port"
    return None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


if __name__ == "__main__":
    sys.exit(main())
