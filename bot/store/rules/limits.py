"""How many messages are taken from a person and in a channel, in any minute and any 24 hours.

Messages are counted where they come in and not where they are answered, so one too many never reaches a mailbox and is
refused at once. A refused message is marked seen, so its duplicate event does nothing.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Literal, cast

from redis.asyncio import Redis

from bot.store import keys
from bot.store.lua import NOW_MS, Script
from bot.talk.message import Message

LimitWindow = Literal["minute", "day"]
WINDOWS: dict[LimitWindow, int] = {"minute": 60_000, "day": 24 * 3600 * 1000}
# Everybody, or every channel, that has no limit of its own.
EACH_PERSON, EACH_CHANNEL = "each", "channels"

# KEYS limits seen told; ARGV member, user, channel, prefix of rate, ms of a minute, ms of a day
TAKE = Script(
    NOW_MS
    + f"""
local set = redis.call('HGETALL', KEYS[1])
if #set == 0 then return false end
local limit = {{}}
for i = 1, #set, 2 do limit[set[i]] = tonumber(set[i + 1]) end
if redis.call('EXISTS', KEYS[2]) == 1 then return false end
local day = tonumber(ARGV[6])
local counted = {{}}
for _, scopes in ipairs({{{{'user:' .. ARGV[2], '{EACH_PERSON}'}}, {{'channel:' .. ARGV[3], '{EACH_CHANNEL}'}}}}) do
    local key = ARGV[4] .. scopes[1]
    -- A message counts once: Slack sends a mention twice, and sends again what was not acknowledged.
    local windows = redis.call('ZSCORE', key, ARGV[1]) and {{}} or {{{{'day', day}}, {{'minute', tonumber(ARGV[5])}}}}
    for _, window in ipairs(windows) do
        local scope = scopes[1]
        local most = limit[scope .. ' ' .. window[1]]
        if not most then
            scope = scopes[2]
            most = limit[scope .. ' ' .. window[1]]
        end
        if most then
            redis.call('ZREMRANGEBYSCORE', key, '-inf', now - day)
            local since = '(' .. string.format('%.0f', now - window[2])
            if redis.call('ZCOUNT', key, since, '+inf') >= most then
                local wait = window[2]
                if most > 0 then
                    local last = redis.call('ZRANGE', key, -most, -most, 'WITHSCORES')
                    wait = last[2] + window[2] - now
                end
                redis.call('SET', KEYS[2], 1, 'EX', {keys.seen_message.seconds})
                local tell = redis.call('SET', KEYS[3], 1, 'NX', 'EX', {keys.slow_down.seconds}) and 1 or 0
                return {{scope, window[1], most, wait, tell}}
            end
            counted[key] = true
        end
    end
end
for key in pairs(counted) do
    redis.call('ZADD', key, now, ARGV[1])
    redis.call('PEXPIRE', key, day)
end
return false
""",
    keys=3,
)


@dataclass(frozen=True)
class TooMany:
    """The limit that is reached: `most` messages in the window. After `wait` seconds there is room again.

    `tell` says whether the person is to be told, which happens once a minute.
    """

    scope: str
    window: LimitWindow
    most: int
    wait: float
    tell: bool


async def take(redis: Redis, message: Message) -> TooMany | None:
    """Count the message, or return the limit that it would exceed. Raises redis.RedisError."""
    team, channel, user = message.thread.team, message.thread.channel, message.user
    names = [keys.limits(team), keys.seen_message(team, channel, message.ts), keys.slow_down(team, user)]
    member = f"{channel}:{message.ts}"
    reached = await TAKE.run(redis, names, member, user, channel, keys.rate(team, ""), *WINDOWS.values())
    if reached is None:
        return None
    scope, window, most, wait, tell = reached
    return TooMany(scope, cast("LimitWindow", window), int(most), int(wait) / 1000, bool(tell))


async def limits(redis: Redis, team: str) -> dict[tuple[str, LimitWindow], int]:
    """Every limit, by scope and window."""
    stored = await cast("Awaitable[dict[str, str]]", redis.hgetall(keys.limits(team)))
    by_scope = {}
    for field, most in sorted(stored.items()):
        scope, _, window = field.partition(" ")
        by_scope[scope, cast("LimitWindow", window)] = int(most)
    return by_scope
