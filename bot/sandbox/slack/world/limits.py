"""How often an app may call: sliding windows on the sandbox's clock.

Tiers: https://docs.slack.dev/apis/web-api/rate-limits and each method's page. Slack says "50+ a minute" and the like;
the sandbox allows exactly that many. Posting and statuses have the "special" tier: one a second and channel with short
bursts, and a workspace-wide cap. Inferred: the length of bursts, the cap, and that statuses are limited like posts (as
slack-morphism and Slack's Java SDK have it). Refused calls do not count.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from itertools import islice

from bot.sandbox.clock import Clock

T1, T2, T3, T4 = 1, 20, 50, 100
PER_CHANNEL = 60
BURST = 10
BURST_SECONDS = 5.0
PER_WORKSPACE = 300
EVENTS_PER_HOUR = 30_000
"""https://docs.slack.dev/reference/events/app_rate_limited"""


@dataclass
class Window:
    """At most `limit` calls in any `seconds`."""

    limit: int
    seconds: float = 60.0
    calls: deque[float] = field(default_factory=deque)

    def wait(self, now: float) -> float:
        """Seconds until one more call fits; 0 if it fits now."""
        calls, edge = self.calls, now - self.seconds
        while calls and calls[0] <= edge:
            calls.popleft()
        if len(calls) < self.limit:
            return 0.0
        return calls[-self.limit] - edge if self.limit else self.seconds

    def used(self, now: float) -> int:
        self.wait(now)
        return len(self.calls)


class Limits:
    def __init__(self, clock: Clock, *, on: bool = True) -> None:
        self._clock = clock
        self.on = on
        self.events = Window(EVENTS_PER_HOUR, 3600.0)
        self.methods: dict[str, Window] = {}
        self._channels: dict[tuple[str, str], tuple[Window, Window]] = {}

    def set(self, method: str, per_minute: int) -> None:
        """Set the limit of a method. Calls that were counted before still count."""
        self.methods.setdefault(method, Window(per_minute)).limit = per_minute

    def take(self, method: str, channel: str | None) -> int | None:
        """Count one call, or return after how many whole seconds to try again.

        `channel` is given if the method is limited by channel too.
        """
        if not self.on:
            return None
        windows = [self.methods[method]]
        if channel is not None:
            key = (method, channel)
            if key not in self._channels:
                self._channels[key] = (Window(PER_CHANNEL), Window(BURST, BURST_SECONDS))
            windows.extend(self._channels[key])
        now = self._clock.time()
        wait = max(window.wait(now) for window in windows)
        if wait > 0:
            return max(1, math.ceil(wait))
        for window in windows:
            window.calls.append(now)
        return None

    def take_event(self) -> bool:
        """Count one event for the app; False when it has had as many as an hour allows."""
        if not self.on:
            return True
        now = self._clock.time()
        if self.events.wait(now) > 0:
            return False
        self.events.calls.append(now)
        return True

    def used(self, method: str) -> tuple[int, int]:
        """How many calls there were in the last minute, and the limit."""
        window = self.methods[method]
        return window.used(self._clock.time()), window.limit

    def recent(self, method: str, most: int = 100) -> list[float]:
        """When the newest calls of the last minute were made, newest first."""
        window = self.methods[method]
        window.used(self._clock.time())
        return list(islice(reversed(window.calls), most))
