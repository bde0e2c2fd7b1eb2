"""`show`, `set` and `clear`: what is done with budgets and limits."""

from collections.abc import Awaitable, Callable, Mapping

from bot.commands.command import Asked
from bot.talk.arguments import Unclear, quoted

Verb = Callable[[Asked], Awaitable[str]]


async def follow(asked: Asked, verbs: Mapping[str, Verb], what: str, usage: str) -> str:
    """Do what the first word says, `show` without one. Raises Unclear."""
    word = asked.words[0] if asked.words else "show"
    if (verb := verbs.get(word.lower())) is None:
        raise Unclear(f"I do not understand {quoted(word)}: I can `show`, `set` and `clear` {what}. {usage}")
    return await verb(asked.after(1))
