"""What Slack sends to the app: events until they are acknowledged, commands and clicks once."""

import contextlib
import random
from dataclasses import dataclass
from typing import Any, Protocol

from bot.sandbox.slack.world.records import JSON, Channel, new_id
from bot.sandbox.slack.world.state import World

ACK_SECONDS = 3.0
"""https://docs.slack.dev/apis/events-api/#responding"""

RETRY_AFTER = (0.0, 60.0, 300.0)
"""https://docs.slack.dev/apis/events-api/#retries; the same for Socket Mode (observed)."""

_MESSAGE_EVENTS = {"channel": "message.channels", "group": "message.groups", "im": "message.im", "mpim": "message.mpim"}


class Unanswered(Exception):
    """The app did not acknowledge; `reason` is Slack's word for why."""

    def __init__(self, reason: str, *, retry: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry = retry


@dataclass(frozen=True)
class Parcel:
    """One attempt to deliver something to the app.

    `kind` is Socket Mode's: "events_api", "slash_commands" or "interactive".
    """

    kind: str
    payload: JSON
    attempt: int = 0
    reason: str = ""


class Transport(Protocol):
    late: str
    """Slack's reason when no acknowledgement came in time."""

    async def send(self, parcel: Parcel) -> Any:
        """Deliver the parcel and return the app's answer (None if it only acknowledged). Raises Unanswered."""


class Delivery:
    def __init__(self, world: World, transport: Transport) -> None:
        self._world = world
        self._transport = transport
        self._told_minute = 0
        world.workspace.on_event = self.event

    def event(self, event: JSON, channel: Channel | None) -> str | None:
        """Deliver an event in the background if the app subscribes to it and may see it.

        Returns the event_id, or None if nothing is delivered.
        """
        name = str(event.get("type"))
        wanted = _MESSAGE_EVENTS[channel.kind] if name == "message" and channel else name
        if wanted not in self._world.app.subscribed or not self._world.workspace.installed:
            return None
        if channel and self._world.workspace.bot not in channel.members:
            return None
        if not self._world.limits.take_event():
            self._world.journal.add("slack.lost", name, ts=event.get("ts"), reason="app_rate_limited")
            self._tell_limited()
            return None
        return self.raw(event, shared=bool(channel and channel.shared))

    def raw(self, event: JSON, *, event_id: str | None = None, shared: bool = False, **outer: Any) -> str:
        """Deliver any event body in the background, subscribed or not, and return its event_id.

        `outer` replaces fields of the envelope around the event.
        """
        workspace = self._world.workspace
        event_id = event_id or new_id("Ev")
        payload: JSON = {
            "token": self._world.app.verification_token,
            "team_id": workspace.team,
            "context_team_id": workspace.team,
            "context_enterprise_id": None,
            "api_app_id": workspace.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": event_id,
            "event_time": int(self._world.clock.time()),
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
        self._world.timers.run(self._deliver(payload, event))
        fault = self._world.faults.draw("event:duplicate")
        if fault:
            self._world.timers.run(self._deliver(payload, event))
        return event_id

    def _tell_limited(self) -> None:
        """Tell the app, at most once a minute, that events are being dropped."""
        minute = int(self._world.clock.time() // 60) * 60
        if minute == self._told_minute:
            return
        self._told_minute = minute
        payload = {
            "token": self._world.app.verification_token,
            "type": "app_rate_limited",
            "team_id": self._world.workspace.team,
            "minute_rate_limited": minute,
            "api_app_id": self._world.workspace.app_id,
        }
        self._world.timers.run(self._once(Parcel("events_api", payload), "app_rate_limited"))

    async def _once(self, parcel: Parcel, name: str) -> None:
        with contextlib.suppress(Unanswered):
            await self._attempt(parcel, name, {"event_id": None, "attempt": 0})

    async def ask(self, kind: str, payload: JSON, name: str) -> Any:
        """Deliver a command or an interaction once, and return the app's answer. Raises Unanswered."""
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
        fault = self._world.faults.draw("event")
        if fault and fault.kind == "delay":
            seconds = float(fault.params.get("seconds", 1.0))
            await self._world.clock.sleep(random.uniform(0, seconds) if fault.params.get("reorder") else seconds)
        reason = ""
        for attempt in range(1 + len(RETRY_AFTER)):
            if attempt:
                await self._world.clock.sleep(RETRY_AFTER[attempt - 1])
            try:
                await self._attempt(Parcel("events_api", payload, attempt, reason), name, {**known, "attempt": attempt})
                return
            except Unanswered as missed:
                reason = missed.reason
                if not missed.retry:
                    break
        self._world.journal.add("slack.lost", name, **known, reason=reason)

    async def _attempt(self, parcel: Parcel, name: str, known: JSON) -> Any:
        self._world.journal.add("slack.delivery", name, parcel=parcel.kind, reason=parcel.reason, **known)
        try:
            answer = await self._world.clock.within(ACK_SECONDS, self._transport.send(parcel))
        except TimeoutError:
            reason = self._transport.late
            self._world.journal.add("slack.unanswered", name, **known, reason=reason)
            raise Unanswered(reason) from None
        except Unanswered as missed:
            self._world.journal.add("slack.unanswered", name, **known, reason=missed.reason)
            raise
        self._world.journal.add("slack.ack", name, **known, answer=answer)
        self._world.workspace.on_change("ack", known)
        return answer
