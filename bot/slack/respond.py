"""An answer to a command or a click through its response_url: five within 30 minutes, even where we are no member.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

import json
import logging
from collections.abc import Sequence
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

log = logging.getLogger("parley.listeners")

# Nothing simpler would pass either.
GONE = ("expired_url", "used_url")


async def respond(
    web: AsyncWebClient,
    url: str,
    text: str,
    blocks: Sequence[dict[str, Any]] = (),
    simple: Sequence[dict[str, Any]] = (),
) -> None:
    """Show it to who asked, and to nobody else; `simple` if Slack does not take `blocks`. `text` stands in for both.

    What fails is logged: there is no other way to tell.
    """
    tries = [blocks, simple] if blocks and simple else [blocks]
    for shown in tries:
        error = await _post(web, url, {"text": text, "response_type": "ephemeral", "blocks": list(shown)})
        if error is None:
            return
        log.warning("response not taken error=%s blocks=%d", error, len(shown))
        if error in GONE:
            return


async def _post(web: AsyncWebClient, url: str, body: dict[str, Any]) -> str | None:
    """Slack's error string, or what else went wrong; None if it took the response."""
    if web.session is None:
        raise RuntimeError("the client has no session: make it with bot.slack.client.client")
    given = {name: value for name, value in body.items() if value}
    try:
        async with web.session.post(url, json=given, proxy=web.proxy) as response:
            said = await response.text()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return type(error).__name__
    return None if response.status == 200 and '"ok":false' not in said.replace(" ", "") else _error(said)


def _error(said: str) -> str:
    """Slack answers JSON or the bare name (observed)."""
    try:
        found = json.loads(said)
    except ValueError:
        return said[:40]
    return str(found.get("error")) if isinstance(found, dict) else "unknown"
