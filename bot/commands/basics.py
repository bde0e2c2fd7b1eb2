"""`/parley help` and `/parley status`."""

import difflib
from collections.abc import Mapping

from bot.commands.command import Command
from bot.manifest import COMMAND
from bot.store import keys
from bot.store.rules import policy

NO_WORKERS = "I can hear you, but nothing that writes answers is running. Questions wait until it is back."


def help_text(lines: Mapping[str, str]) -> str:
    """`lines` say what each command does, by its name."""
    return "\n".join(
        [
            "Mention me with a question, or write to me in a direct message. I answer in the thread.",
            "",
            *(f"`{COMMAND} {name}` {line}" for name, line in lines.items()),
        ]
    )


def unknown(word: str, lines: Mapping[str, str]) -> str:
    """What is said about a word that is no command: anything that somebody typed."""
    near = difflib.get_close_matches(word.lower(), lines, n=1, cutoff=0.5)
    meant = f" Did you mean `{COMMAND} {near[0]}`?" if near else ""
    return f"I do not know that command.{meant}\n\n{help_text(lines)}"


async def status(command: Command) -> str:
    services = command.services
    load = await services.inbox.load()
    if not load.workers:
        return NO_WORKERS
    model = await policy.model_in(services.redis, command.team, command.channel) or services.settings.model
    if await services.redis.hexists(keys.breaker(model), "open_until"):
        return f"Claude (`{model}`) does not answer at the moment. I go on trying. Waiting: {load.waiting}."
    slots = load.workers * services.settings.slots
    return (
        f"All is well. Answers being written: {load.running} of {slots} possible at once. "
        f"Waiting for a free place: {load.waiting}."
    )
