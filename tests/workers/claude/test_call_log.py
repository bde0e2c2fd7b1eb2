"""What the log says of calls: figures and ids, and of the question a hash."""

import asyncio
import contextlib
import hashlib
import json
import logging
import subprocess
import sys
from typing import Any

import pytest

from bot import models
from bot.models import Usage
from bot.sandbox import Claude as Sandbox
from bot.sandbox.claude.answers import Answer as Script
from bot.sandbox.faults import Fault
from bot.settings import Settings
from tests.kit.claude import MODEL, OTHER, REQUEST, ROUTE, begin, connected, settings
from workers.claude.call_log import CallFigures, CallSubject, log_fields
from workers.claude.client import ClaudeClient, NoAnswer

SUBJECT = CallSubject("T1:C1:1.1", "1.2", "abcd1234", "What is the capital?" * 20)
# Seed 1's table of what is logged, and what operators need to find the thread.
FIELDS = {
    *("thread", "ts", "ref", "model", "asked_model", "latency_ms", "first_text_ms", "input_tokens", "output_tokens"),
    *("cache_write_5m_tokens", "cache_write_1h_tokens", "cache_read_tokens", "searches", "estimated"),
    *("cost_usd_micro", "stop_reason", "refusal", "refusal_category", "attempts", "retries", "tool_errors"),
    *("error", "request_id"),
}


async def line(caplog: pytest.LogCaptureFixture, claude: ClaudeClient, **request: Any) -> dict[str, Any]:
    """The fields of the one line that a call logs."""
    with caplog.at_level(logging.INFO, "parley.calls"), contextlib.suppress(NoAnswer):
        await claude.call({**REQUEST, **request}, subject=SUBJECT).answer()
    [record] = [record for record in caplog.records if record.name == "parley.calls"]
    fields: dict[str, Any] = record.__dict__["fields"]
    return fields


