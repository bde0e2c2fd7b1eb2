from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.sandbox.slack import blocks
from bot.settings import Settings
from bot.slack import client as slack
from bot.slack.errors import SLACK_TROUBLE
from bot.store.threads import replies
from bot.store.threads.inbox import LeaseLost
from bot.store.threads.replies import Final, Reply
from bot.talk.message import Message, Thread
from bot.views import footer
from tests.kit.drafts import Desk
from tests.kit.parley import payload as about
from workers.draft.messages import IN_A_FILE, STANDS_IN, Due, Messages, Part, payload, words
from workers.draft.slack_stream import Streams

QUESTION = Message(Thread("T1", "C1", "1.1"), "1.1", "U1", "a question")
LAST = Due(0, "Some **words**", True)


def made(due: Due = LAST, ending: Final | None = None, *, simple: bool = False, plain: bool = False) -> dict[str, Any]:
    return payload(due, QUESTION, ending, simple=simple, plain=plain)


def kinds(content: dict[str, Any]) -> list[str]:
    return [block["type"] for block in content["blocks"]]


def small_print(content: dict[str, Any]) -> list[str]:
    return [block["elements"][0]["text"] for block in content["blocks"] if block["type"] == "context"]


# What is in a message


def test_blocks_carry_the_text_and_a_short_one_is_for_the_notification() -> None:
    content = made()
    assert content["blocks"][0] == {"type": "markdown", "text": "Some **words**"}
    assert (content["text"], content["parse"]) == ("Some words", "none")
    assert len(made(Due(0, "<&>" * 3_000, True))["text"].encode()) < 4_000
    assert len(made(Due(0, "<&>" * 3_000, True), plain=True)["text"].encode()) < 4_000


def test_while_it_grows_there_is_a_stop_button() -> None:
    content = made()
    assert content["blocks"][1:] == footer.streaming("1.1")
    assert content["metadata"]["event_payload"] == {"message_ts": "1.1", "part": 1, "state": "streaming"}


def test_a_whole_answer_has_its_buttons_and_says_how_many_messages_there_are() -> None:
    content = made(Due(1, "The end", True), Final("", has_buttons=True, note="a note", continuable=True))
    done = footer.done("1.1", continuable=True, note="a note")
    assert content["blocks"][1:] == [content["blocks"][1], *done]
    assert content["metadata"]["event_payload"] == {"message_ts": "1.1", "part": 2, "state": "complete", "parts": 2}


def test_who_stopped_it_is_told() -> None:
    content = made(ending=Final("", has_buttons=True, stopped_by="Ada"))
    assert content["blocks"][1:] == footer.stopped("1.1", by="Ada")
    somebody = made(ending=Final("", has_buttons=True, stopped_by=""))
    assert somebody["blocks"][1:] == footer.stopped("1.1")


def test_an_answer_given_again_has_the_buttons_of_its_question() -> None:
    message = Message(QUESTION.thread, "9.1", "U1", "a question", again="1.1")
    content = payload(LAST, message, Final("", has_buttons=True), simple=False, plain=False)
    assert content["blocks"][1:] == footer.done("1.1")
    assert content["metadata"]["event_payload"]["message_ts"] == "9.1"


def test_a_failure_says_so_to_programs_and_has_no_buttons() -> None:
    content = made(ending=Final("", outcome="error"))
    assert content["metadata"]["event_payload"]["state"] == "failed"
    assert kinds(content) == ["markdown"]
    assert made(Due(0, "", False), Final("", outcome="error"))["metadata"]["event_payload"]["state"] == "complete"


def test_messages_are_numbered_only_if_there_are_several() -> None:
    assert small_print(made()) == []
    assert small_print(made(Due(0, "", False))) == ["Part 1, continued below"]
    assert small_print(made(Due(1, "", False))) == ["Part 2, continued below"]
    assert small_print(made(Due(1, "", True), Final(""))) == ["Part 2"]


def test_only_the_last_message_has_buttons() -> None:
    assert kinds(made(Due(0, "", False))) == ["markdown", "context"]
    assert kinds(made(Due(0, "", False), Final("", has_buttons=True))) == ["markdown", "context"]


def test_a_rest_in_a_file_is_told_at_the_end() -> None:
    due = Due(0, "", True, has_rest=True)
    assert small_print(made(due)) == []
    assert small_print(made(due, Final(""))) == [IN_A_FILE]


def test_who_stands_in_says_so() -> None:
    assert small_print(made(Due(0, "", True, stands_in=True), Final(""))) == [STANDS_IN]


