"""What is done beside answering Slack, which waits for nothing of it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

# An event loop alone would let a running task be collected.
_running: set["asyncio.Task[Any]"] = set()


def run(work: Coroutine[Any, Any, object]) -> None:
    task = asyncio.create_task(work)
    _running.add(task)
    task.add_done_callback(_running.discard)
