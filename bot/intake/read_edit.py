"""A `message_changed` or `message_deleted` event becomes what it says about a conversation with us.

https://docs.slack.dev/reference/events/message/message_changed and .../message_deleted
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.intake.read_message import Heard, Ignored, hear
from bot.talk import text_of
from bot.talk.message import Message, Thread, is_id, is_ts, mentioned_people

SUBTYPES = ("message_changed", "message_deleted")


@dataclass(frozen=True)
class Edited:
    """`heard` is the new form; `mentions_anew` if it mentions us and the old form did not."""

    heard: Heard
    mentions_anew: bool

    @property
    def message(self) -> Message:
        return self.heard.message


@dataclass(frozen=True)
class Deleted:
    """The message `ts` of the thread is gone; `ours` if we had written it, and then there is no `author`.

    Who deleted it is not said.
    """

    thread: Thread
    ts: str
    author: str
    ours: bool


def read_change(
    body: Mapping[str, Any], team: str, bot_user: str, enterprise: str | None = None
) -> Edited | Deleted | Ignored:
    """Our own edits come back as events too, many of them: they are told first."""
    event = body.get("event")
    if not isinstance(event, Mapping):
        return Ignored("no event in the body")
    after, before = _mapping(event.get("message")), _mapping(event.get("previous_message"))
    if event.get("subtype") == "message_deleted":
        return _deleted(event, before, event.get("deleted_ts"), team, bot_user)
    if after.get("user") == bot_user:
        return Ignored("our own edit")
    # The first message of a thread that is deleted stays as an empty place (observed).
    if after.get("subtype") == "tombstone":
        return _deleted(event, before, after.get("ts"), team, bot_user)
    old = text_of.words(before)
    if before and (text_of.words(after), after.get("files")) == (old, before.get("files")):
        return Ignored("an edit that changes no words")
    place = {"channel": event.get("channel"), "channel_type": event.get("channel_type"), "type": "message"}
    heard = hear({**body, "event": {**after, **place}}, team, bot_user, enterprise)
    if isinstance(heard, Ignored):
        return heard
    return Edited(heard, heard.message.mentioned and bool(before) and bot_user not in mentioned_people(old))


def _deleted(
    event: Mapping[str, Any], before: Mapping[str, Any], ts: object, team: str, bot_user: str
) -> Deleted | Ignored:
    channel = event.get("channel")
    thread_ts = before.get("thread_ts") or ts
    if not (is_id(channel) and is_ts(ts) and is_ts(thread_ts)):
        return Ignored("no channel or no timestamp")
    author = before.get("user")
    ours = author == bot_user
    return Deleted(Thread(team, channel, thread_ts), ts, author if is_id(author) and not ours else "", ours)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
