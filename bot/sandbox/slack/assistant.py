"""assistant.threads.* and agents.sessions.*: what shows that an agent is at work.

https://docs.slack.dev/reference/methods/assistant.threads.setStatus and
https://docs.slack.dev/reference/methods/agents.sessions.setStatus
"""

from typing import Any

from bot.sandbox.slack.methods import Call, Method, Refused, invalid_arguments
from bot.sandbox.slack.world.limits import PER_WORKSPACE, T3
from bot.sandbox.slack.world.records import JSON, Channel, Session, Status

SESSION_STATUSES = ("processing", "active", "suspended", "closed")
SESSION_TITLE = 200
MOST_PROMPTS = 4
"""Observed (vercel/chat)."""


async def set_status(call: Call) -> JSON:
    channel, thread_ts = _thread(call)
    if "status" not in call.params:
        raise invalid_arguments("missing required field: status")
    text, messages = call.string("status", ""), _loading_messages(call)
    call.world.show_status(channel.id, thread_ts, Status(text, messages) if text else None)
    return {}


async def set_title(call: Call) -> JSON:
    channel, thread_ts = _thread(call)
    call.workspace.titles[channel.id, thread_ts] = call.string("title")
    call.workspace.on_change("title", (channel.id, thread_ts))
    return {}


async def set_suggested_prompts(call: Call) -> JSON:
    """Without `thread_ts` the prompts belong to the DM itself, as for an agent."""
    channel = call.joined(call.channel("channel_id"))
    thread_ts = _thread(call)[1] if call.has("thread_ts") else ""
    prompts: Any = call.value("prompts")
    if not isinstance(prompts, list) or not 1 <= len(prompts) <= MOST_PROMPTS:
        raise invalid_arguments(f"must provide between 1 and {MOST_PROMPTS} items [json-pointer:/prompts]")
    for number, prompt in enumerate(prompts):
        for name in ("title", "message"):
            if not isinstance(prompt, dict) or not isinstance(prompt.get(name), str) or not prompt[name]:
                raise invalid_arguments(f"missing required field: {name} [json-pointer:/prompts/{number}]")
    call.workspace.prompts[channel.id, thread_ts] = {"title": call.string("title", ""), "prompts": prompts}
    call.workspace.on_change("prompts", (channel.id, thread_ts))
    return {}


async def set_session_status(call: Call) -> JSON:
    channel, thread_ts = _session_thread(call)
    status = call.string("status")
    if status not in SESSION_STATUSES:
        raise Refused("invalid_status")
    if call.has("initiator_user_id") and call.person("initiator_user_id").id not in channel.members:
        raise Refused("user_not_found")
    title = _title(call) if call.has("title") else ""
    session = set_session(call, channel, thread_ts, status, title)
    shown = {"status": session.status, "agent_status": session.status}
    return {**shown, "title": session.title} if session.title else shown


async def rename_session(call: Call) -> JSON:
    channel, thread_ts = _session_thread(call)
    session = call.workspace.sessions.get((channel.id, thread_ts))
    if session is None:
        raise Refused("session_not_found")
    session.title = _title(call)
    call.workspace.on_change("session", (channel.id, thread_ts))
    return {"title": session.title}


def set_session(call: Call, channel: Channel, thread_ts: str, status: str, title: str = "") -> Session:
    """Set the session's status, and its title if the session is new.

    People get a Stop button only if the app subscribes to the event that tells it of the stop.
    """
    key = (channel.id, thread_ts)
    session = call.workspace.sessions.setdefault(key, Session(status, title))
    session.status = status
    session.stoppable = "agent_session_stopped" in call.world.app.subscribed
    if not session.stoppable:
        call.warnings.append("missing_agent_session_stopped_event_subscription")
    call.workspace.on_change("session", key)
    return session


def _session_thread(call: Call) -> tuple[Channel, str]:
    channel = call.channel("channel_id")
    if call.workspace.bot not in channel.members:
        raise Refused("not_authorized")
    if not call.has("thread_ts"):
        raise Refused("thread_ts_required")
    return _thread(call)


def _title(call: Call) -> str:
    title = call.string("title")
    if len(title) > SESSION_TITLE:
        raise invalid_arguments(f"must be less than {SESSION_TITLE + 1} characters [json-pointer:/title]")
    return title


def _loading_messages(call: Call) -> list[str]:
    given: Any = call.value("loading_messages") or []
    if not isinstance(given, list) or len(given) > 10:
        raise invalid_arguments("no more than 10 items allowed [json-pointer:/loading_messages]")
    if not all(isinstance(text, str) and 1 <= len(text) <= 50 for text in given):
        raise invalid_arguments("must be between 1 and 50 characters [json-pointer:/loading_messages]")
    return given


def _thread(call: Call) -> tuple[Channel, str]:
    channel = call.joined(call.channel("channel_id"))
    thread_ts = call.string("thread_ts")
    if thread_ts not in channel.messages and thread_ts not in channel.threads:
        raise Refused("invalid_thread_ts")
    return channel, thread_ts


METHODS = {
    "agents.sessions.rename": Method(rename_session, ("chat:write",), T3),
    "agents.sessions.setStatus": Method(set_session_status, ("chat:write",), T3),
    "assistant.threads.setStatus": Method(set_status, ("chat:write",), PER_WORKSPACE, by_channel="channel_id"),
    "assistant.threads.setSuggestedPrompts": Method(set_suggested_prompts, ("assistant:write",), T3),
    "assistant.threads.setTitle": Method(set_title, ("assistant:write",), T3),
}
