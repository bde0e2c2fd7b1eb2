"""What Slack's refusals mean, and Slack's trouble apart from that of Redis.

The errors are those on the pages of chat.postMessage and chat.update (https://docs.slack.dev/reference/methods).
"""

from typing import Any, Literal

import aiohttp
from redis.exceptions import RedisError
from slack_sdk.errors import SlackApiError, SlackClientError

# The reply's message is gone, or may not be edited any more.
DELETED = {"message_not_found"}
FROZEN = {"edit_window_closed", "cant_update_message"}
# What we sent is at fault: Slack may accept a simpler form.
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
# Slack refuses everything from this app, or everything in this channel.
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
# A client with rate limits asks Redis before each call, so a call fails if either of the two is away. This is caught
# where it does not matter which one it was.
SLACK_OR_REDIS_TROUBLE = (*SLACK_TROUBLE, RedisError)


class Paused(SlackClientError):
    """The call was not sent, because Slack would have refused it. It may be sent in so many `seconds`."""

    def __init__(self, method: str, seconds: float) -> None:
        super().__init__(f"{method} rests for {seconds:.1f} s")
        self.seconds = seconds


def verdict(error: Exception) -> Verdict:
    """What to do about a failed call. A failure without an answer of Slack's (a time-out, no Redis) is transient."""
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
    if name is None or name in TRANSIENT or _status(error) >= 500:
        return "transient"
    return "permanent"


def error_name(error: Exception) -> str | None:
    """Slack's error string; None if Slack did not answer with one."""
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
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), "1")
    try:
        return max(0.0, float(value))
    except ValueError:
        return 1.0


def _status(error: SlackApiError) -> int:
    return int(getattr(error.response, "status_code", None) or getattr(error.response, "status", None) or 0)


def _data(error: Exception) -> Any:
    return getattr(getattr(error, "response", None), "data", None)
