"""Whether spans are asked for, and what is said where they cannot be sent. What they hold: test_private.py."""

import subprocess
import sys

import pytest

from workers.claude.tracing import endpoint

WITHOUT = """
import logging, sys
sys.modules["opentelemetry.sdk"] = None
from bot import logs
from workers.claude import tracing
logs.configure("INFO")
with tracing.exporting({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}):
    with tracing.span("claude") as span:
        print(span.is_recording())
"""


@pytest.mark.parametrize(
    ("environ", "asked"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318"}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "true"}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER": "none"}, None),
    ],
)
def test_the_environment_decides(environ: dict[str, str], asked: str | None) -> None:
    assert endpoint(environ) == asked


def test_without_the_exporter_it_says_how_to_get_it_and_goes_on() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "False\n"
    [line] = done.stderr.splitlines()
    assert "OTEL_EXPORTER_OTLP_ENDPOINT is set" in line
    assert "install Parley with its extra `otel`" in line
