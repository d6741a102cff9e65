"""A small browser without a screen: cookies, links, forms, frames, and the forms of an LTI launch.

It sends what people's browsers send, so that the demo and the tests go through the same doors as people do.
It runs no scripts: a form that a script would submit is known by its ``data-auto-submit`` attribute, and where
a script would ask the LMS to keep something, the robot takes the way that the page offers without scripts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import Cookie
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.cookies import RequestsCookieJar

TIMEOUT = 20.0  # seconds for each call
NEW_WINDOW = "/lti/login/window"  # where a launch begins anew outside of a frame
MAX_HOPS = 10  # self-submitting forms in a row; a launch has three
SKIPPED = {"script", "style", "template", "title"}
BUTTONS = {"submit", "image"}


class RobotError(Exception):
    """The page did not offer what the robot was asked to use."""


@dataclass
class Button:
    """A submit button; `action` is where it sends its form instead of the form's own address."""

    name: str
    value: str
    text: str
    action: str | None = None


@dataclass
class Form:
    action: str
    """The absolute address that it is sent to."""
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    """What would be sent as it stands, without buttons."""
    buttons: list[Button] = field(default_factory=list)
    auto_submit: bool = False
    enctype: str = "application/x-www-form-urlencoded"

    def value(self, name: str) -> str | None:
        """The value of the first field of this name."""
        return next((value for key, value in self.fields if key == name), None)


@dataclass
class Link:
    href: str
    text: str


@dataclass
class Page:
    status: int
    url: str
    html: str
    headers: dict[str, str]
    """Names in lower case."""
    forms: list[Form]
    links: list[Link]
    frames: list[str]
    """The absolute addresses of its iframes."""
    text: str
    """What a person reads, with white space joined."""

    def form(self, action_contains: str = "") -> Form:
        """The first form whose action holds this text."""
        for form in self.forms:
            if action_contains in form.action:
                return form
        offered = [form.action for form in self.forms]
        raise RobotError(f"{self.url} ({self.status}) has no form to …{action_contains}…; it has {offered}")


class _Reader(HTMLParser):
    """Collects forms, links, frames and readable text."""

    def __init__(self, base: str) -> None:
        super().__init__(convert_charrefs=True)
        self.base = base
        self.forms: list[Form] = []
        self.links: list[Link] = []
        self.frames: list[str] = []
        self.words: list[str] = []
        self._form: Form | None = None
        self._by_id: dict[str, Form] = {}
        self._skipping = 0
        self._link: Link | None = None
        self._area: tuple[str, list[str]] | None = None
        self._select: str | None = None
        self._options: list[tuple[str, bool]] = []
        self._button: tuple[Button, int] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag in SKIPPED:
            self._skipping += 1
        opener = getattr(self, f"_open_{tag}", None)
        if opener is not None:
            opener(attributes)

    def handle_endtag(self, tag: str) -> None:
        if tag in SKIPPED:
            self._skipping = max(0, self._skipping - 1)
        closer = getattr(self, f"_close_{tag}", None)
        if closer is not None:
            closer()

    def handle_data(self, data: str) -> None:
        if self._skipping:
            return
        if self._area is not None:
            self._area[1].append(data)
            return
        self.words.append(data)
        if self._link is not None:
            self._link.text += data

    def _open_base(self, attributes: dict[str, str]) -> None:
        self.base = urljoin(self.base, attributes.get("href", ""))

    def _open_a(self, attributes: dict[str, str]) -> None:
        if "href" in attributes:
            self._link = Link(urljoin(self.base, attributes["href"]), "")
            self.links.append(self._link)

    def _close_a(self) -> None:
        self._link = None

    def _open_iframe(self, attributes: dict[str, str]) -> None:
        if attributes.get("src"):
            self.frames.append(urljoin(self.base, attributes["src"]))

    def _open_form(self, attributes: dict[str, str]) -> None:
        self._form = Form(
            action=urljoin(self.base, attributes.get("action", "")),
            method=attributes.get("method", "get").lower(),
            auto_submit="data-auto-submit" in attributes,
            enctype=attributes.get("enctype", "application/x-www-form-urlencoded"),
        )
        self.forms.append(self._form)
        if "id" in attributes:
            self._by_id[attributes["id"]] = self._form

    def _close_form(self) -> None:
        self._form = None

    def _owner(self, attributes: dict[str, str]) -> Form | None:
        """A control belongs to the form that encloses it, or to the one that its form attribute names."""
        owner = self._by_id.get(attributes["form"]) if "form" in attributes else self._form
        return None if "disabled" in attributes else owner

    def _open_input(self, attributes: dict[str, str]) -> None:
        form, name = self._owner(attributes), attributes.get("name", "")
        kind = attributes.get("type", "text").lower()
        if form is None:
            return
        if kind in BUTTONS:
            form.buttons.append(Button(name, attributes.get("value", ""), attributes.get("value", "")))
        elif kind in ("checkbox", "radio"):
            if name and "checked" in attributes:
                form.fields.append((name, attributes.get("value", "on")))
        elif name and kind not in ("button", "reset", "file"):
            form.fields.append((name, attributes.get("value", "")))

    def _open_button(self, attributes: dict[str, str]) -> None:
        form = self._owner(attributes)
        if form is not None and attributes.get("type", "submit").lower() == "submit":
            action = attributes.get("formaction")
            target = urljoin(self.base, action) if action else None
            button = Button(attributes.get("name", ""), attributes.get("value", ""), "", target)
            form.buttons.append(button)
            self._button = (button, len(self.words))

    def _close_button(self) -> None:
        if self._button is not None:
            button, since = self._button
            button.text = _joined(self.words[since:])
            self._button = None

    def _open_textarea(self, attributes: dict[str, str]) -> None:
        self._area = (attributes.get("name", "") if self._owner(attributes) else "", [])

    def _close_textarea(self) -> None:
        if self._area is not None and self._area[0] and self._form is not None:
            text = "".join(self._area[1])
            self._form.fields.append((self._area[0], text.removeprefix("\n")))
        self._area = None

    def _open_select(self, attributes: dict[str, str]) -> None:
        self._select = attributes.get("name") if self._owner(attributes) else None
        self._options = []

    def _open_option(self, attributes: dict[str, str]) -> None:
        if "disabled" not in attributes:
            self._options.append((attributes.get("value", ""), "selected" in attributes))

    def _close_select(self) -> None:
        if self._select and self._form is not None and self._options:
            chosen = [value for value, selected in self._options if selected] or [self._options[0][0]]
            self._form.fields += [(self._select, value) for value in chosen]
        self._select = None


