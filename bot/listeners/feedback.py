"""Somebody says what they think of an answer. It is counted, and no answer waits for it."""

import logging
from datetime import UTC, date, datetime
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot import background
from bot.intake.read_click import Click
from bot.listeners.ephemeral import Notice
from bot.services import Services
from bot.slack.deadline import NotDone, within_three_seconds
from bot.slack.errors import SLACK_OR_REDIS_TROUBLE, describe
from bot.store.counts import feedback
from bot.store.counts.feedback import Comment, Vote
from bot.store.threads import history
from bot.talk.message import Thread, is_id, is_ts
from bot.talk.payload import find
from bot.views import feedback as view
from bot.views.blocks import View
from bot.views.footer import read_value

log = logging.getLogger("parley.listeners")

UNKEPT = "I cannot keep this right now. Please try again in a minute."


def register(app: AsyncApp) -> None:
    app.view(view.COMMENT)(keep_comment)


async def vote(click: Click, services: Services) -> Notice | None:
    """Count a vote on the answer whose last message has the buttons."""
    question, vote = read_value(click.value) or (None, None)
    if question is None or vote is None:
        return None
    redis = services.redis
    model = history.model_of(await history.load(redis, click.thread), question)
    given = Vote(click.thread, click.message_ts, click.user, vote, _today(), model)
    if not await feedback.vote(redis, given):
        return None
    log.info("feedback thread=%s answer=%s user=%s vote=%s", click.thread, click.message_ts, click.user, vote)
    if vote == "good":
        return Notice(view.THANKS)
    return Notice(view.SORRY, view.sorry(click.thread.ts, click.message_ts))


async def open_comment(click: Click, services: Services) -> None:
    """Slack gives three seconds for it: https://docs.slack.dev/interactivity/handling-user-interaction."""
    thread_ts, _, answer = click.value.partition(" ")
    if is_ts(thread_ts) and is_ts(answer) and click.trigger_id:
        thread = Thread(click.thread.team, click.thread.channel, thread_ts)
        background.run(_open(services.web, click.trigger_id, view.form(thread, answer)))


async def keep_comment(body: dict[str, Any], ack: AsyncAck, services: Services, team: str) -> None:
    user = find(body, "user", "id")
    form = view.read_form(body.get("view"), team)
    if form is None or not is_id(user):
        log.debug("ignored type=view_submission reason=not a comment")
        await ack()
        return
    thread, answer, text = form
    try:
        async with within_three_seconds("comment", thread=thread, user=user):
            comment = await feedback.comment(services.redis, Comment(thread, answer, user, text), _today())
    except NotDone:
        await ack(response_action="errors", errors={view.INPUT: UNKEPT})
        return
    log.info("comment thread=%s answer=%s user=%s chars=%d", thread, answer, user, len(text))
    await ack()
    if services.settings.admin_channel:
        background.run(_tell(comment, thread, services.settings.admin_channel, services))


async def _open(web: AsyncWebClient, trigger: str, form: View) -> None:
    try:
        await web.views_open(trigger_id=trigger, view=form)
    except SLACK_OR_REDIS_TROUBLE as error:
        log.warning("no form error=%s", describe(error))


async def _tell(comment: Comment, thread: Thread, channel: str, services: Services) -> None:
    """Show the comment to the admins, once. If Slack refuses it, it can still be exported."""
    redis, web = services.redis, services.web
    try:
        if not await feedback.is_news(redis, comment):
            log.info("comment not told answer=%s user=%s reason=a repetition", comment.answer, comment.user)
            return
        names = await services.directory.names(thread.team, [comment.user])
        permalink = await _permalink(web, thread.channel, comment.answer)
        await web.chat_postMessage(
            channel=channel, **view.comment_message(comment, thread, names.get(comment.user), permalink)
        )
    except SLACK_OR_REDIS_TROUBLE as error:
        log.warning(
            "comment not told answer=%s user=%s thread=%s to=%s error=%s",
            comment.answer,
            comment.user,
            thread,
            channel,
            describe(error),
        )


async def _permalink(web: AsyncWebClient, channel: str, ts: str) -> str | None:
    """None where Slack tells none: the answer is deleted, or we can no longer see it."""
    try:
        return str((await web.chat_getPermalink(channel=channel, message_ts=ts))["permalink"])
    except SLACK_OR_REDIS_TROUBLE as error:
        log.debug("no permalink channel=%s ts=%s error=%s", channel, ts, describe(error))
        return None


def _today() -> date:
    return datetime.now(UTC).date()