async def test_an_answer_is_one_line_of_figures(
    sandbox: Sandbox, claude: ClaudeClient, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.script(None, Script("It is Rome."))
    sandbox.faults.script(ROUTE, Fault("reset", {"after": 1}))
    fields = await line(caplog, claude)
    [done] = sandbox.journal.entries("claude.done")
    assert set(fields) == {*FIELDS, "question_hash"}
    assert (fields["thread"], fields["ts"], fields["ref"]) == (SUBJECT.thread, SUBJECT.ts, SUBJECT.ref)
    assert (fields["model"], fields["stop_reason"], fields["refusal"]) == (MODEL, "end_turn", False)
    assert (fields["attempts"], fields["retries"], fields["estimated"]) == (2, 1, True)
    assert fields["request_id"] == done.data["request_id"]
    assert fields["latency_ms"] >= fields["first_text_ms"] > 0
    usage = done.data["usage"]
    assert fields["input_tokens"] == 2 * usage["input_tokens"]
    assert fields["output_tokens"] > usage["output_tokens"]
    assert fields["cost_usd_micro"] == fields["input_tokens"] * 2 + fields["output_tokens"] * 10


async def test_a_refusal_is_marked(sandbox: Sandbox, claude: ClaudeClient, caplog: pytest.LogCaptureFixture) -> None:
    sandbox.script(None, Script(stop_reason="refusal", stop_details={"category": "bio", "explanation": "Secret."}))
    fields = await line(caplog, claude)
    assert (fields["refusal"], fields["refusal_category"]) == (True, "bio")
    assert "Secret." not in fields.values()


async def test_a_failure_has_its_type(sandbox: Sandbox, claude: ClaudeClient, caplog: pytest.LogCaptureFixture) -> None:
    sandbox.faults.add(ROUTE, "spend_limit")
    fields = await line(caplog, claude)
    assert fields["error"] == "429/rate_limit_error/contract_spend_limit_reached"
    assert (fields["stop_reason"], fields["attempts"], fields["cost_usd_micro"]) == (None, 1, 0)
    assert fields["request_id"] == sandbox.journal.entries("claude.error")[-1].data["request_id"]


async def test_a_stopped_call_is_a_line_too(
    sandbox: Sandbox, claude: ClaudeClient, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.clock.speed = 10
    sandbox.script(None, Script("It is Rome. " * 50))
    with caplog.at_level(logging.INFO, "parley.calls"):
        _, answering = await begin(claude)
        answering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answering
    [record] = [record for record in caplog.records if record.name == "parley.calls"]
    fields = record.__dict__["fields"]
    assert (fields["error"], fields["estimated"]) == ("stopped", True)
    assert fields["input_tokens"] > 0


async def test_the_model_that_served_is_named_beside_the_asked_one(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.script(None, Script("No", stop_reason="refusal", fallback=Script("Yes.")))
    async with connected(sandbox, FALLBACK_MODEL=OTHER) as claude:
        fields = await line(caplog, claude)
    assert (fields["model"], fields["asked_model"]) == (OTHER, MODEL)


async def test_searches_that_failed_are_told_by_their_code(
    sandbox: Sandbox, claude: ClaudeClient, caplog: pytest.LogCaptureFixture
) -> None:
    call = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "a"}}
    error = {"type": "web_search_tool_result_error", "error_code": "too_many_requests"}
    blocks = (call, {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": error})
    sandbox.script(None, Script("Nothing.", blocks=blocks))
    fields = await line(caplog, claude, tools=[{"type": "web_search_20250305", "name": "web_search"}])
    assert (fields["tool_errors"], fields["searches"]) == ("too_many_requests", 0)


async def test_the_question_is_a_hash_that_nobody_can_try_out(sandbox: Sandbox) -> None:
    figures = CallFigures(MODEL)

    def hashed(token: str, about: CallSubject = SUBJECT) -> str:
        return str(log_fields(about, figures, settings(sandbox, SLACK_BOT_TOKEN=token))["question_hash"])

    hashes = [hashed(token) for token in ("", "xoxb-a", "xoxb-b")]
    assert len(set(hashes)) == 3
    plain = hashlib.sha256(SUBJECT.question.encode()).hexdigest()
    assert not any(plain.startswith(found) for found in hashes)
    assert hashed("xoxb-a", CallSubject(question="What?")) != hashes[1]


@pytest.mark.parametrize("token", ["xoxb-a", ""])
def test_equal_questions_have_equal_hashes_wherever_the_slack_app_is_the_same(token: str) -> None:
    code = (
        "from bot.settings import Settings\n"
        "from workers.claude.call_log import CallFigures, CallSubject, log_fields\n"
        f"given = Settings.load({{'SLACK_BOT_TOKEN': {token!r}}}, dotenv=None)\n"
        f"print(log_fields(CallSubject(question={SUBJECT.question!r}), CallFigures('x'), given)['question_hash'])"
    )
    elsewhere = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = log_fields(SUBJECT, CallFigures(MODEL), Settings(slack_bot_token=token or None))["question_hash"]
    assert (elsewhere.stdout.strip() == here) is bool(token)


async def test_its_first_characters_stand_there_only_if_a_setting_asks(sandbox: Sandbox) -> None:
    fields = log_fields(SUBJECT, CallFigures(MODEL), settings(sandbox, LOG_PROMPTS="200chars"))
    assert fields["question"] == SUBJECT.question[:200]
    assert "question_hash" not in fields
    assert "capital" not in json.dumps(log_fields(SUBJECT, CallFigures(MODEL), settings(sandbox)))


async def test_an_unknown_price_is_no_price(sandbox: Sandbox) -> None:
    usage = (Usage(MODEL, input=10), Usage("claude-of-tomorrow", input=10))
    assert models.cost(usage[1]) is None
    assert log_fields(SUBJECT, CallFigures(MODEL, usage=usage), settings(sandbox))["cost_usd_micro"] is None


async def test_words_that_the_api_puts_where_ids_stand_are_not_logged(
    sandbox: Sandbox, claude: ClaudeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """A gateway may quote the question there, at any length."""
    words = "the salary of Ada\r\x1b[2K" + "q" * 3_000
    sandbox.faults.script(ROUTE, Fault("status", {"status": 400, "error_type": words, "error_code": words}))
    fields = await line(caplog, claude)
    assert fields["error"] == "400/unreadable/unreadable"
    assert "salary" not in caplog.text
