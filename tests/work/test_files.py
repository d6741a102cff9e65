"""Files that are handed in: what is taken, who may have it, where it lies, and that it goes with its row."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from lti_tool import settings
from lti_tool.database import db, transaction
from lti_tool.lti.launch import Role
from lti_tool.work import files
from lti_tool.work.tables import Submission
from tests.support import factories
from tests.support.factories import Browser
from tests.support.moments import set_now
from tests.work.scene import Scene, ask_for, instructor, quick, scene

__all__ = ["quick", "scene", "set_now"]

PAGE = b"%PDF-1.7 <script>alert(1)</script>"


def sends(scene: Scene, browser: Browser, name: str = "plan.pdf", content: bytes = PAGE, text: str = "") -> Any:
    return sends_to(browser, scene.address, name, content, text)


def sends_to(browser: Browser, address: str, name: str, content: bytes, text: str = "") -> Any:
    """A form with a file, in one piece: the test client would leave a temporary file open."""
    file = FileStorage(BytesIO(content), filename=name)
    boundary, body = encode_multipart({"csrf_token": browser.csrf, "text": text, "file": file})
    kind = f"multipart/form-data; boundary={boundary}"
    answer = browser.client.post(f"/v/{browser.token}/{address}", data=body, content_type=kind, follow_redirects=True)
    db.session.rollback()
    return answer


def stored() -> list[Path]:
    return [path for path in settings.current().files_folder.rglob("*") if path.is_file()]


def fetched(browser: Browser, address: str) -> Any:
    """An answer whose file has been read and closed."""
    answer = browser.get(address)
    assert answer.data
    answer.close()
    return answer


@pytest.fixture
def asked(quick: Scene) -> Scene:
    """An assignment that asks for a file, on SQLite."""
    ask_for(quick, kind="file")
    return quick


def test_a_file_is_handed_in_and_the_partner_downloads_it(scene: Scene) -> None:
    ask_for(scene, kind="file")
    page = sends(scene, scene.browser(0), "مخطط <b>.PDF", text="Look at page two.")
    assert "handed in, waits for your partner" in page.text
    assert "&lt;b&gt;" in page.text
    answer = fetched(scene.browser(1), f"{scene.address}/files/{scene.amara}")
    assert answer.data == PAGE
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    scene.confirm(scene.amara, by=scene.bilal)
    assert scene.progress(scene.amara) == (1, 1, 8)
    (path,) = stored()
    assert path.parts[-3] == str(scene.course.tenant_id)
    assert "plan" not in path.name


def test_only_those_concerned_download_it(asked: Scene) -> None:
    sends(asked, asked.browser(0))
    own, of_staff = f"{asked.address}/files/{asked.amara}", f"{asked.address}/submissions/files/{asked.amara}"
    mei = factories.visit(asked.app, asked.course, asked.mei, Role.LEARNER)
    for browser, address in (
        (asked.browser(0), own),
        (asked.browser(1), own),
        (mei, of_staff),
        (instructor(asked), of_staff),
    ):
        assert fetched(browser, address).data == PAGE
    assert asked.browser(2).get(own).status_code == 404  # of another pair
    assert asked.browser(1).get(of_staff).status_code == 403
    assert asked.browser(0).get(f"{asked.address}/files/{asked.bilal}").status_code == 404
    far = factories.make_course(title="Elsewhere", issuer="https://other.test")
    for role, address in ((Role.INSTRUCTOR, of_staff), (Role.LEARNER, own)):
        (stranger,) = factories.make_people(far, [f"Far {role}"], role=role)
        assert factories.visit(asked.app, far, stranger, role).get(address).status_code == 404


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("plan.exe", PAGE, "Files of this type are not taken"),
        ("plan.html", PAGE, "Files of this type are not taken"),
        ("plan.svg", PAGE, "Files of this type are not taken"),
        ("pdf", PAGE, "Files of this type are not taken"),
        (".pdf", PAGE, "Files of this type are not taken"),
        ("plan.pdf", b"", "This file is empty"),
        ("plan.pdf", b"x" * (files.LARGEST + 1), "larger than 10 MB"),
        ("", b"", "Choose a file"),
    ],
)
def test_what_is_not_taken_is_told_and_the_text_beside_it_is_kept(
    asked: Scene, name: str, content: bytes, says: str
) -> None:
    refused = sends(asked, asked.browser(0), name, content, text="my own words")
    assert refused.status_code == 400
    assert says in refused.text
    assert "my own words" in refused.text
    assert 'href="#field-file"' in refused.text
    assert stored() == []


def test_a_name_is_stored_without_a_path_and_what_turns_it_round(asked: Scene) -> None:
    names = {"../../etc/x\u202efdp.pdf": "xfdp.pdf", "y" * 300 + ".md": "y" * 147 + ".md"}
    for sent, kept in names.items():
        sends(asked, asked.browser(0), sent, sent.encode())
        name = db.session.query(Submission.file_name).scalar()
        assert name == kept


def test_what_is_far_too_large_is_refused_before_it_is_read(asked: Scene) -> None:
    refused = sends(asked, asked.browser(0), content=b"x" * (2 * files.LARGEST + 1))
    assert refused.status_code == 413
    other = sends_to(asked.browser(0), f"{asked.address}/confirm", "plan.pdf", b"x" * 3_000_000)
    assert other.status_code == 413  # a page that asks for no file takes none


def test_another_file_replaces_the_first_and_the_same_form_twice_is_one(asked: Scene) -> None:
    browser = asked.browser(0)
    for _twice in range(2):
        sends(asked, browser)
    assert len(stored()) == 1
    sends(asked, browser, "better.pdf", b"better")
    assert [path.read_bytes() for path in stored()] == [b"better"]
    browser.post(asked.address, text="a word more")  # without choosing it again
    assert [path.read_bytes() for path in stored()] == [b"better"]


def test_a_file_goes_when_its_row_goes(scene: Scene) -> None:
    ask_for(scene, kind="file")
    sends(scene, scene.browser(0))
    sends(scene, scene.browser(1), content=b"stays")
    with transaction() as session:
        session.execute(delete(Submission).where(Submission.person_id == scene.amara))
    files.sweep()
    assert len(stored()) == 2  # it may still be on its way to its row
    for path in stored():
        os.utime(path, (0, 0))
    assert scene.app.extensions["jobs"]["files"].run() is False
    assert [path.read_bytes() for path in stored()] == [b"stays"]
