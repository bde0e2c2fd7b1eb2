"""What `usage` tells of the prompt cache."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from anthropic import AsyncAnthropic

from bot.sandbox.claude.answers import Answer
from bot.sandbox.claude.server import Claude
from tests.bot.sandbox.test_claude import MODEL, connected, serving

AUTO = {"type": "ephemeral"}
LONG = "word " * 1000  # 1250 tokens


@pytest.fixture
async def claude() -> AsyncIterator[Claude]:
    async with serving(speed=0) as claude:
        claude.script(None, Answer("Yes.", first_delta=0, deltas_per_second=float("inf")))
        yield claude


@pytest.fixture
async def client(claude: Claude) -> AsyncIterator[AsyncAnthropic]:
    async with connected(claude) as client:
        yield client


async def ask(client: AsyncAnthropic, *texts: str, **params: Any) -> tuple[int, int, int]:
    """Tokens read, written and neither, for a conversation of user and assistant texts."""
    messages = [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)]
    request: Any = {"model": MODEL, "max_tokens": 100, "messages": messages, "system": LONG, **params}
    usage = (await client.messages.create(**request)).usage
    return usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0, usage.input_tokens


async def test_the_second_identical_request_reads_what_the_first_wrote(client: AsyncAnthropic) -> None:
    assert await ask(client, "four", cache_control=AUTO) == (0, 1251, 0)
    assert await ask(client, "four", cache_control=AUTO) == (1251, 0, 0)


async def test_without_a_breakpoint_nothing_is_cached(client: AsyncAnthropic) -> None:
    assert await ask(client, "four") == await ask(client, "four") == (0, 0, 1251)


async def test_a_conversation_reads_its_past_and_writes_its_new_turns(client: AsyncAnthropic) -> None:
    await ask(client, "four", cache_control=AUTO)
    assert await ask(client, "four", "answer 1", "next", cache_control=AUTO) == (1251, 3, 0)
    assert await ask(client, "four", "answer 1", "next", "answer 2", "more", cache_control=AUTO) == (1254, 3, 0)


async def test_a_changed_prefix_shows(client: AsyncAnthropic) -> None:
    await ask(client, "four", cache_control=AUTO)
    assert (await ask(client, "five", cache_control=AUTO))[0] == 0
    assert (await ask(client, "four", cache_control=AUTO, system="now " + LONG))[0] == 0
    assert (await ask(client, "four", cache_control=AUTO, output_config={"effort": "low"}))[0] == 0
    assert (await ask(client, "four", cache_control=AUTO, model="claude-sonnet-5-5"))[0] == 0
    first, second = (
        {"name": "a", "input_schema": {"type": "object"}},
        {"input_schema": {"type": "object"}, "name": "a"},
    )
    assert (await ask(client, "four", cache_control=AUTO, tools=[first]))[0] == 0
    assert (await ask(client, "four", cache_control=AUTO, tools=[second]))[0] == 0
    assert (await ask(client, "four", cache_control=AUTO))[0] == 1251


async def test_a_breakpoint_on_system_is_shared_by_conversations(client: AsyncAnthropic) -> None:
    system = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    assert await ask(client, "four", system=system) == (0, 1250, 1)
    assert await ask(client, "other", system=system) == (1250, 0, 2)
    assert await ask(client, "other", system=system, output_config={"effort": "low"}) == (1250, 0, 2)


async def test_a_prefix_below_the_models_minimum_is_not_cached(client: AsyncAnthropic) -> None:
    short = {"system": "word " * 800, "cache_control": AUTO, "model": "claude-sonnet-5"}  # 1000 tokens
    assert await ask(client, "four", **short) == await ask(client, "four", **short) == (0, 0, 1001)
    short["model"] = "claude-haiku-4-5"
    assert await ask(client, "four", **short) == (0, 0, 1001)
    short["model"] = "claude-sonnet-5-5"
    await ask(client, "four", **short)
    assert await ask(client, "four", **short) == (1001, 0, 0)


async def test_an_entry_lives_for_its_ttl_and_a_read_renews_it(client: AsyncAnthropic, claude: Claude) -> None:
    await ask(client, "four", cache_control=AUTO)
    for seconds, read in [(299, 1251), (299, 1251), (301, 0)]:
        claude.clock.advance(seconds)
        assert (await ask(client, "four", cache_control=AUTO))[0] == read
    hour = {"type": "ephemeral", "ttl": "1h"}
    await ask(client, "hour", cache_control=hour)
    claude.clock.advance(3599)
    assert (await ask(client, "hour", cache_control=hour))[0] == 1251


async def test_ttls_are_told_apart(client: AsyncAnthropic) -> None:
    system = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    params: Any = {"model": MODEL, "max_tokens": 100, "system": system, "cache_control": AUTO}
    message = await client.messages.create(**params, messages=[{"role": "user", "content": "x" * 40}])
    assert message.usage.cache_creation
    assert message.usage.cache_creation.ephemeral_1h_input_tokens == 1250
    assert message.usage.cache_creation.ephemeral_5m_input_tokens == 10


async def test_a_breakpoint_looks_back_twenty_blocks(client: AsyncAnthropic) -> None:
    for blocks, read in [(19, 1251), (20, 0)]:
        start = f"{blocks:04}"
        await ask(client, start, cache_control=AUTO)
        content = [{"type": "text", "text": text} for text in [start, *["more"] * blocks]]
        messages = [{"role": "user", "content": content}]
        assert (await ask(client, messages=messages, cache_control=AUTO))[0] == read


async def test_an_entry_is_readable_once_its_response_has_begun(client: AsyncAnthropic, claude: Claude) -> None:
    claude.script(None, Answer("Slow.", first_delta=1000), times=1)
    params: Any = {"model": MODEL, "max_tokens": 100, "system": LONG, "cache_control": AUTO}
    messages: Any = [{"role": "user", "content": "four"}]
    claude.faults.add("/v1/messages", "overloaded", times=1)
    with pytest.raises(Exception, match="Overloaded"):
        await ask(client, "four", cache_control=AUTO)
    async with client.messages.stream(**params, messages=messages) as stream:
        event = await anext(aiter(stream))
        assert event.type == "message_start"
        assert event.message.usage.cache_creation_input_tokens == 1251
        assert await ask(client, "four", cache_control=AUTO) == (1251, 0, 0)


async def test_zero_max_tokens_warms_the_cache(client: AsyncAnthropic) -> None:
    assert await ask(client, "four", cache_control=AUTO, max_tokens=0) == (0, 1251, 0)
    assert await ask(client, "four", cache_control=AUTO) == (1251, 0, 0)
