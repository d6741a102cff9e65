"""Many calls at once, their answers in small groups."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

GROUP = 20
GROUP_SECONDS = 0.1


def groups(items: Iterator[T], work: Callable[[T], R], at_once: int, go_on: Callable[[], bool]) -> Iterator[list[R]]:
    """The results of `work`, at most GROUP of them or what came within GROUP_SECONDS.

    `go_on` is asked before more items are started; those left in `items` were never begun. As many again as run
    wait in the pool, so that it is not idle while a group is dealt with.
    """
    running: set[Future[R]] = set()
    with ThreadPoolExecutor(at_once) as pool:
        while True:
            if go_on():
                running |= {pool.submit(work, item) for item in itertools.islice(items, 2 * at_once - len(running))}
            if not running:
                return
            done, running = _some(running)
            yield [future.result() for future in done]


def _some(running: set[Future[R]]) -> tuple[set[Future[R]], set[Future[R]]]:
    """What has ended, once that is a group or the time for one has passed."""
    until = time.monotonic() + GROUP_SECONDS
    done: set[Future[R]] = set()
    while running and len(done) < GROUP and (left := until - time.monotonic()) > 0:
        ended, running = wait(running, timeout=left, return_when=FIRST_COMPLETED)
        done |= ended
    return done, running
