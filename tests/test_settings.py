"""A wrong setting stops the start with one clear line; secrets are never missing and never shared."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

import config


def load(monkeypatch: pytest.MonkeyPatch, keys: Path, **values: str) -> config.Settings:
    monkeypatch.setenv("PEERLOOP_KEYS_DIR", str(keys))
    for name, value in values.items():
        monkeypatch.setenv(f"PEERLOOP_{name.upper()}", value)
    return config.load()


def test_two_databases_do_not_share_a_folder_of_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    urls = (
        "postgresql+psycopg://db/live",
        "postgresql+psycopg://db/trial?sslmode=require",
        f"sqlite:///{tmp_path}/x.db",
    )
    folders = [load(monkeypatch, tmp_path, database_url=url).files_folder for url in urls]
    var = config.ROOT / "var"
    assert folders == [var / "live-files", var / "trial-files", tmp_path / "x-files"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base_url", "peerloop.example.edu"),
        ("base_url", "http://peerloop.example.edu"),
        ("base_url", "https://peerloop.example.edu/tool"),
        ("database_url", "mysql://localhost/peerloop"),
        ("database_url", "sqlite://"),
        ("database_url", "sqlite:///:memory:"),
        ("queue_url", "amqp://localhost"),
        ("secret_key", "short"),
        ("key_encryption_key", "not a key"),
        ("allow_private_platforms", "perhaps"),
        ("visit_idle_minutes", "0"),
        ("lms_timeout_seconds", "soon"),
        ("log_level", "LOUD"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(config.ConfigError) as error:
        load(monkeypatch, tmp_path, **{name: value})
    assert f"PEERLOOP_{name.upper()}" in str(error.value)
    assert "\n" not in str(error.value)


def test_secrets_are_made_on_a_loopback_address_and_kept_for_the_next_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = load(monkeypatch, tmp_path)
    again = load(monkeypatch, tmp_path)
    assert first.signing_secret == again.signing_secret
    assert first.key_encryption_key == again.key_encryption_key
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


@pytest.mark.parametrize("missing", ["secret_key", "key_encryption_key"])
def test_any_other_address_must_bring_its_secrets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str
) -> None:
    secrets = {"secret_key": "x" * 40, "key_encryption_key": Fernet.generate_key().decode()}
    del secrets[missing]
    with pytest.raises(config.ConfigError, match=f"PEERLOOP_{missing.upper()} is not set"):
        load(monkeypatch, tmp_path, base_url="https://peerloop.example.edu", **secrets)
    assert not list(tmp_path.iterdir())


def test_the_programs_clock_cannot_be_moved_on_a_public_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(config.ConfigError, match="PEERLOOP_CLOCK_FILE"):
        load(monkeypatch, tmp_path, base_url="https://peerloop.example.edu", clock_file=str(tmp_path / "clock"))


def test_secrets_do_not_show_in_what_is_printed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = load(monkeypatch, tmp_path)
    assert settings.signing_secret not in repr(settings)


@pytest.mark.parametrize("url", ["postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg://u@h/d"])
def test_every_common_way_to_write_a_postgresql_address_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str
) -> None:
    assert load(monkeypatch, tmp_path, database_url=url).database_url == "postgresql+psycopg://u@h/d"
