"""`/metrics` for Prometheus. Every figure is read from the database when it is asked for.

So any process answers for all of them, and nothing is kept in memory that they would have to share.
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from datetime import datetime

from flask import Blueprint, Response, abort, current_app, request
from flask.typing import ResponseReturnValue
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

import lti_tool
from lti_tool import clock, jobs, settings
from lti_tool.admin import standing
from lti_tool.admin.standing import Queue, Standing
from lti_tool.database import db
from lti_tool.web import health
from lti_tool.web.gate import Access, allow

blueprint = Blueprint("metrics", __name__)

PLATFORM = ("platform",)


@blueprint.get("/metrics")
@allow(Access.PUBLIC)
def show() -> ResponseReturnValue:
    """The figures, for whoever has the token; there is nothing here while none is set."""
    token = settings.current().metrics_token
    if token is None:
        abort(404)
    wanted = f"Bearer {token.get_secret_value()}"
    if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), wanted.encode()):
        return Response(status=401, headers={"WWW-Authenticate": "Bearer"})
    registry = CollectorRegistry()
    registry.register(_Figures())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Figures(Collector):
    def collect(self) -> Iterator[Metric]:
        """Read everything once."""
        platforms = standing.of_all(db.session())
        yield from _process()
        yield from _platforms(platforms)
        yield from _queues("grades", "cells that differ from what their LMS was told", platforms)
        yield from _queues("rosters", "rosters that are to be read", platforms)
        yield from _calls(platforms)


def _gauge(name: str, about: str, labels: Iterable[str] = ()) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"peerloop_{name}", about, labels=list(labels))


def _process() -> Iterator[Metric]:
    info = _gauge("info", "The version that answers", ["version"])
    info.add_metric([lti_tool.__version__], 1)
    yield info
    up = _gauge("up", "Whether this part of Peerloop is within reach", ["part"])
    failing = health.failing()
    for part in health.CHECKS:
        up.add_metric([part], part not in failing)
    yield up
    workers = _gauge("workers", "Workers that were seen within a minute")
    workers.add_metric([], jobs.living(db.session()))
    yield workers
    if "queue" not in failing:
        bells = _gauge("bells", "Bells in the queue that no worker has heard yet")
        bells.add_metric([], current_app.extensions["huey"].pending_count())
        yield bells


def _platforms(platforms: Iterable[Standing]) -> Iterator[Metric]:
    info = _gauge("platform_info", "An LMS by its number", ["platform", "name", "family"])
    lanes = _gauge("calls_in_lanes", "Calls that processes may have in flight to this LMS now", PLATFORM)
    rest = _gauge("rest_seconds", "For how long this LMS is left alone, 0 if it is not", [*PLATFORM, "cause"])
    refused = _gauge("grades_refused", "Grades that this LMS refused", [*PLATFORM, "reason"])
    for each in platforms:
        label = str(each.id)
        info.add_metric([label, each.name, each.family], 1)
        lanes.add_metric([label], each.lanes)
        rest.add_metric([label, each.cause or ""], max(_until(each.rests_until), 0.0))
        for reason, count in each.refused.items():
            refused.add_metric([label, reason], count)
    yield from (info, lanes, rest, refused)


def _queues(what: str, about: str, platforms: Iterable[Standing]) -> Iterator[Metric]:
    length = _gauge(f"{what}_waiting", f"How many {about}", PLATFORM)
    oldest = _gauge(f"{what}_oldest_seconds", f"The age of the oldest among the {about}", PLATFORM)
    following = _gauge(f"{what}_next_seconds", f"Until the next try with the {about}; below 0 if overdue", PLATFORM)
    for each in platforms:
        queue: Queue = getattr(each, what)
        label = [str(each.id)]
        length.add_metric(label, queue.length)
        oldest.add_metric(label, _age(queue.oldest_at))
        following.add_metric(label, _until(queue.next_at))
    yield from (length, oldest, following)


def _calls(platforms: Iterable[Standing]) -> Iterator[Metric]:
    labels = [*PLATFORM, "service", "outcome"]
    calls = CounterMetricFamily("peerloop_calls", "Calls to an LMS by service and outcome", labels=labels)
    seconds = CounterMetricFamily("peerloop_call_seconds", "Seconds that these calls took together", labels=labels)
    for each in platforms:
        for of in each.calls:
            key = [str(each.id), of.service, of.outcome]
            calls.add_metric(key, of.count)
            seconds.add_metric(key, of.seconds)
    yield from (calls, seconds)


def _age(at: datetime | None) -> float:
    """Seconds since then; 0 for what is not."""
    return 0.0 if at is None else (clock.wall() - at).total_seconds()


def _until(at: datetime | None) -> float:
    """Seconds until then; 0 for what is not."""
    return 0.0 if at is None else (at - clock.wall()).total_seconds()
