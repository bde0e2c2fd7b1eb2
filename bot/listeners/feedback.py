"""Somebody says what they think of an answer. It is counted, and no answer waits for it."""

import logging
from datetime import UTC, date, datetime
from typing import Any

from redis.asyncio import Redis
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot import background
from bot.intake.read_click import Click
from bot.listeners.ephemeral import Notice
from bot.settings import Settings
from bot.slack.admins import Admins
from bot.slack.deadline import NotDone, within_three_seconds
from bot.slack.directory import Directory
from bot.slack.errors import SLACK_OR_REDIS_TROUBLE, describe
from bot.store.counts import feedback
from bot.store.counts.feedback import Comment
from bot.store.threads import history
from bot.store.threads.inbox import Inbox
from bot.talk.message import Thread, is_id, is_ts
from bot.views import feedback as view
from bot.views.blocks import View
from bot.views.footer import read_value

log = logging.getLogger("parley.listeners")

UNKEPT = "I cannot keep this right now. Please try again in a minute."


def register(app: AsyncApp) -> None:
    app.view(view.COMMENT)(keep_comment)


async def vote(click: Click, inbox: Inbox, redis: Redis, web: AsyncWebClient, admins: Admins) -> Notice | None:
    """The answer is the message with the buttons; its last one, if there are several."""
    value = read_value(click.value)
    if value is None or value[1] is None:
        return None
    question, said = value[0], value[1]
    model = history.model_of(await history.load(redis, click.thread), question)
    if not await feedback.vote(redis, click.thread, click.message_ts, click.user, said, _today(), model):
        return None
    log.info("feedback thread=%s answer=%s user=%s vote=%s", click.thread, click.message_ts, click.user, said)
    if said == "good":
        return Notice(view.THANKS)
    return Notice(view.SORRY, view.sorry(click.thread.ts, click.message_ts))


async def open_comment(click: Click, inbox: Inbox, redis: Redis, web: AsyncWebClient, admins: Admins) -> None:
    """Slack gives three seconds for it: https://docs.slack.dev/interactivity/handling-user-interaction."""
    thread_ts, _, answer = click.value.partition(" ")
    if is_ts(thread_ts) and is_ts(answer) and click.trigger_id:
        thread = Thread(click.thread.team, click.thread.channel, thread_ts)
        background.run(_open(web, click.trigger_id, view.form(thread, answer)))


async def keep_comment(
    body: dict[str, Any], ack: AsyncAck, redis: Redis, web: AsyncWebClient, team: str, settings: Settings
) -> None:
    user = body.get("user")
    person = user.get("id") if isinstance(user, dict) else None
    found = view.read_form(body.get("view"), team)
    if found is None or not is_id(person):
        log.debug("ignored type=view_submission reason=not a comment")
        await ack()
        return
    thread, answer, text = found
    try:
        async with within_three_seconds("comment", thread=thread, user=person):
            said = await feedback.comment(redis, thread, answer, person, text, _today())
    except NotDone:
        await ack(response_action="errors", errors={view.INPUT: UNKEPT})
        return
    log.info("comment thread=%s answer=%s user=%s chars=%d", thread, answer, person, len(text))
    await ack()
    if settings.admin_channel:
        background.run(_tell(said, thread, settings.admin_channel, redis, web))


async def _open(web: AsyncWebClient, trigger: str, form: View) -> None:
    try:
        await web.views_open(trigger_id=trigger, view=form)
    except SLACK_OR_REDIS_TROUBLE as error:
        log.warning("no form error=%s", describe(error))


async def _tell(said: Comment, thread: Thread, channel: str, redis: Redis, web: AsyncWebClient) -> None:
    """Show the comment to the admins, once. It is kept and can be exported, so it is lost with no refusal."""
    try:
        if not await feedback.is_news(redis, thread, said):
            log.info("comment not told answer=%s user=%s reason=a repetition", said.answer, said.user)
            return
        names = await Directory(redis, web).names(thread.team, [said.user])
        permalink = await _permalink(web, thread.channel, said.answer)
        message = view.comment_message(said, thread, names.get(said.user), permalink)
        await web.chat_postMessage(channel=channel, **message)
    except SLACK_OR_REDIS_TROUBLE as error:
        log.warning(
            "comment not told answer=%s user=%s thread=%s to=%s error=%s",
            *(said.answer, said.user, thread, channel, describe(error)),
        )


async def _permalink(web: AsyncWebClient, channel: str, ts: str) -> str | None:
    """None where Slack tells none: the answer is deleted, or nobody gets at it any more."""
    try:
        return str((await web.chat_getPermalink(channel=channel, message_ts=ts))["permalink"])
    except SLACK_OR_REDIS_TROUBLE as error:
        log.debug("no permalink channel=%s ts=%s error=%s", channel, ts, describe(error))
        return None


def _today() -> date:
    return datetime.now(UTC).date()
