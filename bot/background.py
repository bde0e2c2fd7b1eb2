"""Runs tasks whose end nobody waits for, so that Slack gets its acknowledgement at once."""

import asyncio
from collections.abc import Coroutine
from typing import Any

# The event loop holds only weak references: without these a running task could be collected.
_running: set["asyncio.Task[Any]"] = set()


def run(work: Coroutine[Any, Any, object]) -> None:
    task = asyncio.create_task(work)
    _running.add(task)
    task.add_done_callback(_running.discard)
