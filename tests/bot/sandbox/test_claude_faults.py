"""Every fault of Claude's routes, as Anthropic's own client meets it."""

from collections import Counter
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import Message

from bot.sandbox.claude.answers import Answer
from bot.sandbox.claude.server import Claude
from bot.sandbox.faults import Fault, Faults
from tests.bot.sandbox.test_claude import MODEL, connected, said, serving

TEXT = "Ein längerer Text für die Prüfung, mit Umlauten: äöüß, 東京 und 🙂. " * 4
ROUTE = "/v1/messages"


@pytest.fixture
async def claude() -> AsyncIterator[Claude]:
    async with serving() as claude:
        claude.script(None, Answer(TEXT))
        yield claude


@pytest.fixture
async def client(claude: Claude) -> AsyncIterator[AsyncAnthropic]:
    async with connected(claude, timeout=2) as client:
        yield client


async def create(client: AsyncAnthropic) -> Message:
    return await client.messages.create(model=MODEL, max_tokens=1000, messages=[{"role": "user", "content": "Hi"}])


async def stream(client: AsyncAnthropic) -> tuple[str, Message]:
    """The text as it came, and the message; what the stream raises has the text so far as a note."""
    parts = []
    try:
        async with client.messages.stream(
            model=MODEL, max_tokens=1000, messages=[{"role": "user", "content": "Hi"}]
        ) as events:
            async for part in events.text_stream:
                parts.append(part)
            return "".join(parts), await events.get_final_message()
    except Exception as error:
        error.add_note("".join(parts))
        raise


@pytest.mark.parametrize(
    ("kind", "params", "error", "kind_told"),
    [
        ("rate_limit", {"retry_after": 7}, anthropic.RateLimitError, "rate_limit_error"),
        ("overloaded", {}, anthropic.OverloadedError, "overloaded_error"),
        ("status", {}, anthropic.InternalServerError, "api_error"),
        ("status", {"status": 503, "should_retry": False}, anthropic.ServiceUnavailableError, "api_error"),
        ("status", {"status": 504}, anthropic.GatewayTimeoutError, "timeout_error"),
        ("status", {"status": 400}, anthropic.BadRequestError, "invalid_request_error"),
        ("status", {"status": 401}, anthropic.AuthenticationError, "authentication_error"),
        ("status", {"status": 402}, anthropic.PaymentRequiredError, "billing_error"),
        ("status", {"status": 403}, anthropic.PermissionDeniedError, "permission_error"),
        ("status", {"status": 404}, anthropic.NotFoundError, "not_found_error"),
        ("status", {"status": 413}, anthropic.ContentTooLargeError, "request_too_large"),
        ("spend_limit", {}, anthropic.ContractSpendLimitReachedError, "rate_limit_error"),
        (
            "spend_limit",
            {"error_code": "enforced_spend_limit_reached"},
            anthropic.EnforcedSpendLimitReachedError,
            "rate_limit_error",
        ),
    ],
)
async def test_a_status_fault_is_the_clients_error(
    client: AsyncAnthropic,
    claude: Claude,
    kind: str,
    params: dict[str, Any],
    error: type[anthropic.APIStatusError],
    kind_told: str,
) -> None:
    claude.faults.add(ROUTE, kind, times=2, **params)
    for ask in (create, stream):
        with pytest.raises(error) as raised:
            await ask(client)
        assert type(raised.value) is error
        assert raised.value.type == kind_told
        assert raised.value.request_id
    assert said(await create(client)) == TEXT


async def test_retry_after_comes_as_seconds_as_a_date_and_huge(client: AsyncAnthropic, claude: Claude) -> None:
    claude.faults.script(
        ROUTE,
        Fault("rate_limit", {"retry_after": 7}),
        Fault("rate_limit", {"retry_at": 90}),
        Fault("rate_limit", {"retry_after": 86400}),
        Fault("status", {"status": 529, "should_retry": True}),
    )
    told = []
    for _ in range(4):
        with pytest.raises(anthropic.APIStatusError) as raised:
            await create(client)
        told.append(raised.value.response.headers)
    assert told[0]["retry-after"] == "7"
    assert 60 < parsedate_to_datetime(told[1]["retry-after"]).timestamp() - claude.clock.time() <= 90
    assert told[2]["retry-after"] == "86400"
    assert told[3]["x-should-retry"] == "true"


async def test_the_clients_own_retries_follow_the_headers(claude: Claude) -> None:
    claude.faults.script(ROUTE, Fault("status", {"status": 400, "should_retry": True}), Fault("drop"))
    async with connected(claude, max_retries=2) as client:
        assert said(await create(client)) == TEXT
    tries = [e.data["headers"]["x-stainless-retry-count"] for e in claude.journal.entries("claude.request")]
    assert tries == ["0", "1", "2"]


@pytest.mark.parametrize("kind", ["error_first", "error"])
async def test_an_error_event_is_a_status_error_with_status_200(
    client: AsyncAnthropic, claude: Claude, kind: str
) -> None:
    claude.faults.add(ROUTE, kind, times=1)
    with pytest.raises(anthropic.APIStatusError) as raised:
        await stream(client)
    assert (raised.value.status_code, raised.value.type) == (200, "overloaded_error")
    assert len(raised.value.__notes__[0]) == (0 if kind == "error_first" else pytest.approx(len(TEXT) / 2, rel=0.3))
    claude.faults.add(ROUTE, kind, times=1, error_type="api_error")
    with pytest.raises(anthropic.InternalServerError):
        await create(client)


