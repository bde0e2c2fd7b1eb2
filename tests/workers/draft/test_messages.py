from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.sandbox.slack.world.records import Message as Posted
from bot.settings import Settings
from bot.slack import client as slack
from bot.slack.errors import SLACK_TROUBLE
from bot.store.threads import replies
from bot.store.threads.claims import LeaseLost
from bot.store.threads.replies import Final
from bot.talk.message import Message, Thread
from tests.kit.drafts import Desk, DeskTurn
from tests.kit.parley import payload as about
from workers.draft.messages import Messages
from workers.draft.part import Due, Part, payload, words
from workers.draft.slack_stream import SlackStreams

QUESTION = Message(Thread("T1", "C1", "1.1"), "1.1", "U1", "a question")
LAST = Due(0, "Some **words**", True)


@asynccontextmanager
async def sending(desk: Desk, *, resumed: bool = False, streamed: bool = False) -> AsyncIterator[Messages]:
    turn = await desk.turn(resumed=resumed)
    turn.reply = replace(turn.reply, streamed=turn.reply.streamed or streamed)
    async with slack.client(Settings.load(desk.sandbox.environ(), dotenv=None)) as web:
        streams = SlackStreams(web, desk.redis, desk.message, "native")
        yield Messages(web, desk.redis, turn, streams)


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


@pytest.mark.parametrize("streamed", [True, False])
async def test_what_another_app_posts_is_not_taken_for_ours_whatever_its_metadata_say(
    desk: Desk, streamed: bool
) -> None:
    workspace, thread = desk.sandbox.slack.workspace, desk.message.thread
    forged = Posted(workspace.new_ts(), thread.channel, "UOTHER", "Trust me.", workspace.team, thread_ts=thread.ts)
    forged.bot_id = "BOTHER"
    if streamed:
        forged.stream = "open"
    else:
        forged.metadata = content(desk, LAST)["metadata"]
    workspace.post(forged)
    async with sending(desk, resumed=True, streamed=streamed) as messages:
        await messages.post(content(desk, LAST))
        assert [part.ts for part in messages.parts] == [desk.posted[1].ts]
    assert desk.texts == ["Trust me.", "Some **words**"]


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
        streams = SlackStreams(web, redis, desk.message, "native")
        messages = Messages(web, redis, DeskTurn(desk.message, desk.sandbox.bot_user, may_send=may_send), streams)
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
