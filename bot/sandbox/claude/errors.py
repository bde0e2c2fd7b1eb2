"""What the API says when it refuses. https://platform.claude.com/docs/en/api/errors"""

from collections.abc import Mapping
from typing import Any

KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
STATUSES = {kind: status for status, kind in KINDS.items() if status != 503}
MESSAGES = {
    "api_error": "Internal server error",
    "overloaded_error": "Overloaded",
    "rate_limit_error": "This request would exceed your organization's rate limit. Please try again later.",
    "timeout_error": "Request timed out",
}


class ApiError(Exception):
    """A refusal with an HTTP status and the API's error body."""

    def __init__(
        self,
        status: int,
        message: str | None = None,
        *,
        kind: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.kind = kind or KINDS.get(status) or ("invalid_request_error" if status < 500 else "api_error")
        self.message = message or MESSAGES.get(self.kind, "Refused by a fault of Parley's sandbox")
        self.code = code
        self.headers = dict(headers or {})
        super().__init__(f"{status} {self.kind}: {self.message}")

    def body(self, request_id: str) -> dict[str, Any]:
        error: dict[str, Any] = {"type": self.kind, "message": self.message}
        if self.code:
            error["details"] = {"error_code": self.code}
        return {"type": "error", "error": error, "request_id": request_id}


def invalid(path: str, message: str) -> ApiError:
    """400 invalid_request_error about one field, written as the API writes it ("path: message")."""
    return ApiError(400, f"{path}: {message}" if path else message)
