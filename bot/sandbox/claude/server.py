"""The sandbox's Claude: the Messages API on loopback. No model is behind it."""

import asyncio
import math
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from aiohttp import web

from bot.sandbox.addresses import is_own_host, is_own_origin
from bot.sandbox.claude import thinking as claude_thinking
from bot.sandbox.claude.answers import Answer
from bot.sandbox.claude.cache import Cache, CacheUse
from bot.sandbox.claude.errors import ApiError, invalid
from bot.sandbox.claude.events import Frame, frames
from bot.sandbox.claude.faults import known, refusal, streamed
from bot.sandbox.claude.headers import check_headers, check_key
from bot.sandbox.claude.limits import Limits, Rates
from bot.sandbox.claude.models import find, page
from bot.sandbox.claude.prompt import Json, newest, prompt_tokens
from bot.sandbox.claude.reply import compose
from bot.sandbox.claude.request import Request, check
from bot.sandbox.claude.samples import sample
from bot.sandbox.claude.scripts import Scripts
from bot.sandbox.claude.stream import Pace, Stream, close, reset
from bot.sandbox.clock import Clock
from bot.sandbox.faults import Fault, Faults
from bot.sandbox.journal import Journal

API_KEY = "sk-ant-sandbox-0000"
ORGANIZATION = "00000000-0000-4000-8000-000000000000"
LARGEST_BODY = 32 * 1024 * 1024
REQUEST_ID = web.RequestKey("request_id", str)
SHOWN_HEADERS = ("anthropic-version", "anthropic-beta", "user-agent", "x-stainless-retry-count", "x-stainless-timeout")


