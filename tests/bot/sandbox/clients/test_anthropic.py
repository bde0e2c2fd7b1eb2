"""Requests to the sandbox's Claude as clients of other languages and earlier releases send them, header by header."""

import json
from collections.abc import AsyncIterator
from typing import Any, get_args

import aiohttp
import pytest
from anthropic.types.anthropic_beta_param import AnthropicBetaParam

from bot.sandbox.claude.answers import Answer
from bot.sandbox.claude.headers import BETAS
from bot.sandbox.claude.server import Claude
from tests.bot.sandbox.test_claude import serving

OLD_MODEL, NEW_MODEL = "claude-haiku-4-5", "claude-opus-5-5"
HI: dict[str, Any] = {"role": "user", "content": "Hi"}
DOCUMENT = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "notes"}}
CITED = {"type": "text", "text": "Hi", "citations": [{"type": "char_location"}]}


@pytest.fixture
async def claude() -> AsyncIterator[Claude]:
    async with serving(speed=1000) as claude:
        claude.script(None, Answer("Yes."))
        yield claude


async def send(claude: Claude, headers: dict[str, str], path: str = "/v1/messages", **more: Any) -> tuple[int, Any]:
    """The status, and the body as JSON or as the text of a stream."""
    body = {"model": OLD_MODEL, "max_tokens": 100, "messages": [HI], **more}
    async with aiohttp.ClientSession() as session, session.post(claude.url + path, json=body, headers=headers) as said:
        text = await said.text()
        return said.status, text if said.content_type == "text/event-stream" else json.loads(text)


