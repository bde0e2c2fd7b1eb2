"""What is for us, and what was said."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.intake.read_message import Heard, read
from bot.talk.file import File
from bot.talk.markup import mentioned_people
from bot.talk.message import Message, Thread
from bot.talk.payload import Ignored

TEAM, BOT = "T1", "U0BOT"
SAID = {"type": "message", "channel": "C1", "channel_type": "channel", "user": "U1", "ts": "100.000001", "text": "hi"}


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["1.1", "U1", "im"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def event(**fields: Any) -> Heard | Ignored:
    return read({"event_id": "Ev1", "event": {**SAID, **fields}}, TEAM, BOT)


def message(**fields: Any) -> Message:
    found = event(**fields)
    assert isinstance(found, Heard), found
    assert not found.aside
    return found.message


def reason(**fields: Any) -> str:
    found = event(**fields)
    assert isinstance(found, Ignored), found
    return found.reason


def is_aside(**fields: Any) -> bool:
    found = event(**fields)
    assert isinstance(found, Heard), found
    return found.aside


def test_a_mention_begins_a_thread_of_its_own() -> None:
    assert message(text=f"<@{BOT}> hello") == Message(
        thread=Thread(TEAM, "C1", "100.000001"),
        ts="100.000001",
        user="U1",
        text=f"<@{BOT}> hello",
        event_id="Ev1",
        mentioned=True,
    )


def test_a_mention_in_a_thread_belongs_to_it() -> None:
    found = message(text=f"and <@{BOT}|parley>?", thread_ts="99.000001")
    assert found.thread == Thread(TEAM, "C1", "99.000001")
    assert found.mentioned


def test_the_app_mention_twin_is_read_as_the_same_message() -> None:
    twins = [message(text=f"<@{BOT}> hello", type=kind) for kind in ("message", "app_mention")]
    assert twins[0] == twins[1]


@pytest.mark.parametrize(
    ("fields", "home"),
    [
        ({"team": "T1"}, "T1"),
        ({"team": "T1", "user_team": "T2"}, "T2"),
        ({"team": "T1", "user_team": "E2"}, "T1"),
        ({"team": "E1"}, None),
        ({"team": ["T1"]}, None),
        ({}, None),
    ],
)
def test_the_authors_workspace_is_kept(fields: dict[str, Any], home: str | None) -> None:
    assert message(text=f"<@{BOT}>", **fields).user_team == home


def test_an_app_mention_mentions_us_whatever_its_text() -> None:
    assert message(type="app_mention", text="hello").mentioned


def test_a_direct_message_needs_no_mention() -> None:
    assert message(channel="D1", channel_type="im").direct
    assert message(channel="D1", channel_type=None).direct


def test_a_group_message_needs_a_mention() -> None:
    assert reason(channel="G1", channel_type="mpim") == "not addressed to us"
    assert message(channel="G1", channel_type="mpim", text=f"<@{BOT}>").mentioned


def test_talk_in_a_channel_is_not_for_us() -> None:
    assert reason() == "not addressed to us"


def test_a_message_of_a_thread_may_be_for_us_if_it_speaks_to_nobody_else() -> None:
    found = message(thread_ts="99.000001")
    assert not found.direct
    assert not found.mentioned
    assert is_aside(thread_ts="99.000001", text="<@U2> lunch?")
    assert message(thread_ts="99.000001", text=f"<@U2> and <@{BOT}>").mentioned


@pytest.mark.parametrize("whom", ["<!subteam^S1|@oncall>", "<!subteam^S1>", "<!here>", "<!channel|channel>"])
def test_a_group_is_somebody_else_too(whom: str) -> None:
    assert is_aside(thread_ts="99.000001", text=f"{whom} please look")
    assert message(thread_ts="99.000001", text=f"{whom} and <@{BOT}> please look").mentioned


def test_the_mention_of_a_message_edited_long_after_is_not_a_question_once_more() -> None:
    mention = {"type": "app_mention", "text": f"<@{BOT}> hello", "ts": "100000.000001"}
    assert message(**mention, edited={"user": "U1", "ts": "100600.000000"}).mentioned
    assert reason(**mention, edited={"user": "U1", "ts": "200000.000000"}) == "an edit of an old message"
    assert message(**mention, edited={"user": "U1", "ts": None}).mentioned
    assert message(**mention, edited="x").mentioned


def test_no_bot_gets_an_answer_we_ourselves_least_of_all() -> None:
    for ours in (BOT, "USLACKBOT", "USLACK"):
        assert reason(channel="D1", channel_type="im", user=ours) == "a bot's message"
    assert reason(channel="D1", channel_type="im", bot_id="B1") == "a bot that does not mention us"


def test_a_forwarded_message_is_read_with_the_question_and_speaks_to_nobody() -> None:
    forwarded = {"is_share": True, "from_url": "https://x.example", "text": f"<@U2> and <@{BOT}>: we ship"}
    found = message(text="what is that?", thread_ts="99.000001", attachments=[forwarded])
    assert found.text == f"what is that?\n[Forwarded message:]\n&gt; <@U2> and <@{BOT}>: we ship"
    assert not found.mentioned
    assert (
        message(channel="D1", channel_type="im", text="", attachments=[forwarded]).text == found.text.partition("\n")[2]
    )
    assert reason(text="look", attachments=[forwarded]) == "not addressed to us"


def test_a_mention_in_blocks_is_one_where_there_is_no_text() -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": f"<@{BOT}> hello"}}
    assert message(text="", blocks=[section]).mentioned
    assert reason(text="hello", blocks=[section]) == "not addressed to us"


@pytest.mark.parametrize("missing", ["user", "channel", "ts"])
def test_an_event_without_author_channel_or_time_has_a_reason(missing: str) -> None:
    assert reason(text=f"<@{BOT}>", **{missing: None}) in ("no author or no channel", "no timestamp")


@pytest.mark.parametrize("ts", ["", "now", "1", "1.1\n", "-1.1", 1.1, "1.1:2"])
def test_a_time_that_is_none_is_none(ts: object) -> None:
    assert reason(text=f"<@{BOT}>", ts=ts) == "no timestamp"


@pytest.mark.parametrize("text", [5, ["hi"], {"text": "hi"}, True])
def test_a_text_that_is_none_is_not_read(text: object) -> None:
    assert reason(type="app_mention", text=text) == "a text that is not text"


@pytest.mark.parametrize("event_id", ["Ev 1", "Ev:1", "", 5, ["Ev1"], None])
def test_an_event_without_a_good_id_is_read_without_it(event_id: object) -> None:
    found = read({"event_id": event_id, "event": {**SAID, "text": f"<@{BOT}>"}}, TEAM, BOT)
    assert isinstance(found, Heard)
    assert found.message.event_id is None


def test_what_slack_says_about_files_is_kept() -> None:
    whole = {
        "id": "F1",
        "name": "report.pdf",
        "mimetype": "application/pdf",
        "size": 1000,
        "mode": "hosted",
        "url_private": "https://files.slack.com/files-pri/T1-F1/report.pdf",
        "file_access": "visible",
    }
    asked = {"id": "F2", "file_access": "check_file_info"}
    files = [whole, asked, "not a file", {"id": 5}, {}]
    assert message(text=f"<@{BOT}>", files=files).files == (
        File("F1", "report.pdf", "application/pdf", 1000, str(whole["url_private"]), "hosted", "visible"),
        File("F2", access="check_file_info"),
    )


@given(st.dictionaries(st.sampled_from(["id", "name", "mimetype", "size", "url_private", "mode", "x"]), anything))
def test_a_file_of_any_shape_is_read_and_can_be_stored(said: dict[str, Any]) -> None:
    found = message(text=f"<@{BOT}>", files=[said, {"id": "F1", **said}])
    assert Message.from_json(found.to_json().encode()) == found


def test_somebody_of_another_company_is_known_in_a_shared_channel() -> None:
    def is_outsider(**fields: Any) -> bool:
        event = {**SAID, "text": f"<@{BOT}>", **fields}
        heard = read({"event": event, "team_id": "T1", "is_ext_shared_channel": True}, TEAM, BOT, "E1")
        assert isinstance(heard, Heard)
        return heard.asker.outsider

    assert is_outsider(user_team="T2", team="T1")
    assert is_outsider(team="T2")
    for ours in ({"user_team": "T1"}, {"user_team": "E1"}, {"team": "T1"}, {}):
        assert not is_outsider(**ours)
    assert message(text=f"<@{BOT}>", user_team="T2").mentioned


FIELDS = (
    "type",
    "subtype",
    "channel",
    "channel_type",
    "user",
    "bot_id",
    "ts",
    "thread_ts",
    "text",
    "team",
    "user_team",
)
strange = st.dictionaries(st.sampled_from(FIELDS), anything, max_size=4)


@given(body=st.dictionaries(st.sampled_from(["event", "event_id", "team_id", "x"]), anything, max_size=4))
def test_any_body_is_read(body: dict[str, Any]) -> None:
    assert isinstance(read(body, TEAM, BOT), Heard | Ignored)


@pytest.mark.parametrize("strange", [5, True, {"a": 1}, ["x"], [None], "x"])
def test_strange_files_and_authorizations_are_read(strange: object) -> None:
    event = {**SAID, "text": f"<@{BOT}>", "files": 5}
    body = {"is_ext_shared_channel": True, "authorizations": strange, "event": event}
    assert isinstance(read(body, TEAM, BOT), Heard | Ignored)


def test_people_are_found_with_and_without_their_names() -> None:
    assert mentioned_people("<@U1> <@U2|ben> <#C1> <!here> @U3 &lt;@U4>") == {"U1", "U2"}


@pytest.mark.parametrize("subtype", ["message_changed", "message_deleted", "channel_join", "bot_message", "x", 5, {}])
def test_edits_joins_and_the_like_are_not_spoken(subtype: object) -> None:
    assert reason(subtype=subtype, text=f"<@{BOT}>") == f"subtype {subtype}"


@pytest.mark.parametrize("subtype", ["file_share", "thread_broadcast"])
def test_files_and_broadcasts_are_spoken(subtype: str) -> None:
    assert message(subtype=subtype, text=f"<@{BOT}>").mentioned


def test_a_direct_message_of_nothing_but_a_file_is_spoken() -> None:
    assert message(channel="D1", channel_type="im", subtype="file_share", text="", files=[{"id": "F1"}]).files


@given(
    fields=strange, outer=st.dictionaries(st.sampled_from(["event_id", "team_id", "is_ext_shared_channel"]), anything)
)
def test_an_event_with_strange_fields_is_read_and_what_comes_of_it_can_be_stored(
    fields: dict[str, Any], outer: dict[str, Any]
) -> None:
    found = read({**outer, "event": {**SAID, "text": f"<@{BOT}>", **fields}}, TEAM, BOT)
    if isinstance(found, Heard):
        assert Message.from_json(found.message.to_json().encode()) == found.message


def test_half_an_emoji_does_not_stop_a_message() -> None:
    found = message(text=f"<@{BOT}> \ud83d", files=[{"name": "\udc00.pdf"}])
    assert Message.from_json(found.to_json().encode()) == found
    assert found.files == (File(name="?.pdf"),)
