"""The threads with work, by when somebody must look again: whoever nobody looked after in time is woken here."""

from collections.abc import Iterable

from redis.client import Pipeline
from rq import Queue
from rq.utils import as_text

from bot.store import keys
from bot.store.lua import NOW_SECONDS, Script
from bot.store.threads import jobs
from bot.talk.message import Thread

# A wake-up that came to nothing is noticed after so long.
GRACE_SECONDS = 10.0
# With so many jobs in the queue all workers are busy.
BUSY_JOBS = 200

# KEYS active; ARGV seconds until the next look, how many at the most
DUE = Script(
    NOW_SECONDS
    + """
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
for _, member in ipairs(due) do redis.call('ZADD', KEYS[1], now + ARGV[1], member) end
return due
""",
    keys=1,
)


def sweep(queue: Queue, teams: Iterable[str], most: int) -> int:
    """Wake the threads of these teams that are due, `most` of each; how many there were."""
    if queue.count >= BUSY_JOBS:
        return 0
    redis = queue.connection
    woken = 0
    for team in teams:
        due = DUE.send(redis, [keys.active(team)], GRACE_SECONDS, most)
        for name in map(as_text, due):
            channel, _, ts = name.rpartition(":")
            with redis.pipeline() as pipe:
                jobs.wake(queue, Thread(team, channel, ts), pipe)
                pipe.execute()
        woken += len(due)
    return woken


def member(thread: Thread) -> str:
    """What a thread is called in `keys.active` and other sets of its team's threads."""
    return f"{thread.channel}:{thread.ts}"


def redis_time(pipe: Pipeline) -> float:
    """Seconds since the epoch, before the transaction of the pipeline begins."""
    seconds, microseconds = pipe.time()
    return float(seconds) + float(microseconds) / 1_000_000
