"""Starts a sandbox LMS as a process of its own, for tests that speak to it over HTTP."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests

from lti_tool.demo.processes import free_port
from lti_tool.demo.robot import Page, Robot

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 20  # seconds


def _wait_until_free(port: int) -> None:
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"port {port} is still in use")


class SandboxControl:
    """The client of the sandbox's control API."""

    def __init__(self, base_url: str, token: str) -> None:
        self._base = f"{base_url}/control"
        self._session = requests.Session()
        self._session.headers["X-Control-Token"] = token

    def _call(self, method: str, path: str, body: object = None) -> Any:
        answer = self._session.request(method, self._base + path, json=body, timeout=TIMEOUT)
        if not answer.ok:
            raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json()

    def fault(self, service: str, kind: str, times: int | None = None, users: list[str] | None = None) -> None:
        """Show this one fault, and no other."""
        self.faults([{"service": service, "kind": kind, "times": times, "users": users}])

    def faults(self, faults: list[dict[str, Any]]) -> None:
        self._call("POST", "/faults", faults)

    def clear_faults(self) -> None:
        self._call("DELETE", "/faults")

    def storage(self, storage: str) -> None:
        """How the LMS keeps a tool's state from now on: a value of sandbox.offers.Storage."""
        self._call("PUT", "/storage", {"storage": storage})

    def scores(self) -> list[dict[str, Any]]:
        """Every score that arrived, oldest first: at, item_id, sub, payload, status, answer."""
        log: list[dict[str, Any]] = self._call("GET", "/scores")
        return log

    def grades(self, grades: list[dict[str, Any]]) -> None:
        """Let a person set grades by hand (item, sub, by, score, comment)."""
        self._call("POST", "/grades", grades)

    def people(self, *changes: dict[str, Any]) -> list[str]:
        """Apply changes (action: add, leave, return, rename, role); answers the subs."""
        subs: list[str] = self._call("POST", "/people", list(changes))
        return subs

    def tool(self, client_id: str, **settings: object) -> None:
        """Set what an administrator may set for a tool (privacy, known_only)."""
        self._call("POST", "/tools", {"client_id": client_id, **settings})

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self._call("GET", "/state")
        return state

    def close(self) -> None:
        self._session.close()


class SandboxProcess:
    """A running sandbox. ``base_url`` is its issuer; ``data`` keeps its database and platform-key.pem."""

    def __init__(self, data: Path, port: int | None = None, family: str = "standard") -> None:
        self.data = data
        self.family = family
        self.port = port or free_port()
        self.base_url = f"http://localhost:{self.port}"
        self.control_token = secrets.token_hex(16)
        self.control = SandboxControl(self.base_url, self.control_token)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start (again) on the same port and data, and wait until it answers."""
        command = [
            sys.executable,
            "-m",
            "lti_tool.sandbox",
            "--port",
            str(self.port),
            "--data",
            str(self.data),
        ]
        command += ["--base-url", self.base_url, "--control-token", self.control_token, "--family", self.family]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError("the sandbox stopped while starting; its error is above")
            try:
                requests.get(self.base_url, timeout=TIMEOUT).raise_for_status()
            except requests.ConnectionError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"the sandbox did not answer within {TIMEOUT} s")

    def stop(self) -> int:
        """Ask it to stop as an operator would; answers its exit code."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(signal.SIGTERM)
        return process.wait(TIMEOUT)

    def kill(self) -> None:
        """End it as a power cut would; ``start`` brings it back."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(TIMEOUT)
            self._process = None
        _wait_until_free(self.port)

    def close(self) -> None:
        self.control.close()
        self.stop()

    def robot(self, sub: str | None = None) -> Robot:
        """A browser of this LMS, signed in as a person if one is given."""
        robot = Robot(self.base_url)
        if sub is not None:
            robot.get(f"/enter/person/{sub}")
        return robot

    def register_tool(self, *, name: str = "Peerloop", **tool: Any) -> dict[str, Any]:
        """Fill in the administrator's form; see the function of this name."""
        return register_tool(self.base_url, name=name, **tool)

    def tool(self, client_id: str) -> dict[str, Any]:
        """What the LMS shows of a tool, with its resource_links."""
        return tool_of(self.base_url, client_id)

    def register_by(self, address: str) -> Page | None:
        """Paste a tool's registration address as the administrator; answers the tool's last page.

        None where this LMS takes no address.
        """
        robot = Robot(self.base_url)
        robot.get("/enter/admin")
        page = robot.get("/admin/tools")
        if not any("/admin/register" in form.action for form in page.forms):
            return None
        last = robot.get(robot.submit(robot.form("/admin/register"), address=address).frames[0])
        robot.close()
        return last


def register_tool(
    base_url: str,
    *,
    login_url: str,
    redirect_uris: list[str],
    target_link_uri: str,
    jwks_url: str,
    name: str = "Peerloop",
) -> dict[str, Any]:
    """Fill in the form of a sandbox's administrator; answers what the LMS then shows, with resource_links."""
    robot = Robot(base_url)
    robot.get("/enter/admin")
    robot.get("/admin/tools")
    page = robot.submit(
        robot.form("/admin/tools"),
        name=name,
        login_url=login_url,
        redirect_uris="\n".join(redirect_uris),
        target_link_uri=target_link_uri,
        jwks_url=jwks_url,
    )
    client_id = page.links[-1].href.rpartition("/")[2].removesuffix(".json")
    robot.close()
    return tool_of(base_url, client_id)


def tool_of(base_url: str, client_id: str) -> dict[str, Any]:
    """What the LMS shows of a tool, with its resource_links."""
    robot = Robot(base_url)
    robot.get("/enter/admin")
    answer = robot.session.get(f"{base_url}/admin/tools/{client_id}.json", timeout=TIMEOUT)
    robot.close()
    registration: dict[str, Any] = answer.json()
    return registration
