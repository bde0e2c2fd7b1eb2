"""Logging for every process: one line a record, and nothing private in it."""

import json
import logging
import re
import sys
from datetime import UTC, datetime

FORMATTER = logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")

# Below WARNING these log bodies of requests, errors and answers; PIL logs what cameras write into pictures.
SPEAK_FROM_WARNING = (
    "PIL",
    "aiohttp",
    "anthropic",
    "asyncio",
    "httpcore2",
    "httpx2",
    "opentelemetry",
    "rq",
    "rq.worker",
    "slack_bolt",
    "slack_sdk",
    "urllib3",
)
SILENT = ("anthropic.lib.middleware",)


class _Lines(logging.Formatter):
    """Each record is one line, which says what went wrong; tracebacks, the libraries' too, come only with `traces`.

    A record with `fields` becomes a JSON object if `as_json`, for programs, and text otherwise, for people.
    """

    def __init__(self, *, traces: bool, as_json: bool) -> None:
        super().__init__()
        self._traces, self._as_json = traces, as_json

    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "fields", None)
        if fields is not None and self._as_json:
            return _as_json(record, fields)
        if fields is not None:
            words = [f"{name}={_word(value)}" for name, value in fields.items()]
            return " ".join([FORMATTER.format(record), *words])
        if self._traces:
            return FORMATTER.format(record)
        without_trace = logging.makeLogRecord({**record.__dict__, "exc_info": None, "exc_text": None})
        line = FORMATTER.format(without_trace).split("\n", 1)[0]
        error = record.exc_info[1] if record.exc_info else None
        return f"{line} error={type(error).__name__}" if error else line


def _as_json(record: logging.LogRecord, fields: dict[str, object]) -> str:
    when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    named = {"time": when, "level": record.levelname, "logger": record.name, "event": record.getMessage()}
    return json.dumps(named | fields)


def _word(value: object) -> str:
    """A value as one word of a line: quoted if it has blanks or signs that a reader could take for the next word."""
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
