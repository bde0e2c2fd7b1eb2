"""Who we are in the workspace, and whether Slack takes our tokens."""

import asyncio
from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient

from bot.settings import SettingError
from bot.slack.errors import SLACK_TROUBLE, describe, retry_after, verdict


@dataclass(frozen=True)
class Identity:
    """Who we are in the workspace; `scopes` is None where Slack does not say them.

    `team` is the organization's id where we are installed in all of it; `enterprise` is the organization that it
    belongs to.
    """

    team: str
    user: str
    bot: str | None
    name: str
    team_name: str
    scopes: frozenset[str] | None
    enterprise: str | None = None


async def identify(web: AsyncWebClient, attempts: int = 8) -> Identity:
    """Ask Slack whose token this is. Raises SettingError if it is refused, or if Slack cannot be reached."""
    for attempt in range(attempts):
        try:
            said = await web.auth_test()
            break
        except SLACK_TROUBLE as error:
            if verdict(error) == "permanent":
                raise SettingError(
                    f"SLACK_BOT_TOKEN is refused by Slack ({describe(error)}): copy the Bot User OAuth Token from "
                    "your app's page OAuth & Permissions into .env."
                ) from None
            if attempt == attempts - 1:
                raise SettingError(
                    f"Slack cannot be reached ({describe(error)}): check the network and SLACK_API_URL."
                ) from None
            await asyncio.sleep(max(retry_after(error), min(2**attempt / 2, 30.0)))
    scopes = next((v for k, v in said.headers.items() if k.lower() == "x-oauth-scopes"), None)
    installed_in = ("enterprise_id", "team_id") if said.get("is_enterprise_install") else ("team_id", "enterprise_id")
    return Identity(
        team=next((str(said[name]) for name in installed_in if said.get(name)), ""),
        user=str(said["user_id"]),
        bot=said.get("bot_id"),
        name=str(said.get("user") or ""),
        team_name=str(said.get("team") or ""),
        scopes=None if scopes is None else frozenset(scope.strip() for scope in scopes.split(",")),
        enterprise=said.get("enterprise_id"),
    )


async def try_app_token(web: AsyncWebClient, app_token: str) -> None:
    """Raises SettingError if Slack refuses the app-level token for good; passing failures pass."""
    try:
        await web.apps_connections_open(app_token=app_token)
    except SLACK_TROUBLE as error:
        if verdict(error) == "permanent":
            raise SettingError(
                f"SLACK_APP_TOKEN is refused by Slack ({describe(error)}): make an app-level token with "
                "connections:write on your app's page Basic Information, and turn on Socket Mode."
            ) from None
