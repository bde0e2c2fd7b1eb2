"""`/parley usage`: what was asked and what it cost, for admins; for everybody what they used themselves."""

import logging
from dataclasses import replace
from datetime import UTC, date, datetime

from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot import background
from bot.commands.command import Asked
from bot.intake.read_click import Click
from bot.slack.admins import Admins
from bot.slack.directory import Directory
from bot.slack.errors import SLACK_TROUBLE, describe, error_name, verdict
from bot.slack.respond import respond
from bot.store.counts import usage
from bot.store.threads.inbox import Inbox
from bot.talk.arguments import Unclear
from bot.usage import query as periods
from bot.usage import report
from bot.usage.query import Query, Subject
from bot.usage.report import Report
from bot.views import usage as view

log = logging.getLogger("parley.listeners")

# Models that a sentence names.
NAMED = 10
YOURS = "What you used yourself: `/parley usage me`."
NOT_YOURS = "Only who asked for this report can post it."
AWAY = "I cannot post that right now. Please try again in a minute."
UNREADABLE = "I cannot read this button any more. Please ask for the report again."
NO_MEMBER = "I am not in this channel. Invite me with `/invite @parley`, and press the button again."
REFUSED = "Slack does not let me post in this channel ({error})."
NO_CHANNEL = ("not_in_channel", "channel_not_found")


async def show(asked: Asked) -> str | None:
    """A sentence if there is no report. Raises Unclear and redis.RedisError."""
    query = periods.read(asked.words, today(), asked.user, asked.settings.usage_days)
    own = query.subject == Subject("user", asked.user)
    if not own and (refusal := await asked.admins.refusal(asked.team, asked.user)):
        return f"{refusal} {YOURS}"
    query = await found(asked.redis, asked.team, query)
    made = await report.gather(asked.redis, asked.team, query, today())
    value = None if own or made.is_empty else f"{asked.user} {today()} {asked.settings.usage_days} {query}"
    log.info("usage shown team=%s user=%s period=%s", asked.team, asked.user, query.period.word)
    background.run(
        respond(
            asked.web,
            asked.response_url,
            view.summary(made),
            view.blocks(made, value),
            view.text_blocks(made, value),
        )
    )
    return None


async def post(click: Click, inbox: Inbox, redis: Redis, web: AsyncWebClient, admins: Admins) -> None:
    """Who asked for a report shows it to the whole channel."""
    background.run(_post(click, redis, web, admins))


async def _post(click: Click, redis: Redis, web: AsyncWebClient, admins: Admins) -> None:
    try:
        told = await _posted(click, redis, web, admins)
    except RedisError as error:
        log.warning("report not posted channel=%s error=%s", click.thread.channel, describe(error))
        told = AWAY
    if told and click.response_url:
        await respond(web, click.response_url, told)


async def _posted(click: Click, redis: Redis, web: AsyncWebClient, admins: Admins) -> str | None:
    """What went wrong, in words for who pressed the button."""
    team, channel = click.thread.team, click.thread.channel
    user, _, rest = click.value.partition(" ")
    day, _, rest = rest.partition(" ")
    keep_days, _, text = rest.partition(" ")
    if user != click.user:
        return NOT_YOURS
    if refusal := await admins.refusal(team, click.user):
        return refusal
    try:
        asked = date.fromisoformat(day)
        query = periods.read(text.split(), asked, user, int(keep_days))
    except (ValueError, OverflowError, Unclear):
        return UNREADABLE
    made = await report.gather(redis, team, query, asked)
    names = await Directory(redis, web).names(team, _people(made))
    blocks, simple = view.blocks(made, names=names), view.text_blocks(made, names=names)
    try:
        try:
            await web.chat_postMessage(channel=channel, text=view.summary(made), blocks=blocks)
        except SlackApiError as error:
            if verdict(error) != "payload":
                raise
            await web.chat_postMessage(channel=channel, text=view.summary(made), blocks=simple)
    except SLACK_TROUBLE as error:
        name = error_name(error)
        log.warning("report not posted channel=%s error=%s", channel, describe(error))
        if name in NO_CHANNEL:
            return NO_MEMBER
        return REFUSED.format(error=name) if verdict(error) == "permanent" else AWAY
    log.info("report posted team=%s channel=%s user=%s", team, channel, click.user)
    return None


async def found(redis: Redis, team: str, query: Query) -> Query:
    """With the whole name of a model of which a part was typed. Raises Unclear."""
    if query.subject is None or query.subject.kind != "model":
        return query
    asked, period = query.subject.name.lower(), query.period
    models = sorted(await usage.models(redis, team, [*period.days_before, *period.days]))
    fitting = [model for model in models if model.lower() == asked] or [m for m in models if asked in m.lower()]
    if len(fitting) == 1:
        return replace(query, subject=Subject("model", fitting[0]))
    listed = ", ".join(f"`{model}`" for model in (fitting or models)[:NAMED])
    if fitting:
        raise Unclear(f"Several models have that in their name: {listed}. Which one?")
    if models:
        raise Unclear(f"No model of that name was asked in this time. These were: {listed}.")
    raise Unclear("No model was asked anything in this time.")


def today() -> date:
    return datetime.now(UTC).date()


def _people(made: Report) -> list[str]:
    top = made.tops.get("user")
    shown = [name for name, _ in top.rows] if top else []
    subject = made.query.subject
    return [*shown, subject.name] if subject and subject.kind == "user" else shown