def bearer(claude: Claude, version: str = "2026-10-21", **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {claude.api_key}", "anthropic-version": version, **more}


def named(claude: Claude, version: str = "2023-06-01", **more: str) -> dict[str, str]:
    return {"x-api-key": claude.api_key, "anthropic-version": version, **more}


@pytest.mark.parametrize("version", ["2023-01-01", "2023-06-01", "2026-10-21"])
async def test_the_key_is_taken_in_both_headers_and_in_both_at_once(claude: Claude, version: str) -> None:
    both = named(claude, version) | bearer(claude, version)
    for headers in (named(claude, version), bearer(claude, version), both):
        status, answer = await send(claude, headers)
        assert (status, answer["content"][0]["text"]) == (200, "Yes.")


REFUSED_HEADERS = [
    ({}, 401, "authentication_error", "x-api-key header is required"),
    ({"anthropic-version": "2023-06-01"}, 401, "authentication_error", "x-api-key header is required"),
    ({"x-api-key": "sk-ant-wrong"}, 401, "authentication_error", "invalid x-api-key"),
    ({"Authorization": "Bearer wrong"}, 401, "authentication_error", "Invalid bearer token"),
    ({"Authorization": "Basic KEY"}, 401, "authentication_error", "Invalid bearer token"),
    ({"x-api-key": "KEY", "Authorization": "Bearer wrong"}, 401, "authentication_error", "Invalid bearer token"),
    ({"x-api-key": "KEY"}, 400, "invalid_request_error", "anthropic-version: header is required"),
    (
        {"x-api-key": "KEY", "anthropic-version": "2024-10-22"},
        400,
        "invalid_request_error",
        'anthropic-version: "2024-10-22" is not a valid version',
    ),
    (
        {"x-api-key": "KEY", "anthropic-version": "2023-06-01, 2023-06-01"},
        400,
        "invalid_request_error",
        'anthropic-version: "2023-06-01, 2023-06-01" is not a valid version',
    ),
]


@pytest.mark.parametrize(("headers", "status", "kind", "told"), REFUSED_HEADERS)
async def test_missing_and_wrong_headers_get_the_apis_own_errors(
    claude: Claude, headers: dict[str, str], status: int, kind: str, told: str
) -> None:
    given = {name: value.replace("KEY", claude.api_key) for name, value in headers.items()}
    for path in ("/v1/messages", "/v1/messages/count_tokens"):
        answered, body = await send(claude, given, path)
        assert (answered, body["type"], body["error"]) == (status, "error", {"type": kind, "message": told})
        assert body["request_id"].startswith("req_")


async def test_each_beta_that_the_sandbox_knows_is_taken_and_others_are_named(claude: Claude) -> None:
    assert (await send(claude, named(claude, **{"anthropic-beta": ",".join(sorted(BETAS))})))[0] == 200
    status, body = await send(claude, named(claude, **{"anthropic-beta": "interleaved-thinking-2025-05-14, nope"}))
    assert status == 400
    assert body["error"]["message"].startswith("Unexpected value(s) `nope` for the `anthropic-beta` header.")


def test_the_betas_that_clients_of_all_ages_send_by_themselves_are_known() -> None:
    [_, published] = get_args(AnthropicBetaParam)
    assert "prompt-caching-2024-07-31" in get_args(published)
    sent = {"prompt-caching-2024-07-31", "token-counting-2024-11-01", "structured-outputs-2025-11-13"}
    assert sent <= BETAS


@pytest.mark.parametrize("agent", ["Anthropic/JS 0.36.3", "anthropic-java/3.1.0", "curl/8.5.0", ""])
@pytest.mark.parametrize("content", ["Hi", [{"type": "text", "text": "Hi"}]])
@pytest.mark.parametrize("system", [None, "Be brief.", [{"type": "text", "text": "Be brief."}]])
async def test_whoever_asks_in_whatever_form_is_answered(claude: Claude, agent: str, content: Any, system: Any) -> None:
    more = {"User-Agent": agent, "Connection": "close", "Accept-Encoding": "gzip, deflate, br"}
    asked: dict[str, Any] = {"messages": [{"role": "user", "content": content}]}
    if system is not None:
        asked["system"] = system
    assert (await send(claude, named(claude, **more), "/v1/messages?beta=true", **asked))[0] == 200
    status, stream = await send(claude, named(claude, **more), "/v1/messages?beta=true", **asked, stream=True)
    assert (status, stream.count("event: message_stop")) == (200, 1)
    del more["User-Agent"]
    path = "/v1/messages/count_tokens?beta=true"
    async with (
        aiohttp.ClientSession() as session,
        session.post(claude.url + path, json={"model": OLD_MODEL, **asked}, headers=named(claude, **more)) as response,
    ):
        assert (await response.json())["input_tokens"] > 0


SAMPLED: list[tuple[str, dict[str, Any], str | None]] = [
    (OLD_MODEL, {"temperature": 0}, None),
    (OLD_MODEL, {"temperature": 0.7, "top_k": 5}, None),
    (OLD_MODEL, {"top_p": 0.9}, None),
    (OLD_MODEL, {"temperature": 1.5}, "temperature: range: 0..1"),
    (OLD_MODEL, {"top_p": -0.1}, "top_p: range: 0..1"),
    (OLD_MODEL, {"top_k": -1}, "top_k: Input should be greater than or equal to 0"),
    (OLD_MODEL, {"temperature": "hot"}, "temperature: Input should be a valid integer or a valid number"),
    (OLD_MODEL, {"temperature": 0.5, "top_p": 0.5}, "`temperature` and `top_p` cannot both be specified"),
    (
        OLD_MODEL,
        {"temperature": 0.5, "thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000},
        "`temperature` may only be set to 1 when thinking is enabled",
    ),
    (NEW_MODEL, {"temperature": 1}, None),
    (NEW_MODEL, {"temperature": 0.5}, "`temperature` is deprecated for this model."),
    (NEW_MODEL, {"top_k": 5}, "`top_k` is deprecated for this model."),
]


@pytest.mark.parametrize(("model", "given", "told"), SAMPLED)
async def test_older_versions_take_sampling_where_the_model_does(
    claude: Claude, model: str, given: dict[str, Any], told: str | None
) -> None:
    status, body = await send(claude, named(claude), model=model, **given)
    assert (status, told or "") == (400 if told else 200, told or "")
    assert told is None or told in body["error"]["message"]
    # The newest version takes none of it, whatever the model.
    status, body = await send(claude, bearer(claude), model=model, **given)
    assert status == 400


@pytest.mark.parametrize(
    "messages",
    [
        [HI, {"role": "assistant", "content": [DOCUMENT, {"type": "text", "text": "Notes."}]}, HI],
        [{"role": "user", "content": [CITED]}],
    ],
)
async def test_older_versions_take_the_messages_that_the_newest_refuses(claude: Claude, messages: list[Any]) -> None:
    assert (await send(claude, named(claude), messages=messages))[0] == 200
    assert (await send(claude, bearer(claude), messages=messages))[0] == 400


async def test_models_are_listed_page_by_page(claude: Claude) -> None:
    async with aiohttp.ClientSession(headers=named(claude)) as session:

        async def listed(**query: str) -> Any:
            async with session.get(f"{claude.url}/v1/models", params=query) as response:
                return response.status, await response.json()

        status, everything = await listed()
        ids = [model["id"] for model in everything["data"]]
        assert (status, everything["has_more"]) == (200, False)
        assert (everything["first_id"], everything["last_id"]) == (ids[0], ids[-1])
        _, first = await listed(limit="2")
        assert ([model["id"] for model in first["data"]], first["has_more"]) == (ids[:2], True)
        _, second = await listed(limit="2", after_id=ids[1])
        assert [model["id"] for model in second["data"]] == ids[2:4]
        _, before = await listed(before_id=ids[2], limit="1")
        assert ([model["id"] for model in before["data"]], before["has_more"]) == ([ids[1]], True)
        for wrong in ({"limit": "0"}, {"limit": "x"}, {"after_id": "claude-none"}):
            assert (await listed(**wrong))[0] == 400
