"""Who we are in the workspace, and whether Slack takes our tokens."""

import asyncio
from dataclasses import dataclass

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.settings import SettingError
from bot.slack.errors import SLACK_TROUBLE, describe, retry_after, verdict


@dataclass(frozen=True)
class Identity:
    """Who we are in the workspace; `scopes` is None if Slack does not say which are granted.

    `team` is the workspace, or the organization where we are installed in all of it. `enterprise` is the organization
    to which the workspace belongs.
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
            answer = await web.auth_test()
            break
        except SLACK_TROUBLE as error:
            if verdict(error) == "permanent":
                raise SettingError(
                    f"SLACK_BOT_TOKEN is refused by Slack ({describe(error)}): copy the Bot User OAuth Token from "
                    "your app's page OAuth & Permissions into .env."
                ) from None
            if isinstance(error, aiohttp.ClientConnectorCertificateError):
                raise SettingError(
                    f"Slack's certificate is not trusted here ({describe(error)}): if your network has an authority of "
                    "its own, set SSL_CERT_FILE in the environment to its file, and check SLACK_API_URL."
                ) from None
            if attempt == attempts - 1:
                raise SettingError(
                    f"Slack cannot be reached ({describe(error)}): check the network and SLACK_API_URL."
                ) from None
            await asyncio.sleep(max(retry_after(error), min(2**attempt / 2, 30.0)))
    workspace, organization = answer.get("team_id"), answer.get("enterprise_id")
    team = workspace or organization
    if organization and answer.get("is_enterprise_install"):
        team = organization
    return Identity(
        team=str(team or ""),
        user=str(answer["user_id"]),
        bot=answer.get("bot_id"),
        name=str(answer.get("user") or ""),
        team_name=str(answer.get("team") or ""),
        scopes=_scopes(answer),
        enterprise=organization,
    )


def _scopes(answer: AsyncSlackResponse) -> frozenset[str] | None:
    """The scopes that are granted to the token, from the header that Slack puts on its answers."""
    for name, value in answer.headers.items():
        if name.lower() == "x-oauth-scopes":
            return frozenset(scope.strip() for scope in value.split(","))
    return None


async def try_app_token(web: AsyncWebClient, app_token: str) -> None:
    """Raises SettingError if Slack refuses the app-level token for good. Other failures are ignored."""
    try:
        await web.apps_connections_open(app_token=app_token)
    except SLACK_TROUBLE as error:
        if verdict(error) == "permanent":
            raise SettingError(
                f"SLACK_APP_TOKEN is refused by Slack ({describe(error)}): make an app-level token with "
                "connections:write on your app's page Basic Information, and turn on Socket Mode."
            ) from None
