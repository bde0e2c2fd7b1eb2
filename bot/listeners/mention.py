"""Somebody mentioned us. In a channel the same message arrives as a `message` event too; the mailbox keeps one."""

from slack_bolt.async_app import AsyncApp

from bot.listeners.message import receive


def register(app: AsyncApp) -> None:
    app.event("app_mention")(receive)
