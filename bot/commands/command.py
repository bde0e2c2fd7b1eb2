"""A command that somebody typed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.services import Services


@dataclass(frozen=True)
class Command:
    """Who typed what after `/parley`, and where. `words` are those after the command's own name.

    An `outsider` belongs to another company. At `response_url` more can be said within half an hour; with `trigger_id`
    a form can be opened within three seconds.
    """

    team: str
    channel: str
    user: str
    words: Sequence[str]
    response_url: str
    trigger_id: str
    services: Services
    outsider: bool = False

    def after(self, count: int) -> "Command":
        """The same command without its first words."""
        return replace(self, words=self.words[count:])
