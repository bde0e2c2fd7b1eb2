"""How often a workspace's replies may be edited, posted and streamed, for every process together (invariant 6).

Slack allows about 50 `chat.update` calls a minute for a whole workspace and about one `chat.postMessage` a second in
a channel (https://docs.slack.dev/apis/web-api/rate-limits). An edit is kept back for every reply that is edited live,
so that all can end at once; what is left of the minute is shared evenly among them. Replies beyond the number for
which that makes sense stay on their status line until one ends, or until they are complete and are posted.

Nobody knows when on its way Slack counts a call. So an edit counts from when it is allowed until a minute after Slack
has answered it: however slow the way, no minute of Slack's has more than the limit.

Native streams have rate limits of their own: 100 appends a minute, of which nothing is kept back because the last words
go with the call that stops a stream, and 20 starts and 20 stops. A stream is begun only if every open one could be
stopped in this minute (https://docs.slack.dev/reference/methods/chat.startStream).

What Slack refuses all the same is paused by the client that called it (`bot.slack.client.Client`). Everything
here heeds such a pause, and makes none.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.slack.errors import Paused, retry_after
from bot.store import keys
from bot.store.lua import NOW_MS, Script

MINUTE_MS = 60_000
# An edit of which nobody says that it was answered: its process died while it was under way.
UNDER_WAY_MS = 6_000
# A second, and a little for messages that are longer under way than the next: 60 of them take more than a minute.
POST_SPACING_MS = 1_050
# Slack has a cap for all channels together but tells no number: inferred, with a second for the way.
POSTS_PER_MINUTE = 300
POSTS_MS = MINUTE_MS + 1_000
DRAFT_MS = 30_000
SLOWEST_LIVE_MS = 20_000
SLOWER_SHARE = 0.7
EDITS_PER_MINUTE = 50
APPENDS_PER_MINUTE = 100
APPEND_SPACING_MS = 1_000
STREAMS_PER_MINUTE = 20
# Slack ends a stream after five minutes, whatever became of the one who wrote it.
STREAM_MS = 300_000

# KEYS calls pause slower drafts
# ARGV limit, draft, is final, ms since this draft's last frame, window in ms, kept back for each draft, least spacing
FRAME = Script(
    NOW_MS
    + f"""
local limit, window, kept = tonumber(ARGV[1]), tonumber(ARGV[5]), tonumber(ARGV[6])
if redis.call('EXISTS', KEYS[3]) == 1 then limit = math.floor(limit * {SLOWER_SHARE}) end
local pause = redis.call('PTTL', KEYS[2])
if pause > 0 then return pause end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now)
local used = redis.call('ZCARD', KEYS[1])
local room = limit - used
if ARGV[3] == '0' then
    redis.call('ZADD', KEYS[4], 'GT', now + {DRAFT_MS}, ARGV[2])
    if redis.call('PTTL', KEYS[4]) < {MINUTE_MS} then redis.call('PEXPIRE', KEYS[4], {MINUTE_MS}) end
    local open = redis.call('ZCARD', KEYS[4])
    local interval = math.max(window * open / math.max(1, limit - open * kept), tonumber(ARGV[7]))
    local left = interval - tonumber(ARGV[4])
    if left > 0 then return math.ceil(left) end
    room = room - open * kept
end
if room <= 0 then
    local oldest = redis.call('ZRANGE', KEYS[1], 0 - room, 0 - room, 'WITHSCORES')
    if not oldest[2] then return 1000 end
    return math.max(1, oldest[2] + window - now)
end
-- One that nobody has spoken for keeps counting when its draft goes on elsewhere.
local lost = redis.call('ZSCORE', KEYS[1], ARGV[2])
if lost then redis.call('ZADD', KEYS[1], lost, ARGV[2] .. ':' .. lost) end
redis.call('ZADD', KEYS[1], now + {UNDER_WAY_MS}, ARGV[2])
redis.call('PEXPIRE', KEYS[1], window + {UNDER_WAY_MS})
return 0
""",
    keys=4,
)

# KEYS calls; ARGV draft. Rounded up: the next one may come a whole window after it.
ANSWERED = Script(
    NOW_MS
    + f"""
