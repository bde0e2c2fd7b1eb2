"""A Slack and a Claude on loopback that speak the real protocols, and nothing else of Parley."""

from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from bot.sandbox.claude.server import Claude
from bot.sandbox.clock import Clock
from bot.sandbox.faults import Faults
from bot.sandbox.journal import Journal
from bot.sandbox.slack.server import Slack
from bot.sandbox.slack.world.state import World

__all__ = ["Claude", "Clock", "Faults", "Journal", "Ports", "Sandbox", "Slack"]


@dataclass(frozen=True)
class Ports:
    """Where the sandbox listens on 127.0.0.1. 0 takes a free port."""

    slack: int = 0
    claude: int = 0


class Sandbox:
    """One workspace and one Claude that share a clock, a journal and faults.

    `transport` is how the app gets events: "socket" (Socket Mode) or "http" (signed, to `events_url`, which is set once
    it is known). `scopes` are the app's; None stands for all that Parley's manifest asks for. `limits` says whether
    Slack's rate limits are on, `seed` makes faults with a probability repeatable.

    These are seven settings that have nothing to do with each other; whoever makes a sandbox gives one or two by name.
    """

    def __init__(
        self,
        *,
        transport: str = "socket",
        ports: Ports = Ports(),
        with_claude: bool = True,
        speed: float = 1.0,
        scopes: Iterable[str] | None = None,
        limits: bool = True,
        seed: int | None = None,
    ) -> None:
        self.clock = Clock(speed)
        self.journal = Journal(self.clock)
        self.faults = Faults(seed)
        self.transport = transport
        self.slack = Slack(
            World(self.clock, self.journal, self.faults, scopes=scopes, limits=limits), transport=transport
        )
        self.claude = Claude(self.clock, self.journal, self.faults)
        self._ports = ports
        self._with_claude = with_claude

    async def __aenter__(self) -> "Sandbox":
        try:
            await self.slack.start(self._ports.slack)
            if self._with_claude:
                await self.claude.start(self._ports.claude)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def _stop(self) -> None:
        if self._with_claude:
            await self.claude.stop()
        await self.slack.stop()

    @property
    def slack_url(self) -> str:
        return self.slack.world.url + "api/"

    @property
    def page_url(self) -> str:
        return self.slack.world.url

    @property
    def control_url(self) -> str:
        return self.slack.world.url + "control/"

    @property
    def claude_url(self) -> str:
        return self.claude.url if self._with_claude else ""

    @property
    def anthropic_api_key(self) -> str:
        return self.claude.api_key if self._with_claude else ""

    @property
    def bot_token(self) -> str:
        return self.slack.app.bot_token

    @property
    def app_token(self) -> str:
        return self.slack.app.app_token

    @property
    def signing_secret(self) -> str:
        return self.slack.app.signing_secret

    @property
    def team(self) -> str:
        return self.slack.workspace.team

    @property
    def bot_user(self) -> str:
        return self.slack.workspace.bot

    @property
    def channels(self) -> dict[str, str]:
        """Ids by name: "general", ..., and "@ada" for the app's DM with Ada."""
        return {channel.name: channel.id for channel in self.slack.workspace.channels.values()}

    @property
    def users(self) -> dict[str, str]:
        return {person.name: person.id for person in self.slack.workspace.people.values()}

    @property
    def events_url(self) -> str | None:
        """Where an app with the http transport listens."""
        return self.slack.postman.url

    @events_url.setter
    def events_url(self, url: str | None) -> None:
        self.slack.postman.url = url

    def environ(self) -> dict[str, str]:
        """The environment variables with which a bot talks to this sandbox's Slack, and to its Claude if it has one."""
        slack = {
            "SLACK_BOT_TOKEN": self.bot_token,
            "SLACK_APP_TOKEN": self.app_token if self.transport == "socket" else "",
            "SLACK_API_URL": self.slack_url,
            "SLACK_SIGNING_SECRET": self.signing_secret,
        }
        claude = {"ANTHROPIC_API_KEY": self.anthropic_api_key, "ANTHROPIC_BASE_URL": self.claude_url}
        return {**slack, **(claude if self.claude_url else {})}

    def describe(self) -> dict[str, Any]:
        """What a program needs to use this sandbox; `parley sandbox --json` prints it."""
        return {
            "slack_url": self.slack_url,
            "claude_url": self.claude_url,
            "page_url": self.page_url,
            "control_url": self.control_url,
            "bot_token": self.bot_token,
            "app_token": self.app_token,
            "signing_secret": self.signing_secret,
            "anthropic_api_key": self.anthropic_api_key,
            "team": self.team,
            "bot_user": self.bot_user,
            "channels": self.channels,
            "users": self.users,
        }
