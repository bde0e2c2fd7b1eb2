"""What admins have set, and which of it holds in a thread."""

from redis.asyncio import Redis

from bot.store import keys
from bot.store.rules import policy
from bot.store.rules.policy import Policy
from bot.talk.message import Thread

THREAD = Thread("T1", "C1", "1.1")
WORKSPACE, CHANNEL = keys.workspace_policy("T1"), keys.channel_policy("T1", "C1")


async def test_where_nothing_is_set_nothing_holds(redis: Redis) -> None:
    assert await policy.load(redis, THREAD) == Policy("", "", None)


async def test_personas_of_workspace_and_channel_hold_together(redis: Redis) -> None:
    await redis.hset(WORKSPACE, "persona", "Speak plainly.")
    await redis.hset(CHANNEL, "persona", "Here we talk about Ä.")
    assert await policy.load(redis, THREAD) == Policy("Speak plainly.", "Here we talk about Ä.", None)


async def test_the_model_nearest_to_the_thread_holds(redis: Redis) -> None:
    await redis.hset(WORKSPACE, "model", "claude-a")
    assert (await policy.load(redis, THREAD)).model == "claude-a"
    await redis.hset(CHANNEL, "model", "claude-b")
    assert (await policy.load(redis, THREAD)).model == "claude-b"
    await redis.hset(keys.thread_policy(THREAD), "model", "claude-c")
    assert (await policy.load(redis, THREAD)).model == "claude-c"
    await redis.hdel(keys.thread_policy(THREAD), "model")
    assert (await policy.load(redis, THREAD)).model == "claude-b"


async def test_what_is_taken_away_leaves_the_rest(redis: Redis) -> None:
    await redis.hset(CHANNEL, "persona", "x")
    await redis.hset(CHANNEL, "model", "claude-b")
    await redis.hdel(CHANNEL, "persona")
    assert await policy.load(redis, THREAD) == Policy("", "", "claude-b")


async def test_other_channels_threads_and_teams_have_their_own(redis: Redis) -> None:
    """Invariant 13."""
    await redis.hset(WORKSPACE, "persona", "x")
    await redis.hset(CHANNEL, "persona", "y")
    await redis.hset(keys.thread_policy(THREAD), "model", "claude-c")
    assert await policy.load(redis, Thread("T1", "C2", "1.1")) == Policy("x", "", None)
    assert await policy.load(redis, Thread("T1", "C1", "2.1")) == Policy("x", "y", None)
    assert await policy.load(redis, Thread("T2", "C1", "1.1")) == Policy()
