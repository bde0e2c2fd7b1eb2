"""Whom we answer: people of our own everywhere, unless settings say otherwise."""

from typing import Any

import pytest

from bot.intake.admission import Way, refusal
from bot.intake.audience import Audience
from bot.intake.read_message import Heard, read
from bot.settings import Settings
from bot.talk.message import Message
from bot.talk.payload import Ignored

TEAM, BOT = "T1", "U0BOT"
SAID = {"type": "message", "channel": "C1", "channel_type": "channel", "user": "U1", "ts": "1.1", "text": f"<@{BOT}>"}
ROBOT: dict[str, Any] = {"user": "U7", "bot_id": "B7", "app_id": "A7"}


def found(audience: Audience, outer: dict[str, Any] | None = None, **fields: Any) -> Message | str:
    heard = read({**(outer or {}), "event": {**SAID, **fields}}, TEAM, BOT)
    if isinstance(heard, Ignored):
        return heard.reason
    way = Way.MENTION if heard.is_addressed else Way.FOLLOW_UP
    return refusal(heard.asker, way, heard.where, audience) or heard.message


def is_ours(body: dict[str, Any], team: str = TEAM, enterprise: str | None = None) -> bool:
    heard = read(body, team, BOT, enterprise)
    assert isinstance(heard, Heard)
    return not heard.asker.outsider


def test_settings_say_whom_we_answer() -> None:
    environ = {"ALLOWED_BOTS": "B01, A02", "ALLOWED_CHANNELS": "C01,G02", "ALLOW_GUESTS": "on", "FOLLOW_UPS": "off"}
    audience = Audience.of(Settings.load(environ, dotenv=None))
    assert audience == Audience(frozenset({"B01", "A02"}), frozenset({"C01", "G02"}), guests=True, follow_ups=False)
    assert Audience.of(Settings()) == Audience()


@pytest.mark.parametrize("listed", ["B7", "A7"])
def test_a_listed_bot_is_answered_when_it_mentions_us(listed: str) -> None:
    audience = Audience(bots=frozenset({listed}))
    assert isinstance(found(audience, **ROBOT), Message)
    assert isinstance(found(audience, bot_id="B7", bot_profile={"app_id": "A7"}), Message)
    assert found(audience, **{**ROBOT, "text": "and so on", "thread_ts": "0.1"}) == "a bot that does not mention us"
    assert found(Audience(), **ROBOT) == "a bot's message"
    assert found(audience, bot_id="B8") == "a bot's message"


def test_a_bot_without_a_user_is_its_own_author() -> None:
    message = found(Audience(bots=frozenset({"B7"})), subtype="bot_message", user=None, bot_id="B7")
    assert isinstance(message, Message)
    assert message.user == "B7"


def test_we_ourselves_are_no_bot_on_any_list() -> None:
    assert found(Audience(bots=frozenset({"B1"})), user=BOT, bot_id="B1") == "a bot's message"


def test_with_a_list_of_channels_there_are_answers_only_there_and_in_direct_messages() -> None:
    audience = Audience(channels=frozenset({"C1"}))
    assert isinstance(found(audience), Message)
    assert found(audience, channel="C2") == "a channel that is not on the list"
    assert isinstance(found(audience, channel="D1", channel_type="im"), Message)


def test_people_of_other_companies_are_answered_where_that_is_allowed() -> None:
    outer = {"is_ext_shared_channel": True}
    assert found(Audience(), outer, user_team="T2") == "an author of another company"
    assert isinstance(found(Audience(external=True), outer, user_team="T2"), Message)


@pytest.mark.parametrize(
    ("outer", "author", "ours"),
    [
        ({"team_id": "T2", "context_team_id": "T1"}, "T2", False),
        ({"team_id": "T2", "context_team_id": "T1"}, "T1", True),
        ({"team_id": "T3", "enterprise_id": "E1"}, "T3", True),
        ({"team_id": "T3", "enterprise_id": "E2"}, "T3", False),
        ({"context_enterprise_id": "E1"}, "E1", True),
    ],
)
def test_in_a_shared_channel_the_context_is_ours_and_the_team_may_be_theirs(
    outer: dict[str, Any], author: str, ours: bool
) -> None:
    body = {**outer, "is_ext_shared_channel": True, "event": {**SAID, "user_team": author}}
    assert is_ours(body, enterprise="E1") is ours


def test_an_org_wide_installation_knows_its_own_by_the_workspace_it_hears_through() -> None:
    body = {"team_id": "T2", "context_team_id": "T1", "is_ext_shared_channel": True}
    for author, ours in (("T1", True), ("T2", False)):
        event = {**SAID, "user_team": author}
        assert is_ours({**body, "event": event}, "E1", "E1") is ours


def test_the_context_tells_the_organization_where_nothing_else_does() -> None:
    body = {"context_enterprise_id": "E1", "is_ext_shared_channel": True}
    for author, ours in (("E1", True), ("E2", False)):
        event = {**SAID, "user_team": author}
        assert is_ours({**body, "event": event}) is ours
