"""`show`, `set` and `clear`: what is done with budgets and limits."""

from collections.abc import Awaitable, Callable, Mapping

from bot.commands.command import Command
from bot.talk.arguments import Unclear, quoted

Verb = Callable[[Command], Awaitable[str]]


async def follow(command: Command, verbs: Mapping[str, Verb], what: str, usage: str) -> str:
    """Do what the first word says, `show` without one; `what` names the things it is done with. Raises Unclear."""
    word = command.words[0] if command.words else "show"
    verb = verbs.get(word.lower())
    if verb is None:
        raise Unclear(f"I do not understand {quoted(word)}: I can `show`, `set` and `clear` {what}. {usage}")
    return await verb(command.after(1))
