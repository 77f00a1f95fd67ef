"""The app while nobody uses it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from gradio import queueing
from starlette.routing import Mount

from app.page import QUIET_SECONDS
from tests.app.guard.conftest import GRADIO_LOOPS

pytestmark = GRADIO_LOOPS


def test_a_queue_that_nothing_is_put_into_is_looked_at_once_a_second(site, monkeypatch):
    guarded = next(route for route in site.app.api.routes if isinstance(route, Mount)).app
    queue, waits = guarded._app.get_blocks()._queue, []

    async def sleep(seconds):
        waits.append(seconds)
        queue.stopped = True

    monkeypatch.setattr(queueing.asyncio, "sleep", sleep)
    monkeypatch.setattr(queue, "stopped", False)
    # A thread of its own: a browser test before this one leaves its event loop in that of tests.
    with ThreadPoolExecutor(1) as thread:
        for work in (queue.start_processing, queue.start_progress_updates):
            queue.stopped = False
            thread.submit(asyncio.run, work()).result()
    assert waits == [QUIET_SECONDS] * 2
