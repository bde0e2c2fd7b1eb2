"""Logging for every process: one line a record, and nothing private in it."""

import json
import logging
import re
import sys
from datetime import UTC, datetime

FORMATTER = logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")

# They log bodies of requests, errors and answers, at DEBUG and some above it.
SPEAK_FROM_WARNING = (
    *("slack_bolt", "slack_sdk", "rq", "rq.worker", "aiohttp", "asyncio"),
    *("anthropic", "httpx2", "httpcore2", "opentelemetry", "urllib3"),
)
SILENT = ("anthropic.lib.middleware",)


class _Lines(logging.Formatter):
    """Operators get what went wrong in one line; tracebacks, ours and the libraries', only with `traces`.

    A record with `fields` becomes one JSON object with `as_json`, for programs, and text otherwise, for people.
    """

    def __init__(self, *, traces: bool, as_json: bool) -> None:
        super().__init__()
        self._traces, self._as_json = traces, as_json

    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "fields", None)
        if fields is not None and self._as_json:
            when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
            named = {"time": when, "level": record.levelname, "logger": record.name, "event": record.getMessage()}
            return json.dumps(named | fields)
        if fields is not None:
            return " ".join((FORMATTER.format(record), *(f"{name}={_word(value)}" for name, value in fields.items())))
        if self._traces:
            return FORMATTER.format(record)
        line = FORMATTER.format(logging.makeLogRecord({**record.__dict__, "exc_info": None, "exc_text": None}))
        error = record.exc_info[1] if record.exc_info else None
        return line.split("\n", 1)[0] + (f" error={type(error).__name__}" if error else "")


def _word(value: object) -> str:
    return str(value) if re.fullmatch(r"[\w./:+-]*", str(value), re.ASCII) else json.dumps(value)


def configure(level: str) -> None:
    """Send Parley's log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(traces=level == "DEBUG", as_json=not sys.stderr.isatty()))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    quiet()


def quiet() -> None:
    """Keep libraries from logging bodies of requests (invariant 10), at any level and whatever ANTHROPIC_LOG says.

    https://github.com/anthropics/anthropic-sdk-python#logging
    """
    for library in SPEAK_FROM_WARNING:
        logging.getLogger(library).setLevel(logging.WARNING)
    for library in SILENT:
        logging.getLogger(library).setLevel(logging.CRITICAL + 1)
