"""Whom we answer, and where."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.settings import Settings


@dataclass(frozen=True)
class Audience:
    """`bots` are bot or app ids. `channels` None is everywhere; direct messages are on no list."""

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
            external=settings.allow_external == "on",
            guests=settings.allow_guests == "on",
            follow_ups=settings.follow_ups == "on",
        )

    def has_bot(self, event: Mapping[str, Any]) -> bool:
        """Whether the bot that wrote it is listed. https://docs.slack.dev/reference/events/message/bot_message"""
        profile = event.get("bot_profile")
        named = [event.get("bot_id"), event.get("app_id"), profile.get("app_id") if isinstance(profile, dict) else None]
        return any(isinstance(each, str) and each in self.bots for each in named)

    def is_in(self, channel: str, *, direct: bool) -> bool:
        return direct or self.channels is None or channel in self.channels
