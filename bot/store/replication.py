"""Whether what was written is on other servers too, before anybody relies on it."""

from redis import Redis
from redis.exceptions import RedisError

# Slack waits for three seconds in all.
WAIT_MS = 500


class NotReplicated(RedisError):
    """Too few replicas have it: a failover could lose it."""


def confirm(client: Redis, key: str, seconds: int, replicas: int) -> None:
    """Wait until so many replicas have all that was written before. Raises NotReplicated.

    `key` stands for that and is kept for `seconds` from now on. Redis waits for what the same connection wrote last, so
    `key` is written again there. If it is gone, another server without it has become the primary meanwhile.
    """
    with client.pipeline(transaction=False) as pipe:
        pipe.set(key, 1, ex=seconds, xx=True)
        pipe.wait(replicas, WAIT_MS)
        is_here, reached = pipe.execute()
    if not is_here:
        raise NotReplicated("the primary has changed and does not have it")
    if reached < replicas:
        raise NotReplicated(f"{reached} of {replicas} replicas have it")
