"""The Bolt app: what it listens to, and that it acknowledges nothing before it is kept."""

import logging
import time
from collections.abc import Awaitable, Callable
from traceback import walk_tb
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot import listeners
from bot.loop_watch import working_on
from bot.manifest import EVENTS
from bot.services import Services
from bot.slack.errors import describe
from bot.slack.identity import Identity
from bot.store.metrics import Metrics
from bot.talk.message import is_id, loggable
from bot.talk.payload import mapping

log = logging.getLogger("parley.app")

# Bolt's warnings hold whole requests (invariant 10), and it gives its loggers the level of the one it is handed.
bolt_log = logging.getLogger("parley.bolt")
bolt_log.setLevel(logging.ERROR)

# What Bolt raises for a body whose fields are not of their types, or that is nested too deep. Errors of our listeners
# are not among them: Bolt answers those with 500.
UNREADABLE = (ValueError, AttributeError, TypeError, LookupError, RecursionError)

# The types of deliveries that are counted under their own names. Slack may add others at any time.
INTERACTIONS = {"block_actions", "message_action", "view_submission", "view_closed", "shortcut"}
TYPES = INTERACTIONS | {"message" if event.startswith("message.") else event for event in EVENTS}


class _App(AsyncApp):
    """Counts what comes and how it was answered."""

    metrics: Metrics

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        began = time.monotonic()
        kind = _kind(req.body)
        self.metrics.count("events", kind)
        status = 500
        try:
            with working_on(f"{kind}:{loggable(req.body.get('event_id'))}"):
                response = await super().async_dispatch(req)
            status = response.status
            return response
        finally:
            self.metrics.count("acks", str(status))
            if status == 200:
                self.metrics.observe("ack_seconds", time.monotonic() - began)


def _kind(body: dict[str, Any]) -> str:
    """The type of a delivery if it is one that we expect: a label of a metric must not take any value."""
    if "command" in body:
        return "command"
    event = body.get("event")
    kind = event.get("type") if isinstance(event, dict) else body.get("type")
    return kind if isinstance(kind, str) and kind in TYPES else "other"


def create_app(services: Services) -> AsyncApp:
    """Listeners find `services` among their arguments, and `team`, under which everything of the workspace is kept.

    `process_before_response` makes Bolt answer 200 after the listener, and 500 (in Socket Mode: nothing) when it
    raised, so that Slack delivers again (invariant 1).
    """
    identity = services.identity

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None,
            team_id=identity.team,
            bot_token=services.settings.slack_bot_token,
            bot_id=identity.bot,
            bot_user_id=identity.user,
        )

    app = _App(
        name="slack",
        logger=bolt_log,
        client=services.plain_web,
        signing_secret=services.settings.slack_signing_secret,
        authorize=authorize,
        process_before_response=True,
        # Bolt takes the deletion of our message for our own act.
        ignoring_self_events_enabled=False,
        raise_error_for_unhandled_request=True,
    )

    @app.use
    async def bring(context: AsyncBoltContext, next: Callable[[], Awaitable[None]]) -> None:
        context["services"] = services
        context["team"] = _installed_in(context, identity)
        await next()

    app.metrics = services.metrics
    app.error(_failed)
    listeners.register(app)
    return app


def _installed_in(context: AsyncBoltContext, identity: Identity) -> str:
    """The installing team; for an org-wide installation the organization.

    It is the team of our token: the team that a click names may be that of a person of another company.
    """
    named = context.enterprise_id if context.is_enterprise_install else None
    return named if is_id(named) else identity.team


async def _failed(error: Exception, request: AsyncBoltRequest) -> BoltResponse | None:
    """Acknowledge what no listener wants and what Bolt cannot read; what a listener could not keep is sent again."""
    body = request.body
    event = mapping(body.get("event"))
    if isinstance(error, BoltUnhandledRequestError):
        log.debug("ignored type=%s reason=no listener", loggable(event.get("type") or body.get("type")))
        return BoltResponse(status=200)
    if not _is_ours(error):
        log.warning("unreadable event_id=%s error=%s", loggable(body.get("event_id")), type(error).__name__)
        return BoltResponse(status=200)
    log.error(
        "not acknowledged event_id=%s channel=%s ts=%s error=%s",
        loggable(body.get("event_id")),
        loggable(event.get("channel")),
        loggable(event.get("ts")),
        describe(error),
    )
    return None


def _is_ours(error: Exception) -> bool:
    """Whether the error was raised in a module of ours, and not while Bolt looked for the listener."""
    return any(str(frame.f_globals.get("__name__")).startswith("bot.") for frame, _ in walk_tb(error.__traceback__))
