"""Somebody typed `/parley`.

Slack waits three seconds and sends a command once (https://docs.slack.dev/interactivity/implementing-slash-commands).
"""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.commands import table
from bot.commands.command import Command
from bot.intake.read_click import is_outsiders_command
from bot.manifest import COMMAND
from bot.services import Services
from bot.slack.deadline import NotDone, within_three_seconds
from bot.talk.arguments import Unclear
from bot.talk.message import is_id
from bot.views.blocks import MessageContent

AWAY = "I cannot answer that right now, because my memory is out of reach. Please try again in a minute."
NOWHERE = "I cannot tell where you are asking from. Please ask again in a channel or in a direct message with me."


def register(app: AsyncApp) -> None:
    app.command(COMMAND)(receive)


async def receive(body: dict[str, Any], ack: AsyncAck, services: Services, team: str) -> None:
    word, *words = str(body.get("text") or "").split() or ["help"]
    name = word.lower()
    channel, user = body.get("channel_id"), body.get("user_id")
    if not (is_id(channel) and is_id(user)):
        await _tell(ack, NOWHERE)
        return
    if name not in table.ROWS:
        await _tell(ack, table.unknown(word))
        return
    command = Command(
        team=team,
        channel=channel,
        user=user,
        words=words,
        response_url=str(body.get("response_url") or ""),
        trigger_id=str(body.get("trigger_id") or ""),
        services=services,
        outsider=is_outsiders_command(body, team, services.identity.enterprise),
    )
    answer: str | MessageContent | None
    try:
        async with within_three_seconds("command", name=name, team=team, user=user):
            answer = await table.answer(name, command)
    except Unclear as unclear:
        answer = str(unclear)
    except NotDone:
        answer = AWAY
    if not answer:
        await ack()
    elif isinstance(answer, str):
        await _tell(ack, answer)
    else:
        await ack(**answer, response_type="ephemeral")


async def _tell(ack: AsyncAck, text: str) -> None:
    """Only whoever asked sees it. https://docs.slack.dev/interactivity/implementing-slash-commands#responding_response_url"""
    await ack(text, response_type="ephemeral")
