"""Which commands there are. Only who types one sees what it answers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.commands import access, audit, basics, budget, export, forget, limit, model, persona, usage
from bot.commands.command import Command
from bot.views.blocks import MessageContent


@dataclass(frozen=True)
class Row:
    """A command: its line of the help, and the function that does it.

    With `admins_only` everybody else is told who can; usage, model and export, which answer some words for everybody,
    ask that themselves. The function returns None if its answer comes by another way: by response_url, or as a form.
    It raises Unclear and redis.RedisError.
    """

    help: str
    answer: Callable[[Command], Awaitable[str | MessageContent | None]]
    admins_only: bool = False


async def show_help(command: Command) -> str:
    return help_text()


ROWS = {
    "help": Row("shows this.", show_help),
    "status": Row("tells what is going on.", basics.status),
    "forget": Row(
        "makes me forget, after a question: our direct messages; in a channel the conversations in which only you "
        "asked, and for an admin all of them.",
        forget.ask,
    ),
    "usage": Row(
        "tells what you used: `me`, and a period such as `today`, `30d` or `2026-11`. Admins: what all used, or "
        "a `@person`, a `#channel`, a `model:NAME`.",
        usage.show,
    ),
    "export": Row("for admins: sends the counts of a period, and its votes and comments, as CSV files.", export.send),
    "budget": Row("shows, sets and clears what may be spent (admins).", budget.answer, admins_only=True),
    "limit": Row("shows, sets and clears how many messages I take (admins).", limit.answer, admins_only=True),
    "model": Row("tells which model answers here; admins choose it.", model.answer),
    "persona": Row("says how I answer here (admins).", persona.answer, admins_only=True),
    "access": Row("says whom I answer, and where (admins).", access.answer, admins_only=True),
    "audit": Row("shows what admins changed (admins).", audit.answer, admins_only=True),
}
LINES = {name: row.help for name, row in ROWS.items()}


async def answer(name: str, command: Command) -> str | MessageContent | None:
    """What whoever typed the command is told; `name` is its first word, in small letters.

    Raises Unclear and redis.RedisError.
    """
    row = ROWS[name]
    if row.admins_only:
        refusal = await command.services.admins.refusal(command.team, command.user)
        if refusal:
            return refusal
    return await row.answer(command)


def help_text() -> str:
    return basics.help_text(LINES)


def unknown(word: str) -> str:
    return basics.unknown(word, LINES)
