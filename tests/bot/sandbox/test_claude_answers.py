"""What an answer can hold, and why it can stop."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar

import anthropic
import pytest
from anthropic import AsyncAnthropic
from anthropic.types.beta import BetaMessage

from bot.sandbox.claude.answers import Answer, ToolUse
from bot.sandbox.claude.samples import NOTICE
from bot.sandbox.claude.server import Claude
from tests.bot.sandbox.test_claude import MODEL, connected, said, serving

TOOL = {"name": "look", "input_schema": {"type": "object"}}
SEARCHED: list[dict[str, Any]] = [
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "weather"}},
    {
        "type": "web_search_tool_result",
        "tool_use_id": "srvtoolu_1",
        "content": [
            {
                "type": "web_search_result",
                "title": "Weather",
                "url": "https://example.com/weather",
                "encrypted_content": "e30=",
                "page_age": None,
            }
        ],
    },
]
CITED = {
    "type": "text",
    "text": "It rains.",
    "citations": [
        {
            "type": "web_search_result_location",
            "url": "https://example.com/weather",
            "title": "Weather",
            "cited_text": "rain",
            "encrypted_index": "e30=",
        }
    ],
}


@pytest.fixture
async def claude() -> AsyncIterator[Claude]:
    async with serving(speed=1000) as claude:
        yield claude


@pytest.fixture
async def client(claude: Claude) -> AsyncIterator[AsyncAnthropic]:
    async with connected(claude) as client:
        yield client


async def both(client: AsyncAnthropic, text: str = "Hi", **params: Any) -> BetaMessage:
    """The message of a stream, after making sure that it is the one without a stream, but for what is random."""
    request: Any = {
        "model": MODEL,
        "max_tokens": 2000,
        "messages": [{"role": "user", "content": text}],
        **params,
    }
    whole = await client.beta.messages.create(**request)
    async with client.beta.messages.stream(**request) as stream:
        streamed: BetaMessage = await stream.get_final_message()
    assert plain(streamed) == plain(whole)
    return streamed


def plain(message: BetaMessage) -> Any:
    """A message without ids and signatures, and without what a stream's usage leaves to its first event."""
    data = json.loads(message.to_json(exclude_unset=False))
    for block in data["content"]:
        for name in ("id", "signature", "parsed_output"):
            block.pop(name, None)
        if block.get("citations") == []:
            block["citations"] = None
    return {key: value for key, value in data.items() if key != "id"}


async def test_thinking_is_shown_only_where_asked_for(client: AsyncAnthropic, claude: Claude) -> None:
    claude.script(None, Answer("Yes.", thinking="Let me think about it."))
    message = await both(client)
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.content[0].type == "thinking"
    assert message.content[0].thinking == ""
    assert message.content[0].signature
    assert message.usage.output_tokens == 7
    assert message.usage.output_tokens_details
    assert message.usage.output_tokens_details.thinking_tokens == 6
    message = await both(client, thinking={"type": "adaptive", "display": "summarized"})
    assert message.content[0].type == "thinking"
    assert message.content[0].thinking == "Let me think about it."


async def test_a_sample_thinks_where_its_model_does(client: AsyncAnthropic) -> None:
    assert [block.type for block in (await both(client)).content] == ["thinking", "text"]
    assert [block.type for block in (await both(client, model="claude-haiku-4-5")).content] == ["text"]
    adaptive = await both(client, model="claude-opus-4-8", thinking={"type": "adaptive"})
    assert [block.type for block in adaptive.content] == ["thinking", "text"]


async def test_a_tool_is_called_and_its_result_answered(client: AsyncAnthropic, claude: Claude) -> None:
    claude.script(None, Answer("One moment.", tools=(ToolUse("look", {"at": "the 🙂 door"}),)), times=2)
    claude.script(None, Answer("It is shut."))
    message = await both(client, tools=[TOOL])
    assert message.stop_reason == "tool_use"
    call = message.content[-1]
    assert call.type == "tool_use"
    assert (call.name, call.input) == ("look", {"at": "the 🙂 door"})
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "shut"}
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": message.content},
        {"role": "user", "content": [result]},
    ]
    assert said(await both(client, messages=messages, tools=[TOOL])) == "It is shut."


async def test_server_tools_and_citations_come_as_their_blocks(client: AsyncAnthropic, claude: Claude) -> None:
    claude.script(None, Answer(blocks=(*SEARCHED, CITED)))
    message = await both(client)
    assert [block.type for block in message.content] == ["server_tool_use", "web_search_tool_result", "text"]
    text = message.content[2]
    assert text.type == "text"
    assert text.citations
    assert text.citations[0].cited_text == "rain"


async def test_a_paused_turn_goes_on_when_it_is_sent_back(client: AsyncAnthropic, claude: Claude) -> None:
    claude.script(None, Answer(blocks=tuple(SEARCHED), stop_reason="pause_turn"), times=2)
    claude.script(None, Answer("It rains."))
    message = await both(client)
    assert message.stop_reason == "pause_turn"
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": message.content}]
    assert said(await both(client, messages=messages)) == "It rains."


