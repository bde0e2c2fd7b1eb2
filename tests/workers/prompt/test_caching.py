"""When the prompt cache should have had something."""

import pytest

from bot.store.threads.prompt_record import Instructions, LastRequest
from workers.prompt.caching import SYSTEM_SECONDS, TAIL_SECONDS, cache_read_due

SONNET, HAIKU = "claude-sonnet-4-6", "claude-haiku-4-5"
SHORT, LONG = Instructions("", "x" * 100), Instructions("", "x" * 40_000)


@pytest.mark.parametrize(
    ("model", "system", "before", "age", "due"),
    [
        (SONNET, SHORT, None, 0, False),
        (SONNET, SHORT, LastRequest(SONNET, 0, 2_000), TAIL_SECONDS - 1, True),
        (SONNET, SHORT, LastRequest(SONNET, 0, 2_000), TAIL_SECONDS, False),
        (SONNET, SHORT, LastRequest(SONNET, 0, 1_024), 1, True),
        (SONNET, SHORT, LastRequest(SONNET, 0, 1_023), 1, False),
        (HAIKU, SHORT, LastRequest(HAIKU, 0, 4_095), 1, False),
        (HAIKU, SHORT, LastRequest("claude-haiku-4-5-20251001", 0, 4_096), 1, True),
        (SONNET, LONG, LastRequest(SONNET, 0, 9_000), SYSTEM_SECONDS - 1, True),
        (SONNET, LONG, LastRequest(SONNET, 0, 9_000), SYSTEM_SECONDS, False),
        (SONNET, LONG, LastRequest(HAIKU, 0, 9_000), 1, False),
    ],
)
def test_a_read_is_due_within_the_ttl_of_a_prompt_that_is_long_enough(
    model: str, system: Instructions, before: LastRequest | None, age: float, due: bool
) -> None:
    assert cache_read_due(model, system, before, age) is due
