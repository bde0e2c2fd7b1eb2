"""What we do when Slack tells us something: a module for each kind, each with `register(app)`."""

from slack_bolt.async_app import AsyncApp

from bot.commands import steer, table
from bot.listeners import action, change, feedback, home, lifecycle, mention, message, shortcut, stop, welcome


def register(app: AsyncApp) -> None:
    lifecycle.register(app)
    table.register(app)
    steer.register(app)
    home.register(app)
    shortcut.register(app)
    welcome.register(app)
    mention.register(app)
    # Before all other messages: the first listener that fits takes an event.
    change.register(app)
    message.register(app)
    stop.register(app)
    action.register(app)
    feedback.register(app)