async def test_max_tokens_cut_text_and_thinking(client: AsyncAnthropic, claude: Claude) -> None:
    claude.script(None, Answer("word " * 100, thinking="x" * 40))
    message = await both(client, max_tokens=20)
    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 20)
    assert said(message) == "word " * 8
    assert said(await both(client, max_tokens=5)) == ""


async def test_a_stop_sequence_ends_the_text(client: AsyncAnthropic, claude: Claude) -> None:
    claude.script(None, Answer("one END two STOP"))
    message = await both(client, stop_sequences=["STOP", "END"])
    assert (message.stop_reason, message.stop_sequence, said(message)) == ("stop_sequence", "END", "one ")


async def test_a_full_window_ends_the_text(client: AsyncAnthropic, claude: Claude) -> None:
    claude.script(None, Answer("word " * 100))
    message = await both(client, "x" * 799_960, model="claude-haiku-4-5")
    assert message.stop_reason == "model_context_window_exceeded"
    assert len(said(message)) == 40


async def test_a_refusal_tells_its_category(client: AsyncAnthropic, claude: Claude) -> None:
    details = {"category": "cyber", "explanation": "Not this."}
    claude.script(None, Answer("I", stop_reason="refusal", stop_details=details))
    message = await both(client)
    assert message.stop_reason == "refusal"
    assert message.stop_details
    assert (message.stop_details.category, message.stop_details.explanation) == ("cyber", "Not this.")


class TestFallbacks:
    """https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback"""

    asked: ClassVar[dict[str, Any]] = {
        "fallbacks": [{"model": "claude-sonnet-5-5"}],
        "betas": ["server-side-fallback-2026-06-01"],
    }

    async def test_the_next_model_answers_a_refused_request(self, client: AsyncAnthropic, claude: Claude) -> None:
        claude.script(None, Answer("I can", stop_reason="refusal", fallback=Answer("Here it is.")))
        message = await both(client, **self.asked)
        assert [block.type for block in message.content] == ["text", "fallback", "text"]
        assert (message.model, message.stop_reason, said(message)) == (
            "claude-sonnet-5-5",
            "end_turn",
            "I canHere it is.",
        )
        hop = message.content[1]
        assert hop.type == "fallback"
        assert (hop.from_.model, hop.to.model, hop.trigger.type) == (MODEL, "claude-sonnet-5-5", "refusal")
        assert message.usage.iterations
        assert [(part.type, part.output_tokens) for part in message.usage.iterations] == [
            ("message", 2),
            ("fallback_message", 3),
        ]

    async def test_a_refusal_before_any_output_costs_nothing(self, client: AsyncAnthropic, claude: Claude) -> None:
        claude.script(None, Answer(stop_reason="refusal"))
        message = await both(client, **self.asked)
        assert said(message).startswith(NOTICE)
        assert message.usage.iterations
        assert (message.usage.iterations[0].input_tokens, message.usage.iterations[0].output_tokens) == (0, 0)

    async def test_a_refusal_of_all_models_stays_one(self, client: AsyncAnthropic, claude: Claude) -> None:
        claude.script(None, Answer(stop_reason="refusal", fallback=Answer(stop_reason="refusal")))
        assert (await both(client, **self.asked)).stop_reason == "refusal"

    async def test_an_answer_without_a_refusal_has_no_hop(self, client: AsyncAnthropic, claude: Claude) -> None:
        claude.script(None, Answer("Yes."))
        message = await both(client, **self.asked)
        assert message.usage.iterations
        assert [part.type for part in message.usage.iterations] == ["message"]

    async def test_the_default_chain_needs_its_own_beta(self, client: AsyncAnthropic, claude: Claude) -> None:
        claude.script(None, Answer(stop_reason="refusal", fallback=Answer("Yes.")))
        default: dict[str, Any] = {
            "model": "claude-fable-5-2",
            "fallbacks": "default",
            "betas": ["server-side-fallback-2026-07-01"],
        }
        assert (await both(client, **default)).model == "claude-opus-5-5"
        with pytest.raises(anthropic.BadRequestError, match="fallbacks: Input should be a valid list"):
            await both(client, **{**default, "betas": self.asked["betas"]})

    async def test_some_models_and_entries_are_refused(self, client: AsyncAnthropic) -> None:
        with pytest.raises(anthropic.BadRequestError, match="fallbacks: not supported on claude-haiku-5-5"):
            await both(client, **{**self.asked, "model": "claude-haiku-5-5"})
        entry = {"model": "claude-opus-5-5", "thinking": {"type": "disabled"}}
        with pytest.raises(anthropic.BadRequestError, match=r"fallbacks\.0: .thinking\.type\.disabled"):
            await both(client, **{**self.asked, "fallbacks": [entry]})


