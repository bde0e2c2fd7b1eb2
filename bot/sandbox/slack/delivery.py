"""What Slack sends to the app: events until they are acknowledged, commands and clicks once."""

import contextlib
import random
from dataclasses import dataclass
from typing import Any, Protocol

from bot.sandbox.clock import Clock, Timers
from bot.sandbox.faults import Faults
from bot.sandbox.journal import Journal
from bot.sandbox.slack.world.limits import Limits
from bot.sandbox.slack.world.records import JSON, Channel, new_id
from bot.sandbox.slack.world.workspace import Workspace

ACK_SECONDS = 3.0
"""https://docs.slack.dev/apis/events-api/#responding"""

RETRY_AFTER = (0.0, 60.0, 300.0)
"""https://docs.slack.dev/apis/events-api/#retries; the same for Socket Mode (observed)."""

SUBSCRIBED = frozenset(
    {
        "app_context_changed",
        "app_home_opened",
        "app_mention",
        "app_uninstalled",
        "member_joined_channel",
        "agent_session_stopped",
        "agent_session_title_changed",
        "message.channels",
        "message.groups",
        "message.im",
        "message.mpim",
        "reaction_added",
        "subteam_members_changed",
        "tokens_revoked",
    }
)
_MESSAGE_EVENTS = {"channel": "message.channels", "group": "message.groups", "im": "message.im", "mpim": "message.mpim"}


class Unanswered(Exception):
    """The app did not acknowledge; `reason` is Slack's word for why."""

    def __init__(self, reason: str, *, retry: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry = retry


@dataclass(frozen=True)
class Parcel:
    """One attempt to hand something over. `kind` is Socket Mode's: "events_api", "slash_commands", "interactive"."""

    kind: str
    payload: JSON
    attempt: int = 0
    reason: str = ""


class Transport(Protocol):
    late: str
    """Slack's reason when no acknowledgement came in time."""

    async def send(self, parcel: Parcel) -> Any:
        """The app's answer (None if it only acknowledged). Raises Unanswered."""


class Delivery:
    def __init__(
        self,
        workspace: Workspace,
        clock: Clock,
        timers: Timers,
        journal: Journal,
        faults: Faults,
        limits: Limits,
    ) -> None:
        self.subscribed: set[str] = set(SUBSCRIBED)
        self.verification_token = "sandbox-verification-token"
        self.transport: Transport | None = None
        self._workspace = workspace
        self._clock = clock
        self._timers = timers
        self._journal = journal
        self._faults = faults
        self._limits = limits
        self._told_minute = 0
        workspace.on_event = self.event

    def event(self, event: JSON, channel: Channel | None) -> str | None:
        """Deliver an event in the background if the app subscribes to it and may see it; its event_id."""
        name = str(event.get("type"))
        wanted = _MESSAGE_EVENTS[channel.kind] if name == "message" and channel else name
        if wanted not in self.subscribed or not self._workspace.installed:
            return None
        if channel and self._workspace.bot not in channel.members:
            return None
        if not self._limits.take_event():
            self._journal.add("slack.lost", name, ts=event.get("ts"), reason="app_rate_limited")
            self._tell_limited()
            return None
        return self.raw(event, shared=bool(channel and channel.shared))

    def raw(self, event: JSON, *, event_id: str | None = None, shared: bool = False, **outer: Any) -> str:
        """Deliver any event body in the background, subscribed or not; its event_id. `outer` replaces outer fields."""
        workspace = self._workspace
        event_id = event_id or new_id("Ev")
        payload: JSON = {
            "token": self.verification_token,
            "team_id": workspace.team,
            "context_team_id": workspace.team,
            "context_enterprise_id": None,
            "api_app_id": workspace.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": event_id,
            "event_time": int(self._clock.time()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": workspace.team,
                    "user_id": workspace.bot,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": shared,
            "event_context": f"4-{event_id}",
            **outer,
        }
        self._timers.run(self._deliver(payload, event))
        fault = self._faults.draw("event:duplicate")
        if fault:
            self._timers.run(self._deliver(payload, event))
        return event_id

    def _tell_limited(self) -> None:
        """Say, once a minute, that events are being dropped."""
        minute = int(self._clock.time() // 60) * 60
        if minute == self._told_minute:
            return
        self._told_minute = minute
        payload = {
            "token": self.verification_token,
            "type": "app_rate_limited",
            "team_id": self._workspace.team,
            "minute_rate_limited": minute,
            "api_app_id": self._workspace.app_id,
        }
        self._timers.run(self._once(Parcel("events_api", payload), "app_rate_limited"))

    async def _once(self, parcel: Parcel, name: str) -> None:
        with contextlib.suppress(Unanswered):
            await self._attempt(parcel, name, {"event_id": None, "attempt": 0})

    async def ask(self, kind: str, payload: JSON, name: str) -> Any:
        """Hand over a command or an interaction, once. The app's answer. Raises Unanswered."""
        return await self._attempt(Parcel(kind, payload), name, {"event_id": None, "attempt": 0})

    async def _deliver(self, payload: JSON, event: JSON) -> None:
        name = str(event.get("type"))
        known = {
            "event_id": payload["event_id"],
            "channel": event.get("channel"),
            "ts": event.get("ts"),
            "thread_ts": event.get("thread_ts"),
            "subtype": event.get("subtype"),
            "text": event.get("text"),
        }
        fault = self._faults.draw("event")
        if fault and fault.kind == "delay":
            seconds = float(fault.params.get("seconds", 1.0))
            await self._clock.sleep(random.uniform(0, seconds) if fault.params.get("reorder") else seconds)
        reason = ""
        for attempt in range(1 + len(RETRY_AFTER)):
            if attempt:
                await self._clock.sleep(RETRY_AFTER[attempt - 1])
            try:
                await self._attempt(Parcel("events_api", payload, attempt, reason), name, {**known, "attempt": attempt})
                return
            except Unanswered as missed:
                reason = missed.reason
                if not missed.retry:
                    break
        self._journal.add("slack.lost", name, **known, reason=reason)

    async def _attempt(self, parcel: Parcel, name: str, known: JSON) -> Any:
        self._journal.add("slack.delivery", name, parcel=parcel.kind, reason=parcel.reason, **known)
        try:
            if self.transport is None:
                raise Unanswered("connection_failed")
            answer = await self._clock.within(ACK_SECONDS, self.transport.send(parcel))
        except TimeoutError:
            reason = self.transport.late if self.transport else "connection_failed"
            self._journal.add("slack.unanswered", name, **known, reason=reason)
            raise Unanswered(reason) from None
        except Unanswered as missed:
            self._journal.add("slack.unanswered", name, **known, reason=missed.reason)
            raise
        self._journal.add("slack.ack", name, **known, answer=answer)
        self._workspace.on_change("ack", known)
        return answer
