from redis.asyncio import Redis

from bot.intake.audience import Audience
from bot.store import keys
from bot.store.rules.access import rules

TEAM = "T1"


async def test_what_holds_in_a_channel_counts_before_what_holds_in_the_workspace(redis: Redis) -> None:
    await redis.hset(keys.workspace_policy(TEAM), mapping={"guests": "on", "external": "on", "model": "x"})
    await redis.hset(keys.channel_policy(TEAM, "C1"), mapping={"guests": "off", "follow_ups": "off"})
    assert await rules(redis, TEAM, "C1") == {"guests": "off", "external": "on", "follow_ups": "off"}
    assert await rules(redis, TEAM, "C2") == {"guests": "on", "external": "on"}
    assert await rules(redis, "T2", "C1") == {}


async def test_an_empty_list_is_a_list(redis: Redis) -> None:
    await redis.hset(keys.workspace_policy(TEAM), "channels", "")
    assert await rules(redis, TEAM, "C1") == {"channels": ""}


def test_rules_count_before_the_operators_settings() -> None:
    usual = Audience(bots=frozenset({"B1"}), channels=frozenset({"C1"}), external=True, follow_ups=False)
    assert usual.under({}) == usual
    assert usual.under({"channels": "any"}).channels is None
    assert usual.under({"channels": ""}).channels == frozenset()
    assert usual.under({"channels": "C2,C3", "bots": "B2"}) == Audience(
        bots=frozenset({"B2"}), channels=frozenset({"C2", "C3"}), external=True, follow_ups=False
    )
    assert usual.under({"guests": "on", "external": "off", "follow_ups": "on"}) == Audience(
        bots=usual.bots, channels=usual.channels, guests=True, follow_ups=True
    )
