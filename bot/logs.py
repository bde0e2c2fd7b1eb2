"""Logging for every process: one line a record, and nothing private in it."""

import logging
import sys

FORMATTER = logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")


class _OneLine(logging.Formatter):
    """Operators get what went wrong in one line; tracebacks, ours and the libraries', only at DEBUG."""

    def format(self, record: logging.LogRecord) -> str:
        line = FORMATTER.format(logging.makeLogRecord({**record.__dict__, "exc_info": None, "exc_text": None}))
        error = record.exc_info[1] if record.exc_info else None
        return line.split("\n", 1)[0] + (f" error={type(error).__name__}" if error else "")


def configure(level: str) -> None:
    """Send Parley's log to standard error.

    Bolt, slack_sdk, RQ and anthropic log bodies of requests at INFO and DEBUG (invariant 10), so they speak from
    WARNING on, whatever the level.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(FORMATTER if level == "DEBUG" else _OneLine())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for library in ("slack_bolt", "slack_sdk", "rq", "rq.worker", "anthropic", "httpx2", "aiohttp", "asyncio"):
        logging.getLogger(library).setLevel(logging.WARNING)
