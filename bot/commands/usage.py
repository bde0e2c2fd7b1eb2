"""`/parley usage`: what was asked and what it cost, for admins; for everybody what they used themselves."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot import background
from bot.commands.command import Command
from bot.intake.read_click import Click
from bot.services import Services
from bot.slack.errors import SLACK_TROUBLE, describe, error_name, verdict
from bot.slack.respond import respond
from bot.store.counts import usage
from bot.talk.arguments import Unclear
from bot.usage import query as periods
from bot.usage import report
from bot.usage.query import Query, Subject
from bot.usage.report import Report
from bot.views import usage as view

log = logging.getLogger("parley.listeners")

# How many models a sentence names.
NAMED = 10
YOURS = "What you used yourself: `/parley usage me`."
NOT_YOURS = "Only who asked for this report can post it."
AWAY = "I cannot post that right now. Please try again in a minute."
UNREADABLE = "I cannot read this button any more. Please ask for the report again."
NO_MEMBER = "I am not in this channel. Invite me with `/invite @parley`, and press the button again."
REFUSED = "Slack does not let me post in this channel ({error})."
NO_CHANNEL = ("not_in_channel", "channel_not_found")


async def show(command: Command) -> str | None:
    """A sentence if there is no report. Raises Unclear and redis.RedisError."""
    services, team, user = command.services, command.team, command.user
    keep_days = services.settings.usage_days
    query = periods.read(command.words, today(), user, keep_days)
    is_own = query.subject == Subject("user", user)
    if not is_own:
        refusal = await services.admins.refusal(team, user)
        if refusal:
            return f"{refusal} {YOURS}"
    query = await with_whole_model(services.redis, team, query)
    gathered = await report.gather(services.redis, team, query, today())
    can_be_posted = not is_own and not gathered.is_empty
    value = f"{user} {today()} {keep_days} {query}" if can_be_posted else None
    log.info("usage shown team=%s user=%s period=%s", team, user, query.period.word)
    summary = view.summary(gathered)
    blocks, simple = view.blocks(gathered, value), view.text_blocks(gathered, value)
    background.run(respond(services.web, command.response_url, summary, blocks, simple))
    return None


async def post(click: Click, services: Services) -> None:
    """Who asked for a report shows it to the whole channel."""
    background.run(_post(click, services))


async def _post(click: Click, services: Services) -> None:
    try:
        problem = await _posted(click, services)
    except RedisError as error:
        log.warning("report not posted channel=%s error=%s", click.thread.channel, describe(error))
        problem = AWAY
    if problem and click.response_url:
        await respond(services.web, click.response_url, problem)


async def _posted(click: Click, services: Services) -> str | None:
    """What went wrong, in words for who pressed the button. Raises redis.RedisError."""
    team = click.thread.team
    user, _, rest = click.value.partition(" ")
    day, _, rest = rest.partition(" ")
    keep_days, _, words = rest.partition(" ")
    if user != click.user:
        return NOT_YOURS
    if refusal := await services.admins.refusal(team, click.user):
        return refusal
    try:
        asked_on = date.fromisoformat(day)
        query = periods.read(words.split(), asked_on, user, int(keep_days))
    except (ValueError, OverflowError, Unclear):
        return UNREADABLE
    gathered = await report.gather(services.redis, team, query, asked_on)
    names = await services.directory.names(team, _people(gathered))
    return await _send(click, gathered, names, services.web)


async def _send(click: Click, gathered: Report, names: Mapping[str, str], web: AsyncWebClient) -> str | None:
    """Post the report, in simpler blocks if Slack refuses the first; what went wrong. Raises redis.RedisError."""
    channel, summary = click.thread.channel, view.summary(gathered)
    try:
        try:
            await web.chat_postMessage(channel=channel, text=summary, blocks=view.blocks(gathered, names=names))
        except SlackApiError as error:
            if verdict(error) != "payload":
                raise
            await web.chat_postMessage(channel=channel, text=summary, blocks=view.text_blocks(gathered, names=names))
    except SLACK_TROUBLE as error:
        name = error_name(error)
        log.warning("report not posted channel=%s error=%s", channel, describe(error))
        if name in NO_CHANNEL:
            return NO_MEMBER
        return REFUSED.format(error=name) if verdict(error) == "permanent" else AWAY
    log.info("report posted team=%s channel=%s user=%s", click.thread.team, channel, click.user)
    return None


async def with_whole_model(redis: Redis, team: str, query: Query) -> Query:
    """The query with the whole name of a model of which a part was typed. Raises Unclear."""
    if query.subject is None or query.subject.kind != "model":
        return query
    typed, period = query.subject.name.lower(), query.period
    models = sorted(await usage.models(redis, team, [*period.days_before, *period.days]))
    fitting = [model for model in models if model.lower() == typed]
    if not fitting:
        fitting = [model for model in models if typed in model.lower()]
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


def _people(gathered: Report) -> list[str]:
    """The ids of everybody whom the report names."""
    top = gathered.tops.get("user")
    people = [user for user, _ in top.rows] if top else []
    subject = gathered.query.subject
    if subject and subject.kind == "user":
        people.append(subject.name)
    return people
