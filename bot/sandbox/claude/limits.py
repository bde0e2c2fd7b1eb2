"""Rate limits for each line of models, as token buckets that refill all the time.

https://platform.claude.com/docs/en/api/rate-limits. Reads from the prompt cache do not count.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.sandbox.claude.errors import ApiError
from bot.sandbox.claude.models import Model
from bot.sandbox.clock import Clock

_WORDS = {"requests": "requests", "input-tokens": "input tokens", "output-tokens": "output tokens"}


@dataclass(frozen=True)
class Rates:
    """What a minute allows, for each model line."""

    requests: int = 4_000
    input_tokens: int = 2_000_000
    output_tokens: int = 400_000


@dataclass
class _Bucket:
    size: int
    level: float
    at: float

    def fill(self, now: float) -> None:
        self.level = min(self.size, self.level + (now - self.at) * self.size / 60)
        self.at = now

    def wait(self, amount: float) -> float:
        """Seconds until the bucket holds that amount."""
        return max(0.0, (min(amount, self.size) - self.level) * 60 / self.size)


class Limits:
    def __init__(self, clock: Clock, rates: Rates | None = None) -> None:
        self._clock, self.rates = clock, rates or Rates()
        self._lines: dict[str, dict[str, _Bucket]] = {}

    def take(self, model: Model, input_tokens: int) -> None:
        """Count a request. Raises 429 rate_limit_error with `retry-after` when a minute's worth is used up."""
        buckets = self._buckets(model)
        wanted = {"requests": 1, "input-tokens": input_tokens, "output-tokens": 1}
        for name, amount in wanted.items():
            if wait := buckets[name].wait(amount):
                told = f"This request would exceed your organization's rate limit of {buckets[name].size:,} "
                told += f"{_WORDS[name]} per minute for the {model.line} models."
                retry = {"retry-after": str(math.ceil(wait))}
                raise ApiError(429, told, headers={**retry, **self.headers(model)})
        buckets["requests"].level -= 1
        buckets["input-tokens"].level -= input_tokens

    def spend(self, model: Model, output_tokens: int) -> None:
        """Count the tokens of an answer."""
        self._buckets(model)["output-tokens"].level -= output_tokens

    def headers(self, model: Model) -> dict[str, str]:
        found = {}
        for name, bucket in self._buckets(model).items():
            left = max(0, math.floor(bucket.level))
            if name != "requests":
                left = min(bucket.size, round(left, -3))
            full = datetime.fromtimestamp(self._clock.time() + bucket.wait(bucket.size), UTC)
            found[f"anthropic-ratelimit-{name}-limit"] = str(bucket.size)
            found[f"anthropic-ratelimit-{name}-remaining"] = str(left)
            found[f"anthropic-ratelimit-{name}-reset"] = full.strftime("%Y-%m-%dT%H:%M:%SZ")
        for part in ("limit", "remaining"):
            both = (int(found[f"anthropic-ratelimit-{name}-tokens-{part}"]) for name in ("input", "output"))
            found[f"anthropic-ratelimit-tokens-{part}"] = str(sum(both))
        found["anthropic-ratelimit-tokens-reset"] = max(
            found[f"anthropic-ratelimit-{name}-tokens-reset"] for name in ("input", "output")
        )
        return found

    def _buckets(self, model: Model) -> dict[str, _Bucket]:
        now = self._clock.time()
        if model.line not in self._lines:
            rates = (self.rates.requests, self.rates.input_tokens, self.rates.output_tokens)
            self._lines[model.line] = {name: _Bucket(size, size, now) for name, size in zip(_WORDS, rates, strict=True)}
        for bucket in self._lines[model.line].values():
            bucket.fill(now)
        return self._lines[model.line]
