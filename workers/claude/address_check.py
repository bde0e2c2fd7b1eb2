"""Whether Claude answers at the address that is set, and what operators can do if not.

ANTHROPIC_BASE_URL may be that of a gateway, which plays a part of the API only: many answer messages, and do not know
which models there are.
"""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.settings import Settings, masked
from workers.claude.answer import NoAnswer
from workers.claude.client import LOOPBACK, ClaudeClient
from workers.claude.failures import NOT_CLAUDE, Failure, Patience

# Somebody waits at the terminal.
PATIENCE = Patience(idle_seconds=30.0, attempts=2, backoff_cap_seconds=5.0)
# These say something about the key, the money or the moment, and nothing of the look-up.
NOT_OF_THE_LOOK_UP = (401, 402, 407, 408, 409, 429)
GATEWAY = "Its address is ANTHROPIC_BASE_URL in .env"


@dataclass(frozen=True)
class Reached:
    """Claude answers. `no_look_up` says why the model could not be looked up; then a message was tried instead."""

    name: str
    no_look_up: str | None = None


async def reach(claude: ClaudeClient, model: str) -> Reached:
    """Look the model up; where there is no look-up, ask for an answer of one token. Raises NoAnswer."""
    try:
        return Reached(await claude.model_name(model))
    except NoAnswer as unanswered:
        if not _lacks_look_up(unanswered.failure):
            raise
        reason = unanswered.kind
    await claude.try_message(model)
    return Reached(model, reason)


def _lacks_look_up(failure: Failure | None) -> bool:
    if failure is None:
        return False
    if failure.code == NOT_CLAUDE or failure.status == 501:
        return True
    if failure.status is None:
        return False
    return 400 <= failure.status < 500 and failure.status not in NOT_OF_THE_LOOK_UP and not failure.is_spent


def cautions(settings: Settings, reached: Reached) -> list[str]:
    """What works, but perhaps not as it was meant."""
    sentences = []
    if reached.no_look_up:
        sentences.append(
            f"{_address(settings)} answers messages, but does not look up models ({reached.no_look_up}). One token was "
            "tried; whether it counts tokens and takes files, web search, MCP servers and beta features is not known."
        )
    parts = urlsplit(settings.anthropic_base_url or "")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        sentences.append(
            f"{_address(settings)} is not encrypted: key and questions cross the network in clear. Use https:// unless "
            "that network is your own."
        )
    return sentences


def advice(unanswered: NoAnswer, settings: Settings) -> str:
    """What an operator can do."""
    trouble = _of_the_connection(unanswered, settings)
    if trouble:
        return trouble
    failure = unanswered.failure
    if settings.anthropic_base_url is None or failure is None:
        return unanswered.sentence
    return _of_a_gateway(unanswered, failure, settings)


def _of_the_connection(unanswered: NoAnswer, settings: Settings) -> str | None:
    failure = unanswered.failure
    if failure is None or failure.status is not None or failure.code == NOT_CLAUDE:
        return None
    where = _address(settings)
    for error in _causes(unanswered):
        if isinstance(error, ssl.SSLCertVerificationError):
            return (
                f"The certificate of {where} is not trusted here: if an authority of your own signed it, set "
                "SSL_CERT_FILE in the environment to that authority's file."
            )
        if isinstance(error, ssl.SSLError):
            return f"{where} does not speak TLS as it should: is it an http:// address, or another port? {GATEWAY}."
    if failure.timed_out:
        return f"{where} did not answer within {PATIENCE.idle_seconds:.0f} seconds: check the network and CLAUDE_PROXY."
    if failure.lost:
        settings_of_it = "ANTHROPIC_BASE_URL and CLAUDE_PROXY"
        return f"Claude cannot be reached at {where} ({failure.name}): check the network, {settings_of_it}."
    return None


def _of_a_gateway(unanswered: NoAnswer, failure: Failure, settings: Settings) -> str:
    where, status = _address(settings), failure.status
    path = urlsplit(settings.anthropic_base_url or "").path.rstrip("/")
    if failure.code == NOT_CLAUDE:
        return f"{where} answers, but not as Claude does; perhaps with a page for people. {GATEWAY}."
    if status is None:
        return unanswered.sentence
    if 300 <= status < 400:
        leads_to = _redirect(unanswered)
        return f"{where} redirects{f' to {leads_to}' if leads_to else ''} ({status}), which is not followed. {GATEWAY}."
    if status in (404, 405, 501) and path.endswith(("/v1", "/messages")):
        return f"There is no Claude at {where} ({status}): leave out {_needless(path)} at its end. {GATEWAY}."
    if status in (405, 501) or (status == 404 and failure.type != "not_found_error"):
        return (
            f"There is no Claude at {where} ({status}): it may have a path of its own for Anthropic's API, to which "
            f"/v1/messages is added. {GATEWAY}."
        )
    if status == 401:
        return f"{unanswered.sentence} {_other_header(settings)}"
    if status == 403:
        return f"{where} forbids it (403): the key may not use it, or not MODEL={settings.model}."
    if status in (400, 422) and not failure.is_spent:
        return f"{where} refuses even the shortest question ({status}): it may not know MODEL={settings.model}."
    return unanswered.sentence


def _other_header(settings: Settings) -> str:
    if settings.anthropic_api_key:
        return "If the gateway wants it as a bearer token, set `ANTHROPIC_AUTH_TOKEN` instead."
    return "If the gateway wants it as x-api-key, set `ANTHROPIC_API_KEY` instead."


def _needless(path: str) -> str:
    return next(end for end in ("/v1/messages", "/messages", "/v1") if path.endswith(end))


def _address(settings: Settings) -> str:
    return masked(settings.anthropic_base_url or "https://api.anthropic.com")


def _redirect(unanswered: NoAnswer) -> str | None:
    for error in _causes(unanswered):
        headers = getattr(getattr(error, "response", None), "headers", None) or {}
        if headers.get("location"):
            return masked(str(headers["location"]))[:200]
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it, the newest first."""
    current: BaseException | None = error
    seen: set[int] = set()
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        inner = getattr(current, "certificate_error", None) or getattr(current, "os_error", None)
        if isinstance(inner, BaseException):
            yield inner
        current = current.__cause__ or current.__context__
