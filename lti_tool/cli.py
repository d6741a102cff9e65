"""The console script `peerloop`. Every command says what it did, and fails with one clear line."""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import Any

import click
from flask import Flask
from flask.cli import ScriptInfo, with_appcontext
from sqlalchemy.exc import OperationalError, ProgrammingError

import config
from lti_tool.demo.commands import demo
from lti_tool.lti.key_commands import keys
from lti_tool.matching.commands import match
from lti_tool.roster.deployment_commands import deployment
from lti_tool.roster.platform_commands import platform


class Peerloop(click.Group):
    """The group of all commands; a wrong setting, or a database not made yet, is one line, not a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except config.ConfigError as error:
            raise click.ClickException(str(error)) from None
        except (OperationalError, ProgrammingError) as error:
            said = str(error.orig).splitlines()[0]
            raise click.ClickException(
                f"the database says: {said}. Is it up to date? Run `peerloop db upgrade`."
            ) from None


@click.group(cls=Peerloop)
@click.pass_context
def main(ctx: click.Context) -> None:
    """Peerloop: peer learning that any LMS can launch."""
    ctx.obj = ScriptInfo(create_app=_app, set_debug_flag=False)


def _app() -> Flask:
    # Commands that need no app start without loading one.
    from lti_tool import logs
    from lti_tool.app import create_app

    settings = config.load()
    logs.configure(settings)
    return create_app(settings)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
@click.option("--processes", default=1, show_default=True, type=click.IntRange(1, 64))
@click.option("--threads", default=8, show_default=True, type=click.IntRange(1, 256), help="In each process.")
def serve(host: str, port: int, processes: int, threads: int) -> None:
    """Serve the tool over HTTP until stopped."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    from lti_tool import schema
    from lti_tool.lti import wire
    from lti_tool.matching.preparing import prepare

    prepare()
    with _app().app_context():
        schema.require_current()
        wire.ensure_signing_key()
    _require_free(host, port)
    click.echo(f"Peerloop listens on http://{host}:{port}")
    Granian(
        "wsgi:app",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=processes,
        blocking_threads=threads,
        log_access=False,
        log_level=LogLevels.warning,
        workers_kill_timeout=10,
    ).serve()


def _require_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from None


@main.command()
@click.pass_context
def worker(ctx: click.Context) -> None:
    """Do the work outside of requests (rosters, grades) until stopped by SIGTERM."""
    from lti_tool import jobs, schema
    from lti_tool.lti import wire
    from lti_tool.matching.preparing import prepare

    prepare()
    app = ctx.ensure_object(ScriptInfo).load_app()
    with app.app_context():
        schema.require_current()
        wire.ensure_signing_key()
    click.echo("Peerloop's worker has started")
    jobs.work(app)
    with app.app_context():
        wire.current().close()
    sys.stdout.flush()
    # A call that hangs would keep the process for a minute. What it was about is leased, and others take it over.
    os._exit(0)


@main.group()
def db() -> None:
    """The database."""


@db.command()
@with_appcontext
def upgrade() -> None:
    """Bring the database to the version of this code."""
    from lti_tool import schema

    before, after = schema.upgrade()
    click.echo(f"The database is at {after}" + (" already" if before == after else f" (was {before or 'empty'})"))


@main.group()
def sync() -> None:
    """Work that is due."""


@sync.command("run")
@click.option("--until-idle", is_flag=True, help="Go on until nothing is due; without it, one round.")
@click.option("--json", "as_json", is_flag=True, help="Print counts as JSON.")
@with_appcontext
def sync_run(until_idle: bool, as_json: bool) -> None:
    """Do what is due in the foreground, then exit."""
    from lti_tool import jobs

    done = jobs.run_until_idle() if until_idle else jobs.run_once()
    click.echo(json.dumps(done) if as_json else ", ".join(f"{name}: {units}" for name, units in done.items()))


@sync.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def sync_status(as_json: bool) -> None:
    """Say for each LMS what waits, since when, until when, and how the calls to it ended."""
    from lti_tool import schema
    from lti_tool.admin import standing

    schema.require_current()
    standing.show(as_json=as_json)


@main.command()
@click.option("--platform", "registration_id", type=int, help="Only this LMS, by its number; without it, all.")
@click.option("--read-only", is_flag=True, help="Make no column in any gradebook.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def doctor(registration_id: int | None, read_only: bool, as_json: bool) -> None:
    """Check Peerloop and every LMS, and say what to change; fails if anything is wrong.

    In the gradebook of the course that was opened last, a column "Peerloop check" stands for some seconds.
    """
    from lti_tool import schema
    from lti_tool.admin import doctor

    schema.require_current()
    doctor.examine(registration_id, may_write=not read_only, as_json=as_json)


@main.group()
def admin() -> None:
    """The operator's pages."""


@admin.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def link(as_json: bool) -> None:
    """Print an address that opens the operator's pages once, within a quarter of an hour."""
    from lti_tool import schema, settings
    from lti_tool.database import transaction
    from lti_tool.web import operators

    schema.require_current()
    with transaction() as session:
        secret = operators.make_link(session)
    address = f"{settings.current().base_url}/operator/enter/{secret}"
    click.echo(json.dumps({"address": address}) if as_json else f"Good once, for 15 minutes:\n{address}")


main.add_command(demo)
main.add_command(deployment)
main.add_command(keys)
main.add_command(match)
main.add_command(platform)
