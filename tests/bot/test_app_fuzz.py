"""Whatever Slack sends, no listener fails, and no message is lost among it."""

import copy
import itertools
import json
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

from bot.app import UNREADABLE, create_app
from bot.sandbox import Sandbox
from bot.services import Services
from bot.settings import Settings
from bot.slack import client as slack
from bot.slack.identity import Identity
from bot.store import connections
from bot.store.metrics import Metrics
from bot.store.threads.inbox import Inbox
from bot.talk.message import Thread
from bot.views import feedback, footer, home
from bot.views.shortcut import ShortcutMessage

CASES = 6_000
VALID_EVERY = 20
ODD: list[Any] = [
    *(None, True, 0, -1, 1.5, 10**30, "", "x", "1.1", "<@U1>", "D1", "\ud800", "é" * 3000, [], ["x"], [[]], [None], {}),
    *({"id": 1}, {"id": "U1"}, [{"type": []}], {"type": {"type": None}}),
]

ABOUT = ShortcutMessage("C1", "1.1", "U1", "text").to_json()
ASKED = {"question": {"text": {"type": "plain_text_input", "value": "why?"}}}
SAID = {"type": "message", "channel": "C1", "channel_type": "channel", "user": "U1", "ts": "1.1", "text": "<@UBOT> hi"}
OURS = {"user": "UBOT", "bot_id": "BBOT", "ts": "1.2", "thread_ts": "1.1", "text": "an answer"}
FILE = {"id": "F1", "name": "a.txt", "mimetype": "text/plain", "size": 5, "mode": "hosted", "url_private": "https://x"}
MOVED = {"type": "message", "channel": "C1", "ts": "1.9", "hidden": True}
EVENTS: list[dict[str, Any]] = [
    {**SAID, "type": "app_mention"},
    SAID,
    {**SAID, "thread_ts": "1.0", "text": "stop"},
    {**SAID, "channel": "D1", "channel_type": "im", "text": "hello &amp; <https://x.example|x>"},
    {**SAID, "channel": "G1", "channel_type": "mpim"},
    {**SAID, "subtype": "file_share", "files": [FILE, {**FILE, "id": "F2"}]},
    {**SAID, "subtype": "bot_message", "bot_id": "B1", "bot_profile": {"app_id": "A1"}},
    {**MOVED, "subtype": "message_changed", "message": {**SAID, "text": "new"}, "previous_message": SAID},
    {**MOVED, "subtype": "message_changed", "message": OURS, "previous_message": OURS},
    {**MOVED, "subtype": "message_changed", "message": {"subtype": "tombstone", "ts": "1.1"}, "previous_message": SAID},
    {**MOVED, "subtype": "message_deleted", "deleted_ts": "1.1", "previous_message": SAID},
    {**MOVED, "subtype": "message_deleted", "deleted_ts": "1.2", "previous_message": OURS},
    {"type": "app_home_opened", "user": "U1", "channel": "D1", "tab": "home"},
    {"type": "app_home_opened", "user": "U1", "channel": "D1", "tab": "messages"},
    {"type": "member_joined_channel", "user": "UBOT", "channel": "C1", "team": "T1"},
    {"type": "agent_session_stopped", "channel": "C1", "thread_ts": "1.1", "user": "U1", "streaming_message_ts": []},
    {"type": "app_uninstalled"},
    {"type": "tokens_revoked", "tokens": {"oauth": ["U1"], "bot": ["UBOT"]}},
    {"type": "reaction_added", "user": "U1", "reaction": "eyes", "item": {"type": "message"}},
]
PERSON = {"user": {"id": "U1", "team_id": "T1"}, "team": {"id": "T1"}, "trigger_id": "1.2.3", "token": "t"}
PLACE = {"type": "message", "message_ts": "1.2", "channel_id": "C1", "thread_ts": "1.1"}


def click(action_id: str, value: str) -> dict[str, Any]:
    action = {"type": "button", "action_id": action_id, "value": value, "action_ts": "1.3", "block_id": "b"}
    where = {"container": PLACE, "channel": {"id": "C1"}, "message": OURS}
    return {"type": "block_actions", **PERSON, **where, "actions": [action], "response_url": "https://x"}


def submitted(callback_id: str, values: dict[str, Any]) -> dict[str, Any]:
    view = {"id": "V1", "callback_id": callback_id, "private_metadata": ABOUT, "state": {"values": values}}
    return {"type": "view_submission", **PERSON, "view": view}


INTERACTIONS: list[dict[str, Any]] = [
    *(click(action_id, "1.1") for action_id in (footer.STOP, footer.REGENERATE, footer.CONTINUE, feedback.COMMENT)),
    click(footer.FEEDBACK, "good 1.1"),
    click(home.FORGET, "D1"),
    {"type": "message_action", "callback_id": "ask_parley", **PERSON, "channel": {"id": "C1"}, "message": SAID},
    submitted("ask_parley", ASKED),
    submitted(feedback.COMMENT, {feedback.COMMENT: {feedback.COMMENT: {"value": "bad"}}}),
    {"type": "view_closed", **PERSON, "view": {"id": "V1", "callback_id": "ask_parley"}},
]
COMMAND = {"command": "/parley", "team_id": "T1", "channel_id": "C1", "user_id": "U1", "trigger_id": "1.2.3"}
WORDS = ("help", "status", "model", "forget", "", "nonsense " * 50, "forgt", "<!here>")


