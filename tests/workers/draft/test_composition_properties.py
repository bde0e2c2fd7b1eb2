"""Replies of full size: whatever Claude writes, Slack takes each message of it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.slack.block_kit.payload import checked
from bot.sandbox.slack.text import escaped_bytes
from bot.store.threads.replies import Final
from bot.talk.message import Message, Thread
from tests.kit.hostile_markdown import PEOPLE, PIECES, check_plain, hostile_documents
from tests.kit.markdown_samples import DOCUMENTS, document
from workers.draft.composition import Composition
from workers.draft.part import Part, Payload
from workers.draft.slack_stream import SlackStream
from workers.draft.turn import Terms

MESSAGE = Message(Thread("T1", "C1", "1.1"), "1.2", "U1", "a question")
TERMS = Terms(PEOPLE)
# As long as names and figures below an answer ever get, and longer when escaped.
ENDING = Final("", has_buttons=True, continuable=True, stopped_by="&" * 80, note="<" * 300)


def check_payload(content: Payload) -> None:
    """https://docs.slack.dev/reference/block-kit/blocks/markdown-block, …/methods/chat.update; the sum is observed."""
    checked(content["blocks"], "message")
    assert len(content["blocks"]) <= 50
    for block in content["blocks"]:
        if block["type"] == "markdown":
            assert len(block["text"]) <= 12_000
    assert escaped_bytes(content["text"]) <= 4_000
    assert content["text"] or content["blocks"]
    check_plain(content["text"])
    assert content["parse"] == "none"
    assert len(json.dumps(content["metadata"])) < 300


def messages(composition: Composition) -> list[Payload]:
    """Make the messages as they shall be, and say what Slack is sent for it."""
    parts: list[Part] = []
    sent = []
    while due := composition.next(parts, 0):
        content = composition.payload(due)
        sent.append(content)
        parts[due.number :] = [Part(str(due.number), content)]
    return sent


def repeated(texts: list[str], length: int) -> str:
    text = "\n\n".join([*texts, ""])
    return (text * (length // len(text) + 1))[:length]


pieces = st.one_of(hostile_documents(), st.sampled_from(PIECES), st.sampled_from(DOCUMENTS).map(document))
answers = st.builds(repeated, st.lists(pieces, min_size=1), st.integers(1, 30_000))


@given(answers, st.booleans())
def test_slack_takes_every_message_of_a_live_and_of_an_ended_reply(text: str, plain: bool) -> None:
    composition = Composition(MESSAGE, TERMS)
    if plain:
        composition.simpler(refused_blocks=False)
    composition.text = text
    for ending in (None, ENDING):
        composition.ended = ending
        for content in messages(composition):
            check_payload(content)


def test_a_retry_is_not_cut_where_the_first_try_was() -> None:
    composition = Composition(MESSAGE, Terms(PEOPLE, rotate_seconds=0.0, longest_seconds=0.0))
    composition.text = "```py\n" + "x = 1\n" * 5
    composition.rotate([Part("1", stream=SlackStream("```py\nx = 1", 11))])
    assert composition.count == 2
    composition.text = "Other words. " * 20
    assert composition.count == 1
