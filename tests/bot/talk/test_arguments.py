"""Words after a command, as Slack hands them over."""

import pytest

from bot.talk import arguments
from bot.talk.arguments import Unclear, Words, quoted


@pytest.mark.parametrize(("word", "id"), [("<@U1>", "U1"), ("<@W1|ada>", "W1"), ("ada", None), ("<#C1>", None)])
def test_a_person_is_known_by_the_id_that_slack_put_in(word: str, id: str | None) -> None:
    assert arguments.person(word) == id


@pytest.mark.parametrize(("word", "id"), [("<#C1>", "C1"), ("<#D1|>", "D1"), ("general", None), ("<@U1>", None)])
def test_a_channel_is_known_by_the_id_that_slack_put_in(word: str, id: str | None) -> None:
    assert arguments.channel(word) == id


@pytest.mark.parametrize("word", ["@ada", "<@ada>", "<!channel>", "<!subteam^S1>"])
def test_a_name_that_slack_did_not_recognise_is_no_person(word: str) -> None:
    with pytest.raises(Unclear, match="I find no person"):
        arguments.person(word)


@pytest.mark.parametrize("word", ["#general", "<#general>"])
def test_a_name_that_slack_did_not_recognise_is_no_channel(word: str) -> None:
    with pytest.raises(Unclear, match="I find no channel"):
        arguments.channel(word)


LINK = "https://acme.slack.com/archives/C1/p1732000000000100"


@pytest.mark.parametrize(
    ("word", "ts"),
    [
        (LINK, "1732000000.000100"),
        (f"<{LINK}>", "1732000000.000100"),
        (f"<{LINK}|acme>", "1732000000.000100"),
        (f"{LINK}?thread_ts=1731000000.000200&cid=C1", "1731000000.000200"),
        (f"<{LINK}?cid=C1&amp;thread_ts=1731000000.000200>", "1731000000.000200"),
    ],
)
def test_the_link_of_a_message_names_its_thread(word: str, ts: str) -> None:
    assert arguments.thread(word) == ("C1", ts)


@pytest.mark.parametrize("word", ["https://acme.slack.com/archives/C1", "http://x/archives/C1/p1732000000000100", "C1"])
def test_other_links_name_no_thread(word: str) -> None:
    assert arguments.thread(word) is None


def test_each_word_is_taken_once_and_fillers_are_no_words() -> None:
    said = Words(["set", "5", "per", "Day", "for", "the", "person"])
    assert said.take("number", str.isdigit) == "5"
    assert said.take("period", lambda word: word.lower() == "day") == "Day"
    with pytest.raises(Unclear, match="I do not understand “set”"):
        said.end("Say it otherwise.")


def test_two_of_a_kind_are_asked_about() -> None:
    with pytest.raises(Unclear, match="One number at a time, please: “5” or “6”"):
        Words(["5", "6"]).take("number", str.isdigit)


def test_what_is_quoted_can_do_nothing() -> None:
    assert quoted("<!channel>`&amp;&") == "“&lt;!channel&gt;'&amp;&amp;”"
    assert len(quoted("x" * 100)) == 43