def outer(event: Any) -> dict[str, Any]:
    installed = {"team_id": "T1", "enterprise_id": None, "user_id": "UBOT", "is_enterprise_install": False}
    body = {"type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event_id": "Ev1", "event": event}
    return {**body, "authorizations": [installed], "is_ext_shared_channel": False}


def paths(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in it something can be changed."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield (*before, name)
        yield from paths(each, (*before, name))


def spoilt(body: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """With one to three fields missing, null, of another type, or too many."""
    body = copy.deepcopy(body)
    for _ in range(chance.randint(1, 3)):
        found = list(paths(body))
        if not found:
            return body
        *way, last = chance.choice(found)
        place: Any = body
        for step in way:
            place = place[step]
        match chance.choice(("missing", "odd", "odd", "extra")):
            case "missing":
                del place[last]
            case "odd":
                place[last] = copy.deepcopy(chance.choice(ODD))
            case "extra" if isinstance(place, dict):
                place[chance.choice(("extra", "type", "user", "team", "enterprise", "view"))] = chance.choice(ODD)
    return body


@dataclass
class Door:
    """Our Bolt app, as bot/front_door.py calls it."""

    app: AsyncApp
    inbox: Inbox
    secret: str
    unreadable: int = 0
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def json(self, body: Any) -> int | None:
        return await self._send(json.dumps(body), "application/json")

    async def form(self, fields: dict[str, str]) -> int | None:
        return await self._send(urlencode(fields, errors="replace"), "application/x-www-form-urlencoded")

    async def _send(self, body: str, kind: str) -> int | None:
        """The status that Slack gets; None for 400, with which bot/front_door.py answers what Bolt cannot read."""
        moment = str(int(time.time()))
        signature = SignatureVerifier(self.secret).generate_signature(timestamp=moment, body=body)
        headers: dict[str, str | Sequence[str]] = {
            "content-type": kind,
            "x-slack-request-timestamp": moment,
            "x-slack-signature": signature or "",
        }
        try:
            return (await self.app.async_dispatch(AsyncBoltRequest(body=body, headers=headers))).status
        except UNREADABLE:
            self.unreadable += 1
            return None

    async def keeps(self, chance: random.Random) -> bool:
        """Whether a good mention, with fields that nobody knows, comes into the mailbox."""
        ts = f"{next(self.numbers)}.000001"
        event = {**SAID, "ts": ts, "new_field": chance.choice(ODD), "blocks": chance.choice(ODD)}
        status = await self.json({**outer(event), "event_id": f"Ev-{ts}", "new_field": chance.choice(ODD)})
        return status == 200 and [m.ts for m in await self.inbox.waiting(Thread("T1", "C1", ts))] == [ts]


@pytest.fixture
async def door(redis_url: str) -> AsyncIterator[Door]:
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(Sandbox(with_claude=False, limits=False))
        settings = Settings.load({**sandbox.environ(), "SLACK_APP_TOKEN": ""}, dotenv=None)
        web = await stack.enter_async_context(slack.client(settings))
        redis, producer = connections.shared(redis_url), connections.producer(redis_url)
        stack.push_async_callback(redis.aclose)
        stack.callback(producer.close)
        inbox = Inbox(redis, connections.queue("test", producer), 60.0)
        identity = Identity("T1", "UBOT", "BBOT", "parley", "Team", None)
        yield Door(
            create_app(Services(settings, redis, web, identity, inbox, Metrics(redis, "T1"))),
            inbox,
            str(settings.slack_signing_secret),
        )


@pytest.mark.timeout(900)  # 6,000 payloads take as long as the machine's processor does.
async def test_no_payload_makes_a_listener_fail_and_no_message_is_lost_among_them(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    chance = random.Random(6)
    sent: list[Callable[[], Any]] = [
        lambda: door.json(spoilt(outer(chance.choice(EVENTS)), chance)),
        lambda: door.json(spoilt(outer(chance.choice(EVENTS)), chance)),
        lambda: door.form({"payload": json.dumps(spoilt(chance.choice(INTERACTIONS), chance))}),
        lambda: door.form(strings(spoilt({**COMMAND, "text": chance.choice(WORDS)}, chance))),
    ]
    for case in range(CASES):
        status = await sent[case % len(sent)]()
        assert status in (200, None), caplog.text
        assert not caplog.records, caplog.text
        if case % VALID_EVERY == 0:
            assert await door.keeps(chance)
    assert door.unreadable < CASES / 5


def strings(fields: dict[str, Any]) -> dict[str, str]:
    """A form has nothing else."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", "5", '"text"', "payload=", "payload={", "payload=[]", "command"]
)
async def test_a_body_that_is_none_is_no_failure_of_ours(door: Door, body: str) -> None:
    assert await door._send(body, "application/x-www-form-urlencoded") in (200, 404, None)
