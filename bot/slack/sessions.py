"""The threads whose agent session has the status `processing`, noted in Redis: Slack shows its own Stop beside them.

Slack never ends that status by itself. So a thread is noted before the status is set and until it has been taken back,
and the sweeper takes it back as soon as nothing waits in the thread, whatever became of the worker.
https://docs.slack.dev/ai/agent-sessions/
"""

from redis.asyncio import Redis

from bot.slack.rate_limits import PER_MINUTE
from bot.store import keys
from bot.store.lua import NOW_SECONDS, Script
from bot.talk.message import Thread

METHOD = "agents.sessions.setStatus"
# Longer than the call that begins a session may take: an end that is sent before could arrive first.
GRACE_SECONDS = 10.0
# An end that was not reported as done is tried again after so long.
AGAIN_SECONDS = 10.0

# KEYS teams none calls sessions; ARGV team, member, calls a minute, grace, expiry. There must be room in the rate limit
# for the calls that are still to come: one for each session to end, and one more for each that has not begun yet.
BEGIN = Script(
    NOW_SECONDS
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
""",
    keys=4,
)

# KEYS sessions; ARGV member
BEGAN = Script(
    NOW_SECONDS + "return redis.call('ZADD', KEYS[1], 'XX', now, ARGV[1])",
    keys=1,
)

# KEYS sessions; ARGV prefix of mailboxes, seconds until the end is tried again
OVER = Script(
    NOW_SECONDS
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
""",
    keys=1,
)

# KEYS sessions; ARGV member, mark. A session that began anew meanwhile has another mark, and stays.
ENDED = Script(
    """
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if score and tonumber(score) == tonumber(ARGV[2]) then redis.call('ZREM', KEYS[1], ARGV[1]) end
""",
    keys=1,
)


async def begin(redis: Redis, thread: Thread) -> bool:
    """Note that a session begins and must end; False if none may begin now."""
    team = thread.team
    names = [keys.TEAMS, keys.no_sessions(team), keys.calls(team, METHOD), keys.sessions(team)]
    arguments: list[str | float] = [team, _member(thread), PER_MINUTE[METHOD], GRACE_SECONDS, keys.sessions.seconds]
    return bool(await BEGIN.run(redis, names, *arguments))


async def began(redis: Redis, thread: Thread) -> None:
    """Slack shows the session, so from now on it may end."""
    await BEGAN.run(redis, [keys.sessions(thread.team)], _member(thread))


async def drop(redis: Redis, thread: Thread) -> None:
    """Slack refused to begin the session, so it need not end."""
    await redis.zrem(keys.sessions(thread.team), _member(thread))


async def are_none(redis: Redis, team: str) -> None:
    """The workspace has no sessions, or they show no Stop: none begins for a day."""
    await redis.set(keys.no_sessions(team), 1, ex=keys.no_sessions.seconds)


async def over(redis: Redis, team: str) -> list[tuple[Thread, str]]:
    """The sessions to end, as nothing waits in their threads, each with a mark that `ended` takes.

    Each is handed out once in ten seconds, so two processes do not end the same one.
    """
    members = await OVER.run(redis, [keys.sessions(team)], f"{team}:", AGAIN_SECONDS)
    return [(Thread(team, *member.rsplit(":", 1)), mark) for member, mark in members]


async def ended(redis: Redis, thread: Thread, mark: str) -> None:
    """Slack shows the session no longer. `mark` is that of `over`."""
    await ENDED.run(redis, [keys.sessions(thread.team)], _member(thread), mark)


def _member(thread: Thread) -> str:
    return f"{thread.channel}:{thread.ts}"
