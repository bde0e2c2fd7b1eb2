"""What admins have set for a workspace, a channel or a thread: its persona and its model."""

from dataclasses import dataclass
from typing import Literal

from redis.asyncio import Redis

from bot.incoming import Thread
from bot.store import keys

Field = Literal["persona", "model", "follow_ups"]
# As long as a thread can be remembered (HISTORY_DAYS).
THREAD_SECONDS = 400 * 24 * 3600


@dataclass(frozen=True)
class Policy:
    """What holds in a thread: the personas of its workspace and of its channel, and the model nearest to it."""

    workspace: str = ""
    channel: str = ""
    model: str | None = None


async def load(redis: "Redis", thread: Thread) -> Policy:
    async with redis.pipeline(transaction=False) as pipe:
        pipe.hmget(keys.workspace_policy(thread.team), "persona", "model")
        pipe.hmget(keys.channel_policy(thread.team, thread.channel), "persona", "model")
        pipe.hget(keys.thread_policy(thread), "model")
        (workspace, workspace_model), (channel, channel_model), model = await pipe.execute()
    return Policy(workspace or "", channel or "", model or channel_model or workspace_model)


async def model_in(redis: "Redis", team: str, channel: str) -> str | None:
    """The model that admins chose for the channel, or for the workspace."""
    async with redis.pipeline(transaction=False) as pipe:
        for scope in (keys.channel_policy(team, channel), keys.workspace_policy(team)):
            pipe.hget(scope, "model")
        return next(filter(None, await pipe.execute()), None)


async def follow_ups_in(redis: "Redis", team: str, channel: str) -> bool | None:
    """Whether messages without a mention are answered in threads that we take part in; None: as everywhere."""
    said = await redis.hget(keys.channel_policy(team, channel), "follow_ups")
    return None if said is None else said == "on"


async def put(redis: "Redis", scope: str, field: Field, value: str | None) -> None:
    """Set what holds in a workspace or a channel, by `keys.workspace_policy` or `channel_policy`; None removes it."""
    if value is None:
        await redis.hdel(scope, field)
    else:
        await redis.hset(scope, field, value)


async def put_model(redis: "Redis", thread: Thread, model: str | None) -> None:
    """Set the model of a thread; None takes it away."""
    await put(redis, keys.thread_policy(thread), "model", model)
    await redis.expire(keys.thread_policy(thread), THREAD_SECONDS)
