"""The Redis clients. RQ changes the timeouts of the pool it gets, so nobody shares its client."""

from redis import Redis
from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as AsyncRedis
from redis.backoff import ExponentialWithJitterBackoff
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

CONNECTIONS = 64


def producer(url: str) -> "Redis":
    """For enqueueing: gives up within Slack's three seconds when Redis is away or silent."""
    return Redis.from_url(
        url,
        socket_connect_timeout=0.5,
        socket_timeout=0.8,
        retry=Retry(ExponentialWithJitterBackoff(cap=0.2, base=0.05), 2),
    )


def dispatcher(url: str) -> "Redis":
    """For an RQ worker, which waits for minutes in one command."""
    return Redis.from_url(url)


def shared(url: str) -> "AsyncRedis":
    """For everything on an event loop; speaks `str`. A caller waits for a free connection instead of failing."""
    pool = BlockingConnectionPool.from_url(
        url, max_connections=CONNECTIONS, timeout=10, socket_connect_timeout=2, socket_timeout=5, decode_responses=True
    )
    return AsyncRedis.from_pool(pool)


def queue(name: str, client: "Redis") -> Queue:
    return Queue(name, connection=client, serializer=JSONSerializer)
