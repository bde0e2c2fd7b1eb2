"""`python -m tests.kit.marked_calls`: every way a call to Claude can go, with marks on all that no log may contain.

It logs at DEBUG, and prints how many calls it made.
"""

import asyncio
import contextlib
import sys
from typing import Any

from bot import logs
from bot.sandbox import Claude as Sandbox
from bot.sandbox import Clock, Faults, Journal
from bot.sandbox.claude.answers import Answer as Script
from bot.sandbox.claude.answers import ToolUse
from bot.sandbox.faults import Fault
from bot.settings import SettingError, Settings
from bot.store.threads.history import Entry
from bot.store.threads.prompt_record import Instructions
from tests.kit.claude import OTHER, ROUTE, begin
from workers.claude import tracing
from workers.claude.client import CallSubject, ClaudeClient, NoAnswer
from workers.claude.failures import Patience
from workers.prompt.prompt import RequestSetup, build

MARK = "hidden-treasure"
KEY = f"sk-ant-{MARK}-key"
HASTY = Patience(idle_seconds=1, attempts=2, backoff_seconds=0)
CALL = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": MARK}}
ERROR = {"type": "web_search_tool_result_error", "error_code": "query_too_long"}
FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("status", {"status": 400, "should_retry": True}),
    ("rate_limit", {"retry_after": 0}),
    ("overloaded", {}),
    ("spend_limit", {}),
    ("error_first", {}),
    ("error", {}),
    ("error", {"error_type": "invalid_request_error"}),
]
FAULTS += [("status", {"status": status}) for status in (400, 401, 402, 403, 404, 409, 413, 429, 500, 503, 529)]
FAULTS += [(kind, {}) for kind in ("drop", "eof", "half", "reset", "stall", "split")]
ENDINGS = [
    Script(f"{MARK} said.", thinking=f"{MARK} thought."),
    Script(f"{MARK} partly", stop_reason="refusal", stop_details={"category": "cyber", "explanation": MARK}),
    Script("", stop_reason="refusal", fallback=Script(f"{MARK} after all.")),
    Script(f"{MARK} on.", stop_reason="max_tokens"),
    Script(f"{MARK} on.", stop_reason="model_context_window_exceeded"),
    Script(f"{MARK} look.", tools=(ToolUse("look", {"at": MARK}),)),
    Script(blocks=(CALL,), stop_reason="pause_turn"),
    Script(
        f"{MARK} found.",
        blocks=(CALL, {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": ERROR}),
    ),
]


async def drive(sandbox: Sandbox) -> int:
    """Make every call; how many there were."""
    environ = {
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": sandbox.url,
        "ANTHROPIC_CUSTOM_HEADERS": f"X-Team: {MARK}",
    }
    persona = Instructions("", f"{MARK} persona")
    request = build(RequestSetup("claude-sonnet-5-5", 1000), persona, [Entry("user", MARK, "1.1", "U1", MARK)])
    request["tools"] = [{"type": "web_search_20250305", "name": "web_search"}]
    request["tools"] += [{"name": "look", "input_schema": {"type": "object"}}]
    for more in ({}, {"FALLBACK_MODEL": OTHER}):
        claude = ClaudeClient(Settings.load(environ={**environ, **more}, dotenv=None), patience=HASTY)
        for model in ("claude-sonnet-5-5", "claude-haiku-5-5"):
            for kind, params in FAULTS:
                sandbox.script(None, ENDINGS[0], times=2)
                sandbox.faults.add(ROUTE, kind, times=1, **{"message": f"{MARK} happened", **params})
                await answer(claude, {**request, "model": model})
                sandbox.faults.clear()
                sandbox.scripts.clear()
            for ending in ENDINGS:
                sandbox.script(None, ending, Script(f"{MARK} done.", fault=Fault("status", {"message": MARK})))
                await answer(claude, {**request, "model": model})
                sandbox.scripts.clear()
        await others(sandbox, claude, request)
        await claude.close()
    with contextlib.suppress(SettingError):
        ClaudeClient(Settings.load(environ={"ANTHROPIC_PROFILE": "nobody"}, dotenv=None))
    return len(sandbox.journal.entries("claude.request"))


async def answer(claude: ClaudeClient, request: dict[str, Any]) -> None:
    call = claude.call(request, subject=CallSubject("T1:C1:1.1", "1.1", "ref", MARK))
    with contextlib.suppress(NoAnswer):
        await call.answer()


async def others(sandbox: Sandbox, claude: ClaudeClient, request: dict[str, Any]) -> None:
    """Calls that ask for something other than an answer, and an answer that is stopped."""
    sandbox.script(None, Script("word " * 100, fault=Fault("stall", {"after": 5})), Script(MARK))
    _, task = await begin(claude, **request)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await claude.count(request)
    await claude.compact(request)
    sandbox.faults.add(f"{ROUTE}/count_tokens", "status", times=2, message=MARK)
    for refused in (claude.count(request), claude.model_name("claude-nobody")):
        with contextlib.suppress(NoAnswer):
            await refused


async def main() -> None:
    clock = Clock(speed=500)
    sandbox = Sandbox(clock, Journal(clock), Faults(seed=1), api_key=KEY)
    await sandbox.start()
    try:
        print(await drive(sandbox))
    finally:
        await sandbox.stop()


if __name__ == "__main__":
    logs.configure(sys.argv[1])
    with tracing.exporting():
        asyncio.run(main())
