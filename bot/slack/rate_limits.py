"""How often each of Slack's methods may be called in a workspace, by all processes together (invariant 6).

https://docs.slack.dev/apis/web-api/rate-limits. The methods that write a reply (posts, edits, streams) are counted by
the workers' own pacing; here they only pause when Slack asks for it.
Every pause is made here, by `bot.slack.client.Client`.
"""

from uuid import uuid4

from redis.asyncio import Redis

from bot.store import keys
from bot.store.lua import NOW_MS, Script

TIER_2, TIER_3, TIER_4 = 20, 50, 100
# Slack counts a call when it comes, which may be a few seconds after it was sent.
MINUTE_MS = 65_000
PER_MINUTE = {
    "agents.sessions.setStatus": TIER_3,
    "assistant.threads.setSuggestedPrompts": TIER_3,
    "assistant.threads.setTitle": TIER_3,
    "chat.delete": TIER_3,
    "chat.postEphemeral": TIER_4,
    "conversations.info": TIER_3,
    "conversations.members": TIER_4,
    "conversations.open": TIER_3,
    "conversations.replies": TIER_3,
    "files.completeUploadExternal": TIER_4,
    "files.getUploadURLExternal": TIER_4,
    "files.info": TIER_4,
    "reactions.add": TIER_3,
    "reactions.remove": TIER_2,
    "usergroups.users.list": TIER_2,
    "users.info": TIER_4,
    "views.open": TIER_4,
    "views.publish": TIER_4,
    "views.update": TIER_4,
}
# One status a second in a channel, and short bursts: inferred, for Slack gives no number.
STATUSES, STATUSES_MS = 8, 10_000

# KEYS pause calls; ARGV limit (0: no limit), window in ms, member
TAKE = Script(
    NOW_MS
    + """
local pause = redis.call('PTTL', KEYS[1])
if pause > 0 then return pause end
local limit = tonumber(ARGV[1])
if limit == 0 then return 0 end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if redis.call('ZCARD', KEYS[2]) >= limit then
    return math.max(1, redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2] - now)
end
redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 0
""",
    keys=2,
)

# KEYS pause; ARGV ms. The longer of two pauses counts.
PAUSE = Script(
    """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], 1, 'PX', ARGV[1]) end
""",
    keys=1,
)


class RateLimits:
    """The calls of one workspace."""

    def __init__(self, redis: Redis, team: str) -> None:
        self._redis, self._team = redis, team

    async def take(self, method: str, channel: str | None = None) -> float:
        """0 if the call may be made, and then it is counted; else the seconds after which to ask again."""
        calls = keys.calls(self._team, method)
        limit, window = PER_MINUTE.get(method, 0), MINUTE_MS
        if method == "assistant.threads.setStatus":
            calls = keys.calls_in(self._team, method, str(channel))
            limit, window = STATUSES, STATUSES_MS
        names = [keys.pause(self._team, method), calls]
        return float(await TAKE.run(self._redis, names, limit, window, uuid4().hex)) / 1000

    async def pause(self, method: str, seconds: float) -> None:
        """After a refusal of Slack's: no process calls `method` for so many seconds."""
        await PAUSE.run(self._redis, [keys.pause(self._team, method)], max(1, int(seconds * 1000)))
