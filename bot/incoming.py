"""A Slack event becomes a Message for us, or the reason why it is not one."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeGuard

from bot import contents
from bot.audience import Audience
from bot.files import File

EVERYONE_HERE = Audience()
# https://docs.slack.dev/reference/events/message: the other subtypes are about channels, edits and bots.
SPOKEN_SUBTYPES = (None, "file_share", "thread_broadcast")
# Less than what is delivered is remembered, which is a day.
LATE_SECONDS = 12 * 3600
ID = re.compile(r"[A-Za-z0-9_.-]{1,80}")
TS = re.compile(r"\d{1,12}\.\d{1,9}")
# https://docs.slack.dev/messaging/formatting-message-text#special-mentions
GROUP = re.compile(r"<!(?:subteam\^|here|channel|everyone)")
MARKUP = re.compile(r"<([@#!][^<>|]+|(?:https?|mailto|tel):[^<>|]+)(?:\|([^<>]*))?>")


@dataclass(frozen=True)
class Thread:
    """A conversation: `team` is the installing team, `ts` the timestamp of the message that the thread hangs on."""

    team: str
    channel: str
    ts: str

    def __str__(self) -> str:
        return f"{self.team}:{self.channel}:{self.ts}"


@dataclass(frozen=True)
class Message:
    """What somebody said to us. `text` is as Slack sent it, with `<@U…>` and entities; `user_team` is their workspace.

    With `again` it is a wish to have the question with that ts answered once more.
    """

    thread: Thread
    ts: str
    user: str
    text: str
    event_id: str | None = None
    files: tuple[File, ...] = ()
    direct: bool = False
    mentioned: bool = False
    user_team: str | None = None
    again: str | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, data: str | bytes) -> "Message":
        """Fields that this version does not know are left out: another version may have written them."""
        known = {each.name for each in fields(cls)}
        found = {name: value for name, value in json.loads(data).items() if name in known}
        files = tuple(file for each in found.get("files", ()) if (file := File.kept(each)))
        return cls(**{**found, "thread": Thread(**found["thread"]), "files": files})


@dataclass(frozen=True)
class Ignored:
    """An event that is not for us. Its reason goes to the log at DEBUG."""

    reason: str


@dataclass(frozen=True)
class Aside(Ignored):
    """A message of a thread that mentions somebody else, and not us."""

    thread: Thread
    ts: str


def read(
    body: Mapping[str, Any],
    team: str,
    bot_user: str,
    enterprise: str | None = None,
    audience: Audience = EVERYONE_HERE,
) -> Message | Ignored:
    """Read an `event_callback` body of type `message` or `app_mention`.

    A message in a thread that neither mentions us nor is direct comes back with both flags False: it is for us only
    if we take part in that thread, which the caller knows.
    """
    message = heard(body, team, bot_user, enterprise, audience)
    if isinstance(message, Ignored) or message.direct or message.mentioned:
        return message
    if message.ts == message.thread.ts:
        return Ignored("not addressed to us")
    said = contents.words(body["event"])
    if mentioned_people(said) or GROUP.search(said):
        return Aside("addressed to somebody else", message.thread, message.ts)
    return message


def heard(
    body: Mapping[str, Any],
    team: str,
    bot_user: str,
    enterprise: str | None = None,
    audience: Audience = EVERYONE_HERE,
) -> Message | Ignored:
    """As `read`, whomever the message is addressed to."""
    event = body.get("event")
    if not isinstance(event, Mapping):
        return Ignored("no event in the body")
    is_bot = bool(event.get("bot_id"))
    user, ts, channel = event.get("user") or event.get("bot_id"), event.get("ts"), event.get("channel")
    thread_ts = event.get("thread_ts") or ts
    if event.get("subtype") not in SPOKEN_SUBTYPES and not (is_bot and event.get("subtype") == "bot_message"):
        return Ignored(f"subtype {event['subtype']}")
    if user in (bot_user, "USLACKBOT", "USLACK") or (is_bot and not audience.has_bot(event)):
        return Ignored("a bot's message")
    if not (is_id(user) and is_id(channel)):
        return Ignored("no author or no channel")
    if not (is_ts(ts) and is_ts(thread_ts)):
        return Ignored("no timestamp")
    if event.get("type") == "app_mention" and _is_late_edit(event):
        return Ignored("an edit of an old message")
    if not audience.external and _is_outsider(body, event, team, enterprise):
        return Ignored("an author of another company")
    if not isinstance(event.get("text") or "", str):
        return Ignored("a text that is not text")
    direct = event.get("channel_type") == "im" or (event.get("channel_type") is None and channel.startswith("D"))
    mentioned = event.get("type") == "app_mention" or bot_user in mentioned_people(contents.words(event))
    if not audience.is_in(channel, direct=direct):
        return Ignored("a channel that is not on the list")
    if is_bot and not mentioned:
        return Ignored("a bot that does not mention us")
    files = event.get("files")
    event_id = body.get("event_id")
    return Message(
        thread=Thread(team, channel, thread_ts),
        ts=ts,
        user=user,
        text=_whole(contents.of(event)),
        event_id=event_id if is_id(event_id) else None,
        files=tuple(file for each in files if (file := File.of(each))) if isinstance(files, list) else (),
        direct=direct,
        mentioned=mentioned,
        user_team=_home(event),
    )


def spoken(text: str, bot_user: str, names: Mapping[str, str]) -> str:
    """The text as its author saw it: without our mention at its edges, people and channels by name, no entities.

    Slack escapes `&`, `<` and `>` and nothing else (https://docs.slack.dev/messaging/formatting-message-text).
    """
    ours = rf"<@{re.escape(bot_user)}(?:\|[^<>]*)?>"
    text = re.sub(rf"^{ours}[ \t:,]*|{ours}$", "", text.strip()).strip()
    return _unescape(MARKUP.sub(lambda m: _shown(m[1], m[2], names), text))


def mentioned_people(text: str) -> set[str]:
    return set(re.findall(r"<@([A-Z0-9]+)", text))


def _shown(target: str, label: str | None, names: Mapping[str, str]) -> str:
    """What stands for `<target|label>`: https://docs.slack.dev/messaging/formatting-message-text#advanced."""
    kind, name = target[0], target[1:]
    if kind == "@":
        return f"@{names.get(name) or label or name}"
    if kind == "#":
        return f"#{label or name}"
    if kind == "!":
        return label or f"@{name.split('^')[1] if name.startswith('subteam^') else name.split('^')[0]}"
    return target if not label or label in target else f"{label} ({target})"


def _whole(text: str) -> str:
    """JSON can spell half a character (a lone surrogate), which cannot be stored."""
    return text.encode(errors="replace").decode()


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def is_id(value: object) -> TypeGuard[str]:
    """Of a person, a channel, an event: nothing that a key in Redis could not hold."""
    return isinstance(value, str) and ID.fullmatch(value) is not None


def is_ts(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and TS.fullmatch(value) is not None


def _is_late_edit(event: Mapping[str, Any]) -> bool:
    """Slack sends the mention of an edited message anew (https://github.com/slackapi/bolt-js/issues/960).

    For a day it is known that the message was here before.
    """
    edited = event.get("edited")
    ts = edited.get("ts") if isinstance(edited, Mapping) else None
    return is_ts(ts) and float(ts) - float(event["ts"]) > LATE_SECONDS


def _home(event: Mapping[str, Any]) -> str | None:
    """The author's workspace. Slack may name the organization in its place."""
    named = (event.get("user_team"), event.get("team"))
    return next((each for each in named if is_id(each) and each.startswith("T")), None)


def _is_outsider(body: Mapping[str, Any], event: Mapping[str, Any], team: str, enterprise: str | None) -> bool:
    """In a channel shared with another company, authors carry their own team or organization (Slack Connect).

    The context is what the app is installed in; `team_id` may be the other company's
    (https://docs.slack.dev/apis/events-api/#event-type-structure).
    """
    if not body.get("is_ext_shared_channel"):
        return False
    own = [None, team, enterprise, body.get("context_team_id"), body.get("context_enterprise_id")]
    if enterprise and body.get("enterprise_id") == enterprise:
        own.append(body.get("team_id"))
    return (event.get("user_team") or event.get("team")) not in own
