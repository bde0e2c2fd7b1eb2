"""The prompt cache, as a request's `usage` shows it.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching. As in the API, a prefix is known by its bytes:
another order of keys, a timestamp or a changed message makes it another prefix.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from bot.sandbox.claude.models import Model
from bot.sandbox.claude.prompt import THINKING, Json, Segment, block_tokens, segments
from bot.sandbox.clock import Clock

SECONDS = {"5m": 300, "1h": 3600}
LOOK_BACK = 20
MOST_ENTRIES = 10_000
# Parameters that are part of the prefix of the messages, but not of that of tools and system.
MESSAGE_SETTINGS = ("thinking", "output_config", "tool_choice", "speed")


@dataclass(frozen=True)
class CacheUse:
    """How many tokens a request reads from the cache, writes to it (by TTL), and neither. `began` is sandbox time."""

    read: int
    written: dict[str, int]
    uncached: int
    began: float
    entries: tuple[tuple[str, str], ...] = ()

    def usage(self) -> Json:
        """The input side of the API's `usage`."""
        return {
            "input_tokens": self.uncached,
            "cache_creation_input_tokens": sum(self.written.values()),
            "cache_read_input_tokens": self.read,
            "cache_creation": {f"ephemeral_{ttl}_input_tokens": self.written.get(ttl, 0) for ttl in SECONDS},
        }


class Cache:
    """The cached prefixes of one workspace, each until it expires."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: dict[str, tuple[str, float]] = {}

    def look(self, body: Json, model: Model, dropped: Iterable[str] = ()) -> CacheUse:
        """What a request reads from the cache and would write to it.

        `dropped` are the paths of blocks that the model does not see.
        """
        now = self._clock.time()
        prompt = [segment for segment in segments(body) if segment.path not in dropped]
        sizes = list(accumulate(block_tokens(segment.block) for segment in prompt))
        keys = _keys(body, model, prompt)
        marks = _marks(body, prompt)
        hit = self._hit(keys, [at for at, _ in marks], now)
        read = done = sizes[hit] if hit is not None else 0
        written: dict[str, int] = {}
        entries = [] if hit is None else [(keys[hit], self._entries[keys[hit]][0])]
        for at, ttl in marks:
            if sizes[at] < model.cache_minimum:
                continue
            entries.append((keys[at], ttl))
            if sizes[at] > done:
                written[ttl] = written.get(ttl, 0) + sizes[at] - done
                done = sizes[at]
        return CacheUse(read, written, max(sizes[-1] - done, 0 if done else 1), now, tuple(entries))

    def keep(self, use: CacheUse) -> None:
        """Store what a request wrote and extend what it read, once its response begins. TTLs count from the request."""
        if len(self._entries) > MOST_ENTRIES:
            self._entries = {key: entry for key, entry in self._entries.items() if entry[1] > self._clock.time()}
        for key, ttl in use.entries:
            until = use.began + SECONDS[ttl]
            if until > self._entries.get(key, ("", 0.0))[1]:
                self._entries[key] = (ttl, until)

    def clear(self) -> None:
        self._entries.clear()

    def _hit(self, keys: list[str], marks: list[int], now: float) -> int | None:
        for mark in reversed(marks):
            for at in range(mark, max(mark - LOOK_BACK, -1), -1):
                if self._entries.get(keys[at], ("", 0.0))[1] > now:
                    return at
        return None


def _keys(body: Json, model: Model, prompt: list[Segment]) -> list[str]:
    """For each segment, the key of the prefix that ends with it."""
    state, keys, in_messages = hashlib.sha256(model.id.encode()), [], False
    for segment in prompt:
        if not in_messages and segment.path.startswith("messages."):
            in_messages = True
            state.update(json.dumps([body.get(name) for name in MESSAGE_SETTINGS]).encode())
        state.update(json.dumps([segment.role, segment.block]).encode())
        keys.append(state.copy().hexdigest())
    return keys


def _marks(body: Json, prompt: list[Segment]) -> list[tuple[int, str]]:
    """The breakpoints as (index of the segment, TTL), in order.

    A `cache_control` of the request itself marks the last block that can carry one.
    """
    marks = {at: segment.cache_control for at, segment in enumerate(prompt) if segment.cache_control}
    if auto := body.get("cache_control"):
        last = max((at for at, segment in enumerate(prompt) if segment.block.get("type") not in THINKING), default=None)
        if last is not None:
            marks.setdefault(last, auto)
    return [(at, (marks[at] or {}).get("ttl") or "5m") for at in sorted(marks)]
