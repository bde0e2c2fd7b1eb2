"""What admins have set for a workspace, a channel or a thread: its persona and its model."""

from dataclasses import dataclass

from redis.asyncio import Redis

from bot.store import keys
from bot.talk.message import Thread


@dataclass(frozen=True)
class Policy:
    """What holds in a thread: the personas of its workspace and of its channel, and the model nearest to it."""

    workspace: str = ""
    channel: str = ""
    model: str | None = None


async def load(redis: Redis, thread: Thread) -> Policy:
    async with redis.pipeline(transaction=False) as pipe:
        pipe.hmget(keys.workspace_policy(thread.team), "persona", "model")
        pipe.hmget(keys.channel_policy(thread.team, thread.channel), "persona", "model")
        pipe.hget(keys.thread_policy(thread), "model")
        (workspace, workspace_model), (channel, channel_model), model = await pipe.execute()
    return Policy(workspace or "", channel or "", model or channel_model or workspace_model)


async def model_in(redis: Redis, team: str, channel: str) -> str | None:
    """The model that admins chose for the channel, or for the workspace."""
    async with redis.pipeline(transaction=False) as pipe:
        for scope in (keys.channel_policy(team, channel), keys.workspace_policy(team)):
            pipe.hget(scope, "model")
        own, general = await pipe.execute()
    return own or general or None
