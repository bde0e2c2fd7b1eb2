"""The client of the Claude API. No other module imports anthropic.

The SDK's own retries are off: they obey a Retry-After of any length, and stop once a stream has begun.
"""

import asyncio
import base64
import ssl
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import nullcontext
from functools import cache
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import aiohttp
import anthropic
import httpx2
from anthropic.lib.middleware import BetaFallbackState, BetaRefusalFallbackMiddleware
from redis.asyncio import Redis

from bot import logs, models
from bot.settings import SettingError, Settings
from bot.store.metrics import Metrics
from bot.talk.message import loggable
from workers.claude import fallback, tracing
from workers.claude.answer import CallObserver, ClaudeAnswer, NoAnswer, UsageObserver
from workers.claude.call import CallSetup, ClaudeCall
from workers.claude.call_log import CallSubject
from workers.claude.events import BoundedClient
from workers.claude.failures import NOT_CLAUDE, AttemptFailed, Failure, Patience, code_of, retry_after
from workers.claude.gate import Gate
from workers.claude.large_bodies import LargeBodies, LargeData

__all__ = ["CallObserver", "CallSubject", "ClaudeAnswer", "ClaudeCall", "ClaudeClient", "NoAnswer", "UsageObserver"]

BETA_HEADER = "anthropic-beta"
COMPACTION = "compact-2026-09-04"
COUNTED = ("messages", "model", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control")
NO_SUBJECT = CallSubject()
NOBODY = CallObserver()
PATIENCE = Patience()
# Errors have some hundred bytes; what is longer is some gateway's page.
MOST_ERROR_BYTES = 64_000
LOOPBACK = ("127.0.0.1", "localhost", "::1")

# All that can go wrong between us and the API. In the middle of a stream the SDK lets errors of httpx2 and aiohttp
# through, and raises ValueError for what is no UTF-8 or JSON (observed).
ERRORS = (anthropic.AnthropicError, httpx2.HTTPError, aiohttp.ClientError, OSError, ValueError)
# Raised when a response lacks required fields.
UNREADABLE = (AttributeError, TypeError)


class ClaudeClient:
    """With `redis` the limits hold for all processes together; with `metrics` the calls are counted.

    Raises SettingError if the credentials cannot be used.
    """

    metrics: Metrics | None = None

    def __init__(self, settings: Settings, redis: Redis | None = None, patience: Patience = PATIENCE) -> None:
        logs.quiet()
        self._settings, self._patience = settings, patience
        self._gate = Gate(settings, redis, patience.backoff_cap_seconds) if redis else None
        idle, connect = patience.idle_seconds, patience.connect_seconds
        base_url, user = _apart(settings.anthropic_base_url)
        headers, self._betas = _headers(settings.anthropic_custom_headers)
        self._large = LargeBodies()
        if user and settings.anthropic_api_key:
            headers.setdefault("Authorization", user)
            # The SDK leaves the key out where there is that header.
            headers.setdefault("X-Api-Key", settings.anthropic_api_key)
        try:
            self._client = BoundedClient(
                **_credentials(settings),
                base_url=base_url,
                # `read` is the longest silence. A ping ends it, which the SDK does not pass on: a model that thinks
                # for long is not cut off, and one that only pings for ever ends at the deadline of the whole answer.
                timeout=anthropic.Timeout(connect=min(connect, idle), read=idle, write=30.0, pool=connect),
                max_retries=0,
                default_headers=headers,
                open_telemetry={
                    "traces": {"enabled": tracing.endpoint() is not None, "content_mode": "metadata_only"},
                    "propagation": False,
                },
                http_client=_http_client(settings, self._large),
            )
        except anthropic.AnthropicError:
            raise SettingError(
                f"ANTHROPIC_PROFILE: there is no usable profile {settings.anthropic_profile!r} on this machine. "
                "Correct the name, or set ANTHROPIC_API_KEY."
            ) from None

    async def close(self) -> None:
        await self._client.close()

    def call(
        self,
        request: Mapping[str, Any],
        *,
        subject: CallSubject = NO_SUBJECT,
        observer: CallObserver = NOBODY,
        usage_observer: UsageObserver | None = None,
    ) -> ClaudeCall:
        """`request` is the body of a Messages API request, and may have `betas`."""
        setup = CallSetup(self._settings, self._patience, self._gate, self._send, self.metrics)
        return ClaudeCall(setup, request, subject, observer, usage_observer)

    async def count(self, request: Mapping[str, Any]) -> int:
        """How many tokens the prompt of a request has, by the API's count. Raises NoAnswer.

        https://platform.claude.com/docs/en/api/messages/count_tokens
        """
        patience = self._patience
        counted = {name: request[name] for name in (*COUNTED, "mcp_servers") if name in request}
        counted, _held = self._large.taken_out(counted)
        messages, betas = self._messages(self._client, [*request.get("betas", ()), *self._betas])
        for attempt in range(1, patience.attempts + 1):
            try:
                return int((await messages.count_tokens(**counted, **betas)).input_tokens)
            except (*ERRORS, *UNREADABLE) as error:
                failure = _failure(error)
                if not failure.is_transient or attempt == patience.attempts:
                    raise NoAnswer.of(failure) from error
                seconds = retry_after(failure.retry_after, time.time())
            await asyncio.sleep(patience.backoff(seconds, attempt))
        raise AssertionError("the last attempt returns or raises")

    async def compact(
        self,
        request: Mapping[str, Any],
        *,
        subject: CallSubject = NO_SUBJECT,
        usage_observer: UsageObserver | None = None,
    ) -> Mapping[str, Any] | None:
        """Let the model sum up the conversation of `request`. Returns the signed content block to send in its place.

        None if the model or the account cannot do it, or if the model wrote no summary. Raises NoAnswer.
        https://platform.claude.com/docs/en/build-with-claude/compaction
        """
        if not models.find(request["model"]).compaction:
            return None
        betas = [*request.get("betas", ()), COMPACTION]
        body = {**request, "betas": betas, "compaction": {"type": "summarize"}}
        call = self.call(body, subject=subject, usage_observer=usage_observer)
        try:
            answer = await call.answer()
        except NoAnswer as unanswered:
            if unanswered.failure and unanswered.failure.status in (400, 403, 404):
                return None
            raise
        for block in answer.content:
            if block["type"] == "compaction" and block.get("content"):
                return block
        return None

    async def model_name(self, model: str) -> str:
        """The model's display name. Raises NoAnswer if the key or the model is wrong, or Claude cannot be reached."""
        try:
            async with asyncio.timeout(self._patience.idle_seconds):
                found = await self._client.models.retrieve(model)
            is_claudes = found.type == "model"
            name = found.display_name
        except UNREADABLE as error:
            raise NoAnswer.of(Failure(type(error).__name__, code=NOT_CLAUDE)) from error
        except ERRORS as error:
            raise NoAnswer.of(_failure(error)) from error
        if not is_claudes:
            raise NoAnswer.of(Failure("AnotherShape", code=NOT_CLAUDE))
        return name or model

    async def try_message(self, model: str) -> None:
        """Ask for an answer of one token. Raises NoAnswer if none begins."""
        messages, betas = self._messages(self._client, self._betas)
        hello = [{"role": "user", "content": "Hi"}]
        event = None
        try:
            async with asyncio.timeout(self._patience.idle_seconds):
                stream = await messages.create(model=model, max_tokens=1, messages=hello, stream=True, **betas)
                try:
                    event = await anext(stream, None)
                finally:
                    await stream.close()
        except UNREADABLE as error:
            raise NoAnswer.of(Failure(type(error).__name__, code=NOT_CLAUDE)) from error
        except ERRORS as error:
            raise NoAnswer.of(_failure(error)) from error
        if getattr(event, "type", None) != "message_start":
            raise NoAnswer.of(Failure("NoMessage", code=NOT_CLAUDE))

    async def _send(self, request: Mapping[str, Any]) -> "_EventStream":
        """Raises AttemptFailed. What the model declines goes to the fallback, on the server where the model can."""
        settings, client = self._settings, self._client
        body = {name: value for name, value in request.items() if name != "betas"}
        betas = [*request.get("betas", ()), *self._betas]
        other = fallback.chosen(body, settings.fallback_model)
        declined: Any = nullcontext()
        if "compaction" in body:
            other = None
        if other is not None and models.find(body["model"]).fallbacks:
            body["fallbacks"] = [fallback.entry(body, other, settings.effort, settings.thinking)]
            betas.append(fallback.SERVER_SIDE)
        elif other is not None:
            entry: Any = fallback.entry(body, other, settings.effort, settings.thinking)
            client = client.with_middleware(BetaRefusalFallbackMiddleware([entry]))
            declined = BetaFallbackState()
        messages, more = self._messages(client, betas, beta=client is not self._client)
        body, held = self._large.taken_out(body)
        try:
            with declined:
                return _EventStream(await messages.create(**body, **more, stream=True), held)
        except ERRORS as error:
            headers = error.response.headers if isinstance(error, anthropic.APIStatusError) else None
            raise AttemptFailed(_failure(error), headers) from error

    def _messages(
        self, client: anthropic.AsyncAnthropic, betas: Sequence[str], beta: bool = False
    ) -> tuple[Any, dict[str, Any]]:
        """The API resource, and its argument `betas`. The beta resource is used only if needed."""
        if betas or beta:
            return client.beta.messages, {"betas": sorted(set(betas))}
        return client.messages, {}


class _EventStream:
    """The events of a stream. Whatever breaks the stream raises AttemptFailed.

    `held` are the large files of its request, which the SDK sends once more if it turns to the fallback model.
    """

    def __init__(self, stream: Any, held: Sequence[LargeData]) -> None:
        self._stream, self._held = stream, held
        self.headers: Mapping[str, str] = stream.response.headers
        self.request_id = loggable(self.headers.get("request-id"))

    async def next(self) -> Any:
        try:
            return await anext(self._stream, None)
        except ERRORS as error:
            raise AttemptFailed(_failure(error, self.request_id)) from error

    async def close(self) -> None:
        await self._stream.close()


def _credentials(settings: Settings) -> dict[str, Any]:
    """The first credential that is set, because the SDK takes only one."""
    if settings.anthropic_api_key:
        return {"api_key": settings.anthropic_api_key}
    if settings.anthropic_auth_token:
        return {"auth_token": settings.anthropic_auth_token}
    return {"profile": settings.anthropic_profile} if settings.anthropic_profile else {}


def _apart(address: str | None) -> tuple[str | None, str | None]:
    """The address without its user and password, and those as the header that a gateway expects.

    The SDK's client for aiohttp cannot send an address that has them (observed).
    """
    parts = urlsplit(address or "")
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return address, None
    encoded = base64.b64encode(unquote_to_bytes(user if ":" in user else f"{user}:")).decode()
    return parts._replace(netloc=host).geturl(), f"Basic {encoded}"


def _headers(lines: str | None) -> tuple[dict[str, str], list[str]]:
    """The headers without the beta features, and the beta features.

    They are apart because a request's own beta features would replace a header for all requests.
    """
    headers: dict[str, str] = {}
    betas: list[str] = []
    for line in (lines or "").splitlines():
        name, value = (part.strip() for part in line.split(":", 1))
        if name.lower() == BETA_HEADER:
            betas += [beta.strip() for beta in value.split(",") if beta.strip()]
        else:
            headers[name] = value
    return headers, betas


@cache
def _certificates() -> ssl.SSLContext:
    """Read once for a process, because reading them takes as long as a short answer of the sandbox."""
    return httpx2.create_ssl_context()


class _HttpClient(anthropic.DefaultAioHttpClient):
    def __init__(self, large: LargeBodies, **options: Any) -> None:
        super().__init__(**options)
        self._large = large

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        response = await super().send(self._large.put_back(request), **options)
        if response.is_error and isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Beginning(response.stream)
        return response


class _Beginning(httpx2.AsyncByteStream):
    """The first bytes of the body of an error: the SDK reads all of it."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MOST_ERROR_BYTES
        async for chunk in self._stream:
            yield chunk[:left]
            left -= len(chunk)
            if left <= 0:
                return

    async def aclose(self) -> None:
        await self._stream.aclose()


def _http_client(settings: Settings, large: LargeBodies) -> httpx2.AsyncClient:
    """For a Claude on this machine the environment's proxies are ignored.

    No redirect is followed: the key would go wherever it leads.
    """
    proxy: dict[str, Any] = {"proxy": settings.claude_proxy}
    if urlsplit(settings.anthropic_base_url or "").hostname in LOOPBACK:
        proxy = {"trust_env": False}
    try:
        return _HttpClient(large, verify=_certificates(), follow_redirects=False, **proxy)
    except OSError as error:
        # ssl's errors are OSErrors: a file that is none of certificates.
        raise SettingError(
            f"The certificates of trusted authorities cannot be read ({type(error).__name__}). Correct SSL_CERT_FILE "
            "or SSL_CERT_DIR in the environment, or unset them."
        ) from None
    except ValueError as error:
        raise SettingError(
            f"The proxy for Claude cannot be used ({type(error).__name__}). Correct CLAUDE_PROXY."
        ) from None


def _failure(error: Exception, request_id: str | None = None) -> Failure:
    name = type(error).__name__
    if isinstance(error, anthropic.APIStatusError):
        headers = error.response.headers
        code = error.error_code or None
        if not code and error.status_code == 400:
            code = code_of(error.api_message)
        return Failure(
            name,
            status=error.status_code,
            type=loggable(error.type),
            code=loggable(code),
            request_id=loggable(error.request_id),
            retry_after=headers.get("retry-after"),
            should_retry=headers.get("x-should-retry"),
        )
    timed_out = isinstance(error, TimeoutError | anthropic.APITimeoutError | httpx2.TimeoutException)
    ours = isinstance(error, anthropic.AnthropicError) and not isinstance(error, anthropic.APIConnectionError)
    return Failure(name, request_id=request_id, lost=not ours, timed_out=timed_out)
