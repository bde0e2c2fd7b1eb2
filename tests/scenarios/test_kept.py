"""What an answer leaves in Redis is kept as long as the table of keys says, while it is written and afterwards."""

import pytest

from bot.settings import Settings
from bot.store import keys
from bot.views import footer
from tests.kit.kept import broken, row_of
from tests.kit.parley import Parley

pytestmark = pytest.mark.asyncio(loop_scope="package")

DEFAULT = Settings()
DAYS = {"HISTORY_DAYS": DEFAULT.history_days, "USAGE_DAYS": DEFAULT.usage_days}

DECIDED = {keys.caps, keys.limits, keys.audit, keys.rate, keys.holds}
WHILE_IT_IS_WRITTEN = {keys.lease, keys.box, keys.messages, keys.attempts, keys.active, keys.reply, keys.record}
AFTERWARDS = {keys.history, keys.usage, keys.usage_costs, keys.usage_week, keys.talks, keys.seen_event, keys.votes}


async def test_all_keys_of_an_answer_are_kept_as_the_table_says(parley: Parley) -> None:
    parley.sandbox.claude.deltas_per_second = 20.0
    for order in ("budget set $1000 month", "limit set 500 day each"):
        await parley.steer(order)
    ts = await parley.slack.say("ada", "general", "@parley how long is this kept?")
    await parley.slack.until(lambda: parley.replies("general", ts), within=30)
    assert await rows(parley) >= WHILE_IT_IS_WRITTEN | DECIDED
    assert not await broken(parley.redis, DAYS)
    parley.sandbox.claude.deltas_per_second = 400.0
    await parley.answers("general", ts)
    await parley.remembered("general", ts, turns=2)
    [reply] = parley.replies("general", ts)
    await parley.slack.click("ben", footer.FEEDBACK, channel="general", ts=reply.ts, value=f"good {ts}")
    assert await rows(parley) >= AFTERWARDS
    assert not await broken(parley.redis, DAYS)


async def rows(parley: Parley) -> set[object]:
    return {row_of(str(key)) async for key in parley.redis.scan_iter() if not str(key).startswith("rq:")}
