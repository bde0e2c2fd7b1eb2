"""A Slack event becomes a message that may be for us, or the reason why it is not."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.intake.admission import Asker, Where
from bot.talk import text_of
from bot.talk.file import File
from bot.talk.markup import mentioned_people, spoken
from bot.talk.message import Message, Thread, is_id, is_ts
from bot.talk.payload import Ignored, find, items, storable

# https://docs.slack.dev/reference/events/message: the other subtypes are about channels, edits and bots.
SPOKEN_SUBTYPES = (None, "file_share", "thread_broadcast")
# Must be shorter than the day for which delivered events are remembered.
LATE_SECONDS = 12 * 3600
STOP_WORDS = {"stop", "cancel", "halt"}
# https://docs.slack.dev/messaging/formatting-message-text#special-mentions
GROUP = re.compile(r"<!(?:subteam\^|here|channel|everyone)")


@dataclass(frozen=True)
class Heard:
    """A message that may be for us, and who wrote it.

    An `aside` mentions somebody else in a thread, and not us. `says_stop` if all that it says is that something shall
    stop.
    """

    message: Message
    asker: Asker
    aside: bool = False
    says_stop: bool = False

    @property
    def is_addressed(self) -> bool:
        """Whether the message says by itself that it is for us."""
        return self.message.direct or self.message.mentioned

    @property
    def where(self) -> Where:
        return Where(self.message.thread.team, self.message.thread.channel, self.message.direct)


def read(body: Mapping[str, Any], team: str, bot_user: str, enterprise: str | None = None) -> Heard | Ignored:
    """Read an `event_callback` body of type `message` or `app_mention`; whether its author may ask is not decided here.

    A message of a thread that is not addressed to us is for us only if we take part in the thread, which Intake knows.
    """
    heard = hear(body, team, bot_user, enterprise)
    if isinstance(heard, Ignored) or heard.is_addressed:
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
    if reason := _not_spoken(event, bot_user):
        return Ignored(reason)
    user = event.get("user") or event.get("bot_id")
    channel = event.get("channel")
    ts = event.get("ts")
    thread_ts = event.get("thread_ts") or ts
    if not (is_id(user) and is_id(channel)):
        return Ignored("no author or no channel")
    if not (is_ts(ts) and is_ts(thread_ts)):
        return Ignored("no timestamp")
    if event.get("type") == "app_mention" and _is_late_edit(event):
        return Ignored("an edit of an old message")
    if not isinstance(event.get("text") or "", str):
        return Ignored("a text that is not text")
    mentioned = event.get("type") == "app_mention" or bot_user in mentioned_people(text_of.words(event))
    if event.get("bot_id") and not mentioned:
        return Ignored("a bot that does not mention us")
    event_id = body.get("event_id")
    message = Message(
        thread=Thread(team, channel, thread_ts),
        ts=ts,
        user=user,
        text=storable(text_of.of(event)),
        event_id=event_id if is_id(event_id) else None,
        files=_files(event),
        direct=_is_direct(event, channel),
        mentioned=mentioned,
        user_team=_home(event),
    )
    asker = Asker(user, _bot_ids(event), outsider=_is_outsider(body, event, team, enterprise))
    return Heard(message, asker, says_stop=_says_stop(message, bot_user))


def _not_spoken(event: Mapping[str, Any], bot_user: str) -> str | None:
    """Why the event is not a message that somebody else wrote; None if it is one."""
    subtype = event.get("subtype")
    is_of_bot = subtype == "bot_message" and bool(event.get("bot_id"))
    if subtype not in SPOKEN_SUBTYPES and not is_of_bot:
        return f"subtype {subtype}"
    if (event.get("user") or event.get("bot_id")) in (bot_user, "USLACKBOT", "USLACK"):
        return "a bot's message"
    return None


def _says_stop(message: Message, bot_user: str) -> bool:
    word = spoken(message.text, bot_user, {}).strip(" .!…").casefold()
    return word in STOP_WORDS and not message.files


def _is_direct(event: Mapping[str, Any], channel: str) -> bool:
    """Whether it was written in direct messages with us. Not every event has the type of its channel."""
    kind = event.get("channel_type")
    return kind == "im" or (kind is None and channel.startswith("D"))


def _files(event: Mapping[str, Any]) -> tuple[File, ...]:
    files = [File.of(payload) for payload in items(event.get("files"))]
    return tuple(file for file in files if file)


def _is_late_edit(event: Mapping[str, Any]) -> bool:
    """Whether a mention comes from an edit long after the message, which we may have answered and forgotten by now.

    Slack sends the mention of an edited message anew (https://github.com/slackapi/bolt-js/issues/960). A copy that
    comes within a day is recognised as one.
    """
    ts = find(event, "edited", "ts")
    return is_ts(ts) and float(ts) - float(event["ts"]) > LATE_SECONDS


def _bot_ids(event: Mapping[str, Any]) -> frozenset[str]:
    """The ids by which the operator may have listed the bot that wrote the message; empty for a person.

    https://docs.slack.dev/reference/events/message/bot_message
    """
    if not event.get("bot_id"):
        return frozenset()
    app = find(event, "bot_profile", "app_id")
    ids = (event.get("bot_id"), event.get("app_id"), app)
    return frozenset(id for id in ids if isinstance(id, str))


def _home(event: Mapping[str, Any]) -> str | None:
    """The author's workspace; None where Slack names only the organization."""
    for team in (event.get("user_team"), event.get("team")):
        if is_id(team) and team.startswith("T"):
            return team
    return None


def _is_outsider(body: Mapping[str, Any], event: Mapping[str, Any], team: str, enterprise: str | None) -> bool:
    """Whether the author belongs to another company.

    In a channel shared with another company, authors carry their own team or organization (Slack Connect). The context
    is what the app is installed in; `team_id` may be the other company's
    (https://docs.slack.dev/apis/events-api/#event-type-structure).
    """
    if not body.get("is_ext_shared_channel"):
        return False
    own = [None, team, enterprise, body.get("context_team_id"), body.get("context_enterprise_id")]
    if enterprise and body.get("enterprise_id") == enterprise:
        own.append(body.get("team_id"))
    return (event.get("user_team") or event.get("team")) not in own
