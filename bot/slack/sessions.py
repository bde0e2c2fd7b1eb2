"""Threads that Slack shows as being worked on, with its own Stop: agent sessions whose status is `processing`.

Slack never takes that status away by itself, so each is noted before it is set, and until it is taken away: whoever
looks after them does so as soon as nothing waits in the thread any more, however that came about.
https://docs.slack.dev/ai/agent-sessions/
"""

from typing import Any

from redis.asyncio import Redis

from bot.slack.rate_limits import PER_MINUTE
from bot.store import keys
from bot.talk.message import Thread

METHOD = "agents.sessions.setStatus"
# Longer than the call that begins one; ending it earlier could come first.
GRACE_SECONDS = 10.0
AGAIN_SECONDS = 10.0
FORGET_SECONDS = 24 * 3600

NOW = "local time = redis.call('TIME'); local now = time[1] + time[2] / 1000000; "

# KEYS teams none calls sessions; ARGV team, member, calls a minute, grace, expiry. Each that began must end, and
# those that have not begun yet have two calls before them.
BEGIN = (
    NOW
    + """
if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 0 or redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
if not redis.call('ZSCORE', KEYS[4], ARGV[2]) then
    local made = redis.call('ZCOUNT', KEYS[3], now * 1000, '+inf')
    local still = redis.call('ZCARD', KEYS[4]) + redis.call('ZCOUNT', KEYS[4], now, '+inf')
    if made + still + 2 > tonumber(ARGV[3]) then return 0 end
end
redis.call('ZADD', KEYS[4], now + ARGV[4], ARGV[2])
redis.call('EXPIRE', KEYS[4], ARGV[5])
return 1
"""
)

# KEYS sessions; ARGV member
BEGAN = NOW + "return redis.call('ZADD', KEYS[1], 'XX', now, ARGV[1])"

# KEYS sessions; ARGV prefix of mailboxes, seconds until the end is tried again
OVER = (
    NOW
    + """
local over = {}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
    if redis.call('EXISTS', ARGV[1] .. member .. ':box') == 0 then
        local mark = string.format('%.6f', now + ARGV[2])
        redis.call('ZADD', KEYS[1], mark, member)
        table.insert(over, {member, mark})
    end
end
return over
"""
)

# KEYS sessions; ARGV member, mark. One that began anew meanwhile has another.
ENDED = """
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if score and tonumber(score) == tonumber(ARGV[2]) then redis.call('ZREM', KEYS[1], ARGV[1]) end
"""


async def begin(redis: Redis, thread: Thread) -> bool:
    """Whether the thread may be shown as worked on; then it is noted that this must end."""
    team = thread.team
    names = [keys.TEAMS, keys.no_sessions(team), keys.calls(team, METHOD), keys.sessions(team)]
    given = [team, _member(thread), PER_MINUTE[METHOD], GRACE_SECONDS, FORGET_SECONDS]
    return bool(await _eval(redis, BEGIN, names, *given))


async def began(redis: Redis, thread: Thread) -> None:
    """Slack shows it: from now on it may end."""
    await _eval(redis, BEGAN, [keys.sessions(thread.team)], _member(thread))


async def drop(redis: Redis, thread: Thread) -> None:
    """It did not begin."""
    await redis.zrem(keys.sessions(thread.team), _member(thread))


async def are_none(redis: Redis, team: str) -> None:
    """The workspace has no sessions, or they have no Stop: not asked again for a day."""
    await redis.set(keys.no_sessions(team), 1, ex=FORGET_SECONDS)


async def over(redis: Redis, team: str) -> list[tuple[Thread, str]]:
    """Those in which nothing waits any more, for whoever asks first; `ended` wants the mark back."""
    found = await _eval(redis, OVER, [keys.sessions(team)], f"{team}:", AGAIN_SECONDS)
    return [(Thread(team, *member.rsplit(":", 1)), mark) for member, mark in found]


async def ended(redis: Redis, thread: Thread, mark: str) -> None:
    await _eval(redis, ENDED, [keys.sessions(thread.team)], _member(thread), mark)


def _member(thread: Thread) -> str:
    return f"{thread.channel}:{thread.ts}"


async def _eval(redis: Redis, script: str, names: list[str], *given: Any) -> Any:
    return await redis.eval(script, len(names), *names, *given)
