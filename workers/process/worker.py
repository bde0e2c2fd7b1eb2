"""An RQ worker that runs many jobs at once on one event loop.

RQ's own workers run one job at a time. A reply is mostly waiting, so here each slot is a thread that does RQ's
bookkeeping for one job and waits, while the job's coroutine runs on the event loop that all slots share.
"""

import asyncio
import concurrent.futures
import logging
import queue
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from rq import Queue
from rq.exceptions import StopRequested
from rq.job import JOB_ID_PATTERN, Job, JobStatus
from rq.serializers import JSONSerializer
from rq.timeouts import TimerDeathPenalty
from rq.utils import as_text, now
from rq.worker import SimpleWorker
from rq.worker.base import BaseWorker, WorkerStatus

from bot.store.threads.jobs import ReplyJob

log = logging.getLogger("parley.worker")

# An exception that RQ raises in a slot's thread takes effect between two waits only.
WAIT_SECONDS = 0.25
CANCEL_SECONDS = 10.0
HEARTBEAT_SECONDS = 10
WORKER_TTL_SECONDS = 60
OUTAGE_SECONDS = 1.0
# For how long RQ keeps a job that was refused, and how much of its id is logged.
REFUSED_SECONDS = 3_600
MOST_SHOWN = 64
# What Redis says of a job's key: the job is there, or it is gone.
KEPT_AS = ("hash", "none")
OUTAGES = (RedisConnectionError, RedisTimeoutError)

# Whether a function, by its dotted name, may be called with these arguments.
Takes = Callable[[str, Sequence[object]], bool]


@contextmanager
def _outage_survived(what: str) -> Iterator[None]:
    """Log an outage of Redis and go on. RQ's own workers quit, which here would end the answers that run."""
    try:
        yield
    except OUTAGES as error:
        log.warning("redis away during=%s error=%s", what, type(error).__name__)


