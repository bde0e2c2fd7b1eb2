"""The faults that Claude's routes know.

Instead of an answer:
  status       `status` (500), and if given `error_type`, `message`, `error_code`, `should_retry` (true or false),
               `retry_after` (sent as it is) or `retry_at` (seconds from now, sent as an HTTP date)
  rate_limit   429 with `retry_after` (1)
  overloaded   529
  spend_limit  429 with `error_code` (contract_spend_limit_reached)
  drop         the connection is closed without an answer
Before an answer:
  delay        `seconds` (5) before the status line
In a stream, after `after` deltas (half of them if it is not given, all of them if there are fewer):
  error_first  an `error` event instead of message_start, `error_type` (overloaded_error)
  error        an `error` event
  eof          the body ends as if complete
  half         the connection closes within the chunked body
  reset        the connection is reset
  stall        silence for `seconds` (for ever if not given), then the rest
  split        every character of more than a byte arrives in two chunks
Without a stream, errors come as their HTTP status, eof, half and reset close the connection, and stall delays.
"""

from email.utils import formatdate

from bot.sandbox.claude.errors import STATUSES, ApiError
from bot.sandbox.faults import Fault

REFUSALS = {"status", "rate_limit", "overloaded", "spend_limit"}
CUTS = {"error", "eof", "half", "reset", "stall"}
KINDS = REFUSALS | CUTS | {"drop", "delay", "error_first", "split"}


def known(fault: Fault | None) -> Fault | None:
    """The same fault. Raises ApiError 500, in the sandbox's own words, if Claude's routes do not know its kind."""
    if fault is not None and fault.kind not in KINDS:
        raise ApiError(
            500, f"Parley's sandbox knows no fault {fault.kind!r} for Claude, only {', '.join(sorted(KINDS))}"
        )
    return fault


def refusal(fault: Fault, now: float) -> ApiError | None:
    """The API's error if the fault is a refusal, else None."""
    params = fault.params
    headers = {}
    if "retry_after" in params:
        headers["retry-after"] = str(params["retry_after"])
    if "retry_at" in params:
        headers["retry-after"] = formatdate(now + params["retry_at"], usegmt=True)
    if "should_retry" in params:
        headers["x-should-retry"] = str(params["should_retry"]).lower()
    kind, message, code = params.get("error_type"), params.get("message"), params.get("error_code")
    match fault.kind:
        case "status":
            return ApiError(params.get("status", 500), message, kind=kind, code=code, headers=headers)
        case "rate_limit":
            return ApiError(429, message, code=code, headers={"retry-after": "1", **headers})
        case "overloaded":
            return ApiError(529, message, headers=headers)
        case "spend_limit":
            told = message or "You have reached your organization's monthly spend limit."
            return ApiError(429, told, code=code or "contract_spend_limit_reached", headers=headers)
        case _:
            return None


def streamed(fault: Fault) -> ApiError:
    """The error that an `error` event carries, with the status it would have had before the stream."""
    kind = fault.params.get("error_type", "overloaded_error")
    return ApiError(STATUSES.get(kind, 500), fault.params.get("message"), kind=kind)