class TestCompaction:
    """https://platform.claude.com/docs/en/build-with-claude/compaction"""

    def asked(self, **edit: Any) -> dict[str, Any]:
        trigger = {"type": "input_tokens", "value": 50_000}
        edits = [{"type": "compact_20260112", "trigger": trigger, **edit}]
        return {"betas": ["compact-2026-01-12"], "context_management": {"edits": edits}}

    async def test_a_long_conversation_is_compacted_and_goes_on_shorter(
        self, client: AsyncAnthropic, claude: Claude
    ) -> None:
        claude.script(None, Answer("Yes.", compaction="They greeted."))
        first = await both(client, "x" * 200_000, **self.asked())
        assert [block.type for block in first.content] == ["compaction", "text"]
        assert first.content[0].type == "compaction"
        assert first.content[0].content == "They greeted."
        assert first.usage.iterations
        assert [part.type for part in first.usage.iterations] == ["compaction", "message"]
        assert first.usage.iterations[0].input_tokens == 50_000
        assert first.usage.input_tokens == 4
        messages = [
            {"role": "user", "content": "x" * 200_000},
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": "And now?"},
        ]
        claude.scripts.clear()
        claude.script(None, Answer("Go on."))
        for sent in (messages, messages[1:]):
            second = await both(client, messages=sent, **self.asked())
            assert (said(second), second.usage.input_tokens) == ("Go on.", 7)

    async def test_a_short_conversation_is_not(self, client: AsyncAnthropic, claude: Claude) -> None:
        claude.script(None, Answer("Yes."))
        message = await both(client, **self.asked())
        assert [block.type for block in message.content] == ["text"]
        assert message.context_management is not None

    async def test_it_can_pause_after_the_block(self, client: AsyncAnthropic) -> None:
        message = await both(client, "x" * 200_000, **self.asked(pause_after_compaction=True))
        assert [block.type for block in message.content] == ["compaction"]
        assert message.stop_reason == "compaction"

    async def test_it_can_be_a_request_of_its_own(self, client: AsyncAnthropic) -> None:
        message = await both(client, compaction={"type": "summarize"}, betas=["compact-2026-09-04"])
        assert message.stop_reason == "compaction"
        (block,) = message.content
        assert block.type == "compaction"
        assert block.content
        assert block.content.startswith(NOTICE)

    async def test_what_it_does_not_take(self, client: AsyncAnthropic) -> None:
        with pytest.raises(anthropic.BadRequestError, match="must be at least 50000 tokens"):
            await both(client, **self.asked(trigger={"type": "input_tokens", "value": 100}))
        with pytest.raises(anthropic.BadRequestError, match="compaction is not supported on claude-haiku-4-5"):
            await both(client, model="claude-haiku-4-5", **self.asked())
        with pytest.raises(anthropic.BadRequestError, match="does not match any of the expected tags"):
            await both(
                client,
                messages=[
                    {"role": "assistant", "content": [{"type": "compaction", "content": "They greeted."}]},
                    {"role": "user", "content": "Hi"},
                ],
            )


async def test_usage_can_be_scripted(client: AsyncAnthropic, claude: Claude) -> None:
    claude.script(None, Answer("Yes.", usage={"input_tokens": 5, "output_tokens": 9}))
    message = await both(client)
    assert (message.usage.input_tokens, message.usage.output_tokens) == (5, 9)


@pytest.mark.parametrize("kind", ["json", "toml"])
async def test_scripts_come_from_a_file(client: AsyncAnthropic, claude: Claude, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"answers.{kind}"
    if kind == "json":
        rules = [
            {"pattern": "weather", "answers": [{"text": "Rain."}, {"text": "Sun."}]},
            {"pattern": "door", "tools": [{"name": "look", "input": {"at": "door"}}]},
            {"times": 1, "text": "", "fault": {"kind": "rate_limit", "retry_after": 3}},
            {"text": "Else."},
        ]
        path.write_text(json.dumps({"rules": rules}))
    else:
        path.write_text("""
            [[rules]]
            pattern = "weather"
            answers = [{ text = "Rain." }, { text = "Sun." }]

            [[rules]]
            pattern = "door"
            tools = [{ name = "look", input = { at = "door" } }]

            [[rules]]
            times = 1
            fault = { kind = "rate_limit", retry_after = 3 }

            [[rules]]
            text = "Else."
        """)
    claude.load(path)
    with pytest.raises(anthropic.RateLimitError) as raised:
        await both(client)
    assert raised.value.response.headers["retry-after"] == "3"
    params: Any = {"model": MODEL, "max_tokens": 100}

    async def ask(text: str) -> str:
        return said(await client.messages.create(messages=[{"role": "user", "content": text}], **params))

    assert [await ask("weather") for _ in range(3)] == ["Rain.", "Sun.", "Sun."]
    assert await ask("news") == "Else."
    message = await both(client, "the door")
    assert message.stop_reason == "tool_use"


def test_a_file_with_an_unknown_field_is_refused(claude: Claude, tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    path.write_text('{"rules": [{"txt": "Rain."}]}')
    with pytest.raises(ValueError, match=r"answers\.json, rule 1: no such field: txt"):
        claude.load(path)