class LoopJob(ReplyJob):
    """A job whose coroutine runs on the shared `loop`. `running` holds the tasks of all such jobs."""

    loop: asyncio.AbstractEventLoop
    running: set[asyncio.Task[Any]]

    def _execute(self) -> Any:
        if self.refusal:
            raise PermissionError(self.refusal)
        result = self.func(*self.args, **self.kwargs)
        return self._await(result) if asyncio.iscoroutine(result) else result

    def _await(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Wait for the coroutine. If RQ's timeout interrupts the wait, cancel the coroutine and let it clean up."""
        started: list[asyncio.Task[Any]] = []
        future = asyncio.run_coroutine_threadsafe(self._run(coroutine, started), self.loop)
        try:
            while True:
                try:
                    return future.result(WAIT_SECONDS)
                except TimeoutError:
                    if future.done():
                        raise
        finally:
            if not future.done():
                for task in started:
                    self.loop.call_soon_threadsafe(task.cancel)
                concurrent.futures.wait([future], CANCEL_SECONDS)

    async def _run(self, coroutine: Coroutine[Any, Any, Any], started: list[asyncio.Task[Any]]) -> Any:
        task = asyncio.current_task()
        assert task is not None
        started.append(task)
        self.running.add(task)
        try:
            return await coroutine
        finally:
            self.running.discard(task)


def _is_text(name: bytes | str) -> bool:
    try:
        as_text(name)
    except UnicodeDecodeError:
        return False
    return True


def job_class(loop: asyncio.AbstractEventLoop, takes: Takes) -> type[LoopJob]:
    return type("LoopJob", (LoopJob,), {"loop": loop, "running": set(), "takes": staticmethod(takes)})


class _Slot(SimpleWorker):
    """Executes one job at a time. In Redis it has the name of the SlotWorker, which alone writes there."""

    death_penalty_class = TimerDeathPenalty
    get_heartbeat_ttl = BaseWorker.get_heartbeat_ttl

    # RQ compares workers by name, and all slots have the same.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def heartbeat(self, *args: Any, **kwargs: Any) -> None: ...

    def set_state(self, *args: Any, **kwargs: Any) -> None: ...

    def procline(self, message: str) -> None: ...

    def set_current_job_id(self, *args: Any, **kwargs: Any) -> None: ...

    def set_current_job_working_time(self, *args: Any, **kwargs: Any) -> None: ...


@dataclass(frozen=True)
class Slots:
    """How many jobs run at once, and how long a warm shutdown waits for those that run before it cancels them."""

    count: int
    drain_seconds: float


class SlotWorker(BaseWorker):
    """Runs the jobs of one queue. With several, RQ's dequeue loses a job if the process is killed at a bad moment.

    Only jobs that `takes` says yes to run. All others, whatever is in them, are logged and put among the failed ones.
    """

    death_penalty_class = TimerDeathPenalty
    max_connection_wait_time = 5.0

    def __init__(
        self,
        queue_name: str,
        connection: Redis,
        loop: asyncio.AbstractEventLoop,
        slots: Slots,
        takes: Takes = ReplyJob.takes,
    ) -> None:
        jobs = job_class(loop, takes)
        own_queue = Queue(
            queue_name,
            connection=connection,
            serializer=JSONSerializer,
            job_class=jobs,
            death_penalty_class=TimerDeathPenalty,
        )
        super().__init__(
            [own_queue],
            connection=connection,
            serializer=JSONSerializer,
            job_class=jobs,
            job_monitoring_interval=HEARTBEAT_SECONDS,
            worker_ttl=WORKER_TTL_SECONDS,
            maintenance_interval=60,
            log_job_description=False,
        )
        self._jobs = jobs
        self._drain_seconds = slots.drain_seconds
        self._pool = concurrent.futures.ThreadPoolExecutor(slots.count, thread_name_prefix="slot")
        self._free: queue.SimpleQueue[_Slot] = queue.SimpleQueue()
        self._busy: dict[_Slot, tuple[Job, datetime]] = {}
        self._lock = threading.Lock()
        self._next: _Slot | None = None
        self._loop = loop
        self._beating = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        for _ in range(slots.count):
            self._free.put(self._slot())

    @property
    def is_stopping(self) -> bool:
        return self._shutdown_requested_date is not None

    @property
    def busy(self) -> int:
        return len(self._busy)

    def check_for_suspension(self, burst: bool) -> None:
        with _outage_survived("suspension"):
            super().check_for_suspension(burst)

    def run_maintenance_tasks(self) -> None:
        """RQ looks after its groups of jobs here, too; ours are in none."""
        with _outage_survived("maintenance"):
            try:
                self.clean_registries()  # type: ignore[no-untyped-call]
            except OUTAGES:
                raise
            except Exception as error:
                # Somebody put into RQ's keys what RQ cannot read. The next time is as good as this one.
                log.warning("no maintenance error=%s", type(error).__name__)
                self.last_cleaned_at = now()  # type: ignore[assignment]

    def heartbeat(self, timeout: int | None = None, pipeline: "Pipeline | None" = None) -> None:
        with _outage_survived("heartbeat"):
            super().heartbeat(timeout, pipeline)

    def bootstrap(self, *args: Any, **kwargs: Any) -> None:
        super().bootstrap(*args, **kwargs)
        self._heart.start()

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """Wait for a free slot first, so that every dequeued job can start."""
        self._next = self._take_slot()
        if self.is_stopping:
            # The signal came while this waited for a slot, when `_shutdown` does not interrupt.
            raise StopRequested
        while True:
            try:
                return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)
            except OUTAGES as error:
                log.warning("redis away during=dequeue error=%s", type(error).__name__)
                time.sleep(OUTAGE_SECONDS)
            except StopRequested:
                raise
            except Exception as error:
                log.warning("job passed over, for RQ cannot read it error=%s", type(error).__name__)
                self._drop_unreadable()

    def execute_job(self, job: Job, queue: Queue) -> None:
        slot, self._next = self._next, None
        assert slot is not None
        assert isinstance(job, LoopJob)
        if job.refusal:
            self._refuse(job, job.refusal)
            self._free.put(slot)
            return
        with self._lock:
            self._busy[slot] = (job, now())
        self._pool.submit(self._perform, slot, job, queue)

    def _refuse(self, job: LoopJob, reason: str) -> None:
        """Put the job among the failed ones for an hour, without anything of RQ's that looks into it."""
        log.warning("job refused job=%s reason=%s", job.id[:MOST_SHOWN], reason)
        own_queue = self.queues[0]
        with _outage_survived("refusal"), self.connection.pipeline() as pipe:
            pipe.hset(job.key, "status", JobStatus.FAILED.value)
            pipe.expire(job.key, REFUSED_SECONDS)
            pipe.zadd(own_queue.failed_job_registry.key, {job.id: time.time() + REFUSED_SECONDS})
            pipe.lrem(own_queue.intermediate_queue_key, 1, job.id)
            pipe.execute()

    def _drop_unreadable(self) -> None:
        """Remove, from the jobs that were just taken, what is no id of a job or names something else in Redis."""
        key = self.queues[0].intermediate_queue_key
        with _outage_survived("dequeue"):
            for name in self.connection.lrange(key, 0, -1):
                id = as_text(name) if _is_text(name) else ""
                if not JOB_ID_PATTERN.fullmatch(id) or as_text(self.connection.type(Job.key_for(id))) not in KEPT_AS:
                    self.connection.lrem(key, 1, cast("str", name))
            time.sleep(WAIT_SECONDS)

    def _perform(self, slot: _Slot, job: Job, queue: Queue) -> None:
        try:
            slot.prepare_execution(job)
            slot.perform_job(job, queue)
        except Exception as error:
            # RQ could not record how the job ended. What the job did stands, and the sweeper looks after its thread.
            log.warning("job not closed job=%s error=%s", job.id, type(error).__name__)
        finally:
            with self._lock:
                del self._busy[slot]
            self._free.put(self._slot() if slot.execution else slot)

    def _slot(self) -> _Slot:
        return _Slot(
            self.queues,
            name=self.name,
            connection=self.connection,
            serializer=JSONSerializer,
            job_class=self.job_class,
            exception_handlers=self._exc_handlers,
            job_monitoring_interval=self.job_monitoring_interval,
            worker_ttl=self.worker_ttl,
            log_job_description=False,
            prepare_for_work=False,
        )

    def _take_slot(self) -> _Slot:
        while True:
            if self.is_stopping:
                raise StopRequested
            try:
                return self._free.get(timeout=1.0)
            except queue.Empty:
                continue

    def _beat(self) -> None:
        """Renew the heartbeats of the worker and of all running jobs. RQ would do it for one job a worker."""
        while not self._beating.wait(HEARTBEAT_SECONDS):
            with self._lock:
                busy = dict(self._busy)
            try:
                with self.connection.pipeline() as pipe:
                    for slot, (job, since) in busy.items():
                        if slot.execution is None:
                            continue
                        slot.current_job_working_time = (now() - since).total_seconds()
                        ttl = slot.get_heartbeat_ttl(job)
                        slot.execution.heartbeat(job.started_job_registry, ttl, pipeline=pipe)
                        job.heartbeat(now(), ttl, pipeline=pipe, xx=True)
                    self.heartbeat(self.worker_ttl + 60, pipeline=pipe)
                    self.set_state(WorkerStatus.BUSY if busy else WorkerStatus.IDLE, pipeline=pipe)
                    pipe.execute()
            except RedisError as error:
                log.warning("no heartbeat error=%s", type(error).__name__)

    def _shutdown(self) -> None:
        """A warm shutdown takes no more jobs and interrupts the wait for one; `teardown` waits for running jobs."""
        self._stop_requested = True
        if self._next is not None:
            raise StopRequested

    def request_force_stop(self, signum: int, frame: Any) -> None:
        """On a second signal, stop waiting for running jobs: their messages go back to the mailbox."""
        if (now() - (self._shutdown_requested_date or now())).total_seconds() >= 1:
            self._drain_seconds = 0.0

    def teardown(self) -> None:
        began = time.monotonic()
        log.info("stopping running=%d", self.busy)
        while self._busy and time.monotonic() - began < self._drain_seconds:
            time.sleep(0.05)
        if self._busy:
            log.warning("stopping before all is answered running=%d", self.busy)
            for task in list(self._jobs.running):
                self._loop.call_soon_threadsafe(task.cancel)
        self._pool.shutdown(wait=True)
        self._beating.set()
        BaseWorker.teardown(self)
