"""Trigger ids: each lets the app open one modal for the person who has just done something. https://docs.slack.dev/interactivity/handling-user-interaction"""

import secrets
from dataclasses import dataclass

from bot.sandbox.clock import Clock

TRIGGER_SECONDS = 3.0


@dataclass
class Trigger:
    """Whose trigger it is, until when it is valid, and whether it was used."""

    user: str
    until: float
    used: bool = False


class Triggers:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._triggers: dict[str, Trigger] = {}

    def new(self, user: str) -> str:
        """The id of a new trigger."""
        trigger_id = f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**13)}.{secrets.token_hex(16)}"
        self._triggers[trigger_id] = Trigger(user, self._clock.time() + TRIGGER_SECONDS)
        return trigger_id

    def find(self, trigger_id: str) -> Trigger | None:
        return self._triggers.get(trigger_id)
