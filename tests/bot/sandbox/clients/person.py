"""What a person does with a bot in the sandbox's Slack, whoever wrote it."""

from bot.sandbox import Sandbox
from bot.sandbox.slack.world.records import Message

WITHIN = 60.0
"""Long, because a busy machine takes its time to start a program."""


async def talks_to(sandbox: Sandbox) -> None:
    """Mention the bot, click the button below its edited answer, and type a command; see what it says to each."""
    slack = sandbox.slack
    ts = await slack.say("ada", "general", "@parley hello")

    def answer() -> Message | None:
        replies = [message for message in slack.thread("general", ts) if message.bot_id]
        return replies[0] if replies and replies[0].text == "Here you are." else None

    message = await slack.until(answer, within=WITHIN)
    await slack.click("ada", "again", channel="general", ts=message.ts)
    await slack.until(lambda: any(m.text == "You clicked 42." for _, m in slack.workspace.ephemerals), within=WITHIN)
    assert "You typed help." in str(await slack.command("ada", "general", "/parley", "help"))
