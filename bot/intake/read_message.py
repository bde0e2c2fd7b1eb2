"""A Slack event becomes a message that may be for us, or the reason why it is not."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.intake.admission import Asker, Where
from bot.talk import text_of
from bot.talk.file import File
from bot.talk.message import Message, Thread, is_id, is_ts, mentioned_people

# https://docs.slack.dev/reference/events/message: the other subtypes are about channels, edits and bots.
SPOKEN_SUBTYPES = (None, "file_share", "thread_broadcast")
# Less than what is delivered is remembered, which is a day.
LATE_SECONDS = 12 * 3600
# https://docs.slack.dev/messaging/formatting-message-text#special-mentions
GROUP = re.compile(r"<!(?:subteam\^|here|channel|everyone)")


@dataclass(frozen=True)
class Ignored:
    """An event that is not for us. Its reason goes to the log at DEBUG."""

    reason: str


@dataclass(frozen=True)
class Heard:
    """A message that may be for us, and who wrote it. An `aside` mentions somebody else in a thread, and not us."""

    message: Message
    asker: Asker
    aside: bool = False

    @property
    def is_addressed(self) -> bool:
        """Whether it says by itself that it is for us."""
        return self.message.direct or self.message.mentioned

    @property
    def where(self) -> Where:
        return Where(self.message.thread.team, self.message.thread.channel, self.message.direct)


def read(body: Mapping[str, Any], team: str, bot_user: str, enterprise: str | None = None) -> Heard | Ignored:
    """Read an `event_callback` body of type `message` or `app_mention`; whether its author may ask is not decided here.

    A message in a thread that neither mentions us nor is direct comes back with both flags False: it is for us only
    if we take part in that thread, which the caller knows.
    """
    heard = hear(body, team, bot_user, enterprise)
    if isinstance(heard, Ignored) or heard.message.direct or heard.message.mentioned:
        return heard
    if heard.message.ts == heard.message.thread.ts:
        return Ignored("not addressed to us")
    text = text_of.words(body["event"])
    is_aside = bool(mentioned_people(text) or GROUP.search(text))
    return replace(heard, aside=is_aside)


def hear(body: Mapping[str, Any], team: str, bot_user: str, enterprise: str | None = None) -> Heard | Ignored:
    """As `read`, whomever the message is addressed to."""
    event = body.get("event")
    if not isinstance(event, Mapping):
        return Ignored("no event in the body")
    is_bot = bool(event.get("bot_id"))
    user, ts, channel = event.get("user") or event.get("bot_id"), event.get("ts"), event.get("channel")
    thread_ts = event.get("thread_ts") or ts
    if event.get("subtype") not in SPOKEN_SUBTYPES and not (is_bot and event.get("subtype") == "bot_message"):
        return Ignored(f"subtype {event['subtype']}")
    if user in (bot_user, "USLACKBOT", "USLACK"):
        return Ignored("a bot's message")
    if not (is_id(user) and is_id(channel)):
        return Ignored("no author or no channel")
    if not (is_ts(ts) and is_ts(thread_ts)):
        return Ignored("no timestamp")
    if event.get("type") == "app_mention" and _is_late_edit(event):
        return Ignored("an edit of an old message")
    if not isinstance(event.get("text") or "", str):
        return Ignored("a text that is not text")
    direct = event.get("channel_type") == "im" or (event.get("channel_type") is None and channel.startswith("D"))
    mentioned = event.get("type") == "app_mention" or bot_user in mentioned_people(text_of.words(event))
    if is_bot and not mentioned:
        return Ignored("a bot that does not mention us")
    files = event.get("files")
    event_id = body.get("event_id")
    message = Message(
        thread=Thread(team, channel, thread_ts),
        ts=ts,
        user=user,
        text=_whole(text_of.of(event)),
        event_id=event_id if is_id(event_id) else None,
        files=tuple(file for each in files if (file := File.of(each))) if isinstance(files, list) else (),
        direct=direct,
        mentioned=mentioned,
        user_team=_home(event),
    )
    bots = _bot_ids(event) if is_bot else frozenset()
    return Heard(message, Asker(user, bots, outsider=_is_outsider(body, event, team, enterprise)))


def _whole(text: str) -> str:
    """JSON can spell half a character (a lone surrogate), which cannot be stored."""
    return text.encode(errors="replace").decode()


def _is_late_edit(event: Mapping[str, Any]) -> bool:
    """Slack sends the mention of an edited message anew (https://github.com/slackapi/bolt-js/issues/960).

    For a day it is known that the message was here before.
    """
    edited = event.get("edited")
    ts = edited.get("ts") if isinstance(edited, Mapping) else None
    return is_ts(ts) and float(ts) - float(event["ts"]) > LATE_SECONDS


def _bot_ids(event: Mapping[str, Any]) -> frozenset[str]:
    """By which the operator may have listed the bot that wrote it.

    https://docs.slack.dev/reference/events/message/bot_message
    """
    profile = event.get("bot_profile")
    app = profile.get("app_id") if isinstance(profile, Mapping) else None
    named = (event.get("bot_id"), event.get("app_id"), app)
    return frozenset(each for each in named if isinstance(each, str))


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
