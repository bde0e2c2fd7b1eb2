"""What we do when Slack tells us something: a module for each kind, each with `register(app)`."""

from slack_bolt.async_app import AsyncApp

from bot.listeners import mention, message


def register(app: AsyncApp) -> None:
    mention.register(app)
    message.register(app)
