"""`/parley access`: whom we answer, and where."""

import re
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import cast

from bot.commands.command import Command
from bot.commands.scope import check, policy, take_scope
from bot.intake.audience import ANYWHERE, Audience
from bot.store.rules import audit
from bot.store.rules.access import rules
from bot.talk import arguments as typed
from bot.talk.arguments import Unclear, Words, quoted
from bot.views.scope import render_scope as shown

# The field in which a switch is kept, and what it is about.
SWITCHES = {
    "guests": ("guests", "guests of this workspace"),
    "external": ("external", "people of other companies"),
    "follow-ups": ("follow_ups", "messages in my threads that mention nobody"),
}
LISTS = ("channels", "bots")
VERBS = ("add", "remove", "any", "default")
SCOPES = ("workspace", "channel")
BOT = re.compile(r"[AB][A-Z0-9]{2,20}")
USAGE = (
    "Say, for example, `/parley access guests on`, `/parley access external off #general`, "
    "`/parley access follow-ups off here`, `/parley access channels add #general`, `/parley access channels any`, or "
    "`/parley access bots add B0123456789 #general`."
)


@dataclass(frozen=True)
class Rule:
    """A field of the access rules, and the scope for which it is set."""

    scope: str
    field: str


async def answer(command: Command) -> str:
    """Raises Unclear."""
    if not command.words or [word.lower() for word in command.words] == ["show"]:
        return await _show(command)
    word = command.words[0]
    name = word.lower()
    if name in SWITCHES:
        field, about = SWITCHES[name]
        return await _switch(command.after(1), field, about)
    if name in LISTS:
        return await _list(command.after(1), name)
    raise Unclear(
        f"I do not understand {quoted(word)}: access is about `guests`, `external`, `follow-ups`, `channels` "
        f"and `bots`. {USAGE}"
    )


async def _show(command: Command) -> str:
    services = command.services
    audience = Audience.of(services.settings).under(await rules(services.redis, command.team, command.channel))
    channels = "any"
    if audience.channels is not None:
        channels = ", ".join(f"<#{id}>" for id in sorted(audience.channels)) or "none"
    bots = ", ".join(f"`{id}`" for id in sorted(audience.bots)) or "none"
    lines = [
        "Whom I answer here:",
        f"• {SWITCHES['guests'][1]}: {_on(audience.guests)}",
        f"• {SWITCHES['external'][1]}: {_on(audience.external)}",
        f"• {SWITCHES['follow-ups'][1]}: {_on(audience.follow_ups)}",
        f"• channels: {channels}",
        f"• bots: {bots}",
    ]
    return "\n".join(lines)


async def _switch(command: Command, field: str, about: str) -> str:
    words = Words(command.words)
    state = words.take("state", lambda word: word.lower() in ("on", "off", "default"))
    scope = take_scope(words, command, SCOPES, "workspace")
    words.end(USAGE)
    if state is None:
        raise Unclear(f"`on`, `off` or `default`? {USAGE}")
    await check(scope, command.services.web)
    value = None if state.lower() == "default" else state.lower()
    before = await _change(command, Rule(scope, field), value)
    was = "nothing was set before" if before is None else f"before: {before or 'none'}"
    return f"Done, in {shown(scope)}: {about}: {value or 'as the operator has set it'} ({was})."


async def _list(command: Command, field: str) -> str:
    words = Words(command.words)
    verb = (words.take("verb", lambda word: word.lower() in VERBS) or "").lower()
    if not verb:
        raise Unclear(f"`add`, `remove`, {'`any`, ' if field == 'channels' else ''}or `default`? {USAGE}")
    scope = take_scope(words, command, SCOPES, "workspace") if field == "bots" else "workspace"
    rule = Rule(scope, field)
    value: str | None
    if verb in ("add", "remove"):
        ids = await _ids(command, words, field, adds=verb == "add")
        await check(scope, command.services.web)
        value, before = await _edit(command, rule, ids, adds=verb == "add")
    else:
        if verb == "any" and field == "bots":
            raise Unclear(f"I never answer any bot that comes along: name those that I shall answer. {USAGE}")
        words.end(USAGE)
        await check(scope, command.services.web)
        value = ANYWHERE if verb == "any" else None
        before = await _change(command, rule, value)
    where = "" if scope == "workspace" else f", in {shown(scope)}"
    return f"Done{where}: {field} are {_shown(field, value)}. Before: {_shown(field, before)}."


async def _ids(command: Command, words: Words, field: str, *, adds: bool) -> set[str]:
    """The channels or bots that are named. Raises Unclear, also if none is."""
    if field == "bots":
        ids = set(words.take_all(lambda word: BOT.fullmatch(word) is not None))
        wanted = "a bot's id (B…) or an app's (A…)"
    else:
        named = [typed.channel(word) for word in words.take_all(lambda word: word.startswith(("#", "<#")))]
        ids = {id for id in named if id}
        if words.take_all(lambda word: word.lower() == "here"):
            ids.add(command.channel)
        wanted = "a `#channel` from the list that Slack shows, or `here`"
    words.end(f"It takes {wanted}. {USAGE}")
    if not ids:
        raise Unclear(f"Which? It takes {wanted}. {USAGE}")
    if adds and field == "channels":
        for id in sorted(ids):
            await check(f"channel:{id}", command.services.web)
    return ids


async def _edit(command: Command, rule: Rule, ids: set[str], *, adds: bool) -> tuple[str, str | None]:
    """Add to the list or remove from it; the new list, and what was set before. Raises Unclear.

    What another admin adds meanwhile stays on the list.
    """
    while True:
        own = await _stored(command, rule)
        listed = await _listed(command, rule, own)
        if not adds and not listed & ids:
            raise Unclear(
                f"There is nothing to remove: {_shown(rule.field, ','.join(sorted(listed)))} are on the list."
            )
        value = ",".join(sorted(listed | ids if adds else listed - ids))
        before = await _change(command, rule, value, own)
        if before == own:
            return value, before


async def _listed(command: Command, rule: Rule, own: str | None) -> set[str]:
    """The list that holds: the rule's own, else the workspace's, else the operator's."""
    stored = own
    if stored is None:
        stored = await _stored(command, Rule("workspace", rule.field))
    if stored is not None:
        return set(filter(None, stored.split(","))) - {ANYWHERE}
    settings = command.services.settings
    return set((settings.allowed_channels if rule.field == "channels" else settings.allowed_bots) or ())


async def _stored(command: Command, rule: Rule) -> str | None:
    key = policy(command.team, rule.scope)
    return await cast("Awaitable[str | None]", command.services.redis.hget(key, rule.field))


async def _change(command: Command, rule: Rule, value: str | None, *only_after: str | None) -> str | None:
    """What was set before; with `only_after` nothing is changed unless that was."""
    redis, key = command.services.redis, policy(command.team, rule.scope)
    what = f"access {rule.scope} {rule.field}"
    wanted = audit.SettingChange(command.team, command.user, what, key, rule.field, value, only_after)
    changed = await audit.change(redis, wanted)
    return changed.before


def _shown(field: str, value: str | None) -> str:
    if value is None:
        return "as the operator has set them"
    if value in ("", ANYWHERE):
        return value or "none"
    ids = [id for id in value.split(",") if id]
    return ", ".join(f"<#{id}>" if field == "channels" else f"`{id}`" for id in ids)


def _on(value: bool) -> str:
    return "on" if value else "off"
