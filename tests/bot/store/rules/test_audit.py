from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis

from bot.store import keys
from bot.store.rules import audit
from bot.store.rules.audit import Changed, SettingChange

TEAM = "T1"


async def put(redis: Redis, value: str | None, by: str = "U1", field: str = "each day") -> Changed:
    return await audit.change(redis, SettingChange(TEAM, by, f"budget {field}", keys.caps(TEAM), field, value))


async def test_a_change_is_made_and_recorded_with_who_when_before_and_after(redis: Redis) -> None:
    assert await put(redis, "5") == Changed(True, None)
    assert await put(redis, "7", by="U2") == Changed(True, "5")
    assert await redis.hget(keys.caps(TEAM), "each day") == "7"
    assert await put(redis, None) == Changed(True, "7")
    assert not await redis.hexists(keys.caps(TEAM), "each day")
    found = await audit.changes(redis, TEAM, 0, 10)
    assert [(each.by, each.what, each.before, each.after) for each in found] == [
        ("U1", "budget each day", "7", None),
        ("U2", "budget each day", "5", "7"),
        ("U1", "budget each day", None, "5"),
    ]
    assert all(abs(datetime.now(UTC) - each.when) < timedelta(minutes=1) for each in found)


async def test_what_changes_nothing_is_not_recorded(redis: Redis) -> None:
    await put(redis, None)
    await put(redis, "5")
    assert await put(redis, "5", by="U2") == Changed(False, "5")
    assert await audit.count(redis, TEAM) == 1


async def test_nothing_is_changed_where_something_else_is_set_before(redis: Redis) -> None:
    async def put_after(value: str, before: str | None) -> Changed:
        wanted = SettingChange(TEAM, "U1", "budget each day", keys.caps(TEAM), "each day", value, (before,))
        return await audit.change(redis, wanted)

    assert await put_after("5", "4") == Changed(False, None)
    assert await put_after("5", None) == Changed(True, None)
    assert await put_after("6", None) == Changed(False, "5")
    assert await put_after("6", "") == Changed(False, "5")
    assert await put_after("6", "5") == Changed(True, "5")
    assert await audit.count(redis, TEAM) == 2


async def test_an_empty_value_is_a_value(redis: Redis) -> None:
    await put(redis, "")
    assert await redis.hget(keys.caps(TEAM), "each day") == ""
    [found] = await audit.changes(redis, TEAM, 0, 10)
    assert found.after == ""


async def test_changes_are_read_page_by_page(redis: Redis) -> None:
    for n in range(25):
        await put(redis, str(n))
    pages = [[each.after for each in await audit.changes(redis, TEAM, start, 10)] for start in (0, 10, 20, 30)]
    assert pages == [[str(n) for n in range(24, 14, -1)], [str(n) for n in range(14, 4, -1)], list("43210"), []]
    assert await audit.count(redis, TEAM) == 25


async def test_workspaces_do_not_share(redis: Redis) -> None:
    await put(redis, "5")
    assert await audit.changes(redis, "T2", 0, 10) == []


async def test_what_is_older_than_400_days_goes(redis: Redis) -> None:
    old = int((datetime.now(UTC).timestamp() - keys.audit.seconds - 60) * 1000)
    async with redis.pipeline() as pipe:
        for n in range(200):
            pipe.xadd(keys.audit(TEAM), {"by": "U1", "what": "budget", "after": "1"}, id=f"{old}-{n + 1}")
        await pipe.execute()
    await put(redis, "5")
    assert await audit.count(redis, TEAM) < 150
    assert await redis.ttl(keys.audit(TEAM)) > keys.audit.seconds - 60


async def test_what_is_no_setting_is_recorded_among_the_changes(redis: Redis) -> None:
    await put(redis, "5")
    await audit.note(redis, TEAM, "U2", "forget channel:C1", "2 conversations")
    [entry, _] = await audit.changes(redis, TEAM, 0, 10)
    assert (entry.by, entry.what, entry.before, entry.after) == ("U2", "forget channel:C1", "2 conversations", None)
    assert 0 < await redis.ttl(keys.audit(TEAM)) <= keys.audit.seconds
