"""The sandbox's Claude as Anthropic's own client sees it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO

import aiohttp
import anthropic
import httpx2
import pytest
from anthropic import AsyncAnthropic, DefaultAioHttpClient
from anthropic.types import Message, MessageParam
from anthropic.types.beta import BetaMessage

from bot.sandbox.claude.answers import Answer
from bot.sandbox.claude.limits import Rates
from bot.sandbox.claude.samples import NOTICE
from bot.sandbox.claude.server import Claude
from bot.sandbox.clock import Clock
from bot.sandbox.faults import Faults
from bot.sandbox.journal import Journal

MODEL = "claude-opus-5-5"
# Reading them takes longer than most of these tests.
CERTIFICATES = httpx2.create_ssl_context()


@asynccontextmanager
async def serving(speed: float = 200, rates: Rates | None = None) -> AsyncIterator[Claude]:
    clock = Clock(speed=speed)
    claude = Claude(clock, Journal(clock), Faults(seed=1), rates=rates)
    await claude.start()
    try:
        yield claude
    finally:
        await claude.stop()


def connected(claude: Claude, max_retries: int = 0, timeout: float = 10) -> AsyncAnthropic:
    return AsyncAnthropic(
        base_url=claude.url,
        api_key=claude.api_key,
        http_client=DefaultAioHttpClient(verify=CERTIFICATES),
        max_retries=max_retries,
        timeout=timeout,
    )


@pytest.fixture
async def claude() -> AsyncIterator[Claude]:
    async with serving() as claude:
        yield claude


@pytest.fixture
async def client(claude: Claude) -> AsyncIterator[AsyncAnthropic]:
    async with connected(claude) as client:
        yield client


def said(message: Message | BetaMessage) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


async def test_a_streamed_sample_is_told_apart_from_a_model(client: AsyncAnthropic, claude: Claude) -> None:
    async with client.messages.stream(
        model=MODEL, max_tokens=4000, messages=[{"role": "user", "content": "What is a leaky bucket?"}]
    ) as stream:
        parts = [part async for part in stream.text_stream]
        message = await stream.get_final_message()
    text = "".join(parts)
    assert text.startswith(NOTICE)
    assert "What is a leaky bucket?" in text
    assert all(mark in text for mark in ("## ", "```", "|", "](https://", "  - "))
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens > 100
    assert stream.request_id == claude.journal.entries("claude.done")[0].data["request_id"]
    assert 2.5 < len(parts) / claude.deltas_per_second < 7


async def test_the_other_transport_streams_as_well(claude: Claude) -> None:
    claude.script(None, Answer("Über alles: 🙂"))
    async with (
        AsyncAnthropic(base_url=claude.url, api_key=claude.api_key, max_retries=0) as client,
        client.messages.stream(model=MODEL, max_tokens=100, messages=[{"role": "user", "content": "Hi"}]) as stream,
    ):
        assert await stream.get_final_text() == "Über alles: 🙂"


async def test_a_follow_up_tells_the_turns_before_it(client: AsyncAnthropic) -> None:
    message = await client.messages.create(
        model=MODEL,
        max_tokens=4000,
        messages=[
            {"role": "user", "content": "First question"},
            {"role": "assistant", "content": "An answer"},
            {"role": "user", "content": "And then?"},
        ],
    )
    text = said(message)
    assert "2 earlier turns" in text
    assert "First question" in text


async def test_a_wrong_key_is_an_authentication_error(claude: Claude) -> None:
    async with AsyncAnthropic(base_url=claude.url, api_key="other", max_retries=0) as client:
        with pytest.raises(anthropic.AuthenticationError) as raised:
            await client.messages.create(model=MODEL, max_tokens=10, messages=[{"role": "user", "content": "Hi"}])
    assert raised.value.type == "authentication_error"
    assert raised.value.request_id


async def test_scripts_answer_by_the_newest_user_turn(client: AsyncAnthropic, claude: Claude) -> None:
    claude.script("weather", Answer("Rain."), Answer("Sun."))
    claude.script(None, Answer("Once."), times=1)

    async def ask(text: str) -> str:
        message = await client.messages.create(
            model=MODEL, max_tokens=100, messages=[{"role": "user", "content": text}]
        )
        return said(message)

    assert [await ask("the weather?") for _ in range(4)] == ["Once.", "Rain.", "Sun.", "Sun."]
    assert (await ask("the news?")).startswith(NOTICE)


async def test_a_client_that_hangs_up_is_noticed(client: AsyncAnthropic, claude: Claude) -> None:
    claude.clock.speed = 1
    async with client.messages.stream(
        model=MODEL, max_tokens=4000, messages=[{"role": "user", "content": "Hi"}]
    ) as stream:
        async for _ in stream.text_stream:
            break
    await claude.journal.until(lambda entry: entry.kind == "claude.closed")
    assert not claude.journal.entries("claude.done")


async def test_a_rate_limited_client_hears_when_to_come_back() -> None:
    async with serving(speed=0, rates=Rates(requests=2)) as claude, connected(claude) as client:
        claude.script(None, Answer("Yes.", first_delta=0, deltas_per_second=float("inf")))

        async def ask() -> dict[str, str]:
            raw = await client.messages.with_raw_response.create(
                model=MODEL, max_tokens=100, messages=[{"role": "user", "content": "Hi"}]
            )
            return dict(raw.headers)

        headers = await ask()
        assert headers["anthropic-ratelimit-requests-limit"] == "2"
        assert headers["anthropic-ratelimit-requests-remaining"] == "1"
        assert headers["anthropic-ratelimit-requests-reset"].endswith("Z")
        assert headers["anthropic-ratelimit-output-tokens-remaining"] == "400000"
        await ask()
        with pytest.raises(anthropic.RateLimitError) as raised:
            await ask()
        assert raised.value.response.headers["retry-after"] == "30"
        claude.clock.advance(30)
        await ask()


async def test_tokens_are_counted_as_they_are_charged(client: AsyncAnthropic, claude: Claude) -> None:
    messages: list[MessageParam] = [{"role": "user", "content": "x" * 400}]
    count = await client.messages.count_tokens(model=MODEL, messages=messages, system="s" * 40)
    message = await client.messages.create(model=MODEL, messages=messages, system="s" * 40, max_tokens=100)
    assert count.input_tokens == message.usage.input_tokens == 110
    with pytest.raises(anthropic.BadRequestError):
        await client.messages.count_tokens(model=MODEL, messages=[])


async def test_a_model_tells_what_it_takes(client: AsyncAnthropic) -> None:
    model = await client.models.retrieve(MODEL)
    assert (model.display_name, model.line, model.lifecycle) == ("Claude Opus 5.5", "opus", "active")
    assert (model.max_input_tokens, model.max_tokens, model.created_at.year) == (1_000_000, 128_000, 2026)
    assert model.capabilities
    assert model.capabilities.thinking.types.adaptive.supported
    assert not model.capabilities.thinking.types.disabled.supported
    assert (await client.models.retrieve("claude-haiku-4-5-20251001")).max_input_tokens == 200_000
    with pytest.raises(anthropic.NotFoundError, match="model: claude-none-1"):
        await client.models.retrieve("claude-none-1")


async def test_only_loopback_names_and_no_other_origin_are_answered(claude: Claude) -> None:
    url = f"{claude.url}/v1/models/{MODEL}"
    known = {"Authorization": f"Bearer {claude.api_key}", "anthropic-version": "2026-10-21"}
    async with aiohttp.ClientSession(headers=known) as session:
        for headers, status in [
            ({}, 200),
            ({"Host": "evil.example"}, 403),
            ({"Origin": "https://evil.example"}, 403),
            ({"Host": "localhost"}, 200),
            ({"anthropic-beta": "no-such-beta"}, 400),
        ]:
            async with session.get(url, headers=headers) as response:
                assert response.status == status
                assert response.headers["request-id"].startswith("req_")
        async with session.get(f"{claude.url}/v1/complete") as response:
            assert (response.status, (await response.json())["error"]["type"]) == (404, "not_found_error")
        async with session.post(f"{claude.url}/v1/messages", data=b"{") as response:
            assert (response.status, (await response.json())["error"]["type"]) == (400, "invalid_request_error")
        async with session.post(f"{claude.url}/v1/messages", data=BytesIO(bytes(32 * 1024 * 1024 + 1))) as response:
            assert (response.status, (await response.json())["error"]["type"]) == (413, "request_too_large")
