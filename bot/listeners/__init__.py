"""What we do when Slack tells us something: a module for each kind of event, each with `register(app)`.

What the commands themselves do lives in bot/commands, what becomes of a message in bot/intake.
"""

from slack_bolt.async_app import AsyncApp

from bot.listeners import (
    buttons,
    command,
    edits,
    feedback,
    home,
    mention,
    message,
    persona,
    shortcut,
    stop,
    uninstall,
    welcome,
)


def register(app: AsyncApp) -> None:
    uninstall.register(app)
    command.register(app)
    persona.register(app)
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
