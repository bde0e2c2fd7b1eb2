"""`/parley export`: all counts of a period as a CSV file, in a direct message to the admin who asked."""

import logging

from bot import background, periods, tables
from bot.asked import Asked
from bot.listeners.usage import today
from bot.periods import Period
from bot.respond import respond
from bot.slack import CALL_ERRORS, error_name
from bot.store import people, usage
from bot.store.usage import KINDS
from bot.upload import NoUpload, complete, put

log = logging.getLogger("parley.listeners")

WHOLE = "An export is of the whole workspace: name a period only."
COMING = "I am writing the file. It comes as a direct message."
NOTHING = "Nobody asked me anything in {period}: there is nothing to export."
REFUSED = "Slack does not take the file ({error}). Does Parley have the scopes `files:write` and `im:write`?"
FAILED = "I could not send the file. Please try again in a minute."


async def send(asked: Asked) -> str | None:
    """Raises Unclear and redis.RedisError."""
    query = periods.read(asked.words, today(), asked.user, asked.settings.usage_days)
    if refusal := await asked.admins.refusal(asked.team, asked.user):
        return refusal
    if query.subject:
        return WHOLE
    background.run(_send(asked, query.period))
    return COMING


async def _send(asked: Asked, period: Period) -> None:
    """Never raises: nobody would hear it."""
    try:
        told = await _sent(asked, period)
    except (NoUpload, *CALL_ERRORS) as error:
        name = str(error) if isinstance(error, NoUpload) else error_name(error)
        log.warning("export failed team=%s user=%s error=%s", asked.team, asked.user, name or type(error).__name__)
        told = REFUSED.format(error=name) if name else FAILED
    if told:
        await respond(asked.web, asked.response_url, told)


async def _sent(asked: Asked, period: Period) -> str | None:
    content = await _written(asked, period)
    if content is None:
        return NOTHING.format(period=period)
    opened = await asked.web.conversations_open(users=asked.user)
    name = f"parley-usage-{period.first}-{period.last}.csv"
    file = await put(asked.web, name, content)
    title = f"Usage, {period}"
    comment = f"What was used in {period}, by day, person, channel and model. Days are UTC."
    await complete(asked.web, file, title, str(opened["channel"]["id"]), comment=comment)
    log.info("exported team=%s user=%s bytes=%d", asked.team, asked.user, len(content))
    return None


async def _written(asked: Asked, period: Period) -> bytes | None:
    """A line for each day and person, channel and model; None if there is none. A day at a time, others go between."""
    parts = [tables.header()]
    for day in period.days:
        for kind in KINDS:
            rows = await usage.all_of(asked.redis, asked.team, kind, day)
            names = await people.known(asked.redis, asked.team, rows) if kind == "user" else {}
            parts.append(tables.lines(day, kind, rows, names))
    return "".join(parts).encode() if any(parts[1:]) else None
