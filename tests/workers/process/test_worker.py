import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job, JobStatus
from rq.worker_registration import REDIS_WORKER_KEYS

from bot.store import connections
from tests.kit import jobs
from workers.process.worker import Slots, SlotWorker


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop in a thread, as a worker process has it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def queue(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    monkeypatch.setenv(jobs.URL, redis_url)
    with connections.producer(redis_url) as client:
        yield connections.queue("test", client)


@pytest.fixture
def worker(redis_url: str, loop: asyncio.AbstractEventLoop, queue: Queue) -> Iterator[Callable[..., SlotWorker]]:
    with connections.dispatcher(redis_url) as client:
        yield lambda count=8, drain_seconds=5.0: SlotWorker("test", client, loop, Slots(count, drain_seconds), takes)


def takes(name: str, arguments: Sequence[object]) -> bool:
    return name in {"tests.kit.jobs.nap", "tests.kit.jobs.fail", "tests.kit.jobs.plain"}


def traces(redis_url: str, name: str) -> list[str]:
    with Redis.from_url(redis_url, decode_responses=True) as client:
        return list(client.lrange(name, 0, -1))


def test_jobs_run_at_the_same_time_on_one_loop(redis_url: str, queue: Queue, worker: Callable[..., SlotWorker]) -> None:
    for _ in range(8):
        queue.enqueue("tests.kit.jobs.nap", "naps", 0, 8, job_timeout=20)
    worker().work(burst=True)
    assert traces(redis_url, "naps") == ["begun"] * 8 + ["ended"] * 8


def test_no_more_jobs_run_than_there_are_slots(redis_url: str, queue: Queue, worker: Callable[..., SlotWorker]) -> None:
    for _ in range(4):
        queue.enqueue("tests.kit.jobs.nap", "naps", 0.2, 2, job_timeout=20)
    worker(count=2).work(burst=True)
    running = most = 0
    for trace in traces(redis_url, "naps"):
        running += 1 if trace == "begun" else -1
        most = max(most, running)
    assert most == 2


def test_a_job_that_fails_is_in_rqs_registry_and_the_others_go_on(
    redis_url: str, queue: Queue, worker: Callable[..., SlotWorker]
) -> None:
    failed, done = queue.enqueue("tests.kit.jobs.fail"), queue.enqueue("tests.kit.jobs.plain", "hello", result_ttl=60)
    worker().work(burst=True)
    assert failed.id in queue.failed_job_registry
    assert done.return_value() == "hello"
    assert queue.started_job_registry.count == 0
    assert queue.connection.llen(queue.intermediate_queue_key) == 0


def test_a_job_over_its_time_is_cancelled_and_cleans_up(
    redis_url: str, queue: Queue, worker: Callable[..., SlotWorker]
) -> None:
    job = queue.enqueue("tests.kit.jobs.nap", "naps", 30, job_timeout=1)
    began = time.monotonic()
    worker().work(burst=True)
    assert time.monotonic() - began < 5
    assert traces(redis_url, "naps") == ["begun", "cancelled"]
    assert job.get_status(refresh=True) == JobStatus.FAILED


def test_a_job_that_is_taken_is_in_the_registry_of_started_jobs(
    redis_url: str, queue: Queue, worker: Callable[..., SlotWorker]
) -> None:
    job = queue.enqueue("tests.kit.jobs.nap", "naps", 1.0)
    seen: list[object] = []

    def look() -> None:
        until = time.monotonic() + 5
        while traces(redis_url, "naps") != ["begun"] and time.monotonic() < until:
            time.sleep(0.02)
        seen.append((queue.started_job_registry.get_job_ids(), Job.fetch(job.id, queue.connection).get_status()))
        seen.append(queue.connection.scard(REDIS_WORKER_KEYS))

    looking = threading.Thread(target=look)
    looking.start()
    worker().work(burst=True)
    looking.join()
    assert seen == [([job.id], JobStatus.STARTED), 1]
    assert queue.connection.scard(REDIS_WORKER_KEYS) == 0


def test_jobs_that_may_not_finish_are_cancelled_when_the_worker_leaves(
    redis_url: str, queue: Queue, worker: Callable[..., SlotWorker]
) -> None:
    queue.enqueue("tests.kit.jobs.nap", "naps", 30)
    worker(drain_seconds=0.5).work(burst=True)
    assert traces(redis_url, "naps") == ["begun", "cancelled"]
