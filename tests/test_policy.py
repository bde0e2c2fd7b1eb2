"""What admins have set, and which of it holds in a thread."""

from redis.asyncio import Redis

from bot.incoming import Thread
from bot.store import keys, policy
from bot.store.policy import THREAD_SECONDS, Policy

THREAD = Thread("T1", "C1", "1.1")
WORKSPACE, CHANNEL = keys.workspace_policy("T1"), keys.channel_policy("T1", "C1")


async def test_where_nothing_is_set_nothing_holds(redis: "Redis") -> None:
    assert await policy.load(redis, THREAD) == Policy("", "", None)


async def test_personas_of_workspace_and_channel_hold_together(redis: "Redis") -> None:
    await policy.put(redis, WORKSPACE, "persona", "Speak plainly.")
    await policy.put(redis, CHANNEL, "persona", "Here we talk about Ä.")
    assert await policy.load(redis, THREAD) == Policy("Speak plainly.", "Here we talk about Ä.", None)


async def test_the_model_nearest_to_the_thread_holds(redis: "Redis") -> None:
    await policy.put(redis, WORKSPACE, "model", "claude-a")
    assert (await policy.load(redis, THREAD)).model == "claude-a"
    await policy.put(redis, CHANNEL, "model", "claude-b")
    assert (await policy.load(redis, THREAD)).model == "claude-b"
    await policy.put_model(redis, THREAD, "claude-c")
    assert (await policy.load(redis, THREAD)).model == "claude-c"
    await policy.put_model(redis, THREAD, None)
    assert (await policy.load(redis, THREAD)).model == "claude-b"


async def test_what_is_taken_away_leaves_the_rest(redis: "Redis") -> None:
    await policy.put(redis, CHANNEL, "persona", "x")
    await policy.put(redis, CHANNEL, "model", "claude-b")
    await policy.put(redis, CHANNEL, "persona", None)
    assert await policy.load(redis, THREAD) == Policy("", "", "claude-b")


async def test_other_channels_threads_and_teams_have_their_own(redis: "Redis") -> None:
    """Invariant 13."""
    await policy.put(redis, WORKSPACE, "persona", "x")
    await policy.put(redis, CHANNEL, "persona", "y")
    await policy.put_model(redis, THREAD, "claude-c")
    assert await policy.load(redis, Thread("T1", "C2", "1.1")) == Policy("x", "", None)
    assert await policy.load(redis, Thread("T1", "C1", "2.1")) == Policy("x", "y", None)
    assert await policy.load(redis, Thread("T2", "C1", "1.1")) == Policy()


async def test_a_threads_choice_is_forgotten_one_day(redis: "Redis") -> None:
    await policy.put_model(redis, THREAD, "claude-c")
    assert THREAD_SECONDS - 60 < await redis.ttl(keys.thread_policy(THREAD)) <= THREAD_SECONDS
