"""`/parley export`: counts, votes and comments of a period as CSV files, in a direct message to the admin who asked."""

import logging
from dataclasses import dataclass

from bot import background
from bot.commands.command import Command
from bot.commands.usage import today
from bot.slack.errors import SLACK_OR_REDIS_TROUBLE, describe, error_name
from bot.slack.respond import respond
from bot.slack.upload import NoUpload, complete, put
from bot.store.counts import feedback, usage
from bot.store.counts.usage import KINDS
from bot.usage import csv as tables
from bot.usage import query as periods
from bot.usage.query import Period

log = logging.getLogger("parley.listeners")

WHOLE = "An export is of the whole workspace: name a period only."
COMING = "I am writing the file. It comes as a direct message."
NOTHING = "Nobody asked me anything in {period}: there is nothing to export."
REFUSED = "Slack does not take the file ({error}). Does Parley have the scopes `files:write` and `im:write`?"
USED = "What was used in {period}, by day, person, channel and model. Days are UTC."
GIVEN = "What people think of the answers of {period}, vote by vote, with their comments. Days are UTC."
FAILED = "I could not send the file. Please try again in a minute."


@dataclass(frozen=True)
class Table:
    """A CSV file; `about` says what is in it."""

    name: str
    title: str
    about: str
    content: bytes


async def send(command: Command) -> str | None:
    """Raises Unclear and redis.RedisError."""
    query = periods.read(command.words, today(), command.user, command.services.settings.usage_days)
    if refusal := await command.services.admins.refusal(command.team, command.user):
        return refusal
    if query.subject:
        return WHOLE
    background.run(_send(command, query.period))
    return COMING


async def _send(command: Command, period: Period) -> None:
    """Send the files, or tell by response_url why not: nobody waits for what this raises."""
    try:
        problem = await _sent(command, period)
    except NoUpload as refusal:
        log.warning("export failed team=%s user=%s error=%s", command.team, command.user, refusal)
        problem = REFUSED.format(error=refusal)
    except SLACK_OR_REDIS_TROUBLE as error:
        log.warning("export failed team=%s user=%s error=%s", command.team, command.user, describe(error))
        name = error_name(error)
        problem = REFUSED.format(error=name) if name else FAILED
    if problem:
        await respond(command.services.web, command.response_url, problem)


async def _sent(command: Command, period: Period) -> str | None:
    """What went wrong, in words. Raises NoUpload and what Slack and Redis raise."""
    web, files = command.services.web, []
    for file in (await _usage(command, period), await _feedback(command, period)):
        if file:
            files.append(file)
    if not files:
        return NOTHING.format(period=period)
    direct = await web.conversations_open(users=command.user)
    titles = {}
    for file in files:
        file_id = await put(web, file.name, file.content)
        titles[file_id] = file.title
    comment = "\n".join(file.about for file in files)
    await complete(web, titles, str(direct["channel"]["id"]), comment=comment)
    size = sum(len(file.content) for file in files)
    log.info("exported team=%s user=%s files=%d bytes=%d", command.team, command.user, len(files), size)
    return None


async def _usage(command: Command, period: Period) -> Table | None:
    """A line for each day and person, channel and model; None if there is none.

    It reads a day at a time, so that other tasks are not held up.
    """
    redis, team = command.services.redis, command.team
    parts = [tables.header()]
    for day in period.days:
        for kind in KINDS:
            rows = await usage.all_of(redis, team, kind, day)
            names = await command.services.directory.known_names(team, rows) if kind == "user" else {}
            parts.append(tables.lines(day, kind, rows, names))
    if not any(parts[1:]):
        return None
    name = f"parley-usage-{period.first}-{period.last}.csv"
    return Table(name, f"Usage, {period}", USED.format(period=period), "".join(parts).encode())


async def _feedback(command: Command, period: Period) -> Table | None:
    """A line for each vote and comment; None if there is none."""
    rows = await feedback.all_of(command.services.redis, command.team, period.days)
    if not rows:
        return None
    name = f"parley-feedback-{period.first}-{period.last}.csv"
    return Table(name, f"Feedback, {period}", GIVEN.format(period=period), tables.feedback(rows).encode())
