"""`/parley access`: whom we answer, and where."""

import re
from collections.abc import Awaitable
from typing import cast

from bot.commands.command import Asked
from bot.commands.scope import check, policy, take_scope
from bot.intake.audience import ANYWHERE, Audience
from bot.store import keys
from bot.store.rules import audit
from bot.store.rules.access import rules
from bot.talk import arguments as typed
from bot.talk.arguments import Unclear, Words, quoted
from bot.views.scope import render_scope as shown

SWITCHES = {
    "guests": ("guests", "guests of this workspace"),
    "external": ("external", "people of other companies"),
    "follow-ups": ("follow_ups", "messages in my threads that mention nobody"),
}
BOT = re.compile(r"[AB][A-Z0-9]{2,20}")
USAGE = (
    "Say, for example, `/parley access guests on`, `/parley access external off #general`, "
    "`/parley access follow-ups off here`, `/parley access channels add #general`, `/parley access channels any`, or "
    "`/parley access bots add B0123456789 #general`."
)


async def answer(asked: Asked) -> str:
    """Raises Unclear."""
    if not asked.words or [word.lower() for word in asked.words] == ["show"]:
        return await _show(asked)
    name = asked.words[0].lower()
    if name in SWITCHES:
        return await _switch(asked.after(1), *SWITCHES[name])
    if name in ("channels", "bots"):
        return await _list(asked.after(1), name)
    raise Unclear(
        f"I do not understand {quoted(asked.words[0])}: access is about `guests`, `external`, `follow-ups`, `channels` "
        f"and `bots`. {USAGE}"
    )


async def _show(asked: Asked) -> str:
    who = Audience.of(asked.settings).under(await rules(asked.redis, asked.team, asked.channel))
    channels = "any" if who.channels is None else ", ".join(f"<#{id}>" for id in sorted(who.channels)) or "none"
    lines = [
        f"• {SWITCHES['guests'][1]}: {_on(who.guests)}",
        f"• {SWITCHES['external'][1]}: {_on(who.external)}",
        f"• {SWITCHES['follow-ups'][1]}: {_on(who.follow_ups)}",
        f"• channels: {channels}",
        f"• bots: {', '.join(f'`{id}`' for id in sorted(who.bots)) or 'none'}",
    ]
    return "\n".join(["Whom I answer here:", *lines])


async def _switch(asked: Asked, field: str, about: str) -> str:
    words = Words(asked.words)
    state = words.take("state", lambda word: word.lower() in ("on", "off", "default"))
    scope = take_scope(words, asked, ("workspace", "channel"), "workspace")
    words.end(USAGE)
    if state is None:
        raise Unclear(f"`on`, `off` or `default`? {USAGE}")
    await check(scope, asked.web)
    value = None if state.lower() == "default" else state.lower()
    before = await _change(asked, scope, field, value)
    return f"Done, in {shown(scope)}: {about}: {value or 'as the operator has set it'} ({_was(before)})."


async def _list(asked: Asked, field: str) -> str:
    words = Words(asked.words)
    verb = words.take("verb", lambda word: word.lower() in ("add", "remove", "any", "default"))
    if verb is None:
        raise Unclear(f"`add`, `remove`, {'`any`, ' if field == 'channels' else ''}or `default`? {USAGE}")
    scope = take_scope(words, asked, ("workspace", "channel"), "workspace") if field == "bots" else "workspace"
    ids: set[str] = set()
    if verb.lower() in ("add", "remove"):
        ids = await _ids(asked, words, field, adds=verb.lower() == "add")
    elif verb.lower() == "any" and field == "bots":
        raise Unclear(f"I never answer any bot that comes along: name those that I shall answer. {USAGE}")
    words.end(USAGE)
    await check(scope, asked.web)
    value: str | None
    if ids:
        value, before = await _edit(asked, scope, field, ids, adds=verb.lower() == "add")
    else:
        value = ANYWHERE if verb.lower() == "any" else None
        before = await _change(asked, scope, field, value)
    where = "" if scope == "workspace" else f", in {shown(scope)}"
    return f"Done{where}: {field} are {_shown(field, value)}. Before: {_shown(field, before)}."


async def _ids(asked: Asked, words: Words, field: str, *, adds: bool) -> set[str]:
    """Those that are named, never none."""
    if field == "bots":
        ids = set(words.take_all(lambda word: BOT.fullmatch(word) is not None))
        wanted = "a bot's id (B…) or an app's (A…)"
    else:
        ids = {id for word in words.take_all(lambda word: word.startswith(("#", "<#"))) if (id := typed.channel(word))}
        ids |= {asked.channel for _ in words.take_all(lambda word: word.lower() == "here")}
        wanted = "a `#channel` from the list that Slack shows, or `here`"
    words.end(f"It takes {wanted}. {USAGE}")
    if not ids:
        raise Unclear(f"Which? It takes {wanted}. {USAGE}")
    if adds and field == "channels":
        for id in sorted(ids):
            await check(f"channel:{id}", asked.web)
    return ids


async def _edit(asked: Asked, scope: str, field: str, ids: set[str], *, adds: bool) -> tuple[str, str | None]:
    """The list, and what was set before. What another admin adds meanwhile stays on it."""
    usual = asked.settings.allowed_channels if field == "channels" else asked.settings.allowed_bots
    while True:
        own = await _stored(asked, policy(asked.team, scope), field)
        # What holds in a channel that has none of its own is the workspace's.
        stored = own if own is not None else await _stored(asked, keys.workspace_policy(asked.team), field)
        now = set(filter(None, stored.split(","))) - {ANYWHERE} if stored is not None else set(usual or ())
        if not adds and not now & ids:
            raise Unclear(f"There is nothing to remove: {_shown(field, ','.join(sorted(now)))} are on the list.")
        value = ",".join(sorted(now | ids if adds else now - ids))
        before = await _change(asked, scope, field, value, own)
        if before == own:
            return value, before


async def _stored(asked: Asked, key: str, field: str) -> str | None:
    return await cast("Awaitable[str | None]", asked.redis.hget(key, field))


async def _change(asked: Asked, scope: str, field: str, value: str | None, *only_after: str | None) -> str | None:
    """What was set before."""
    what, key = f"access {scope} {field}", policy(asked.team, scope)
    changed = await audit.change(asked.redis, asked.team, asked.user, what, key, field, value, *only_after)
    return changed.before


def _shown(field: str, value: str | None) -> str:
    if value is None:
        return "as the operator has set them"
    if value in ("", ANYWHERE):
        return value or "none"
    ids = [id for id in value.split(",") if id]
    return ", ".join(f"<#{id}>" if field == "channels" else f"`{id}`" for id in ids)


def _was(before: str | None) -> str:
    return "nothing was set before" if before is None else f"before: {before or 'none'}"


def _on(value: bool) -> str:
    return "on" if value else "off"
