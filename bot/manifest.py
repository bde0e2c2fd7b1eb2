"""The Slack app's manifest: its scopes and events. `parley manifest` prints it, and manifest.yaml is what it prints.

https://docs.slack.dev/reference/app-manifest
"""

import json
import re
import textwrap
from typing import Any

NEEDED_SCOPES = ("app_mentions:read", "chat:write")
# Each scope, and what does not work without it.
SCOPES = {
    "app_mentions:read": "nobody's mention is heard",
    "assistant:write": "direct messages have no suggested prompts and no titles",
    "channels:history": "in public channels I hear mentions only, and know nothing of what was said, edited or deleted "
    "otherwise",
    "channels:read": "I do not know what public channels are called, and introduce myself in none",
    "chat:write": "nothing is answered",
    "commands": "there is no /parley and no Ask Parley",
    "files:read": "files that people share are not read",
    "files:write": "very long answers come in many messages and not as a file, and /parley export sends nothing",
    "groups:history": "in private channels I hear mentions only, and know nothing of what was said, edited or deleted "
    "otherwise",
    "groups:read": "I do not know what private channels are called, and introduce myself in none",
    "im:history": "direct messages are not heard",
    "im:write": "/parley export sends nothing",
    "mpim:history": "in group direct messages I hear mentions only",
    "mpim:read": "I do not know what group direct messages are called",
    "reactions:write": "a question that waits for another gets no eyes",
    "users:read": "I know nobody's name, answer guests too, and take nobody for an admin who is not in ADMINS",
}
NEEDED_EVENTS = ("app_mention", "app_uninstalled", "tokens_revoked")
EVENTS = (
    "agent_session_stopped",
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "member_joined_channel",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "tokens_revoked",
)
COMMAND = "/parley"
SHORTCUT = "ask_parley"

ABOUT = (
    "Parley puts Claude into Slack threads. Mention it in a channel or write to it in a direct message: it answers in "
    "the thread, and the answer grows in place while Claude writes it. Answers come from an AI model and may be "
    "inaccurate. Messages and files of the threads that Parley takes part in are sent to Anthropic's Claude API and "
    "kept in your own Redis for 30 days after a thread's last answer, unless the operator sets another time."
)
WIDTH = 120


def manifest(*, url: str | None = None, least: bool = False) -> dict[str, Any]:
    """For Socket Mode, or for HTTP at `url`. With `least` it asks for no more than answering mentions needs."""
    features: dict[str, Any] = {
        "app_home": {
            "home_tab_enabled": not least,
            "messages_tab_enabled": not least,
            "messages_tab_read_only_enabled": least,
        },
        "bot_user": {"display_name": "parley", "always_online": True},
    }
    if not least:
        features |= _more_features(url)
    at = {"request_url": url} if url else {}
    return {
        "display_information": {
            "name": "Parley",
            "description": "Claude in Slack threads",
            "long_description": ABOUT,
            "background_color": "#3d3a5c",
        },
        "features": features,
        "oauth_config": {"scopes": {"bot": list(NEEDED_SCOPES if least else SCOPES)}},
        "settings": {
            "event_subscriptions": {**at, "bot_events": list(NEEDED_EVENTS if least else EVENTS)},
            "interactivity": {"is_enabled": True, **at},
            "org_deploy_enabled": False,
            "socket_mode_enabled": url is None,
            "token_rotation_enabled": False,
        },
    }


def _more_features(url: str | None) -> dict[str, Any]:
    """What answering mentions does not need: the agent view, the command and the shortcut."""
    command: dict[str, Any] = {"command": COMMAND}
    if url:
        command["url"] = url
    command |= {
        "description": "Help, usage, budget and more",
        "usage_hint": "[help | usage | status | model | budget]",
        "should_escape": True,
    }
    shortcut = {
        "name": "Ask Parley",
        "type": "message",
        "callback_id": SHORTCUT,
        "description": "Ask Claude about this message",
    }
    return {
        "agent_view": {
            "agent_description": "Answers questions in Slack threads with Claude.",
            "suggested_prompts": [],
        },
        "slash_commands": [command],
        "shortcuts": [shortcut],
    }


def as_yaml(*, url: str | None = None, least: bool = False) -> str:
    how = f"HTTP at {url}" if url else "Socket Mode; `parley manifest --http URL` prints it for HTTP"
    lines = [
        "# A Slack app for Parley. Paste it at https://api.slack.com/apps (Create New App, From a manifest).",
        f"# It is set up for {how}.",
        *_lines(manifest(url=url, least=least), 0),
    ]
    return "\n".join(lines) + "\n"


def _lines(value: dict[str, Any], depth: int) -> list[str]:
    """The YAML of a mapping of strings, booleans, mappings, and lists of strings or mappings."""
    lines: list[str] = []
    margin = "  " * depth
    for name, item in value.items():
        if isinstance(item, dict):
            lines += [f"{margin}{name}:", *_lines(item, depth + 1)]
        elif isinstance(item, list) and item:
            lines.append(f"{margin}{name}:")
            for entry in item:
                inner = _lines(entry, depth + 2) if isinstance(entry, dict) else [_scalar(entry)]
                lines += [f"{margin}  - {inner[0].strip()}", *inner[1:]]
        elif isinstance(item, str) and len(item) > WIDTH:
            wide = textwrap.wrap(item, WIDTH - len(margin) - 2)
            lines += [f"{margin}{name}: >-", *(f"{margin}  {line}" for line in wide)]
        else:
            lines.append(f"{margin}{name}: {_scalar(item)}")
    return lines


def _scalar(value: str | bool | list[Any]) -> str:
    """A value in one line: as it is if YAML reads it as that string, else as JSON, which is YAML too."""
    if not isinstance(value, str):
        return json.dumps(value)
    is_plain = re.fullmatch(r"/?[A-Za-z](?:[\w ,./-]|:(?! ))*", value) and value[-1] not in ": "
    return value if is_plain else json.dumps(value)
