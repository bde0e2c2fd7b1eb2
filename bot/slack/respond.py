"""An answer to a command or a click, through its response_url: five within 30 minutes, even where we are no member.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

import json
import logging
from collections.abc import Sequence
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.hosts import takes_responses

log = logging.getLogger("parley.listeners")

# The address takes nothing any more, however simple.
REDIRECT = "a redirect"
GONE = ("expired_url", "used_url", REDIRECT)


async def respond(
    web: AsyncWebClient,
    url: str,
    text: str,
    blocks: Sequence[dict[str, Any]] = (),
    simple: Sequence[dict[str, Any]] = (),
) -> None:
    """Show it to the person who asked, and to nobody else. `text` is what notifications show, and all without blocks.

    If Slack refuses `blocks`, `simple` is tried. A failure is only logged, for there is no other way to tell them.
    Nothing is sent to an address that is not Slack's, or where one of Slack's redirects to.
    """
    forms = [blocks, simple] if blocks and simple else [blocks]
    await _send(web, url, [{"text": text, "response_type": "ephemeral", "blocks": list(form)} for form in forms])


async def replace(web: AsyncWebClient, url: str, text: str) -> None:
    """Put a text in the place of the message whose button was used. A failure is only logged."""
    await _send(web, url, [{"text": text, "response_type": "ephemeral", "replace_original": True}])


async def _send(web: AsyncWebClient, url: str, bodies: Sequence[dict[str, Any]]) -> None:
    """Send the first of these bodies that Slack takes."""
    if not takes_responses(url, str(web.base_url)):
        log.warning("response not sent, for its address is not Slack's")
        return
    for body in bodies:
        error = await _post(web, url, body)
        if error is None:
            return
        log.warning("response not taken error=%s blocks=%d", error, len(body.get("blocks", ())))
        if error in GONE:
            return


async def _post(web: AsyncWebClient, url: str, body: dict[str, Any]) -> str | None:
    """Slack's error string, or the name of what else went wrong; None if Slack took the response."""
    if web.session is None:
        raise RuntimeError("the client has no session: make it with bot.slack.client.client")
    filled = {name: value for name, value in body.items() if value}
    try:
        async with web.session.post(url, json=filled, proxy=web.proxy, allow_redirects=False) as response:
            answer = await response.text()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return type(error).__name__
    if 300 <= response.status < 400:
        return REDIRECT
    if response.status == 200 and '"ok":false' not in answer.replace(" ", ""):
        return None
    return _error(answer)


def _error(answer: str) -> str:
    """Slack answers with JSON, or with the bare error string (observed)."""
    try:
        body = json.loads(answer)
    except ValueError:
        return answer[:40]
    return str(body.get("error")) if isinstance(body, dict) else "unknown"
