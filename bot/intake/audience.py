"""Whom we answer, and where: the operator's settings, under what admins have set."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.settings import Settings

# In place of a list of channels.
ANYWHERE = "any"


@dataclass(frozen=True)
class Audience:
    """`bots` are bot or app ids. `channels` are where we answer, None for everywhere; direct messages always count."""

    bots: frozenset[str] = frozenset()
    channels: frozenset[str] | None = None
    external: bool = False
    guests: bool = False
    follow_ups: bool = True

    @classmethod
    def of(cls, settings: Settings) -> "Audience":
        return cls(
            bots=settings.allowed_bots or frozenset(),
            channels=settings.allowed_channels,
            external=settings.allow_external,
            guests=settings.allow_guests,
            follow_ups=settings.follow_ups,
        )

    def under(self, rules: Mapping[str, str]) -> "Audience":
        """The audience as it holds in a channel: what admins have set there comes before what the operator has set."""
        return Audience(
            bots=_listed(rules, "bots", self.bots) or frozenset(),
            channels=None if rules.get("channels") == ANYWHERE else _listed(rules, "channels", self.channels),
            external=_switched(rules, "external", self.external),
            guests=_switched(rules, "guests", self.guests),
            follow_ups=_switched(rules, "follow_ups", self.follow_ups),
        )

    def is_in(self, channel: str, *, direct: bool) -> bool:
        return direct or self.channels is None or channel in self.channels


def _listed(rules: Mapping[str, str], name: str, usual: frozenset[str] | None) -> frozenset[str] | None:
    return frozenset(filter(None, rules[name].split(","))) if name in rules else usual


def _switched(rules: Mapping[str, str], name: str, usual: bool) -> bool:
    return rules[name] == "on" if name in rules else usual
