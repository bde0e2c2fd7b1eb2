"""Admins choose the model of one thread by its link."""

from typing import Any

import pytest

from bot.store import keys
from tests.kit.parley import Parley

pytestmark = pytest.mark.asyncio(loop_scope="package")

OPUS, USUAL = "claude-opus-5-5", "claude-sonnet-5-5"


def link(parley: Parley, channel: str, ts: str, thread_ts: str | None = None) -> str:
    """As Slack's "Copy link" gives it: https://docs.slack.dev/reference/methods/chat.getPermalink."""
    id = parley.sandbox.channels[channel]
    inside = f"?thread_ts={thread_ts}&cid={id}" if thread_ts else ""
    return f"https://sandbox.slack.com/archives/{id}/p{ts.replace('.', '')}{inside}"


async def said(parley: Parley, text: str, user: str = "ada", channel: str = "random") -> str:
    return (await parley.command(user, text, channel)).text


async def model_of(parley: Parley, text: str, thread_ts: str | None = None) -> tuple[str, str]:
    """The ts of a question in #general, and the model that was asked it."""
    ts = await parley.slack.say("ben", "general", f"@parley {text}", thread_ts=thread_ts)
    await parley.answers("general", ts, thread_ts=thread_ts or ts)
    asked: list[Any] = [entry.data["body"] for entry in parley.sandbox.journal.entries("claude.request")]
    [model] = {body["model"] for body in asked if text in str(body["messages"][-1])}
    return ts, model


async def test_the_threads_next_question_is_asked_of_that_model_and_no_others_until_it_is_cleared(
    parley: Parley,
) -> None:
    root, model = await model_of(parley, "the first of one thread")
    other, _ = await model_of(parley, "the first of another thread")
    assert model == USUAL
    answer = await said(parley, f"model {OPUS} {link(parley, 'general', root)}")
    general = parley.sandbox.channels["general"]
    assert answer == f"Done: from now on Claude Opus 5.5 answers in a thread of <#{general}>."
    assert (await model_of(parley, "the second of one thread", root))[1] == OPUS
    assert (await model_of(parley, "the second of another thread", other))[1] == USUAL
    assert (await model_of(parley, "the only one of a third thread"))[1] == USUAL
    assert OPUS not in await said(parley, "model", channel="general")
    answer = await said(parley, f"model clear {link(parley, 'general', root)}")
    assert answer == f"Done: no model is chosen for a thread of <#{general}> any more. It was `{OPUS}`."
    assert (await model_of(parley, "the third of one thread", root))[1] == USUAL


async def test_the_link_of_any_message_of_a_thread_is_one_of_the_thread(parley: Parley) -> None:
    root, _ = await model_of(parley, "a thread with an answer")
    [reply] = parley.replies("general", root)
    assert "answers in a thread" in await said(parley, f"model {OPUS} {link(parley, 'general', reply.ts, root)}")
    assert (await model_of(parley, "and with a second one", root))[1] == OPUS
    assert "There was no model" in await said(parley, f"model clear {link(parley, 'general', reply.ts)}")
    assert "any more" in await said(parley, f"model clear {link(parley, 'general', root)}")


async def test_what_stands_behind_the_link_goes_before_the_channels_and_the_workspaces(parley: Parley) -> None:
    root, _ = await model_of(parley, "a thread of a channel with a model")
    try:
        await said(parley, "model claude-haiku-5-5 #general")
        await said(parley, f"model {OPUS} {link(parley, 'general', root)}")
        assert (await model_of(parley, "of the thread", root))[1] == OPUS
        assert (await model_of(parley, "of the channel"))[1] == "claude-haiku-5-5"
    finally:
        await said(parley, "model clear #general")


async def test_a_thread_where_we_are_not_gets_no_model(parley: Parley) -> None:
    ts = await parley.slack.say("ada", "leads", "among ourselves")
    await parley.slack.remove("parley", "leads")
    try:
        answer = await said(parley, f"model {OPUS} {link(parley, 'leads', ts)}")
    finally:
        await parley.slack.invite("parley", "leads")
    assert answer == "I find no such channel. If it is private, invite me first. Nothing was changed."
    key = f"{parley.sandbox.team}:{parley.sandbox.channels['leads']}:{ts}:policy"
    assert not await parley.redis.exists(key)


@pytest.mark.parametrize(
    "where",
    [
        "https://sandbox.slack.com/archives/C1",
        "http://sandbox.slack.com/archives/C1/p1700000000000001",
        "https://sandbox.slack.com/archives/<!channel>/p1700000000000001",
    ],
)
async def test_what_is_no_link_of_a_thread_changes_nothing(parley: Parley, where: str) -> None:
    answer = await said(parley, f"model {OPUS} {where}")
    assert "One model at a time" in answer
    assert "<!" not in answer


async def test_nobody_but_admins_chooses_it(parley: Parley) -> None:
    root = await parley.slack.say("ben", "general", "a thread of Ben's")
    answer = await said(parley, f"model {OPUS} {link(parley, 'general', root)}", user="ben")
    assert "for those who look after me" in answer


async def test_the_record_says_who_chose_what_for_a_thread(parley: Parley) -> None:
    await parley.redis.delete(keys.audit(parley.sandbox.team))
    root = await parley.slack.say("ben", "general", "a thread on the record")
    await said(parley, f"model {OPUS} {link(parley, 'general', root)}")
    await said(parley, f"model clear {link(parley, 'general', root)}")
    ada, general = parley.sandbox.users["ada"], parley.sandbox.channels["general"]
    lines = (await said(parley, "audit")).splitlines()
    assert [line.partition(f"<@{ada}> ")[2] for line in lines[:2]] == [
        f"model of a thread of <#{general}>: `{OPUS}` → _nothing_",
        f"model of a thread of <#{general}>: _nothing_ → `{OPUS}`",
    ]
