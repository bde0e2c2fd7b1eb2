"""The sandbox's HTTP side of the Web API: bodies, tokens, scopes, limits, faults, and the answer."""

import json
import secrets
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.sandbox.addresses import is_own_host, is_own_origin
from bot.sandbox.slack.methods import Call, Method, Refused
from bot.sandbox.slack.world.records import JSON
from bot.sandbox.slack.world.state import World


@web.middleware
async def own_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse requests from other web pages, and those for a foreign host name that was made to point here."""
    port = request.transport.get_extra_info("sockname")[1] if request.transport else 0
    if not is_own_host(request.headers.get("Host")):
        return web.json_response({"ok": False, "error": "host_refused"}, status=403)
    if not is_own_origin(request.headers.get("Origin"), port):
        return web.json_response({"ok": False, "error": "origin_refused"}, status=403)
    return await handler(request)


class WebAPI:
    def __init__(self, world: World, methods: dict[str, Method]) -> None:
        self._world = world
        self._methods = methods

    async def handle(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        body, status, headers = await self._answer(request, name)
        self._world.journal.add("slack.response", name, ok=body["ok"], error=body.get("error"), status=status)
        return web.Response(text=json.dumps(body), status=status, headers=headers, content_type="application/json")

    async def _answer(self, request: web.Request, name: str) -> tuple[JSON, int, dict[str, str]]:
        world = self._world
        headers = {"x-slack-req-id": secrets.token_hex(16), "x-oauth-scopes": ",".join(world.app.scopes)}
        try:
            method = self._methods.get(name)
            if method is None:
                world.journal.add("slack.request", name)
                raise Refused("unknown_method", req_method=name)
            headers["x-accepted-oauth-scopes"] = ",".join(method.scopes)
            params, warnings = await self._params(request, method)
            token = params.pop("token", None)
            world.journal.add("slack.request", name, **params)
            self._authorize(request, method, token)
            call = Call(world, params)
            retry_after = world.limits.take(name, call.limited_in(method.by_channel))
            world.on_panel("usage", name)
            if retry_after is not None:
                return {"ok": False, "error": "ratelimited"}, 429, headers | {"Retry-After": str(retry_after)}
            call.warnings.extend(warnings)
            body: JSON = {"ok": True, **await method.handle(call)}
            if call.warnings:
                body["warning"] = ",".join(call.warnings)
                body.setdefault("response_metadata", {})["warnings"] = call.warnings
            return body, 200, headers
        except Refused as refused:
            return {"ok": False, "error": refused.error, **refused.more}, 200, headers

    async def _params(self, request: web.Request, method: Method) -> tuple[dict[str, Any], list[str]]:
        """Arguments from the query, then the body. https://docs.slack.dev/apis/web-api/ ("Post bodies")"""
        params: dict[str, Any] = {k: v for k, v in request.query.items() if k != "token"}
        if request.method != "POST" or not request.body_exists:
            return params, []
        if request.content_type == "application/json":
            try:
                body = json.loads(await request.read())
            except ValueError:
                raise Refused("invalid_json") from None
            if not isinstance(body, dict):
                raise Refused("json_not_object")
            if not method.json:
                return params, []
            body.pop("token", None)
            params.update((k, v) for k, v in body.items() if v is not None)
            return params, [] if request.charset else ["missing_charset"]
        if request.content_type not in ("application/x-www-form-urlencoded", "multipart/form-data"):
            raise Refused("invalid_post_type")
        params.update((k, v) for k, v in (await request.post()).items() if isinstance(v, str))
        return params, []

    def _authorize(self, request: web.Request, method: Method, token: str | None) -> None:
        world = self._world
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        given = given.strip() if scheme.lower() == "bearer" else token or ""
        if not given:
            raise Refused("not_authed")
        if given not in (world.app.bot_token, world.app.app_token):
            raise Refused("invalid_auth")
        if given != (world.app.app_token if method.token == "app" else world.app.bot_token):
            raise Refused("not_allowed_token_type")
        if not world.workspace.installed:
            raise Refused("account_inactive")
        if method.token == "bot" and method.scopes and not any(scope in world.app.scopes for scope in method.scopes):
            raise Refused("missing_scope", needed=method.scopes[0], provided=",".join(world.app.scopes))
