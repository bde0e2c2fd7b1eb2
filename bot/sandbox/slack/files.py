"""files.*, the upload URL and downloads. https://docs.slack.dev/messaging/working-with-files"""

from typing import Any

from aiohttp import web

from bot.sandbox.slack.chat import own_message, thread_of, writable
from bot.sandbox.slack.methods import Call, Method, Refused, invalid_arguments
from bot.sandbox.slack.text import normalise
from bot.sandbox.slack.world.files import Content, Upload
from bot.sandbox.slack.world.limits import T4
from bot.sandbox.slack.world.records import JSON, Channel, File, Message, new_id
from bot.sandbox.slack.world.state import World
from bot.sandbox.slack.world.workspace import Workspace

ALT_TEXT = 1_000
SNIPPET = 1024 * 1024
SNIPPET_TYPES = {"csv", "html", "javascript", "json", "markdown", "python", "shell", "sql", "text", "xml", "yaml"}
"""Some of those of https://docs.slack.dev/reference/objects/file-object."""
UPLOAD_SECONDS = 600.0
"""How long an upload URL works: inferred."""

LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Sign in | Slack</title></head><body>Sign in to Sandbox</body></html>"


class Files:
    """Receives the bytes of uploads, and sends those of files."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/upload/v1/{file}", self._receive)
        app.router.add_get("/files-pri/{file}/{name}", self._send)

    async def _receive(self, request: web.Request) -> web.Response:
        upload = self._world.uploads.get(request.match_info["file"])
        if upload is None or upload.until < self._world.clock.time():
            return web.Response(status=404, text="Not found")
        if request.content_type == "multipart/form-data":
            parts = (await request.post()).values()
            content = b"".join([part.file.read() for part in parts if isinstance(part, web.FileField)])
        else:
            content = await request.read()
        if len(content) != upload.length:
            return web.Response(status=400, text="The length is not what was announced")
        upload.content = content
        return web.Response(text=f"OK - {len(content)}")

    async def _send(self, request: web.Request) -> web.Response:
        """Send the bytes to whoever has the app's token, and a login page with status 200 to others (observed).

        The sandbox's own page shows them too, by its `viewer` parameter.
        """
        world = self._world
        file = world.workspace.files.get(request.match_info["file"])
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        allowed = bearer == world.app.bot_token and "files:read" in world.app.scopes and world.workspace.installed
        viewed = request.query.get("viewer") == world.viewer
        if not allowed and not viewed:
            return web.Response(text=LOGIN_PAGE, content_type="text/html")
        if file is None or file.mode in ("tombstone", "hidden_by_limit"):
            return web.Response(status=404, text="Not found")
        world.journal.add("slack.download", file.name, file=file.id, size=len(file.content))
        safe = file.mimetype.startswith("image/") and file.mimetype != "image/svg+xml"
        headers = {
            "Content-Disposition": "inline" if safe and viewed else "attachment",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
        }
        return web.Response(body=file.content, content_type=file.mimetype, headers=headers)


async def info(call: Call) -> JSON:
    file = call.workspace.files.get(call.string("file"))
    if file is None:
        raise Refused("file_not_found")
    if file.mode == "tombstone":
        raise Refused("file_deleted")
    return {"file": file.full(), "comments": []}


async def get_upload_url(call: Call) -> JSON:
    name, length = call.string("filename"), call.number("length", 0)
    if length <= 0:
        raise Refused("missing_argument")
    if len(call.string("alt_txt", "")) > ALT_TEXT:
        raise Refused("alt_txt_too_large")
    snippet_type = call.string("snippet_type", "") or None
    if snippet_type and snippet_type not in SNIPPET_TYPES:
        raise Refused("unknown_snippet_type")
    if snippet_type and length > SNIPPET:
        raise Refused("snippet_too_large")
    file_id = new_id("F")
    until = call.workspace.clock.time() + UPLOAD_SECONDS
    call.world.uploads[file_id] = Upload(name, length, call.string("alt_txt", "") or None, snippet_type, until)
    return {"upload_url": f"{call.world.url}upload/v1/{file_id}", "file_id": file_id}


async def complete_upload(call: Call) -> JSON:
    """If a channel is given, the files are shared there in one message, a moment later.

    Now and then Slack answers ok and never shares them (observed). Here the fault `files.share` does that.
    """
    given: Any = call.value("files")
    if not isinstance(given, list) or not given:
        raise invalid_arguments("missing required field: files")
    place = "channel_id" if call.has("channel_id") else "channels"
    channel = writable(call, call.channel(place)) if call.has(place) else None
    thread_ts = thread_of(call, channel) if channel else None
    for item in given:
        _announced(call, item)
    files = [_uploaded(call, item) for item in given]
    if channel and not call.world.faults.draw("files.share"):
        message = own_message(call.workspace, channel, normalise(call.string("initial_comment", "")), [])
        message.thread_ts, message.files = thread_ts, files
        for file in files:
            file.channels.append(channel.id)
        call.world.timers.after(0, lambda: _share(call.workspace, channel, message))
    return {"files": [file.full() for file in files]}


def _announced(call: Call, item: Any) -> Upload:
    """The upload that an item of `files` names. Raises Refused if there is none, or its bytes have not come."""
    upload = call.world.uploads.get(item.get("id", "")) if isinstance(item, dict) else None
    if upload is None or upload.content is None:
        raise Refused("file_not_found")
    return upload


def _uploaded(call: Call, item: JSON) -> File:
    """The file that an upload becomes, now part of the workspace."""
    upload = call.world.uploads.pop(item["id"])
    file = call.world.new_file(call.workspace.bot, Content(upload.name, upload.content or b""), item["id"])
    file.title = item.get("title") or upload.name
    file.alt_text, file.snippet_type = upload.alt_text, upload.snippet_type
    file.mode = "snippet" if upload.snippet_type else file.mode
    call.workspace.files[file.id] = file
    return file


def _share(workspace: Workspace, channel: Channel, message: Message) -> None:
    kind = "public" if channel.kind == "channel" else "private"
    share: JSON = {"ts": message.ts, "channel_name": channel.name, "team_id": workspace.team}
    share |= {"reply_users": [], "reply_users_count": 0, "reply_count": 0}
    if message.thread_ts:
        share["thread_ts"] = message.thread_ts
    for file in message.files:
        file.shares.setdefault(kind, {}).setdefault(channel.id, []).append(share)
    workspace.post(message)


METHODS = {
    "files.completeUploadExternal": Method(complete_upload, ("files:write",), T4),
    "files.getUploadURLExternal": Method(get_upload_url, ("files:write",), T4, json=False),
    "files.info": Method(info, ("files:read",), T4, json=False),
}