def _joined(words: list[str]) -> str:
    return re.sub(r"\s+", " ", " ".join(words)).strip()


def read_page(answer: requests.Response) -> Page:
    """The page of an answer; anything that is not HTML is text without forms and links."""
    html = answer.text
    reader = _Reader(answer.url)
    is_html = "html" in answer.headers.get("Content-Type", "")
    if is_html:
        reader.feed(html)
        reader.close()
    for link in reader.links:
        link.text = _joined([link.text])
    return Page(
        status=answer.status_code,
        url=answer.url,
        html=html,
        headers={name.lower(): value for name, value in answer.headers.items()},
        forms=reader.forms,
        links=reader.links,
        frames=reader.frames,
        text=_joined(reader.words) if is_html else html,
    )


class _LoopbackJar(RequestsCookieJar):
    """Browsers send Secure cookies to loopback addresses over plain http; so does the robot."""

    def set_cookie(self, cookie: Cookie, *args: Any, **kwargs: Any) -> None:
        # The standard library files a cookie of the bare name localhost under localhost.local.
        if cookie.domain in ("localhost.local", "127.0.0.1") or cookie.domain.endswith(".localhost"):
            cookie.secure = False
        super().set_cookie(cookie, *args, **kwargs)


class Robot:
    """One person's browser. ``page`` is where they are now."""

    def __init__(self, base: str = "", timeout: float = TIMEOUT) -> None:
        self.base = base
        self.timeout = timeout
        self.session = requests.Session()
        self.session.cookies = _LoopbackJar()
        self.session.headers["User-Agent"] = "Mozilla/5.0 (robot)"
        self._page: Page | None = None

    @property
    def page(self) -> Page:
        if self._page is None:
            raise RobotError("no page is open yet")
        return self._page

    def close(self) -> None:
        self.session.close()

    def get(self, url: str) -> Page:
        """Open an address; one without a host is on the robot's base."""
        return self._open("GET", urljoin(self.base, url))

    def form(self, action_contains: str = "") -> Form:
        return self.page.form(action_contains)

    def submit(self, form: Form, button: str | None = None, **fields: str | list[str]) -> Page:
        """Send a form with these fields set, a list as several of one name, by the button of this text."""
        sent = [(name, value) for name, value in form.fields if name not in fields]
        for name, value in fields.items():
            sent += [(name, one) for one in ([value] if isinstance(value, str) else value)]
        pressed = self._pressed(form, button)
        action = pressed.action if pressed and pressed.action else form.action
        if pressed and pressed.name:
            sent.append((pressed.name, pressed.value))
        if form.method != "post":
            return self._open("GET", action, params=sent)
        if form.enctype == "multipart/form-data":
            return self._open("POST", action, files=[(name, (None, value)) for name, value in sent])
        return self._open("POST", action, data=sent)

    def follow(self, link_text: str) -> Page:
        """Open the first link whose text holds this."""
        for link in self.page.links:
            if link_text in link.text:
                return self.get(link.href)
        offered = [link.text for link in self.page.links]
        raise RobotError(f"{self.page.url} ({self.page.status}) has no link “{link_text}”; it has {offered}")

    def launch(self, url: str) -> Page:
        """Open a page, step into its first frame if it has one, and go on to where the launch ends."""
        page = self.get(url)
        return self.go_on(self.get(page.frames[0]) if page.frames else page)

    def go_on(self, page: Page) -> Page:
        """Pass every self-submitting form, and take every way into a window of its own."""
        for _ in range(MAX_HOPS):
            waiting = next((form for form in page.forms if form.auto_submit), None)
            window = next((link for link in page.links if NEW_WINDOW in link.href), None)
            if waiting is not None:
                page = self.submit(waiting)
            elif window is not None:
                page = self.get(window.href)
            else:
                return page
        raise RobotError(f"{page.url}: {MAX_HOPS} self-submitting forms in a row")

    def _pressed(self, form: Form, text: str | None) -> Button | None:
        """The button that a person presses: the one of this text, or the first."""
        if text is None:
            return form.buttons[0] if form.buttons else None
        for button in form.buttons:
            if text in button.text:
                return button
        raise RobotError(f"the form to {form.action} has no button “{text}”; it has {form.buttons}")

    def _open(self, method: str, url: str, **parts: Any) -> Page:
        headers = self._headers(method, url)
        answer = self.session.request(method, url, headers=headers, timeout=self.timeout, **parts)
        self._page = read_page(answer)
        return self._page

    def _headers(self, method: str, url: str) -> dict[str, str]:
        """Referer and Origin as browsers send them by default (strict-origin-when-cross-origin)."""
        if self._page is None:
            return {}
        here = _origin(self._page.url)
        headers = {"Referer": self._page.url.partition("#")[0] if here == _origin(url) else f"{here}/"}
        if method == "POST":
            headers["Origin"] = here
        return headers


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
