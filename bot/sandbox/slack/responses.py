"""response_url: how the app answers a command or a click without a token.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses: five uses within 30 minutes.
"""

import json
import secrets
from dataclasses import dataclass

from aiohttp import web

from bot.sandbox.slack.chat import content, own_message
from bot.sandbox.slack.methods import Call, Refused
from bot.sandbox.slack.world.records import JSON
from bot.sandbox.slack.world.state import World

USES = 5
SECONDS = 1_800.0


@dataclass(frozen=True)
class Reply:
    """What a response_url belongs to: whose command or click, where, and on which message."""

    channel: str
    user: str
    ts: str | None = None
    thread_ts: str | None = None
    ephemeral: bool = False


@dataclass
class _Address:
    reply: Reply
    until: float
    uses: int = 0


class Responses:
    def __init__(self, world: World) -> None:
        self._world = world
        self._addresses: dict[str, _Address] = {}

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/respond/{team}/{address}", self._handle)

    def url(self, reply: Reply) -> str:
        address = secrets.token_hex(12)
        self._addresses[address] = _Address(reply, self._world.clock.time() + SECONDS)
        return f"{self._world.url}respond/{self._world.workspace.team}/{address}"

    async def _handle(self, request: web.Request) -> web.Response:
        body, status = await self._answer(request)
        self._world.journal.add("slack.response", "response_url", ok=body["ok"], error=body.get("error"), status=status)
        if body["ok"]:
            return web.Response(text="ok")
        return web.json_response(body, status=status)

    async def _answer(self, request: web.Request) -> tuple[JSON, int]:
        try:
            given = json.loads(await request.read())
        except ValueError:
            return {"ok": False, "error": "invalid_payload"}, 400
        if not isinstance(given, dict):
            return {"ok": False, "error": "invalid_payload"}, 400
        self._world.journal.add("slack.request", "response_url", **given)
        address = self._addresses.get(request.match_info["address"])
        if address is None or address.until < self._world.clock.time():
            return {"ok": False, "error": "expired_url"}, 404
        if address.uses >= USES:
            return {"ok": False, "error": "used_url"}, 404
        address.uses += 1
        try:
            self.apply(address.reply, given)
        except Refused as refused:
            return {"ok": False, "error": refused.error, **refused.more}, 400
        return {"ok": True}, 200

    def apply(self, reply: Reply, given: JSON) -> None:
        """Post, replace or delete as `given` says. Raises Refused."""
        workspace = self._world.workspace
        call = Call(self._world, given)
        original = workspace.find(reply.channel, reply.ts) if reply.ts else None
        if reply.ephemeral:
            original = next((m for user, m in workspace.ephemerals if m.ts == reply.ts and user == reply.user), None)
        if call.flag("delete_original") and original:
            self._remove(reply, original.ts)
            return
        text, blocks = content(call)
        if call.flag("replace_original") and original:
            before = original.view()
            original.text, original.blocks = text, blocks
            if reply.ephemeral:
                workspace.on_change("ephemeral", (reply.user, original))
            else:
                workspace.changed(original, before)
            return
        message = own_message(workspace, workspace.channels[reply.channel], text, blocks)
        message.thread_ts = call.string("thread_ts", "") or reply.thread_ts
        if given.get("response_type") == "in_channel":
            workspace.post(message)
        else:
            workspace.show_only_to(reply.user, message)

    def _remove(self, reply: Reply, ts: str) -> None:
        workspace = self._world.workspace
        message = workspace.find(reply.channel, ts)
        if message and not reply.ephemeral:
            workspace.delete(message)
            return
        gone = [entry for entry in workspace.ephemerals if entry[1].ts == ts]
        workspace.ephemerals = [entry for entry in workspace.ephemerals if entry[1].ts != ts]
        for _, ephemeral in gone:
            workspace.on_change("deleted", ephemeral)