if redis.call('ZREM', KEYS[1], ARGV[1]) == 1 then
    redis.call('ZADD', KEYS[1], now + 1, ARGV[1] .. ':' .. time[1] .. '.' .. time[2])
    redis.call('PEXPIRE', KEYS[1], {MINUTE_MS + UNDER_WAY_MS})
end
""",
    keys=1,
)

# KEYS drafts; ARGV draft, most
ADMIT = Script(
    NOW_MS
    + f"""
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + {DRAFT_MS}, ARGV[1])
redis.call('PEXPIRE', KEYS[1], {MINUTE_MS})
return 1
""",
    keys=1,
)

# KEYS next_post pause posts; ARGV spacing in ms, id of the post
POST = Script(
    NOW_MS
    + f"""
local at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
local pause = redis.call('PTTL', KEYS[2])
if pause > 0 then at = math.max(at, now + pause) end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - {POSTS_MS})
local taken = redis.call('ZCOUNT', KEYS[3], '(' .. at - {POSTS_MS}, '+inf')
if taken >= {POSTS_PER_MINUTE} then
    at = redis.call('ZRANGE', KEYS[3], -{POSTS_PER_MINUTE}, -{POSTS_PER_MINUTE}, 'WITHSCORES')[2] + {POSTS_MS}
end
redis.call('SET', KEYS[1], at + ARGV[1], 'PX', at + ARGV[1] - now)
redis.call('ZADD', KEYS[3], at, ARGV[2])
redis.call('PEXPIRE', KEYS[3], at - now + {POSTS_MS})
return at - now
""",
    keys=3,
)

# KEYS starts stops open; ARGV stream, most, window in ms
OPEN = Script(
    NOW_MS
    + f"""
for _, key in ipairs({{KEYS[1], KEYS[2], KEYS[3]}}) do redis.call('ZREMRANGEBYSCORE', key, '-inf', now) end
local most, ends = tonumber(ARGV[2]), now + ARGV[3]
if redis.call('ZCARD', KEYS[1]) >= most then return 0 end
if redis.call('ZCARD', KEYS[2]) + redis.call('ZCARD', KEYS[3]) >= most then return 0 end
redis.call('ZADD', KEYS[1], ends, ARGV[1] .. ':' .. time[1] .. '.' .. time[2])
redis.call('ZADD', KEYS[3], now + {STREAM_MS}, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[3], {STREAM_MS})
return 1
""",
    keys=3,
)

# KEYS stops open; ARGV stream, most, window in ms
STOP = Script(
    NOW_MS
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
    return math.max(1, redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] - now)
end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1] .. ':' .. time[1] .. '.' .. time[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZREM', KEYS[2], ARGV[1])
return 0
""",
    keys=2,
)


@dataclass(frozen=True)
class Frames:
    """The rate limit of the calls that show a growing text: `limit` a minute, shared by all `drafts` of the workspace.

    `kept` calls are kept back for each draft, for its last words; two calls for one are `spacing_ms` apart.
    """

    method: str
    drafts: Callable[[str], str]
    limit: int
    kept: int = 0
    spacing_ms: int = 0


APPENDS = Frames("chat.appendStream", keys.streams, APPENDS_PER_MINUTE, spacing_ms=APPEND_SPACING_MS)


