"""Whose messages a process answers: those of the teams to which its own token belongs, and of nobody else.

Another deployment may keep its teams in the same Redis. Its token, its Claude key and its settings are not ours.
"""

import logging
import time
from collections.abc import Iterable

from slack_sdk.web.async_client import AsyncWebClient

from bot.settings import SettingError
from bot.slack.identity import identify

log = logging.getLogger("parley.teams")

# How often Slack is asked again whether a team that we do not know has become ours, and when it did not say.
ASK_SECONDS = 300.0
RETRY_SECONDS = 10.0


class OwnTeams:
    """`team` is the one that Slack named at the start.

    A workspace's app that an organization takes over belongs to the organization from then on, though the process
    runs on: so Slack is asked again when a team comes up that we do not know. What the process once had stays its own.
    """

    def __init__(self, web: AsyncWebClient, team: str, ask_seconds: float = ASK_SECONDS) -> None:
        self._web, self._teams, self._ask_seconds = web, {team}, ask_seconds
        self._ask_at = float("-inf")
        self._told: set[str] = set()

    async def has(self, team: str) -> bool:
        """Whether the team is one of ours. One that is not is logged once."""
        if team not in self._teams:
            await self._ask_again()
        if team in self._teams:
            return True
        if team not in self._told:
            self._told.add(team)
            log.warning("left alone, as it is not a team of our token team=%s own=%s", team, ",".join(self._teams))
        return False

    async def among(self, teams: Iterable[str]) -> list[str]:
        """Our own of these teams."""
        return [team for team in sorted(teams) if await self.has(team)]

    async def _ask_again(self) -> None:
        now = time.monotonic()
        if now < self._ask_at:
            return
        self._ask_at = now + RETRY_SECONDS
        try:
            identity = await identify(self._web, attempts=1)
        except SettingError as error:
            log.debug("not told whose the token is error=%s", error)
            return
        self._ask_at = now + self._ask_seconds
        self._teams.add(identity.team)
