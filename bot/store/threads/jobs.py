"""The RQ jobs that wake workers, one for each message that comes in."""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from redis.client import Pipeline
from rq import Queue, Worker
from rq.job import Job

from bot.talk.message import Thread

JOB = "workers.reply.reply"
# A limit of last resort: a turn ends by itself after ANSWER_SECONDS (3600 at most) and the time for its last edit.
JOB_SECONDS = 3600 + 600
BATCH = 500


@dataclass(frozen=True)
class Load:
    """The `workers` are processes. A `running` job writes an answer, a `waiting` one has no slot yet.

    The first job in the queue has waited for `oldest` seconds.
    """

    workers: int
    running: int
    waiting: int
    oldest: float = 0.0


def wake(queue: Queue, thread: Thread, pipe: Pipeline) -> None:
    queue.enqueue_call(
        JOB,
        args=(thread.team, thread.channel, thread.ts),
        job_id=f"{_name(thread)}-{secrets.token_hex(8)}",
        timeout=JOB_SECONDS,
        result_ttl=0,
        failure_ttl=3600,
        description=f"reply {thread}",
        pipeline=pipe,
    )


def positions(ids: Iterable[str], threads: Sequence[Thread]) -> dict[Thread, int]:
    """The positions of the threads in the queue, of which `ids` are the jobs; the first thread's is 1.

    A thread that is not in the queue has none.
    """
    waiting = dict.fromkeys(id.partition("-")[0] for id in ids)
    position = {name: number for number, name in enumerate(waiting, start=1)}
    return {thread: position[_name(thread)] for thread in threads if _name(thread) in position}


def load(queue: Queue) -> Load:
    running = queue.started_job_registry.get_job_count(cleanup=False)
    return Load(Worker.count(queue=queue), running, queue.count, _oldest(queue))


def _oldest(queue: Queue) -> float:
    """How many seconds ago the first job of the queue was put there."""
    first = queue.get_jobs(0, 1)
    if not first or first[0].enqueued_at is None:
        return 0.0
    seconds, microseconds = queue.connection.time()
    return float(max(0.0, seconds + microseconds / 1_000_000 - first[0].enqueued_at.timestamp()))


def cancel(queue: Queue, team: str) -> int:
    """Delete the wake-ups of a team, also those that failed; the number of them."""
    ids = [*queue.get_job_ids(), *queue.failed_job_registry.get_job_ids(cleanup=False)]
    cancelled = 0
    for start in range(0, len(ids), BATCH):
        jobs = Job.fetch_many(ids[start : start + BATCH], queue.connection, queue.serializer)
        with queue.connection.pipeline() as pipe:
            for job in jobs:
                if job and job.func_name == JOB and list(job.args[:1]) == [team]:
                    job.delete(pipeline=pipe)
                    cancelled += 1
            pipe.execute()
    return cancelled


def _name(thread: Thread) -> str:
    """What the ids of a thread's jobs begin with; RQ takes letters, digits and dashes."""
    return hashlib.sha256(str(thread).encode()).hexdigest()[:20]