@pytest.mark.parametrize(("after", "share"), [(0, 0), (None, 0.5), (1000, 1)])
async def test_a_clean_end_in_the_middle_raises_nothing(
    client: AsyncAnthropic, claude: Claude, after: int | None, share: float
) -> None:
    claude.faults.add(ROUTE, "eof", times=1, **({} if after is None else {"after": after}))
    text, message = await stream(client)
    assert message.stop_reason is None
    assert message.usage.output_tokens == 1
    assert len(text) == pytest.approx(len(TEXT) * share, rel=0.3)
    assert not claude.journal.entries("claude.done")


@pytest.mark.parametrize("kind", ["half", "reset"])
async def test_a_broken_connection_in_the_middle_is_a_transport_error(
    client: AsyncAnthropic, claude: Claude, kind: str
) -> None:
    claude.faults.add(ROUTE, kind, times=2)
    with pytest.raises(httpx2.TransportError):
        await stream(client)
    with pytest.raises(anthropic.APIConnectionError):
        await create(client)
    assert [entry.name for entry in claude.journal.entries("claude.error")] == [kind, kind]
    assert not claude.journal.entries("claude.closed")


async def test_a_stall_outlasts_the_read_timeout(claude: Claude) -> None:
    claude.faults.add(ROUTE, "stall", times=1)
    async with connected(claude, timeout=0.3) as client:
        with pytest.raises(httpx2.ReadTimeout) as raised:
            await stream(client)
    assert raised.value.__notes__[0]
    await claude.journal.until(lambda entry: entry.kind == "claude.closed")


async def test_a_short_stall_goes_on(client: AsyncAnthropic, claude: Claude) -> None:
    claude.faults.add(ROUTE, "stall", times=2, seconds=20)
    text, message = await stream(client)
    assert (text, message.stop_reason) == (TEXT, "end_turn")
    assert said(await create(client)) == TEXT


async def test_a_slow_first_byte_is_a_timeout(claude: Claude) -> None:
    claude.clock.speed = 1
    claude.faults.add(ROUTE, "delay", times=1, seconds=60)
    async with connected(claude, timeout=0.2) as client:
        with pytest.raises(anthropic.APITimeoutError):
            await stream(client)
    claude.clock.speed = 200
    claude.faults.add(ROUTE, "delay", times=1, seconds=20)
    async with connected(claude) as client:
        assert (await stream(client))[0] == TEXT


async def test_characters_split_over_chunks_arrive_whole(client: AsyncAnthropic, claude: Claude) -> None:
    claude.faults.add(ROUTE, "split")
    text, message = await stream(client)
    assert (text, message.stop_reason) == (TEXT, "end_turn")


async def test_a_dropped_connection_is_a_connection_error(client: AsyncAnthropic, claude: Claude) -> None:
    claude.faults.add(ROUTE, "drop", times=2)
    for ask in (create, stream):
        with pytest.raises(anthropic.APIConnectionError):
            await ask(client)


async def test_an_answer_can_bring_its_fault(client: AsyncAnthropic, claude: Claude) -> None:
    claude.script(
        None, Answer(TEXT, fault=Fault("overloaded")), Answer(TEXT, fault=Fault("eof", {"after": 3})), times=2
    )
    with pytest.raises(anthropic.OverloadedError):
        await stream(client)
    text, message = await stream(client)
    assert message.stop_reason is None
    assert TEXT.startswith(text)
    assert (await stream(client))[0] == TEXT


async def test_faults_reach_the_other_routes(client: AsyncAnthropic, claude: Claude) -> None:
    claude.faults.add("/v1/messages/count_tokens", "overloaded", times=1)
    claude.faults.add("/v1/models", "rate_limit", times=1)
    with pytest.raises(anthropic.OverloadedError):
        await client.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "Hi"}])
    with pytest.raises(anthropic.RateLimitError):
        await client.models.retrieve(MODEL)


async def test_a_fault_that_nobody_knows_is_told(client: AsyncAnthropic, claude: Claude) -> None:
    claude.faults.add(ROUTE, "typo")
    with pytest.raises(anthropic.InternalServerError, match="knows no fault 'typo'"):
        await create(client)


async def test_long_waits_are_filled_with_pings(client: AsyncAnthropic, claude: Claude) -> None:
    claude.script(None, Answer("Slow.", first_delta=35), times=1)
    raw = await client.messages.with_raw_response.create(
        model=MODEL, max_tokens=100, messages=[{"role": "user", "content": "Hi"}], stream=True
    )
    body = (await raw.http_response.aread()).decode()
    assert body.count("event: ping\n") == 4


def test_a_share_of_the_requests_meets_a_fault() -> None:
    faults = Faults(seed=1)
    faults.add("/v1/messages", "overloaded", probability=0.25)
    faults.add("/v1/messages", "drop", probability=0.5)
    met = Counter(fault and fault.kind for fault in (faults.draw("/v1/messages") for _ in range(4_000)))
    assert 900 < met["overloaded"] < 1_100
    assert 1_350 < met["drop"] < 1_650
