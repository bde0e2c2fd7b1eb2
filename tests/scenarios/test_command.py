"""`/parley`, and what it says."""

import asyncio
import re

import pytest

from bot.commands.table import help_text
from bot.listeners.command import AWAY, NOWHERE
from bot.store import keys
from tests.kit.parley import Parley

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def said(parley: Parley, text: str, channel: str = "general", user: str = "ben") -> str:
    return (await parley.command(user, text, channel)).text


@pytest.mark.parametrize("text", ["help", "", "  HELP me"])
async def test_help_tells_every_command(parley: Parley, text: str) -> None:
    assert await said(parley, text) == help_text()
    for name in ("help", "status", "model", "forget"):
        assert f"`/parley {name}`" in help_text()


@pytest.mark.parametrize(("text", "meant"), [("halp", "help"), ("STAUTS", "status"), ("forgt everything", "forget")])
async def test_an_unknown_word_gets_the_nearest_and_the_help(parley: Parley, text: str, meant: str) -> None:
    answer = await said(parley, text)
    assert f"Did you mean `/parley {meant}`?" in answer
    assert help_text() in answer


async def test_a_word_that_is_near_to_nothing_gets_the_help(parley: Parley) -> None:
    answer = await said(parley, "<!channel> " + "x" * 3000)
    assert "Did you mean" not in answer
    assert "<!channel>" not in answer
    assert help_text() in answer


async def test_status_tells_what_is_going_on(parley: Parley) -> None:
    told = await said(parley, "status")
    assert re.search(r"being written: \d+ of \d*[05]0 possible at once. Waiting for a free place: \d+\.", told)


async def test_status_tells_when_claude_is_down(parley: Parley) -> None:
    await parley.redis.hset(keys.breaker("claude-sonnet-5-5"), "open_until", "1")
    told = await said(parley, "status")
    await parley.redis.delete(keys.breaker("claude-sonnet-5-5"))
    assert told.startswith("Claude (`claude-sonnet-5-5`) does not answer at the moment.")


async def test_status_is_that_of_the_model_that_answers_in_the_channel(parley: Parley) -> None:
    scope = keys.channel_policy(parley.sandbox.team, parley.sandbox.channels["leads"])
    await parley.redis.hset(scope, "model", "claude-haiku-5-5")
    await parley.redis.hset(keys.breaker("claude-haiku-5-5"), "open_until", "1")
    here, elsewhere = await said(parley, "status", "leads"), await said(parley, "status")
    await parley.redis.delete(keys.breaker("claude-haiku-5-5"), scope)
    assert here.startswith("Claude (`claude-haiku-5-5`) does not answer at the moment.")
    assert elsewhere.startswith("All is well.")


async def test_model_tells_which_one_answers_here(parley: Parley) -> None:
    scope = keys.channel_policy(parley.sandbox.team, parley.sandbox.channels["leads"])
    await parley.redis.hset(scope, "model", "claude-haiku-5-5")
    assert "`claude-sonnet-5-5`" in await said(parley, "model")
    assert "`claude-haiku-5-5`" in await said(parley, "model", "leads")
    await parley.redis.hdel(scope, "model")


@pytest.mark.parametrize("channel", ["", "C 1"])
async def test_who_asks_from_nowhere_is_told_so(parley: Parley, channel: str) -> None:
    payload = {"command": "/parley", "text": "forget", "team_id": parley.sandbox.team, "channel_id": channel}
    payload |= {"user_id": parley.sandbox.users["ben"], "trigger_id": "1.2.x"}
    answer = await parley.slack.delivery.ask("slash_commands", payload, "/parley")
    assert answer["text"] == NOWHERE


@pytest.mark.parametrize("text", ["help", "nothing like it", "status", "usage tomorrow", "budget"])
async def test_every_answer_says_itself_that_only_the_asker_sees_it(parley: Parley, text: str) -> None:
    await said(parley, text, "random")
    [*_, acknowledged] = parley.sandbox.journal.entries("slack.ack")
    assert acknowledged.name == "/parley"
    answer = acknowledged.data["answer"]
    assert answer in (None, "") or answer["response_type"] == "ephemeral"
    if text in ("help", "nothing like it"):
        assert answer["text"]


async def test_without_redis_it_says_so_in_time(parley: Parley) -> None:
    """A server that hangs is the worst kind of away. https://docs.slack.dev/interactivity: three seconds."""
    words, seen = ("status", "forget", "model"), len(parley.slack.workspace.ephemerals)
    await parley.redis.client_pause(4000)
    try:
        await asyncio.gather(*(parley.slack.command("ben", "general", "/parley", text) for text in words))
    finally:
        await parley.redis.client_unpause()
    assert [message.text for _, message in parley.slack.workspace.ephemerals[seen:]] == [AWAY] * len(words)
