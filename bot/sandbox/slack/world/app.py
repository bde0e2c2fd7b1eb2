"""The one app of the workspace as Slack knows it: its tokens, what it may do, and which events it wants."""

import secrets
from collections.abc import Iterable

SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "mpim:history",
    "mpim:read",
    "reactions:read",
    "reactions:write",
    "usergroups:read",
    "users:read",
)
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


class App:
    """`scopes` and `subscribed` may be changed at any time, as an admin may change them in Slack."""

    def __init__(self, scopes: Iterable[str]) -> None:
        self.bot_token = "xoxb-sandbox-bot"
        self.app_token = "xapp-sandbox-app"
        self.signing_secret = "sandbox-signing-secret"
        self.verification_token = "sandbox-verification-token"
        self.scopes = list(scopes)
        self.subscribed = set(SUBSCRIBED)
        self._tickets: set[str] = set()

    def ticket(self) -> str:
        """A new ticket, with which one Socket Mode connection may be opened."""
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        return ticket

    def redeem(self, ticket: str) -> bool:
        """Whether the ticket is valid. Asking uses it up."""
        valid = ticket in self._tickets
        self._tickets.discard(ticket)
        return valid