class Claude:
    """A server with `url` between `start()` and `stop()`. `first_delta` is in seconds on the sandbox's clock.

    Seven parameters: three that it shares with the sandbox's Slack, and four settings, each of which some tests change
    alone.
    """

    def __init__(
        self,
        clock: Clock,
        journal: Journal,
        faults: Faults,
        *,
        api_key: str = API_KEY,
        first_delta: float = 0.4,
        deltas_per_second: float = 25.0,
        rates: Rates | None = None,
    ) -> None:
        self.clock, self.journal, self.faults = clock, journal, faults
        self.port, self.api_key = 0, api_key
        self.first_delta, self.deltas_per_second = first_delta, deltas_per_second
        self.limits = Limits(clock, rates)
        self.cache = Cache(clock)
        self.scripts = Scripts()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def script(self, pattern: str | None, *answers: Answer, times: int | None = None) -> None:
        """Answer requests whose newest user turn matches `pattern` (None: all) with `answers`, the last one repeatedly.

        With `times` the rule ends after that many requests. Rules with `times` are tried first, oldest first; then
        those without, newest first.
        """
        self.scripts.add(pattern, *answers, times=times)

    def load(self, path: str | Path) -> None:
        """Add the scripts of a JSON or TOML file."""
        self.scripts.load(path)

    async def start(self, port: int = 0) -> None:
        """Listen on that port of 127.0.0.1; 0 takes a free one."""
        app = web.Application(client_max_size=LARGEST_BODY, middlewares=[self._guard])
        app.router.add_post("/v1/messages", self._messages)
        app.router.add_post("/v1/messages/count_tokens", self._count)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/v1/models/{id}", self._model)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        request_id = request[REQUEST_ID] = f"req_{secrets.token_hex(12)}"
        try:
            self._admit(request)
            return await handler(request)
        except _DroppedError:
            return web.Response()
        except ApiError as refused:
            error = refused
        except web.HTTPRequestEntityTooLarge:
            error = ApiError(413, "Request exceeds the maximum size")
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as missing:
            error = ApiError(missing.status, missing.reason)
        told = {"status": error.status, "message": error.message, "path": request.path}
        self.journal.add("claude.error", error.kind, request_id=request_id, **told)
        headers = {**error.headers, **_named(request)}
        return web.json_response(error.body(request_id), status=error.status, headers=headers)

    def _admit(self, request: web.Request) -> None:
        if not is_own_host(request.host) or not is_own_origin(request.headers.get("Origin"), self.port):
            raise ApiError(403, "Parley's sandbox answers on its loopback address only")
        check_key(request.headers, self.api_key)

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        body = await self._read(request)
        try:
            fault = await self._meet(request, self.faults.draw("/v1/messages"))
            checked = check(body, request.headers)
            missing = claude_thinking.check(checked.body, checked.model)
            use = self.cache.look(checked.body, checked.model, missing)
            self.limits.take(checked.model, use.uncached + sum(use.written.values()))
            answer = self.scripts.draw(newest(checked.body)) or _unscripted(checked)
            fault = fault or await self._meet(request, answer.fault)
            message = compose(answer, checked, use, missing)
            self.limits.spend(checked.model, message["usage"]["output_tokens"])
            headers = {**_named(request), **self.limits.headers(checked.model)}
            send = self._stream if checked.body.get("stream") else self._whole
            events = list(frames(message, checked.body["model"]))
            return await send(_Sending(request, message, events, headers, self._pace(answer), use, fault))
        except (ConnectionError, asyncio.CancelledError):
            self.journal.add("claude.closed", request.path, request_id=request[REQUEST_ID])
            raise

    async def _stream(self, sending: "_Sending") -> web.StreamResponse:
        request, fault = sending.request, sending.fault
        response = web.StreamResponse(headers={**sending.headers, "Cache-Control": "no-cache"})
        response.content_type = "text/event-stream"
        await response.prepare(request)
        self.cache.keep(sending.use)

        def first() -> None:
            self.journal.add("claude.delta", "first", request_id=request[REQUEST_ID])

        stream = Stream(request, response, self.clock, sending.pace, fault)
        if await stream.send(sending.events, request[REQUEST_ID], first):
            self._done(request, sending.message)
        elif fault:
            self.journal.add("claude.error", fault.kind, request_id=request[REQUEST_ID], status=200, path=request.path)
        return response

    async def _whole(self, sending: "_Sending") -> web.StreamResponse:
        request = sending.request
        if sending.fault:
            await self._spoil(request, sending.fault)
        await self.clock.sleep(sending.pace.due(sum(event.paced for event in sending.events)))
        self.cache.keep(sending.use)
        self._done(request, sending.message)
        return web.json_response(sending.message, headers=sending.headers)

    async def _count(self, request: web.Request) -> web.StreamResponse:
        """https://platform.claude.com/docs/en/api/messages/count_tokens"""
        body = await self._read(request)
        await self._meet(request, self.faults.draw(request.path))
        checked = check(body, request.headers, counting=True)
        missing = claude_thinking.check(checked.body, checked.model)
        count = {"input_tokens": prompt_tokens(checked.body, missing)}
        return web.json_response(count, headers=_named(request))

    async def _models(self, request: web.Request) -> web.StreamResponse:
        """https://platform.claude.com/docs/en/api/models/list"""
        await self._looked_up(request)
        return web.json_response(page(request.query), headers=_named(request))

    async def _model(self, request: web.Request) -> web.StreamResponse:
        """https://platform.claude.com/docs/en/api/models/retrieve"""
        await self._looked_up(request)
        info = find(request.match_info["id"]).info()
        return web.json_response(info, headers=_named(request))

    async def _looked_up(self, request: web.Request) -> None:
        """Note a request for models, let its fault strike and check its headers."""
        self.journal.add("claude.request", request.path, request_id=request[REQUEST_ID], headers=_shown(request))
        await self._meet(request, self.faults.draw("/v1/models"))
        check_headers(request.headers)

    async def _read(self, request: web.Request) -> object:
        try:
            body: object = await request.json()
        except ValueError:
            raise ApiError(400, "The request body is not valid JSON") from None
        told = {"request_id": request[REQUEST_ID], "body": body, "headers": _shown(request)}
        self.journal.add("claude.request", request.path, **told)
        return body

    async def _meet(self, request: web.Request, fault: Fault | None) -> Fault | None:
        """Apply a fault that comes before the answer (refusal, drop, delay); return one that concerns the answer."""
        if (fault := known(fault)) is None:
            return None
        if error := refusal(fault, self.clock.time()):
            raise error
        if fault.kind == "drop":
            self._drop(request, fault)
        if fault.kind == "delay":
            await self.clock.sleep(fault.params.get("seconds", 5))
            return None
        return fault

    async def _spoil(self, request: web.Request, fault: Fault) -> None:
        """Apply a fault of streams to an answer that is not streamed."""
        match fault.kind:
            case "error" | "error_first":
                raise streamed(fault)
            case "eof" | "half" | "reset":
                self._drop(request, fault)
            case "stall":
                await self.clock.sleep(fault.params.get("seconds", math.inf))

    def _drop(self, request: web.Request, fault: Fault) -> NoReturn:
        self.journal.add("claude.error", fault.kind, request_id=request[REQUEST_ID], status=0, path=request.path)
        if fault.kind == "reset":
            reset(request)
        else:
            close(request)
        raise _DroppedError

    def _pace(self, answer: Answer) -> Pace:
        first = self.first_delta if answer.first_delta is None else answer.first_delta
        return Pace(first, answer.deltas_per_second or self.deltas_per_second)

    def _done(self, request: web.Request, message: Json) -> None:
        text = "".join(block["text"] for block in message["content"] if block["type"] == "text")
        data = {"request_id": request[REQUEST_ID], "usage": message["usage"], "text": text}
        self.journal.add("claude.done", message["stop_reason"], **data)


class _DroppedError(Exception):
    """The connection was closed on purpose; nobody is left to answer."""


@dataclass(frozen=True)
class _Sending:
    """A message on its way: how it goes out, at which pace, and what goes wrong with it."""

    request: web.Request
    message: Json
    events: Sequence[Frame]
    headers: dict[str, str]
    pace: Pace
    use: CacheUse
    fault: Fault | None


def _shown(request: web.Request) -> dict[str, str]:
    return {name: request.headers[name] for name in SHOWN_HEADERS if name in request.headers}


def _named(request: web.Request) -> dict[str, str]:
    return {"request-id": request[REQUEST_ID], "anthropic-organization-id": ORGANIZATION}


def _unscripted(request: Request) -> Answer:
    """A sample answer. Raises ApiError if the request asks for a format or a tool call, which need a script."""
    body = request.body
    if (body.get("output_config") or {}).get("format"):
        raise invalid("output_config.format", "Parley's sandbox needs a script to answer in a format")
    if (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        raise invalid("tool_choice", "Parley's sandbox needs a script to call a tool")
    return sample(body, request.model.thinks_for(body.get("thinking")))
