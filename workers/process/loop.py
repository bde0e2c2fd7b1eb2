"""The event loop that all replies of a worker process run on, in a thread of its own."""

import asyncio
import threading
from concurrent.futures import Future
from types import TracebackType

from bot.loop_watch import LoopWatch
from bot.settings import Settings
from workers.process import runtime
from workers.process.sweeper import end_sessions, sweep


class LoopThread:
    """While entered, the clients are open, the sweepers run, and `loop` takes coroutines."""

    def __init__(self, settings: Settings, redis_url: str) -> None:
        self._settings, self._redis_url = settings, redis_url
        self._opened: Future[asyncio.AbstractEventLoop] = Future()
        self._leave = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="replies")

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._opened.result()

    def __enter__(self) -> "LoopThread":
        """Raises what opening the clients raised, like a SettingError with a sentence for the operator."""
        self._thread.start()
        self._opened.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.loop.call_soon_threadsafe(self._leave.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except Exception as error:
            if self._opened.done():
                raise
            self._opened.set_exception(error)

    async def _main(self) -> None:
        async with (
            runtime.opened(self._settings, self._redis_url) as opened,
            LoopWatch("worker", opened.metrics.stalled("worker")).watching(),
        ):
            inbox, own = opened.inbox, opened.teams
            sweepers = [sweep(inbox, own), end_sessions(opened.slack, opened.redis, inbox, own)]
            sweeping = [asyncio.create_task(sweeper) for sweeper in sweepers]
            self._opened.set_result(asyncio.get_running_loop())
            await self._leave.wait()
            for task in sweeping:
                task.cancel()
