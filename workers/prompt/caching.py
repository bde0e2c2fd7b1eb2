"""Tells whether Claude's prompt cache should have been read by a request."""

from bot.models import find
from bot.store.threads.prompt_record import Instructions, LastRequest

# How long the cache keeps the end of a prompt, and its system prompt, from the start of the request that wrote or last
# read them: https://platform.claude.com/docs/en/build-with-claude/prompt-caching
TAIL_SECONDS = 300
SYSTEM_SECONDS = 3600
# A token has fewer characters, so the estimate of tokens is on the low side and raises no false alarm.
CHARACTERS = 6


def cache_read_due(model: str, instructions: Instructions, before: LastRequest | None, now: float) -> bool:
    """Whether a request that began at `now` (Unix time) should have read from the cache.

    `before` is the thread's last request, None after a compaction. Each model has a cache of its own.
    """
    own = find(model)
    if before is None or find(before.model) != own:
        return False
    parts = (instructions.deployment, instructions.frame, instructions.workspace, instructions.channel)
    system = sum(map(len, parts)) // CHARACTERS
    age = now - before.at
    if age < TAIL_SECONDS and before.tokens >= own.cache_minimum:
        return True
    return age < SYSTEM_SECONDS and system >= own.cache_minimum
