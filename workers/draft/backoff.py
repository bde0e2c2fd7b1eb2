"""How long to wait before a call to Slack is made again, and how often after a refusal that nobody knows."""

BACKOFF_SECONDS = (0.5, 8.0)
MOST_REFUSALS = 5


class Backoff:
    """`seconds` are the first wait, which doubles each time, and the longest. A call that passes ends it: `reset`."""

    def __init__(self, seconds: tuple[float, float] = BACKOFF_SECONDS) -> None:
        self._first, self._longest = seconds
        self.reset()

    def reset(self) -> None:
        self.wait, self._refusals = self._first, 0

    def grow(self) -> None:
        self.wait = min(self.wait * 2, self._longest)

    def may_be_refused(self) -> bool:
        """Whether a call that was refused may be made again, which counts."""
        self._refusals += 1
        return self._refusals <= MOST_REFUSALS
