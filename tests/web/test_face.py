"""What people see on every page: names, times, colours, and a face that everybody can use."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from axe_playwright_python.sync_playwright import Axe
from babel import Locale
from flask import Flask, Response, render_template, render_template_string, request
from flask_babel import Babel
from markupsafe import Markup
from playwright.sync_api import Page, Route
from werkzeug.serving import make_server

from lti_tool.web import face, gallery

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LISBON = ZoneInfo("Europe/Lisbon")
TOKYO = ZoneInfo("Asia/Tokyo")
BRITISH = Locale("en", "GB")
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'"


def _app() -> Flask:
    app = Flask("preview", static_folder=None)
    Babel(app, locale_selector=lambda: request.args.get("language", "en_GB"))
    face.register(app, now=lambda: NOW)
    gallery.register(app)
    app.jinja_env.globals["csrf_field"] = lambda: Markup('<input type="hidden" name="csrf_token" value="t">')

    @app.get("/fields")
    def fields() -> str:
        return render_template_string(
            '{% extends "layout.html" %}{% block heading %}Write{% endblock %}{% block content %}'
            '{% call ui.form("/fields") %}{{ ui.textarea("text", "Text", draft="text-1") }}'
            '{{ ui.button("Send", name="how", value="now") }}{% endcall %}{% endblock %}'
        )

    @app.post("/fields")
    def keep() -> str:
        app.extensions["sent"] = [*app.extensions.get("sent", []), request.form.to_dict()]
        template = "error.html" if request.form["text"] == "fail" else "layout.html"
        return render_template(template, title="Not saved", reason="Try again.")

    @app.get("/frame")
    def frame() -> Response:
        response = Response('<iframe src="/dev/components"></iframe><script src="/frame.js"></script>')
        response.mimetype = "text/html"
        return response

    @app.get("/frame.js")
    def frame_script() -> Response:
        script = "window.messages = []; addEventListener('message', (event) => messages.push(event.data));"
        return Response(script, mimetype="text/javascript")

    @app.after_request
    def protect(response: Response) -> Response:
        if not request.path.startswith("/frame"):
            response.headers["Content-Security-Policy"] = POLICY
        return response

    return app


def _slowly(route: Route) -> None:
    time.sleep(0.3)
    route.continue_()


@pytest.fixture(scope="module")
def app() -> Flask:
    return _app()


@pytest.fixture(scope="module")
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _render(app: Flask, source: str, language: str = "en_GB", **values: object) -> str:
    with app.test_request_context(f"/?language={language}"):
        return render_template_string(source, **values)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Amara Okafor", "AO"),
        ("José Luis de la Cruz", "JC"),
        ("Sukarno", "S"),
        ("  élodie   brun ", "ÉB"),
        ("e\u0301lodie brun", "ÉB"),
        ("ßara Øst", "ßØ"),
        ("Αλίκη Παππά", "ΑΠ"),
        ("Юрий Гагарин", "ЮГ"),
        ("林 伟", "林伟"),
        ("김하나", "김"),
        ("प्रिया वर्मा", "पव"),
        ("कि की", "किकी"),
        ("สมชาย เอกชัย", "สอ"),
        ("نور حداد", "ن\u200cح"),
        ("דנה כהן", "דכ"),
        ("'Aisha (test)", "AT"),
        ("Learner 7", "L7"),
        ("<b>Al</b> Cho", "BC"),
        ("", "?"),
        (None, "?"),
        ("— …", "?"),
    ],
)
def test_a_name_in_any_script_has_initials(name: str | None, expected: str) -> None:
    assert face.initials(name) == expected


def test_a_person_keeps_the_same_colour_and_a_class_has_many() -> None:
    assert face.hue(17) == face.hue("17")
    assert len({face.hue(person) for person in range(60)}) == face.HUES


@pytest.mark.parametrize(
    ("at", "zone", "said"),
    [
        (datetime(2026, 11, 24, 18, tzinfo=UTC), LISBON, "today, 18:00"),
        (datetime(2026, 11, 25, 18, tzinfo=UTC), LISBON, "tomorrow, 18:00"),
        (datetime(2026, 11, 23, 9, 12, tzinfo=UTC), LISBON, "yesterday, 09:12"),
        (datetime(2026, 11, 24, 23, 59, tzinfo=UTC), LISBON, "today, 23:59"),
        (datetime(2026, 11, 25, 0, 0, tzinfo=UTC), LISBON, "tomorrow, 00:00"),
        (datetime(2026, 11, 24, 15, 0, tzinfo=UTC), TOKYO, "tomorrow, 00:00"),
        (datetime(2026, 11, 26, 14, tzinfo=UTC), LISBON, "Thursday, 14:00"),
        (datetime(2026, 11, 30, 14, tzinfo=UTC), LISBON, "Monday, 14:00"),
        (datetime(2026, 12, 1, 14, tzinfo=UTC), LISBON, "1 Dec, 14:00"),
        (datetime(2026, 11, 19, 14, tzinfo=UTC), LISBON, "19 Nov, 14:00"),
        (datetime(2027, 1, 31, 14, tzinfo=UTC), LISBON, "31 Jan 2027, 14:00"),
    ],
)
def test_a_time_is_said_as_people_say_it_in_the_viewers_zone(
    app: Flask, at: datetime, zone: ZoneInfo, said: str
) -> None:
    with app.test_request_context():
        assert face.moment(at, NOW, zone, BRITISH) == said


@pytest.mark.parametrize(
    ("viewer", "there", "said"),
    [
        (LISBON, "Europe/Lisbon", ""),
        (LISBON, "Europe/London", ""),
        (TOKYO, "Europe/Lisbon", "18:00 in Lisbon"),
        (LISBON, "America/New_York", "13:00 in New York"),
    ],
)
def test_a_session_is_also_told_in_its_courses_zone_where_clocks_differ(
    app: Flask, viewer: ZoneInfo, there: str, said: str
) -> None:
    with app.test_request_context():
        assert face.time_there(datetime(2026, 11, 26, 18, tzinfo=UTC), viewer, there, BRITISH) == said


def test_the_day_of_a_change_of_clocks_is_still_tomorrow(app: Flask) -> None:
    before = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)
    with app.test_request_context():
        assert face.moment(datetime(2026, 10, 25, 2, tzinfo=UTC), before, LISBON, BRITISH) == "tomorrow, 02:00"


def test_a_plain_date_is_a_day_without_a_zone(app: Flask) -> None:
    with app.test_request_context():
        assert face.day(date(2026, 11, 25), NOW, LISBON, BRITISH) == "tomorrow"


def test_a_time_without_a_zone_is_refused(app: Flask) -> None:
    naive = datetime(2026, 11, 24, 18)  # noqa: DTZ001  # the mistake under test
    with app.test_request_context(), pytest.raises(ValueError, match="has no zone"):
        face.moment(naive, NOW, LISBON, BRITISH)


def test_lengths_and_shares_are_said_in_the_viewers_language() -> None:
    english, german = Locale("en"), Locale("de")
    assert face.duration(20, english) == "20 min"
    assert face.duration(timedelta(hours=1, minutes=15), english) == "1 hr 15 min"
    assert face.duration(0, english) == "0 min"
    assert face.percent(0.58, german) == "58\xa0%"
    assert face.percent(0.11, english, signed=True) == "+11%"
    assert face.ago(NOW - timedelta(minutes=3), NOW, english) == "3 minutes ago"


def test_the_pieces_of_a_bar_fill_it_without_gaps() -> None:
    pieces = face.shares([("Sales", 5), ("Support", 0), ("Product", 2)])
    assert [piece.start for piece in pieces] == [0, 71.43, 71.43]
    assert sum(piece.width for piece in pieces) == pytest.approx(100, abs=0.1)
    assert face.shares([("Sales", 0)]) == []


def test_markup_in_names_and_texts_is_shown_not_run(app: Flask) -> None:
    nasty = '"><script>alert(1)</script>'
    html = _render(
        app,
        "{{ ui.person(x, x, key=x) }}{{ ui.field(x, x, x, hint=x, error=x) }}{{ ui.textarea('a', x, x) }}"
        "{{ ui.composition([(x, 1)], x) }}{{ ui.pill('need', x) }}{{ ui.row(x, badge=x, aside=x, caller=c) }}"
        "{{ ui.button(x, value=x, attrs={'title': x}) }}{{ ui.undo_toast(x, x, hidden={x: x}) }}",
        x=nasty,
        c=lambda: "",
    )
    assert "<script" not in html
    assert nasty not in html


def test_a_status_is_never_a_colour_alone(app: Flask) -> None:
    for name, state in face.STATUSES.items():
        for html in (
            _render(app, "{{ ui.pill(name) }}", name=name),
            _render(app, "{{ ui.mark(name, 58) }}", name=name),
        ):
            assert "<svg" in html
            assert str(state.word) in html


def test_an_unknown_status_or_component_is_an_error_not_a_blank(app: Flask) -> None:
    with pytest.raises(KeyError):
        _render(app, "{{ ui.pill('splendid') }}")
    with pytest.raises(Exception, match="buton"):
        _render(app, "{{ ui.buton('Publish') }}")


def test_an_error_is_tied_to_its_field_and_the_value_is_kept(app: Flask) -> None:
    html = _render(app, "{{ ui.field('size', 'Size', 40, type='number', hint='8 to 20', error='Too many.') }}")
    assert 'value="40"' in html
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="field-size-hint field-size-error"' in html
    assert 'id="field-size-error"' in html


def test_every_posting_form_carries_the_guard_against_forgery(app: Flask) -> None:
    source = "{% call ui.form('/x', method=method) %}{% endcall %}"
    assert "csrf_token" in _render(app, source, method="post")
    assert "csrf_token" not in _render(app, source, method="get")


def test_a_page_says_its_language_and_direction(app: Flask) -> None:
    source = '{% extends "layout.html" %}{% block heading %}x{% endblock %}'
    assert '<html lang="en" dir="ltr">' in _render(app, source)
    assert '<html lang="ar" dir="rtl">' in _render(app, source, language="ar")


def test_a_refusal_says_what_to_do_and_gives_a_reference(app: Flask) -> None:
    html = _render(
        app,
        '{% extends "error.html" %}',
        title="Open this from your course",
        reason="We do not know you.",
        step="Go to the course page.",
        code="no-visit",
        reference="7F3K-2A",
    )
    for words in ("Open this from your course", "We do not know you.", "Go to the course page.", "7F3K-2A"):
        assert words in html


def test_the_first_view_is_light_and_cached_for_good(app: Flask) -> None:
    client = app.test_client()
    page = client.get("/dev/components").text
    assets = re.findall(r'(?:href|src)="(/assets/[^"]+)"', page)
    assert len(assets) >= 5
    sizes = 0
    for asset in assets:
        with client.get(asset) as response:
            assert response.cache_control.max_age == 365 * 24 * 3600
            sizes += len(response.data)
    assert sizes < 60_000  # uncompressed


def test_pages_hold_no_inline_script_or_style(app: Flask) -> None:
    page = app.test_client().get("/dev/components").text
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


def _colours(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", css))


def _contrast(one: str, other: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_keep_the_contrast_of_wcag_aa(theme: str) -> None:
    light, dark = (face.STATIC / "tokens.css").read_text().split("@media (prefers-color-scheme: dark)")
    colours = _colours(light) | (_colours(dark) if theme == "dark" else {})
    grounds = ("page", "surface", "sunken", "accent-wash", "good-fill", "risk-fill", "need-fill")
    texts = [(text, ground) for text in ("ink", "soft", "accent") for ground in grounds]
    texts += [(tone, f"{tone}-{part}") for tone in ("good", "risk", "need") for part in ("wash", "fill")]
    texts += [(f"hue-{n}", f"hue-{n}-wash") for n in range(face.HUES)]
    texts += [
        ("on-accent", "accent"),
        ("on-accent", "accent-strong"),
        ("stage-ink", "stage"),
        ("stage-soft", "stage"),
    ]
    shapes = [
        ("control-line", "surface"),
        ("control-line", "page"),
        ("focus", "page"),
        ("focus", "accent-wash"),
    ]
    shapes += [(f"share-{n}", "surface") for n in range(6)]
    weak = [pair for pair in texts if _contrast(colours[pair[0]], colours[pair[1]]) < 4.5]
    weak += [pair for pair in shapes if _contrast(colours[pair[0]], colours[pair[1]]) < 3]
    assert weak == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1120])
def test_nobody_is_shut_out(browser_page: Page, address: str, scheme: str, width: int) -> None:
    browser_page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    browser_page.set_viewport_size({"width": width, "height": 800})
    complaints: list[str] = []
    browser_page.on("console", lambda message: complaints.append(message.text))
    browser_page.goto(f"{address}/dev/components")
    results = Axe().run(browser_page)
    assert results.violations_count == 0, results.generate_report()
    assert complaints == []


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_page_fits_the_narrowest_frame(browser_page: Page, address: str, language: str) -> None:
    browser_page.set_viewport_size({"width": 320, "height": 700})
    browser_page.goto(f"{address}/dev/components?language={language}")
    assert browser_page.evaluate("document.documentElement.scrollWidth") == 320


def test_controls_are_large_enough_for_a_thumb(browser_page: Page, address: str) -> None:
    browser_page.set_viewport_size({"width": 390, "height": 800})
    browser_page.goto(f"{address}/dev/components")
    small = browser_page.evaluate(
        """() => [
          ...document.querySelectorAll(".button, .input, summary, .top-nav a, .tabs a, .choice")
        ].map((element) => {
          const reach = getComputedStyle(element, "::after");
          const height = element.getBoundingClientRect().height;
          const extra = reach.content === "none" ? 0 : -2 * parseFloat(reach.top);
          return [element.textContent.trim(), height + extra];
        }).filter(([, height]) => height < 44)"""
    )
    assert small == []


def test_the_frame_grows_with_the_page(browser_page: Page, address: str) -> None:
    browser_page.goto(f"{address}/frame")
    browser_page.wait_for_function("messages.length > 0")
    message = browser_page.evaluate("messages[0]")
    inner = browser_page.frames[1].evaluate("document.body.getBoundingClientRect().height")
    assert message["subject"] == "lti.frameResize"
    assert message["height"] == pytest.approx(inner, abs=1)


def test_a_second_press_sends_nothing_twice(browser_page: Page, app: Flask, address: str) -> None:
    browser_page.goto(f"{address}/fields")
    browser_page.fill("textarea", "It went well.")
    browser_page.route("**/fields", _slowly)
    with browser_page.expect_navigation():
        browser_page.evaluate("document.querySelectorAll('button').forEach((b) => { b.click(); b.click(); })")
    assert app.extensions["sent"] == [{"csrf_token": "t", "text": "It went well.", "how": "now"}]


def test_what_was_written_survives_a_reload(browser_page: Page, address: str) -> None:
    browser_page.goto(f"{address}/fields")
    browser_page.fill("textarea", "Half a thought")
    browser_page.goto("about:blank")
    browser_page.goto(f"{address}/fields")
    assert browser_page.input_value("textarea") == "Half a thought"


@pytest.mark.parametrize(("text", "restored"), [("fine", ""), ("fail", "fail")])
def test_a_draft_is_forgotten_once_saved_and_kept_when_saving_failed(
    browser_page: Page, address: str, text: str, restored: str
) -> None:
    browser_page.goto(f"{address}/fields")
    browser_page.fill("textarea", text)
    with browser_page.expect_navigation():
        browser_page.click("button")
    browser_page.goto(f"{address}/fields")
    assert browser_page.input_value("textarea") == restored


def test_a_message_can_be_closed(browser_page: Page, address: str) -> None:
    browser_page.goto(f"{address}/dev/components")
    notices = browser_page.locator(".notices .notice")
    before = notices.count()
    browser_page.locator("[data-dismiss]").first.click()
    assert notices.count() == before - 1


def test_paper_shows_the_content_without_the_controls(browser_page: Page, address: str) -> None:
    browser_page.goto(f"{address}/dev/components")
    browser_page.emulate_media(media="print")
    assert browser_page.locator(".button:visible, .top-nav:visible, .notices:visible").count() == 0
    assert browser_page.locator(".card:visible").count() > 5


def test_the_first_key_leads_past_the_navigation(browser_page: Page, address: str) -> None:
    browser_page.goto(f"{address}/dev/components")
    browser_page.keyboard.press("Tab")
    assert browser_page.evaluate("document.activeElement.className") == "skip"
    browser_page.keyboard.press("Enter")
    assert browser_page.evaluate("document.activeElement.id") == "main"
