"""One client for Slack's Web API, and what its refusals mean.

The errors are those on the pages of chat.postMessage and chat.update (https://docs.slack.dev/reference/methods).
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp
from redis.exceptions import RedisError
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.settings import SettingError, Settings
from bot.slack.rate_limits import Budget
from bot.store.metrics import Metrics

log = logging.getLogger("parley.slack")

CONNECTIONS = 1_000

# The reply's message is gone, or may not be edited any more.
DELETED = {"message_not_found"}
FROZEN = {"edit_window_closed", "cant_update_message"}
# What we sent is at fault: a simpler form may pass.
PAYLOAD = {
    "msg_too_long",
    "msg_blocks_too_long",
    "msg_blocks_too_many",
    "invalid_blocks",
    "invalid_blocks_format",
    "markdown_text_conflict",
    "metadata_too_large",
    "invalid_metadata_format",
    "invalid_metadata_schema",
    "block_mismatch",
    "no_text",
}
# Nothing of this app's will pass, or nothing in this channel.
FOR_GOOD = {
    "access_denied",
    "account_inactive",
    "app_access_restricted",
    "app_uninstalled",
    "cannot_reply_to_message",
    "channel_not_found",
    "ekm_access_denied",
    "invalid_auth",
    "is_archived",
    "is_inactive",
    "messages_tab_disabled",
    "missing_scope",
    "no_permission",
    "not_allowed_token_type",
    "not_authed",
    "not_in_channel",
    "org_login_required",
    "posting_to_channel_denied",
    "restricted_action",
    "restricted_action_non_threadable_channel",
    "restricted_action_read_only_channel",
    "restricted_action_thread_locked",
    "restricted_action_thread_only_channel",
    "team_access_not_granted",
    "thread_not_found",
    "token_expired",
    "token_revoked",
    "user_not_in_channel",
}
TRANSIENT = {
    "ratelimited",
    "rate_limited",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "messaging_processing_failed",
    "update_failed",
    "external_channel_migrating",
    "team_added_to_org",
    "streaming_state_conflict",
}

Verdict = Literal["deleted", "frozen", "payload", "limited", "transient", "permanent"]
# What a call to Slack fails with. Redis has errors of its own, none of which is among these.
SLACK_TROUBLE = (SlackClientError, aiohttp.ClientError, TimeoutError, OSError)
# A client with a budget asks Redis before each call, so either of the two may be away. To be caught where it does not
# matter which one it was.
SLACK_OR_REDIS_TROUBLE = (*SLACK_TROUBLE, RedisError)


class Paused(SlackClientError):
    """The call was not made: Slack would have refused it. It may be made in so many `seconds`."""

    def __init__(self, method: str, seconds: float) -> None:
        super().__init__(f"{method} rests for {seconds:.1f} s")
        self.seconds = seconds


class Client(AsyncWebClient):
    """With a `budget` it makes no call that would be over it, and tells it of Slack's refusals (invariant 6)."""

    budget: Budget | None = None
    metrics: Metrics | None = None

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._asking: dict[str, asyncio.Task[AsyncSlackResponse]] = {}

    async def users_info(self, *, user: str, **given: Any) -> AsyncSlackResponse:
        """Who asks about somebody while another does gets the same answer: fifty questions at once are one call.

        After somebody gave up waiting, the next one asks anew.
        """
        asking = self._asking.get(user)
        if asking is None:
            asking = self._asking[user] = asyncio.create_task(super().users_info(user=user, **given))
            asking.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            return await asyncio.shield(asking)
        finally:
            if self._asking.get(user) is asking:
                del self._asking[user]

    async def api_call(self, api_method: str, **given: Any) -> AsyncSlackResponse:
        """Raises Paused too, and with a budget redis.RedisError: then nothing was sent, and no call is counted."""
        try:
            response = await self._call(api_method, **given)
        except SLACK_TROUBLE as error:
            self._count(api_method, _result(error))
            raise
        self._count(api_method, "ok")
        return response

    def _count(self, method: str, result: str) -> None:
        if self.metrics:
            self.metrics.count("slack_calls", method, result)

    async def _call(self, api_method: str, **given: Any) -> AsyncSlackResponse:
        if self.budget is None:
            return await super().api_call(api_method, **given)
        if seconds := await self.budget.take(api_method, (given.get("json") or {}).get("channel_id")):
            raise Paused(api_method, seconds)
        try:
            return await super().api_call(api_method, **given)
        except SlackApiError as error:
            if verdict(error) == "limited":
                await self._pause(self.budget, api_method, retry_after(error))
            raise

    async def _pause(self, budget: Budget, method: str, seconds: float) -> None:
        """For every process. Where Redis does not take it, the caller is still to hear that Slack refused the call."""
        try:
            await budget.pause(method, seconds)
        except RedisError as error:
            log.warning("not paused method=%s seconds=%.1f error=%s", method, seconds, describe(error))


@asynccontextmanager
async def client(settings: Settings) -> AsyncIterator[Client]:
    """A Web API client with kept-alive connections, without a budget until we know whose it is.

    The SDK's own retries are off: a post that is sent again after a broken connection can appear twice.
    """
    timeout = aiohttp.ClientTimeout(total=settings.slack_call_seconds)
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        web = Client(
            token=settings.slack_bot_token,
            base_url=settings.slack_api_url.rstrip("/") + "/",
            session=session,
            retry_handlers=[],
        )
        if urlsplit(web.base_url).hostname in ("127.0.0.1", "localhost"):
            # The SDK takes a proxy from the environment and knows no NO_PROXY.
            web.proxy = None
        yield web


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


def _result(error: Exception) -> str:
    if isinstance(error, Paused):
        return "paused"
    return "limited" if verdict(error) == "limited" else "failed"


def verdict(error: Exception) -> Verdict:
    """What to do about a failed call. What is no answer of Slack's is transient: time-outs, and Redis that is away."""
    if isinstance(error, Paused):
        return "limited"
    if not isinstance(error, SlackApiError):
        return "transient"
    name = error_name(error)
    if _status(error) == 429 or name in ("ratelimited", "rate_limited"):
        return "limited"
    if name in DELETED:
        return "deleted"
    if name in FROZEN:
        return "frozen"
    if name in PAYLOAD:
        return "payload"
    if name in TRANSIENT or name is None or _status(error) >= 500:
        return "transient"
    return "permanent"


def error_name(error: Exception) -> str | None:
    """Slack's error string, None where there is none."""
    data = _data(error)
    return data.get("error") if isinstance(data, dict) else None


def describe(error: Exception) -> str:
    """The error in one word, for the log: Slack's error string, else the name of the exception's class."""
    return error_name(error) or type(error).__name__


def retry_after(error: Exception) -> float:
    """Seconds that Slack asked us to wait; 1 where it did not say (Retry-After: docs.slack.dev/apis/web-api)."""
    if isinstance(error, Paused):
        return error.seconds
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    value = next((v for k, v in headers.items() if k.lower() == "retry-after"), "1")
    try:
        return max(0.0, float(value))
    except ValueError:
        return 1.0


def _status(error: SlackApiError) -> int:
    return int(getattr(error.response, "status_code", None) or getattr(error.response, "status", None) or 0)


def _data(error: Exception) -> Any:
    return getattr(getattr(error, "response", None), "data", None)
