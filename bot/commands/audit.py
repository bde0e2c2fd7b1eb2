"""`/parley audit`: what admins changed, the newest first."""

from bot.commands.command import Command
from bot.store.rules import audit
from bot.store.rules.audit import AuditEntry
from bot.talk.arguments import Unclear, quoted
from bot.talk.markup import escape
from bot.usage.money import dollars
from bot.views.scope import render_scope as shown

PAGE = 10
MOST_PAGES = 1_000
SHOWN = 80
USAGE = "Say `/parley audit`, or `/parley audit 2` for the second page."


async def answer(command: Command) -> str:
    """Raises Unclear."""
    if len(command.words) > 1:
        raise Unclear(f"I do not understand {quoted(command.words[1])}. {USAGE}")
    word = command.words[0] if command.words else "1"
    if not (word.isascii() and word.isdigit() and len(word) < 6 and 1 <= int(word) <= MOST_PAGES):
        raise Unclear(f"{quoted(word)} is not a page number from 1 to {MOST_PAGES:,}. {USAGE}")
    page = int(word)
    count = await audit.count(command.services.redis, command.team)
    pages = max(1, -(-count // PAGE))
    if page > pages:
        raise Unclear(f"There {'is one page' if pages == 1 else f'are {pages} pages'} only.")
    changes = await audit.changes(command.services.redis, command.team, (page - 1) * PAGE, PAGE)
    if not changes:
        return "Nobody has changed anything yet."
    more = f" Older ones: `/parley audit {page + 1}`." if page < pages else ""
    return "\n".join([*map(line, changes), f"Page {page} of {pages}.{more}"])


def line(change: AuditEntry) -> str:
    """https://docs.slack.dev/messaging/formatting-message-text#date-formatting"""
    seconds = int(change.when.timestamp())
    when = f"<!date^{seconds}^{{date_short}}, {{time}}|{change.when:%Y-%m-%d %H:%M} UTC>"
    kind, scope, *rest = change.what.split(" ")
    about = " ".join([kind, *rest, "of", shown(scope)])
    start = _parting(change.before or "", change.after or "")
    before = _value(kind, change.before, start)
    after = _value(kind, change.after, start)
    return f"• {when} <@{change.by}> {about}: {before} → {after}"


def _parting(before: str, after: str) -> int:
    """From which character on long values are shown, so that one sees in what they differ."""
    if max(len(before), len(after)) <= SHOWN:
        return 0
    same = 0
    for old, new in zip(before, after, strict=False):
        if old != new:
            break
        same += 1
    return max(0, same - SHOWN // 2)


def _value(kind: str, value: str | None, start: int) -> str:
    if value is None:
        return "_nothing_"
    if kind == "budget":
        return dollars(int(value))
    rest = " ".join(value[start:].split())
    short = ("…" if start else "") + (rest if len(rest) <= SHOWN else f"{rest[:SHOWN]}…")
    return "`" + escape(short or " ").replace("`", "'") + "`"
