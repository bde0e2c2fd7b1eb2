"""A click is read, or there is a reason why not; nothing in it is trusted to be there."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.intake.read_click import Click, read
from bot.talk.message import Thread
from bot.talk.payload import Ignored

TEAM = "T1"
BODY: dict[str, Any] = {
    "type": "block_actions",
    "user": {"id": "U1", "team_id": TEAM},
    "container": {"type": "message", "message_ts": "2.2", "channel_id": "C1", "thread_ts": "1.1"},
    "channel": {"id": "C1"},
    "message": {"ts": "2.2", "thread_ts": "1.1"},
    "trigger_id": "1.2.x",
    "actions": [{"action_id": "parley_stop", "value": "1.1", "action_ts": "3.3"}],
}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["C1", "U1", "1.1", TEAM]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def test_a_click_says_what_was_used_where_and_by_whom() -> None:
    assert read(BODY, TEAM) == Click(
        "parley_stop", "1.1", Thread(TEAM, "C1", "1.1"), "2.2", "3.3", "U1", user_team=TEAM, trigger_id="1.2.x"
    )


@pytest.mark.parametrize("place", ["container", "message"])
def test_either_place_says_the_thread(place: str) -> None:
    other = "message" if place == "container" else "container"
    body = {**BODY, other: {k: v for k, v in BODY[other].items() if k != "thread_ts"}}
    found = read(body, TEAM)
    assert isinstance(found, Click)
    assert found.thread.ts == "1.1"


def test_a_message_outside_of_a_thread_is_a_thread_of_its_own() -> None:
    container = {"type": "message", "message_ts": "2.2", "channel_id": "C1"}
    found = read({**BODY, "container": container, "message": {"ts": "2.2"}}, TEAM)
    assert isinstance(found, Click)
    assert found.thread == Thread(TEAM, "C1", "2.2")


@pytest.mark.parametrize(
    ("home", "where", "enterprise", "outsider"),
    [
        (TEAM, {"id": TEAM}, None, False),
        (None, None, None, False),
        ("T2", {"id": TEAM}, None, True),
        ("T2", {"id": "T2"}, None, True),
        ("E2", {"id": TEAM}, None, True),
        ("E1", None, "E1", False),
        ("E1", {"id": "T3", "enterprise_id": "E1"}, "E1", False),
        ("T3", {"id": "T3", "enterprise_id": "E1"}, "E1", False),
        ("T2", {"id": TEAM, "enterprise_id": "E1"}, "E1", True),
        ("T2", {"id": "T2", "enterprise_id": "E2"}, "E1", True),
        ("T2", {"id": "T2"}, "E1", True),
        ("E2", {"id": TEAM, "enterprise_id": "E1"}, "E1", True),
    ],
)
def test_a_person_of_another_company_is_known_in_an_organization_too(
    home: str | None, where: dict[str, str] | None, enterprise: str | None, outsider: bool
) -> None:
    found = read({**BODY, "user": {"id": "U1", "team_id": home}, "team": where}, TEAM, enterprise)
    assert isinstance(found, Click)
    assert found.outsider is outsider
    assert found.user_team == (home if home and home[0] == "T" else None)


@pytest.mark.parametrize(
    "change",
    [
        {"actions": []},
        {"actions": None},
        {"actions": [None]},
        {"actions": [{"action_id": "x", "value": "1.1"}]},
        {"user": None},
        {"user": {"id": 7}},
        {"user": "U1"},
        {"container": None},
        {"container": {"message_ts": "now", "channel_id": "C1"}},
        {"container": {"message_ts": "2.2"}, "channel": None},
    ],
)
def test_without_what_is_needed_it_is_no_click(change: dict[str, Any]) -> None:
    assert isinstance(read({**BODY, **change}, TEAM), Ignored)


@given(st.dictionaries(st.sampled_from([*BODY, "x"]), anything, max_size=7))
def test_any_body_is_read(change: dict[str, Any]) -> None:
    assert isinstance(read({**BODY, **change}, TEAM), Click | Ignored)
    assert isinstance(read(change, TEAM), Click | Ignored)


@given(
    st.sampled_from(["user", "container", "message", "channel"]),
    st.dictionaries(
        st.sampled_from(["id", "team_id", "message_ts", "channel_id", "thread_ts"]), anything, min_size=1, max_size=3
    ),
    st.dictionaries(st.sampled_from(["action_id", "value", "action_ts"]), anything, max_size=3),
)
def test_strange_fields_are_read(place: str, fields: dict[str, Any], action: dict[str, Any]) -> None:
    body = {**BODY, place: {**BODY[place], **fields}, "actions": [{**BODY["actions"][0], **action}]}
    found = read(body, TEAM)
    assert isinstance(found, Click | Ignored)
    if isinstance(found, Click):
        assert all(isinstance(part, str) for part in (found.action_id, found.value, found.user, found.message_ts))
