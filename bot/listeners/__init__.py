"""What we do when Slack tells us something: a module for each kind, each with `register(app)`."""

from slack_bolt.async_app import AsyncApp

from bot.commands import steer, table
from bot.listeners import buttons, edits, feedback, home, mention, message, shortcut, stop, uninstall, welcome


def register(app: AsyncApp) -> None:
    uninstall.register(app)
    table.register(app)
    steer.register(app)
    home.register(app)
    shortcut.register(app)
    welcome.register(app)
    mention.register(app)
    # Before all other messages: the first listener that fits takes an event.
    edits.register(app)
    message.register(app)
    stop.register(app)
    buttons.register(app)
    feedback.register(app)
