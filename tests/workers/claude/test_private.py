"""Nothing that anybody wrote, and no secret, gets into a log or a span (invariant 10)."""

import asyncio
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from threading import Thread

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.kit.marked_calls import ENDINGS, FAULTS, MARK

DRIVE = [sys.executable, "-m", "tests.kit.marked_calls"]
ASKED = 4 * (len(FAULTS) + len(ENDINGS)) + 2


def drive(level: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    given = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "ANTHROPIC_"))}
    return subprocess.run(
        [*DRIVE, level], env={**given, **environ}, capture_output=True, text=True, timeout=100, check=True
    )


def calls(log: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def debugged() -> "subprocess.CompletedProcess[str]":
    return drive("DEBUG", ANTHROPIC_LOG="debug", PYTHONASYNCIODEBUG="1")


def test_every_path_logs_its_figures_and_nothing_private(debugged: "subprocess.CompletedProcess[str]") -> None:
    assert int(debugged.stdout) > ASKED
    assert MARK not in debugged.stderr
    assert len(calls(debugged.stderr)) >= ASKED


def test_the_lines_tell_what_went_wrong(debugged: "subprocess.CompletedProcess[str]") -> None:
    errors = {call["error"] for call in calls(debugged.stderr)}
    assert {None, "stopped", "401/authentication_error", "200/invalid_request_error", "500/api_error"} <= errors
    assert {"cyber"} <= {call["refusal_category"] for call in calls(debugged.stderr)}


def test_on_a_terminal_the_lines_are_text() -> None:
    script = "import logging, sys; from bot import logs; logs.configure('INFO'); from workers.claude import call_log; "
    script += "call_log.record({'thread': 'T1:C1:1.1', 'attempts': 2, 'error': None, 'question': 'two\\nlines'})"
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", script], stderr=theirs, check=True, timeout=60)
    os.close(theirs)
    [line] = os.read(ours, 10_000).decode().splitlines()
    os.close(ours)
    told = r'parley.calls claude call thread=T1:C1:1.1 attempts=2 error=None question="two\nlines"'
    assert line.endswith(told)


class Collector:
    """An OTLP receiver on loopback."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        return web.Response(content_type="application/x-protobuf")

    def spans(self) -> list[Span]:
        parsed = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        scopes = [scope for each in parsed for resource in each.resource_spans for scope in resource.scope_spans]
        return [span for scope in scopes for span in scope.spans]


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    loop = asyncio.new_event_loop()
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app)
    loop.run_until_complete(runner.setup())
    loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", 0).start())
    collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    thread = Thread(target=loop.run_forever)
    thread.start()
    yield collector
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.run_until_complete(runner.cleanup())
    loop.close()


def test_spans_have_figures_and_nothing_private(collector: Collector) -> None:
    content = {"ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE": "content"}
    drive("INFO", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **content)
    assert not [body for body in collector.bodies if MARK.encode() in body]
    spans = collector.spans()
    ours = [span for span in spans if span.name == "claude"]
    assert len(ours) >= ASKED
    keys = {attribute.key for span in ours for attribute in span.attributes}
    assert {"parley.thread", "parley.input_tokens", "parley.cost_usd_micro", "parley.request_id"} <= keys
    assert not [key for key in keys if "question" in key]
    inner = [span for span in spans if span.parent_span_id in {outer.span_id for outer in ours}]
    assert {span.name for span in inner} == {"anthropic.messages.create"}
    assert not any(span.events for span in spans)