class Pacing:
    """All waits are in seconds. `window` is Slack's minute."""

    def __init__(
        self, redis: Redis, edits_per_minute: int = EDITS_PER_MINUTE, *, window: float = MINUTE_MS / 1000
    ) -> None:
        self._redis = redis
        self._edits = Frames("chat.update", keys.drafts, edits_per_minute, kept=1)
        self._window_ms = int(window * 1000)
        # A second more for the way, as for posts.
        self._stream_window_ms = int(window * 1000) + 1_000
        # Each live reply costs its share of edits and the one kept back: n * 60 s / 20 s + n <= limit.
        self._most_live = max(1, math.floor(edits_per_minute / (MINUTE_MS / SLOWEST_LIVE_MS + 1)))

    async def admit(self, team: str, draft: str) -> bool:
        """Whether the draft may be edited live; it counts as open from then on, until `close` or 30 s of silence."""
        return bool(await ADMIT.run(self._redis, [keys.drafts(team)], draft, self._most_live))

    async def edit(self, team: str, draft: str, since_last: float, *, final: bool) -> float:
        """0 when an edit may be sent now (it counts from then on, see `edited`), else how long to wait at most.

        It may be possible sooner: others end, and edits that are under way are answered.
        """
        return await self._frame(self._edits, team, draft, since_last, final=final)

    async def edited(self, team: str, draft: str) -> None:
        """The call for which `edit` said 0 is over, whatever became of it."""
        await ANSWERED.run(self._redis, [keys.calls(team, "chat.update")], draft)

    async def open_stream(self, team: str, draft: str) -> bool:
        """Whether the draft may start a native stream now. `stop_stream` ends it, or five minutes."""
        if await self.is_paused(team, "chat.startStream"):
            return False
        names = [keys.calls(team, "chat.startStream"), keys.calls(team, "chat.stopStream"), keys.streams(team)]
        return bool(await OPEN.run(self._redis, names, draft, STREAMS_PER_MINUTE, self._stream_window_ms))

    async def append(self, team: str, draft: str, since_last: float) -> float:
        """As `edit`, for a piece of a native stream; `appended` when the call is over."""
        return await self._frame(APPENDS, team, draft, since_last, final=False)

    async def appended(self, team: str, draft: str) -> None:
        await ANSWERED.run(self._redis, [keys.calls(team, "chat.appendStream")], draft)

    async def stop_stream(self, team: str, draft: str) -> float:
        """0 when the stream may be stopped now, which counts from then on; else how long to wait."""
        pause = await self._paused_for(team, "chat.stopStream")
        if pause:
            return pause
        names = [keys.calls(team, "chat.stopStream"), keys.streams(team)]
        arguments: list[str | int] = [draft, STREAMS_PER_MINUTE, self._stream_window_ms]
        return float(await STOP.run(self._redis, names, *arguments)) / 1000

    async def post(self, team: str, channel: str) -> float:
        """Reserve the next time for a message in the channel: how long to wait before posting it."""
        names = [keys.next_post(team, channel), keys.pause(team, "chat.postMessage"), keys.posts(team)]
        return float(await POST.run(self._redis, names, POST_SPACING_MS, uuid4().hex)) / 1000

    async def is_paused(self, team: str, method: str) -> bool:
        return await self._paused_for(team, method) > 0

    async def limited(self, team: str, method: str, error: Exception) -> float:
        """How long to wait before asking for the next call, after one that was limited.

        After a refusal by Slack itself `method` goes slower for two minutes, and the pause that the client made is
        waited for where the next call is asked for. A call that was not made tells nothing about our pace, and there
        may be no pause that says how long to wait.
        """
        if isinstance(error, Paused):
            # Instead of a stream that may not begin a message is posted, at once.
            return 0.0 if method == "chat.startStream" else error.seconds
        try:
            await self._redis.set(keys.slower(team, method), 1, ex=keys.slower.seconds)
        except RedisError:
            # Then the pause was hardly kept either.
            return retry_after(error)
        return 0.0

    async def close(self, team: str, draft: str) -> None:
        """Forget the draft: its reply is complete, or given up."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.zrem(keys.drafts(team), draft)
            pipe.zrem(keys.streams(team), draft)
            await pipe.execute()

    async def _paused_for(self, team: str, method: str) -> float:
        return max(0.0, float(await self._redis.pttl(keys.pause(team, method))) / 1000)

    async def _frame(self, frames: Frames, team: str, draft: str, since_last: float, *, final: bool) -> float:
        method = frames.method
        names = [keys.calls(team, method), keys.pause(team, method), keys.slower(team, method), frames.drafts(team)]
        arguments: list[str | int] = [
            frames.limit,
            draft,
            int(final),
            int(since_last * 1000),
            self._window_ms,
            frames.kept,
            frames.spacing_ms,
        ]
        return float(await FRAME.run(self._redis, names, *arguments)) / 1000