@pytest.mark.parametrize("simple", [False, True])
def test_slack_takes_all_of_it(simple: bool) -> None:
    note = "note " * 200
    for ending in (None, Final("", has_buttons=True, note=note, continuable=True, stopped_by="Ada"), Final("")):
        for is_last in (False, True):
            due = Due(3, "x" * 12_000, is_last, has_rest=True, stands_in=True)
            blocks.checked(made(due, ending, simple=simple)["blocks"], "message")


def test_a_plain_message_has_no_blocks() -> None:
    assert made(plain=True)["blocks"] == []


def test_what_people_see_of_a_message_is_counted() -> None:
    assert Part("1.1").shown == 0
    assert Part("1.1", made()).shown == len("Some **words**")
    assert Part("1.1", made(plain=True)).shown == len("Some words")


# The calls


@asynccontextmanager
async def sending(desk: Desk, *, resumed: bool = False, streamed: bool = False) -> AsyncIterator[Messages]:
    reply = await replies.load(desk.redis, desk.message.thread, desk.message.ts)
    if streamed:
        reply = replace(reply, streamed=True)
    async with slack.client(Settings.load(desk.sandbox.environ(), dotenv=None)) as web:
        streams = Streams(web, desk.redis, desk.message, "native")
        yield Messages(web, desk.redis, desk.message, reply, streams, resumed=resumed, may_send=lambda: None)


def content(desk: Desk, due: Due, ending: Final | None = None) -> dict[str, Any]:
    return payload(due, desk.message, ending, simple=False, plain=False)


async def test_a_message_is_posted_and_edited(desk: Desk) -> None:
    async with sending(desk) as messages:
        await messages.post(content(desk, LAST))
        [part] = messages.parts
        assert (part.ts, part.shown) == (desk.posted[0].ts, 14)
        await messages.edit(part, content(desk, Due(0, "Others", True), Final("")))
        assert messages.method == "chat.update"
    assert (desk.texts, desk.states) == (["Others"], ["complete"])


async def test_nothing_unfurls(desk: Desk) -> None:
    async with sending(desk) as messages:
        await messages.post(content(desk, LAST))
    [call] = desk.sandbox.journal.entries("slack.request", "chat.postMessage")
    assert (call.data["unfurl_links"], call.data["unfurl_media"]) == (False, False)


async def test_a_stream_takes_what_is_new_and_at_its_end_what_stands_below(desk: Desk) -> None:
    async with sending(desk) as messages:
        await messages.open(Due(0, "One", True, 3))
        [part] = messages.parts
        await messages.append(part, Due(0, "One two", True, 7))
        assert desk.texts == ["One two"]
        due = Due(0, "One two three", True)
        await messages.stop(part, due, content(desk, due, Final("", has_buttons=True)))
    [message] = desk.posted
    assert (desk.texts, desk.states, message.stream) == (["One two three"], ["complete"], "stopped")
    assert [block["type"] for block in message.blocks] == ["markdown", "context_actions", "actions"]
    assert [call.data["markdown_text"] for call in desk.sandbox.journal.entries("slack.request", "chat.appendStream")]
    assert part.stream is None


async def test_a_stream_that_has_begun_otherwise_is_stopped_as_it_is(desk: Desk) -> None:
    async with sending(desk) as messages:
        await messages.open(Due(0, "One", True, 3))
        [part] = messages.parts
        due = Due(0, "Another", True)
        await messages.stop(part, due, content(desk, due))
        assert (part.stream, part.sent) == (None, None)
    assert (desk.texts, desk.posted[0].stream) == (["One"], "stopped")


async def test_a_post_whose_answer_was_lost_is_found(desk: Desk) -> None:
    async with sending(desk) as messages:
        desk.sandbox.faults.add("chat.postMessage", "reset", after=True, times=1)
        with pytest.raises(SLACK_TROUBLE):
            await messages.post(content(desk, LAST))
        assert messages.unsure
        await messages.post(content(desk, LAST))
        assert [part.ts for part in messages.parts] == [message.ts for message in desk.posted]
    assert len(desk.posted) == 1


async def test_a_post_that_slack_makes_late_is_waited_for_and_not_made_again(desk: Desk) -> None:
    async with sending(desk) as messages:
        desk.sandbox.faults.add("chat.postMessage", "delay", seconds=5.0, times=1)
        with pytest.raises(TimeoutError):
            await messages.post(content(desk, LAST))
        await messages.post(content(desk, LAST))
        [found] = messages.parts
        [posted] = desk.posted
    assert (found.ts, found.sent) == (posted.ts, None)


