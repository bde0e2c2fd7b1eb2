"""Requests that the API refuses, and their neighbours that it takes."""

import base64
import io
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import pytest
from anthropic import AsyncAnthropic
from PIL import Image

from bot.sandbox.claude.answers import Answer, ToolUse
from tests.bot.sandbox.test_claude import MODEL, connected, said, serving

OLD = "claude-haiku-4-5"


def png(width: int = 1, height: int = 1) -> str:
    file = io.BytesIO()
    Image.new("1", (width, height)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


PNG = png()
PDF = base64.b64encode(b"%PDF-1.7\n").decode()
HI = {"role": "user", "content": "Hi"}
ANSWER = {"role": "assistant", "content": "Hello"}
SYSTEM = {"role": "system", "content": "Be brief."}
TOOL = {"name": "look", "input_schema": {"type": "object"}}
USE = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
CALL = {"role": "assistant", "content": [USE]}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "seen"}


@pytest.fixture
async def client() -> AsyncIterator[AsyncAnthropic]:
    async with serving(speed=1000) as claude, connected(claude) as client:
        claude.script(None, Answer("Yes."))
        yield client


async def send(client: AsyncAnthropic, **params: Any) -> str:
    """Parameters that the client has no argument for go as they are."""
    extra = {key: params.pop(key) for key in ("temperature", "top_p", "top_k", "colour") if key in params}
    request: Any = {"model": MODEL, "max_tokens": 2000, "messages": [HI], **params, "extra_body": extra}
    return said(await client.beta.messages.create(**request))


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(blocks)}]}


def image(media_type: str = "image/png", data: str = PNG) -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}


def marked(text: str = "Hi", **control: str) -> dict[str, Any]:
    return {"type": "text", "text": text, "cache_control": {"type": "ephemeral", **control}}


MCP = "mcp-client-2025-11-20"
SERVER = {"type": "url", "name": "wiki", "url": "https://mcp.example.com/sse"}
TOOLSET = {"type": "mcp_toolset", "mcp_server_name": "wiki"}
ASKED = [
    {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "find", "server_name": "wiki", "input": {}},
    {
        "type": "mcp_tool_result",
        "tool_use_id": "mcptoolu_1",
        "is_error": False,
        "content": [{"type": "text", "text": "a"}],
    },
]
SEARCH = {"type": "web_search_20250305", "name": "web_search"}

TAKEN: list[dict[str, Any]] = [
    {"tools": [{**SEARCH, "max_uses": 5, "allowed_domains": ["example.com"]}]},
    {"mcp_servers": [SERVER], "tools": [TOOLSET, TOOL], "betas": [MCP]},
    {
        "mcp_servers": [SERVER],
        "tools": [TOOLSET],
        "betas": [MCP],
        "messages": [HI, {"role": "assistant", "content": ASKED}],
    },
    {"betas": ["fallback-credit-2026-07-01"], "fallback_credit_token": {"token": "fct_1", "mode": "best_effort"}},
    {
        "model": "claude-sonnet-5-5",
        "thinking": {"type": "between_tools"},
        "fallbacks": [{"model": "claude-opus-5-5", "thinking": None, "max_tokens": None}],
        "betas": ["server-side-fallback-2026-06-01"],
    },
    {"messages": [HI, HI, ANSWER, HI]},
    {"messages": [HI, ANSWER, HI, SYSTEM]},
    {"messages": [HI, SYSTEM, ANSWER, HI]},
    {"messages": [HI, ANSWER], "model": OLD},
    {"messages": [HI, CALL, {"role": "user", "content": [RESULT]}], "tools": [TOOL]},
    {"system": [marked(ttl="1h")], "cache_control": {"type": "ephemeral"}},
    {"output_config": {"effort": "xhigh"}, "thinking": {"type": "adaptive", "display": "summarized"}},
    {"model": "claude-sonnet-5-5", "thinking": {"type": "between_tools"}},
    {"model": "claude-sonnet-5", "thinking": {"type": "disabled"}, "output_config": {"effort": "xhigh"}},
    {"model": OLD, "thinking": {"type": "enabled", "budget_tokens": 1024}},
    {"tools": [TOOL], "tool_choice": {"type": "auto"}},
    {"tools": [{"type": "web_search_20260318", "name": "web_search"}]},
    {"stop_sequences": ["END"], "metadata": {"user_id": "u1"}, "service_tier": "auto"},
    user(image(), {"type": "text", "text": "What is it?"}),
    user({"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}),
    user({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}}),
    user({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "notes"}}),
    user({"type": "text", "text": "Hi", "citations": []}),
]

REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("`temperature` is deprecated for this model", {"temperature": 0.5}),
    ("`top_p` is deprecated", {"top_p": 0.5}),
    ("colour: Extra inputs are not permitted", {"colour": "red"}),
    ("fallbacks: Extra inputs are not permitted", {"fallbacks": [{"model": "claude-opus-5-5"}]}),
    ("max_tokens: 128001 > 128000", {"max_tokens": 128_001, "timeout": 5}),
    ("max_tokens: Input should be greater", {"max_tokens": -1}),
    ("stop_sequences.0: each stop sequence", {"stop_sequences": [" "]}),
    ("Unexpected value.s. `no-such-beta-2025-06-27`", {"betas": ["no-such-beta-2025-06-27"]}),
    ("messages: at least one message is required", {"messages": []}),
    ('first message must use the "user" role', {"messages": [ANSWER, HI]}),
    ('first message must use the "user" role', {"messages": [SYSTEM, HI]}),
    ('Unexpected role "tool"', {"messages": [{"role": "tool", "content": "Hi"}]}),
    ("does not support assistant message prefill", {"messages": [HI, ANSWER]}),
    ("role 'system' is not supported on this model", {"messages": [HI, SYSTEM], "model": OLD}),
    ("role 'system' must follow a user message", {"messages": [HI, ANSWER, SYSTEM]}),
    ("'system' must be last or be followed by an assistant", {"messages": [HI, SYSTEM, HI]}),
    ("`system` messages may contain text only", {"messages": [HI, {"role": "system", "content": [image()]}]}),
    ("text content blocks must be non-empty", user({"type": "text", "text": ""})),
    ("must contain non-whitespace text", user({"type": "text", "text": "  "})),
    ("messages.0: all messages must have non-empty content", {"messages": [{"role": "user", "content": ""}]}),
    ("cache_control cannot be set for empty text blocks", user(marked(""))),
    ("citations on text blocks are not permitted", user({"type": "text", "text": "Hi", "citations": [{"type": "x"}]})),
    (
        "messages.1.content.0: `document` blocks can only be in `user` messages",
        {
            "messages": [
                HI,
                {
                    "role": "assistant",
                    "content": [
                        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a"}}
                    ],
                },
                HI,
            ]
        },
    ),
    ("`tool_use` blocks can only be in `assistant` messages", user(USE)),
    ("`tool_use` ids were found without `tool_result` blocks", {"messages": [HI, CALL, HI], "tools": [TOOL]}),
    ("unexpected `tool_use_id` found in `tool_result` blocks", user(RESULT)),
    ("appears to be a image/png image", user(image("image/jpeg"))),
    ("media_type: Input should be 'image/jpeg'", user(image("image/svg+xml"))),
    ("Could not process image", user(image(data=base64.b64encode(b"hello").decode()))),
    ("Could not process image", user(image(data=base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()))),
    ("exceed max allowed size: 8000 pixels", user(image(data=png(8001)))),
    ("for many-image requests: 2000 pixels", user(*[image(data=png(1, 2001))] * 21)),
    ("Input should be valid base64", user(image(data="%%%"))),
    ("image exceeds 5 MB maximum", user(image(data=base64.b64encode(b"\x89PNG" + bytes(4 << 20)).decode()))),
    ("Only HTTPS URLs", user({"type": "image", "source": {"type": "url", "url": "http://example.com/a.png"}})),
    ("Too many images: 101", {"model": OLD, **user(*[image()] * 101)}),
    (
        "The PDF specified was not valid",
        user({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PNG}}),
    ),
    ("A maximum of 4 blocks with cache_control may be provided. Found 5", user(*[marked()] * 5)),
    (
        "A maximum of 4 blocks",
        {**user(*[marked()] * 4, {"type": "text", "text": "Hi"}), "cache_control": {"type": "ephemeral"}},
    ),
    ("conflicts with the ttl", {**user(marked(ttl="5m")), "cache_control": {"type": "ephemeral", "ttl": "1h"}}),
    ("system.0.cache_control.ttl: Input should be '5m' or '1h'", {"system": [marked(ttl="2h")]}),
    ("must not come after a ttl='5m'", {"system": [marked()], **user(marked(ttl="1h"))}),
    ('"thinking.type.disabled" is not supported for this model', {"thinking": {"type": "disabled"}}),
    ('"thinking.type.enabled" is not supported', {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
    ('"thinking.type.adaptive" is not supported', {"model": OLD, "thinking": {"type": "adaptive"}}),
    ("greater than or equal to 1024", {"model": OLD, "thinking": {"type": "enabled", "budget_tokens": 100}}),
    ("must be greater than `thinking", {"model": OLD, "thinking": {"type": "enabled", "budget_tokens": 2000}}),
    (
        "not supported at effort max",
        {"model": "claude-opus-5", "thinking": {"type": "disabled"}, "output_config": {"effort": "max"}},
    ),
    (
        "not supported at effort xhigh",
        {
            "model": "claude-sonnet-5-5",
            "thinking": {"type": "between_tools"},
            "output_config": {"effort": "xhigh"},
        },
    ),
    (
        "thinking.between_tools.display: Extra inputs",
        {"model": "claude-sonnet-5-5", "thinking": {"type": "between_tools", "display": "summarized"}},
    ),
    ("output_config.effort: not supported", {"model": OLD, "output_config": {"effort": "low"}}),
    ("output_config.effort: Input should be 'low'", {"output_config": {"effort": "huge"}}),
    ("tool_choice: type 'any' is not supported on this model", {"tools": [TOOL], "tool_choice": {"type": "any"}}),
    ("only be specified while providing tools", {"tool_choice": {"type": "auto"}}),
    ("Tool 'other' not found", {"model": OLD, "tools": [TOOL], "tool_choice": {"type": "tool", "name": "other"}}),
    ("tools.0: Input tag 'web_search_20200101'", {"tools": [{**SEARCH, "type": "web_search_20200101"}]}),
    ("web_search_20250305.name: Input should be 'web_search'", {"tools": [{**SEARCH, "name": "search"}]}),
    ("max_uses: Input should be greater than 0", {"tools": [{**SEARCH, "max_uses": 0}]}),
    ("response_inclusion: Extra inputs", {"tools": [{**SEARCH, "response_inclusion": "full"}]}),
    ("only one of", {"tools": [{**SEARCH, "allowed_domains": ["a.com"], "blocked_domains": ["b.com"]}]}),
    ("mcp_servers: Extra inputs", {"mcp_servers": [SERVER], "tools": [TOOLSET], "betas": ["compact-2026-09-04"]}),
    ("must be referenced by exactly one", {"mcp_servers": [SERVER], "betas": [MCP]}),
    ("must be referenced by exactly one", {"mcp_servers": [SERVER], "tools": [TOOLSET, TOOLSET], "betas": [MCP]}),
    ("not in mcp_servers", {"tools": [TOOLSET], "betas": [MCP]}),
    ("names must be unique", {"mcp_servers": [SERVER, SERVER], "tools": [TOOLSET], "betas": [MCP]}),
    (
        "mcp_servers.0.url: URL should use https",
        {"mcp_servers": [{**SERVER, "url": "http://a.example"}], "tools": [TOOLSET], "betas": [MCP]},
    ),
    (
        "mcp_servers.0.key: Extra inputs",
        {"mcp_servers": [{**SERVER, "key": "a"}], "tools": [TOOLSET], "betas": [MCP]},
    ),
    ("Input tag 'mcp_tool_use'", {"messages": [HI, {"role": "assistant", "content": ASKED}, HI]}),
    (
        "fallbacks.0: messages.1: role 'system' is not supported on this model",
        {
            "messages": [HI, SYSTEM],
            "fallbacks": [{"model": OLD, "max_tokens": 1000}],
            "betas": ["server-side-fallback-2026-06-01"],
        },
    ),
    ("fallback_credit_token: Extra inputs", {"fallback_credit_token": "fct_1", "betas": ["compact-2026-09-04"]}),
    ("the token is malformed", {"fallback_credit_token": "a", "betas": ["fallback-credit-2026-07-01"]}),
    ("Tool names must be unique", {"tools": [TOOL, TOOL]}),
    ("tools.0.custom.name: String should match", {"tools": [{**TOOL, "name": "no spaces"}]}),
    ("tools.0.custom.input_schema: Field required", {"tools": [{"name": "look"}]}),
    (
        "prompt is too long: 250000 tokens > 200000",
        {"model": OLD, "messages": [{"role": "user", "content": "x" * 10**6}]},
    ),
    (
        "thinking.signature: Field required",
        {"messages": [HI, {"role": "assistant", "content": [{"type": "thinking", "thinking": ""}]}, HI]},
    ),
    (
        "Invalid `signature` in `thinking` block",
        {
            "messages": [
                HI,
                {"role": "assistant", "content": [{"type": "thinking", "thinking": "", "signature": "made up"}]},
                HI,
            ]
        },
    ),
]


@pytest.mark.parametrize("params", TAKEN)
async def test_a_sound_request_is_taken(client: AsyncAnthropic, params: dict[str, Any]) -> None:
    assert await send(client, **params) == "Yes."


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
@pytest.mark.parametrize(("told", "params"), REFUSED)
async def test_an_unsound_request_is_a_bad_request(client: AsyncAnthropic, told: str, params: dict[str, Any]) -> None:
    with pytest.raises(anthropic.BadRequestError, match=told) as raised:
        await send(client, **params)
    assert raised.value.type == "invalid_request_error"


async def test_a_missing_field_is_named(client: AsyncAnthropic) -> None:
    for name in ("model", "messages", "max_tokens"):
        body = {key: value for key, value in {"model": MODEL, "messages": [HI], "max_tokens": 9}.items() if key != name}
        with pytest.raises(anthropic.BadRequestError, match=f"{name}: Field required"):
            await client.post("/v1/messages", body=body, cast_to=object)


async def test_a_model_or_file_that_nobody_has_is_not_found(client: AsyncAnthropic) -> None:
    with pytest.raises(anthropic.NotFoundError, match="model: claude-none"):
        await send(client, model="claude-none")
    with pytest.raises(anthropic.NotFoundError, match="file_1"):
        await send(client, **user({"type": "image", "source": {"type": "file", "file_id": "file_1"}}))


async def test_what_a_sample_cannot_be_needs_a_script() -> None:
    schema = {"type": "json_schema", "schema": {"type": "object"}}
    async with serving(speed=1000) as claude, connected(claude) as client:
        with pytest.raises(anthropic.BadRequestError, match="needs a script"):
            await send(client, output_config={"format": schema})
        forced = {"model": OLD, "tools": [TOOL], "tool_choice": {"type": "any"}}
        with pytest.raises(anthropic.BadRequestError, match="needs a script"):
            await send(client, **forced)
        claude.script(None, Answer("{}"), Answer(tools=(ToolUse("look"),)))
        assert await send(client, output_config={"format": schema}) == "{}"
        assert await send(client, **forced) == ""


class TestThinkingBlocks:
    """A block goes back into the conversation in which it was made, and nowhere else."""

    async def ask(self, client: AsyncAnthropic, messages: list[Any], model: str, **more: Any) -> Any:
        params: Any = {"model": model, "max_tokens": 2000, "messages": messages, **more}
        return await client.beta.messages.create(**params)

    @pytest.fixture
    async def client(self) -> AsyncIterator[AsyncAnthropic]:
        async with serving(speed=1000) as claude, connected(claude) as client:
            claude.script(None, Answer("Yes.", thinking="Let me see."))
            yield client

    @pytest.mark.parametrize("model", ["claude-fable-5-2", MODEL, "claude-sonnet-4-6"])
    async def test_an_unchanged_conversation_keeps_them(self, client: AsyncAnthropic, model: str) -> None:
        first = await self.ask(client, [HI], model)
        again = [{"role": "user", "content": [marked("Hi")]}, {"role": "assistant", "content": first.content}, HI]
        second = await self.ask(client, again, model)
        again += [{"role": "assistant", "content": second.content}, HI]
        assert said(await self.ask(client, again, model)) == "Yes."

    async def test_a_changed_conversation_is_refused_or_drops_them(self, client: AsyncAnthropic) -> None:
        binding = "thinking-binding-controls-2026-08-01"
        for model, refuses in [("claude-fable-5-2", True), (MODEL, False)]:
            first = await self.ask(client, [HI], model)
            changed = [{"role": "user", "content": "Ho"}, {"role": "assistant", "content": first.content}, HI]
            if refuses:
                with pytest.raises(anthropic.BadRequestError, match="bound to a different conversation"):
                    await self.ask(client, changed, model)
                drop = {"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}}
                told = await self.ask(client, changed, model, thinking=drop, betas=[binding])
            else:
                told = await self.ask(client, changed, model, betas=[binding])
            (entry,) = told.input_transformations
            assert (entry.path, entry.reason) == ("messages.1.content.0", "prefix_binding_mismatch")

    async def test_another_model_does_not_see_them(self, client: AsyncAnthropic) -> None:
        first = await self.ask(client, [HI], MODEL)
        moved = [HI, {"role": "assistant", "content": first.content}, HI]
        told = await self.ask(client, moved, "claude-fable-5-2", betas=["thinking-binding-controls-2026-08-01"])
        assert [entry.reason for entry in told.input_transformations] == ["model_binding_mismatch"]
