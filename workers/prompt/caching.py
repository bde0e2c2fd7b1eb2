"""Whether Claude's prompt cache should have had something for a request."""

from bot.models import find
from bot.store.threads.prompt_record import Instructions, LastRequest

# https://platform.claude.com/docs/en/build-with-claude/prompt-caching: counted from the start of a request; a read
# counts as a new start. The first is of the tail, the second of the system prompt.
TAIL_SECONDS = 300
SYSTEM_SECONDS = 3600
# A token has fewer characters than that, so the estimate is on the low side and raises no false alarm.
CHARACTERS = 6


def cache_read_due(model: str, instructions: Instructions, before: LastRequest | None, now: float) -> bool:
    """Whether a request that began `now` (Unix time) had to read from the cache, after the one `before` in its thread.

    Not after a compaction, and not if another model answered before: caches are a model's own.
    """
    takes = find(model)
    if before is None or find(before.model) != takes:
        return False
    parts = (instructions.deployment, instructions.frame, instructions.workspace, instructions.channel)
    system = sum(map(len, parts)) // CHARACTERS
    age = now - before.at
    return (age < TAIL_SECONDS and before.tokens >= takes.cache_minimum) or (
        age < SYSTEM_SECONDS and system >= takes.cache_minimum
    )