@pytest.mark.parametrize(("method", "unsure"), [("chat.postMessage", False), ("chat.update", True)])
async def test_only_a_post_that_was_refused_is_known_not_to_be_there(desk: Desk, method: str, unsure: bool) -> None:
    async with sending(desk, resumed=True) as messages:
        messages.method = method
        messages.was_refused()
        assert messages.unsure is unsure


def test_a_plain_message_that_has_grown_has_other_words(desk: Desk) -> None:
    shown, grown = (payload(Due(0, text, False), desk.message, None, simple=True, plain=True) for text in ("a", "a b"))
    assert words(shown) != words(grown)


async def test_who_takes_over_finds_all_messages_in_their_order(desk: Desk) -> None:
    async with sending(desk) as messages:
        for number in range(3):
            await messages.post(content(desk, Due(number, f"Part {number}", number == 2)))
    async with sending(desk, resumed=True) as messages:
        await messages.post(content(desk, LAST))
        assert [part.ts for part in messages.parts] == [message.ts for message in desk.posted]
    assert len(desk.posted) == 3


async def test_a_message_of_another_reply_is_not_taken_for_ours(desk: Desk) -> None:
    async with sending(desk) as messages:
        other = content(desk, LAST)
        other["metadata"]["event_payload"]["message_ts"] = "1.1"
        await messages.post(other)
    async with sending(desk, resumed=True) as messages:
        await messages.post(content(desk, LAST))
    assert [about(message)["message_ts"] for message in desk.posted] == ["1.1", desk.message.ts]


async def test_a_stream_whose_start_was_lost_is_found(desk: Desk) -> None:
    async with sending(desk) as messages:
        await messages.open(Due(0, "One", True, 3))
    reply = await replies.load(desk.redis, desk.message.thread, desk.message.ts)
    assert (reply.streamed, reply.parts) == (True, ())
    async with sending(desk, resumed=True) as messages:
        await messages.post(content(desk, LAST))
        assert [part.ts for part in messages.parts] == [desk.posted[0].ts]
    assert len(desk.posted) == 1


async def test_a_message_that_was_left_is_not_found_again(desk: Desk) -> None:
    async with sending(desk) as messages:
        await messages.post(content(desk, LAST))
        messages.leave_from(0)
        messages.unsure = True
        await messages.post(content(desk, Due(0, "In its place", True)))
        assert [part.ts for part in messages.parts] == [desk.posted[1].ts]
    assert desk.texts == ["Some **words**", "In its place"]


async def test_leftovers_are_deleted_open_streams_too(desk: Desk) -> None:
    async with sending(desk) as messages:
        await messages.post(content(desk, LAST))
        await messages.post(content(desk, Due(1, "Second", True)))
        await messages.open(Due(2, "Third", True, 5))
        await messages.delete_from(1)
        assert len(messages.parts) == 1
    assert desk.texts == ["Some **words**"]


async def test_a_leftover_that_cannot_be_deleted_stays(desk: Desk) -> None:
    desk.sandbox.faults.add("chat.delete", "error", error="cant_delete_message")
    async with sending(desk) as messages:
        await messages.post(content(desk, LAST))
        await messages.delete_from(0)
    assert len(desk.posted) == 1


async def test_how_far_it_is_is_written_down_and_never_less(desk: Desk) -> None:
    async with sending(desk) as messages:
        await messages.post(content(desk, LAST))
        await messages.save("Some **words**")
        await messages.edit(messages.parts[0], content(desk, Due(0, "Less", True)))
        await messages.save("Less")
    reply = await replies.load(desk.redis, desk.message.thread, desk.message.ts)
    assert (reply.parts, reply.shown, reply.text) == ((desk.posted[0].ts,), 14, "Less")


async def test_without_the_lease_nothing_is_sent(desk: Desk, redis: Redis) -> None:
    """Invariant 5."""

    def may_send() -> None:
        raise LeaseLost

    async with slack.client(Settings.load(desk.sandbox.environ(), dotenv=None)) as web:
        streams = Streams(web, redis, desk.message, "native")
        messages = Messages(web, redis, desk.message, Reply(), streams, resumed=False, may_send=may_send)
        part, words = Part("1.5"), content(desk, LAST)
        for call in (
            messages.post(words),
            messages.edit(part, words),
            messages.open(LAST),
            messages.abandon(part),
        ):
            with pytest.raises(LeaseLost):
                await call
    assert desk.sandbox.journal.entries("slack.request") == []
