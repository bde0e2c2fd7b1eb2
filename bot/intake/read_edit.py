"""A `message_changed` or `message_deleted` event becomes what it says about a conversation with us.

https://docs.slack.dev/reference/events/message/message_changed and .../message_deleted
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.intake.read_message import Heard, hear
from bot.talk import text_of
from bot.talk.markup import mentioned_people
from bot.talk.message import Message, Thread, is_id, is_ts
from bot.talk.payload import Ignored, mapping

SUBTYPES = ("message_changed", "message_deleted")


@dataclass(frozen=True)
class Edit:
    """`heard` is the new form of the message; `mentions_anew` if it mentions us and the old form did not."""

    heard: Heard
    mentions_anew: bool

    @property
    def message(self) -> Message:
        return self.heard.message


@dataclass(frozen=True)
class Deletion:
    """The message `ts` of the thread is gone. It was `ours`, or its `author` is given, as far as Slack names them.

    Slack does not say who deleted it.
    """

    thread: Thread
    ts: str
    author: str
    ours: bool


def read(body: Mapping[str, Any], team: str, bot_user: str, enterprise: str | None = None) -> Edit | Deletion | Ignored:
    """Read the body of such an event. Our own edits come back as events too, many of them, and are ignored first."""
    event = body.get("event")
    if not isinstance(event, Mapping):
        return Ignored("no event in the body")
    after = mapping(event.get("message"))
    before = mapping(event.get("previous_message"))
    if event.get("subtype") == "message_deleted":
        return _deletion(event, event.get("deleted_ts"), team, bot_user)
    if after.get("user") == bot_user:
        return Ignored("our own edit")
    # The first message of a thread that is deleted stays as an empty place (observed).
    if after.get("subtype") == "tombstone":
        return _deletion(event, after.get("ts"), team, bot_user)
    old_text = text_of.words(before)
    if before and (text_of.words(after), after.get("files")) == (old_text, before.get("files")):
        return Ignored("an edit that changes no words")
    as_new = {**after, "channel": event.get("channel"), "channel_type": event.get("channel_type"), "type": "message"}
    heard = hear({**body, "event": as_new}, team, bot_user, enterprise)
    if isinstance(heard, Ignored):
        return heard
    mentioned_before = bot_user in mentioned_people(old_text)
    return Edit(heard, heard.message.mentioned and bool(before) and not mentioned_before)


def _deletion(event: Mapping[str, Any], ts: object, team: str, bot_user: str) -> Deletion | Ignored:
    before = mapping(event.get("previous_message"))
    channel = event.get("channel")
    thread_ts = before.get("thread_ts") or ts
    if not (is_id(channel) and is_ts(ts) and is_ts(thread_ts)):
        return Ignored("no channel or no timestamp")
    author = before.get("user")
    ours = author == bot_user
    return Deletion(Thread(team, channel, thread_ts), ts, author if is_id(author) and not ours else "", ours)
