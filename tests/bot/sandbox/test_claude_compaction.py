"""Compaction on demand, as https://platform.claude.com/docs/en/build-with-claude/compaction-on-demand has it."""

from collections.abc import AsyncIterator
from typing import Any

import anthropic
import pytest
from anthropic import AsyncAnthropic

from bot.sandbox import Claude
from bot.sandbox.claude.answers import Answer
from tests.bot.sandbox.test_claude import connected, serving


@pytest.fixture
async def claude() -> AsyncIterator[Claude]:
    async with serving(speed=1000) as claude:
        yield claude


@pytest.fixture
async def client(claude: Claude) -> AsyncIterator[AsyncAnthropic]:
    async with connected(claude) as client:
        yield client


SENT: dict[str, Any] = {"model": "claude-opus-5-5", "max_tokens": 1000, "betas": ["compact-2026-09-04"]}
GREETED = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hi!"}]
QUESTION = {"role": "user", "content": "And now?"}


async def answered(client: AsyncAnthropic, **more: Any) -> Any:
    create: Any = client.beta.messages.create
    return await create(**{**SENT, **more})


async def summed_up(client: AsyncAnthropic, **more: Any) -> Any:
    return await answered(client, **{"messages": GREETED, "compaction": {"type": "summarize"}, **more})


async def block(client: AsyncAnthropic) -> dict[str, Any]:
    (found,) = (await summed_up(client)).content
    return dict(found.to_dict())


def code(error: pytest.ExceptionInfo[anthropic.BadRequestError]) -> str | None:
    return error.value.error_code


async def test_a_conversation_that_ends_with_an_answer_is_summed_up(client: AsyncAnthropic) -> None:
    message = await summed_up(client)
    assert message.stop_reason == "compaction"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (0, 0)
    assert [part.type for part in message.usage.iterations] == ["compaction"]
    assert message.usage.iterations[0].input_tokens > 0


async def test_in_a_stream_the_block_comes_whole(client: AsyncAnthropic) -> None:
    stream = await answered(client, messages=GREETED, compaction={"type": "summarize"}, stream=True)
    events = [event async for event in stream]
    assert "content_block_delta" not in [event.type for event in events]
    (start,) = [event for event in events if event.type == "content_block_start"]
    assert start.content_block.to_dict() == await block(client)


async def test_the_block_goes_first_in_place_of_what_it_sums_up(client: AsyncAnthropic, claude: Claude) -> None:
    claude.script("now", Answer("Go on."))
    for first in (
        [{"role": "assistant", "content": [await block(client)]}, QUESTION],
        [{"role": "user", "content": [await block(client), {"type": "text", "text": "And now?"}]}],
    ):
        message = await answered(client, messages=first)
        assert message.stop_reason == "end_turn"


async def test_one_block_is_summed_up_with_what_came_after_it(client: AsyncAnthropic) -> None:
    messages = [{"role": "assistant", "content": [await block(client)]}, *GREETED]
    assert (await summed_up(client, messages=messages)).stop_reason == "compaction"


@pytest.mark.parametrize("change", [{"signature": "made up"}, {"content": "Something else."}])
async def test_a_block_that_is_not_as_it_came_is_refused(client: AsyncAnthropic, change: dict[str, str]) -> None:
    changed = {**await block(client), **change}
    with pytest.raises(anthropic.BadRequestError) as error:
        await answered(client, messages=[{"role": "assistant", "content": [changed]}, QUESTION])
    assert code(error) == ("compaction_signature_invalid" if "signature" in change else "compaction_content_mismatch")


async def test_a_block_behind_other_messages_is_refused(client: AsyncAnthropic) -> None:
    behind = {"role": "assistant", "content": [await block(client)]}
    with pytest.raises(anthropic.BadRequestError) as error:
        await answered(client, messages=[QUESTION, behind, QUESTION])
    assert code(error) == "compaction_block_misplaced"


async def test_two_blocks_are_refused(client: AsyncAnthropic) -> None:
    one = await block(client)
    with pytest.raises(anthropic.BadRequestError) as error:
        await answered(client, messages=[{"role": "assistant", "content": [one, one]}, QUESTION])
    assert code(error) == "compaction_block_ambiguous"


async def test_a_block_needs_the_header(client: AsyncAnthropic) -> None:
    messages = [{"role": "assistant", "content": [await block(client)]}, QUESTION]
    with pytest.raises(anthropic.BadRequestError, match="does not match any of the expected tags"):
        await answered(client, messages=messages, betas=[])


async def test_a_tool_call_without_its_result_is_not_summed_up(client: AsyncAnthropic) -> None:
    called = [{"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}]
    with pytest.raises(anthropic.BadRequestError) as error:
        await summed_up(client, messages=[QUESTION, {"role": "assistant", "content": called}])
    assert code(error) == "compaction_incomplete_turn"


async def test_stop_sequences_are_refused(client: AsyncAnthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="cannot be combined with compaction"):
        await summed_up(client, stop_sequences=["x"])


@pytest.mark.parametrize("reason", ["refusal", "max_tokens"])
async def test_without_a_summary_the_answer_is_empty_and_billed(
    client: AsyncAnthropic, claude: Claude, reason: str
) -> None:
    claude.script(None, Answer(stop_reason=reason))
    message = await summed_up(client)
    assert (message.stop_reason, message.content) == (reason, [])
    assert [part.type for part in message.usage.iterations] == ["compaction"]
