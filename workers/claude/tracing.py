"""OpenTelemetry spans of calls to Claude, without content. They are sent if the environment names an exporter.

The variables are OpenTelemetry's own:
https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

log = logging.getLogger("parley.tracing")

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
MISSING = "%s is set, but the exporter is not installed, so no spans are sent: install Parley with its extra `otel`."


def endpoint(environ: Mapping[str, str] = os.environ) -> str | None:
    """The name of the environment variable that asks for spans."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none":
        return None
    return next((name for name in ENDPOINTS if environ.get(name)), None)


@contextmanager
def exporting(environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Send spans while entered, if the environment asks for it. On leaving, the remaining ones are sent."""
    variable = endpoint(environ)
    if variable is None:
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning(MISSING, variable)
        yield
        return
    provider = TracerProvider(resource=Resource.create({"service.name": environ.get("OTEL_SERVICE_NAME", "parley")}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()


@contextmanager
def span(name: str) -> Iterator[Span]:
    """A span around a whole call. Its children are the library's own spans, one for each attempt.

    Exceptions are not recorded, because their text may quote what somebody wrote.
    """
    tracer = trace.get_tracer("parley")
    with tracer.start_as_current_span(
        name, kind=SpanKind.INTERNAL, record_exception=False, set_status_on_exception=False
    ) as current:
        yield current


def describe(current: Span, fields: Mapping[str, Any]) -> None:
    """Put the fields of a call's log line on its span, without those about the question."""
    for name, value in fields.items():
        if value is not None and not name.startswith("question"):
            current.set_attribute(f"parley.{name}", value)
    if fields["error"]:
        current.set_status(Status(StatusCode.ERROR))
