"""The log line of a call to Claude: figures and ids, and nothing that anybody wrote.

The question appears as a keyed hash, because a short text can be guessed from a hash without a key. Its first
characters appear only if LOG_PROMPTS asks for them.
"""

import hashlib
import hmac
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot import models
from bot.models import Usage
from bot.settings import Settings
from bot.store.metrics import Metrics

log = logging.getLogger("parley.calls")

SHOWN_CHARS = 200
HASH_PURPOSE = b"parley: hashes of questions in the log"
_process_key = secrets.token_bytes(32)


@dataclass(frozen=True)
class CallSubject:
    """What a call is subject. The log gets the ids, and of the question a hash or at most its first `SHOWN_CHARS`."""

    thread: str = ""
    ts: str = ""
    ref: str = ""
    question: str = ""


@dataclass
class CallFigures:
    """The figures of one call. Times are in seconds since it began; `error` is the kind of failure."""

    asked_model: str
    model: str = ""
    stop_reason: str | None = None
    category: str | None = None
    error: str | None = None
    request_id: str | None = None
    attempts: int = 0
    continuations: int = 0
    first_text: float = 0.0
    total: float = 0.0
    tool_errors: Sequence[str] = ()
    usage: Sequence[Usage] = ()


def log_fields(subject: CallSubject, figures: CallFigures, settings: Settings) -> dict[str, Any]:
    """The fields of a call's log line. `cost_usd_micro` is None if a price is not known."""
    usage = figures.usage
    costs = [models.cost(piece) for piece in usage]
    fields: dict[str, Any] = {
        "thread": subject.thread,
        "ts": subject.ts,
        "ref": subject.ref,
        "model": figures.model or figures.asked_model,
        "asked_model": figures.asked_model,
        "latency_ms": round(figures.total * 1000),
        "first_text_ms": round(figures.first_text * 1000),
        "input_tokens": sum(piece.input for piece in usage),
        "output_tokens": sum(piece.output for piece in usage),
        "cache_write_5m_tokens": sum(piece.write_5m for piece in usage),
        "cache_write_1h_tokens": sum(piece.write_1h for piece in usage),
        "cache_read_tokens": sum(piece.read for piece in usage),
        "searches": sum(piece.searches for piece in usage),
        "estimated": any(piece.estimated for piece in usage),
        "cost_usd_micro": None if None in costs else sum(cost for cost in costs if cost is not None),
        "stop_reason": figures.stop_reason,
        "refusal": figures.stop_reason == "refusal",
        "refusal_category": figures.category,
        "attempts": figures.attempts,
        "retries": max(0, figures.attempts - 1 - figures.continuations),
        "tool_errors": ",".join(figures.tool_errors),
        "error": figures.error,
        "request_id": figures.request_id,
    }
    if settings.log_prompts == "200chars":
        return fields | {"question": subject.question[:SHOWN_CHARS]}
    return fields | {"question_hash": hashed(subject.question, settings.slack_bot_token)}


def hashed(text: str, secret: str | None) -> str:
    """A hash of the text, keyed with the secret, so that equal texts have equal hashes in all processes.

    The secret is the Slack app's token: whoever has it can read the question in Slack anyway. Without one, each process
    uses a key of its own.
    """
    key = _process_key
    if secret:
        key = hmac.new(secret.encode(), HASH_PURPOSE, hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:16]


def count(metrics: Metrics, figures: CallFigures) -> None:
    """Add the call to the metrics that Prometheus reads."""
    model = figures.model or figures.asked_model
    metrics.count("claude_calls", model, figures.error or figures.stop_reason or "none")
    metrics.count("claude_retries", model, by=max(0, figures.attempts - 1 - figures.continuations))
    if figures.first_text:
        metrics.observe("claude_first_text_seconds", figures.first_text, model)
    if not figures.error:
        metrics.observe("claude_seconds", figures.total, model)
    for piece in figures.usage:
        for kind in ("input", "output", "write_5m", "write_1h", "read"):
            metrics.count("tokens", piece.model, kind, by=getattr(piece, kind))
        metrics.count("searches", piece.model, by=piece.searches)
        metrics.count("cost_usd_micro", piece.model, by=models.cost(piece) or 0)


def record(fields: dict[str, Any]) -> None:
    """Write the line, as JSON or as text: bot.logs decides."""
    log.info("claude call", extra={"fields": fields})
