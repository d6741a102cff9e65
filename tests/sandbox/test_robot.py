import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import pytest

from lti_tool.demo.robot import Robot, RobotError

PAGE = """<!doctype html><title>Hidden title</title><p>Caf&eacute; <b>open</b></p><script>no()</script>
<a href="sub/page">Go <i>on</i></a>
<form action="/first" method="get"><input name="q" value="1"></form>
<form action="/second" method="post">
  <input type="hidden" name="token" value="t&amp;1"><input type="checkbox" name="on" checked>
  <input type="checkbox" name="off" value="x">
  <input type="radio" name="r" value="a">
  <input type="radio" name="r" value="b" checked>
  <textarea name="note">
line &lt;1&gt;</textarea><select name="s"><option value="1"><option value="2" selected>
  </select>  <input name="gone" disabled><button name="do" value="save">Save</button>
  <button name="do" value="drop">Drop</button>
</form>"""
STORING = '<noscript><a href="/lti/login/window?ticket=t">Open it in a new window</a></noscript>'
LOOP = '<form action="/loop" method="post" data-auto-submit><button>Go</button></form>'


class Site:
    """A site that shows one page and keeps what it was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, list[tuple[str, str]], dict[str, str]]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer("")

            def do_POST(self) -> None:
                self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

            def _answer(self, body: str) -> None:
                site.sent.append((self.path, parse_qsl(body), dict(self.headers)))
                page = {"/loop": LOOP, "/storing": STORING}.get(self.path, PAGE).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Set-Cookie", "__Host-sid=1; Path=/; Secure; HttpOnly; SameSite=None; Partitioned")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://localhost:{self.server.server_port}"


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture
def robot(site: Site) -> Iterator[Robot]:
    robot = Robot(site.url)
    yield robot
    robot.close()


def test_it_reads_what_a_person_reads(robot: Robot) -> None:
    page = robot.get("/folder/")
    assert page.text == "Café open Go on Save Drop"
    assert [(link.text, link.href) for link in page.links] == [("Go on", f"{robot.base}/folder/sub/page")]


def test_a_form_sends_what_a_browser_would_send(robot: Robot, site: Site) -> None:
    robot.get("/")
    robot.submit(robot.form("/second"), button="Drop", s="1")
    path, fields, headers = site.sent[-1]
    assert path == "/second"
    assert dict(fields) == {
        "token": "t&1", "on": "on", "r": "b", "note": "line <1>", "s": "1", "do": "drop",
    }  # fmt: skip
    assert headers["Origin"] == site.url
    assert headers["Referer"] == f"{site.url}/"
    assert headers["Cookie"] == "__Host-sid=1"


def test_a_form_of_a_search_goes_into_the_address(robot: Robot, site: Site) -> None:
    robot.get("/")
    robot.submit(robot.form("/first"), q="two words")
    assert site.sent[-1][0] == "/first?q=two+words"


def test_between_origins_only_the_origin_is_told(robot: Robot, site: Site) -> None:
    robot.get("/private?secret=1")
    robot.get(site.url.replace("localhost", "127.0.0.1") + "/")
    assert site.sent[-1][2]["Referer"] == f"{site.url}/"


def test_what_is_not_on_the_page_is_said_with_what_is(robot: Robot) -> None:
    with pytest.raises(RobotError, match="no page"):
        robot.follow("Go")
    robot.get("/")
    with pytest.raises(RobotError, match="/second"):
        robot.form("/third")
    with pytest.raises(RobotError, match="Go on"):
        robot.follow("Stay")
    with pytest.raises(RobotError, match="Save"):
        robot.submit(robot.form("/second"), button="Keep")


def test_where_a_script_would_ask_the_lms_to_keep_something_it_takes_the_other_way(robot: Robot) -> None:
    assert robot.launch("/storing").url == f"{robot.base}/lti/login/window?ticket=t"


def test_forms_that_submit_themselves_for_ever_are_stopped(robot: Robot) -> None:
    with pytest.raises(RobotError, match="in a row"):
        robot.launch("/loop")
