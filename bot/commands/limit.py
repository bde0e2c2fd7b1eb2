"""`/parley limit`: how many messages are taken."""

from typing import cast

from bot.commands.command import Command
from bot.commands.scope import check, take_scope
from bot.commands.verbs import follow
from bot.store import keys
from bot.store.rules import audit
from bot.store.rules.limits import WINDOWS, LimitWindow, limits
from bot.talk.arguments import Unclear, Words, quoted
from bot.views.scope import render_scope as shown

SCOPES = ("channel", "channels", "each", "user")
MOST = 100_000
USAGE = (
    "Say, for example, `/parley limit set 5 minute each`, `/parley limit set 200 day #general`, "
    "`/parley limit set 1000 day channels`, or `/parley limit clear day @ben`."
)


async def answer(command: Command) -> str:
    """Raises Unclear."""
    return await follow(command, {"show": _show, "set": _set, "clear": _clear}, "limits", USAGE)


async def _show(command: Command) -> str:
    Words(command.words).end(USAGE)
    most_by_scope = await limits(command.services.redis, command.team)
    if not most_by_scope:
        return f"There are no limits here: I take every message. {USAGE}"
    lines = [f"• {shown(scope)}: {_count(most)} a {window}" for (scope, window), most in most_by_scope.items()]
    return "\n".join(["Messages that I take:", *lines])


async def _set(command: Command) -> str:
    words = Words(command.words)
    window = _window(words)
    scope = take_scope(words, command, SCOPES, "each")
    number = words.take("number", lambda word: any(char.isdigit() for char in word) and not word.startswith("<"))
    words.end(USAGE)
    if number is None:
        raise Unclear(f"How many messages? {USAGE}")
    if window is None:
        raise Unclear(f"In a `minute` or in a `day`? {USAGE}")
    if not (number.isascii() and number.isdigit() and len(number) < 9 and int(number) <= MOST):
        raise Unclear(f"{quoted(number)} is not a whole number from 0 to {MOST:,}. Nothing was changed.")
    await check(scope, command.services.web)
    before = await _change(command, scope, window, str(int(number)))
    was = "There was no limit before." if before is None else f"It was {_count(int(before))}."
    return f"Done: I take {_count(int(number))} a {window} from {shown(scope)}. {was}"


async def _clear(command: Command) -> str:
    words = Words(command.words)
    window = _window(words)
    scope = take_scope(words, command, SCOPES, "each")
    words.end(USAGE)
    gone = []
    for cleared in (window,) if window else WINDOWS:
        before = await _change(command, scope, cleared, None)
        if before is not None:
            gone.append(f"{_count(int(before))} a {cleared}")
    if not gone:
        return f"There was no limit to take away from {shown(scope)}."
    return f"Done: the limit of {shown(scope)} is gone (it was {' and '.join(gone)})."


async def _change(command: Command, scope: str, window: LimitWindow, value: str | None) -> str | None:
    """Set the limit, None clears it; what was set before."""
    redis, team = command.services.redis, command.team
    field = f"{scope} {window}"
    wanted = audit.SettingChange(team, command.user, f"limit {field}", keys.limits(team), field, value)
    changed = await audit.change(redis, wanted)
    return changed.before


def _window(words: Words) -> LimitWindow | None:
    word = words.take("window", lambda word: word.lower() in WINDOWS)
    return cast("LimitWindow", word.lower()) if word else None


def _count(most: int) -> str:
    return f"{most:,} message" if most == 1 else f"{most:,} messages"
