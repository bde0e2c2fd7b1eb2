"""The RQ jobs that wake workers, one for each message that comes in."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from redis.client import Pipeline
from rq import Queue, Worker
from rq.exceptions import NoSuchJobError
from rq.job import Job

from bot.talk.message import Thread, is_id, is_ts

JOB = "workers.reply.reply"
# A limit of last resort: a turn ends by itself after ANSWER_SECONDS (3600 at most) and the time for its last edit.
JOB_SECONDS = 3600 + 600
BATCH = 500
# The data of our jobs have about 100 bytes. RQ decompresses them, and a byte may become a thousand.
MOST_DATA = 4_096
# What RQ reads of a job in Redis, and no more: it would also import callbacks, send webhooks, repeat and wait.
READ = frozenset(
    {
        "data",
        "created_at",
        "enqueued_at",
        "started_at",
        "ended_at",
        "last_heartbeat",
        "origin",
        "description",
        "worker_name",
        "timeout",
        "result_ttl",
        "failure_ttl",
        "status",
    }
)
# A job with one of these wants more than a job of ours. Other fields are passed over: a later RQ may write new ones.
NEVER_OURS = frozenset(
    {
        "success_callback_name",
        "failure_callback_name",
        "stopped_callback_name",
        "webhooks",
        "dependency_id",
        "dependency_ids",
        "retries_left",
        "repeats_left",
        "group_id",
    }
)


@dataclass(frozen=True)
class Load:
    """The `workers` are processes. A `running` job writes an answer, a `waiting` one has no slot yet.

    The first job in the queue has waited for `oldest` seconds.
    """

    workers: int
    running: int
    waiting: int
    oldest: float = 0.0


class ReplyJob(Job):
    """A job as it is read from Redis, where anybody may have put it who can write there.

    Reading one never fails, imports nothing and unpickles nothing; `refusal` says why a job may not run.
    """

    _unread: str | None = None

    @staticmethod
    def takes(name: str, arguments: Sequence[object]) -> bool:
        """Whether a function may be called with these arguments."""
        return (
            name == JOB and len(arguments) == 3 and is_id(arguments[0]) and is_id(arguments[1]) and is_ts(arguments[2])
        )

    def restore(self, raw_data: Mapping[bytes, bytes]) -> None:
        """Raises NoSuchJobError if there is nothing that a job could be."""
        fields = {name.decode(errors="replace"): value for name, value in raw_data.items()}
        asked = sorted(name for name in NEVER_OURS if fields.get(name))
        if asked:
            self._unread = f"it has {asked[0]}"
        if len(fields.get("data", b"")) > MOST_DATA:
            self._unread = "its data are too long"
            fields["data"] = b""
        try:
            super().restore({name.encode(): value for name, value in fields.items() if name in READ})
        except NoSuchJobError:
            raise
        except Exception as error:
            self._unread = f"its fields are unreadable: {type(error).__name__}"

    @property
    def refusal(self) -> str | None:
        """Why the job may not run, for the log; None if it may."""
        if self._unread:
            return self._unread
        try:
            name, instance, arguments, named = self.serializer.loads(self.data)
        except Exception as error:
            return f"its data are unreadable: {type(error).__name__}"
        if instance is not None or named != {} or not isinstance(name, str) or not isinstance(arguments, list):
            return "its data are not those of a wake-up"
        return None if self.takes(name, arguments) else "another function or other arguments"


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
    [first] = read(queue, queue.get_job_ids(0, 1)) or [None]
    if first is None or first.enqueued_at is None:
        return 0.0
    seconds, microseconds = queue.connection.time()
    return float(max(0.0, seconds + microseconds / 1_000_000 - first.enqueued_at.timestamp()))


def cancel(queue: Queue, team: str) -> int:
    """Delete the wake-ups of a team, also those that failed; the number of them."""
    ids = [*queue.get_job_ids(), *queue.failed_job_registry.get_job_ids(cleanup=False)]
    cancelled = 0
    for start in range(0, len(ids), BATCH):
        jobs = read(queue, ids[start : start + BATCH])
        with queue.connection.pipeline() as pipe:
            for job in jobs:
                if job and job.refusal is None and job.args[0] == team:
                    job.delete(pipeline=pipe)
                    cancelled += 1
            pipe.execute()
    return cancelled


def read(queue: Queue, ids: Sequence[str]) -> Sequence[ReplyJob | None]:
    """None for a job that is gone."""
    return cast("Sequence[ReplyJob | None]", ReplyJob.fetch_many(ids, queue.connection, queue.serializer))


def _name(thread: Thread) -> str:
    """What the ids of a thread's jobs begin with; RQ takes letters, digits and dashes."""
    return hashlib.sha256(str(thread).encode()).hexdigest()[:20]
