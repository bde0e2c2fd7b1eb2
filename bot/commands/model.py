"""`/parley model`: which model answers where."""

import difflib
import re
from collections.abc import Awaitable
from datetime import UTC, date, datetime
from typing import cast

from bot import models
from bot.commands.command import Command
from bot.commands.scope import check, policy, take_scope
from bot.store import keys
from bot.store.rules import audit
from bot.talk.arguments import Unclear, Words, quoted
from bot.views.scope import render_scope as shown

SCOPES = ("workspace", "channel", "thread")
FIELD = "model"
NAME = re.compile(r"(?!\w+://)[A-Za-z0-9._:/@-]{1,100}")
USAGE = (
    "Say, for example, `/parley model claude-opus-5-5` for this channel, `/parley model claude-opus-5-5 workspace`, "
    "`/parley model clear`, or put the link of a thread behind it."
)


async def answer(command: Command) -> str:
    """Everybody may ask which model it is, and admins choose it. Raises Unclear."""
    if not command.words:
        return await _show(command)
    refusal = await command.services.admins.refusal(command.team, command.user)
    return refusal or await _choose(command)


async def _show(command: Command) -> str:
    of_channel = await _chosen(command, keys.channel_policy(command.team, command.channel))
    of_workspace = await _chosen(command, keys.workspace_policy(command.team))
    if of_channel:
        return f"Answers here come from `{of_channel}`, which was chosen for this channel."
    if of_workspace:
        return f"Answers here come from `{of_workspace}`, which was chosen for this workspace."
    return f"Answers here come from `{command.services.settings.model}`."


async def _chosen(command: Command, key: str) -> str | None:
    return await cast("Awaitable[str | None]", command.services.redis.hget(key, FIELD))


async def _choose(command: Command) -> str:
    words = Words(command.words)
    verb = words.take("verb", lambda word: word.lower() in ("set", "clear"))
    is_forced = words.take("`force`", lambda word: word.lower() == "force") is not None
    scope = take_scope(words, command, SCOPES, f"channel:{command.channel}")
    if verb and verb.lower() == "clear":
        words.end(USAGE)
        model = None
    else:
        model = words.take("model", lambda word: True)
        words.end(USAGE)
        today = datetime.now(UTC).date()
        if model is None:
            raise Unclear(f"Which model? {USAGE} There are {_list(today)}.")
        require(model, today, is_forced=is_forced)
    await check(scope, command.services.web)
    redis, key = command.services.redis, policy(command.team, scope)
    wanted = audit.SettingChange(command.team, command.user, f"model {scope}", key, FIELD, model)
    changed = await audit.change(redis, wanted)
    if scope.startswith("thread:"):
        await redis.expire(key, keys.thread_policy.seconds)
    was = f" It was `{changed.before}`." if changed.before else ""
    if model is None:
        return f"Done: no model is chosen for {shown(scope)} any more.{was}" if was else "There was no model to clear."
    name = models.known().get(model, model)
    return f"Done: from now on {name} answers in {shown(scope)}.{was}{end(model)}"


def end(model: str) -> str:
    """A sentence about the day on which the model is retired, if that is known."""
    day = models.retirement(model)
    return f" Mind that it answers until {day} only." if day else ""


def require(model: str, today: date, *, is_forced: bool) -> None:
    """Raises Unclear for a model that is retired or cannot be one, and without `force` for one that we do not know."""
    day = models.retirement(model)
    if day and day <= today:
        raise Unclear(f"{quoted(model)} does not answer any more, since {day}. There are {_list(today)}.")
    if model in models.known():
        return
    if not NAME.fullmatch(model):
        raise Unclear(f"{quoted(model)} cannot be a model. There are {_list(today)}.")
    if not is_forced:
        near = difflib.get_close_matches(model.lower(), models.known(), n=1)
        meant = f" Did you mean `{near[0]}`?" if near else ""
        raise Unclear(
            f"I do not know the model {quoted(model)}.{meant} There are {_list(today)}. If you are sure, put `force` "
            "behind it: then nobody knows what it costs, and budgets do not count it."
        )


def _list(today: date) -> str:
    usable = []
    for id in models.known():
        retirement = models.retirement(id)
        if not retirement or retirement > today:
            usable.append(f"`{id}`")
    return ", ".join(usable)
