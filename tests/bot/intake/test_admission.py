"""Who may ask, where and how: the whole table."""

import itertools

import pytest
from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.intake.admission import ASKING, Admission, Asker, Reason, Way, Where, refusal
from bot.intake.audience import Audience
from bot.sandbox import Sandbox
from bot.slack.directory import Directory
from bot.store import keys

WHO = {
    "a member": Asker("U1"),
    "a guest": Asker("U1", guest=True),
    "an outsider": Asker("U1", outsider=True),
    "a listed bot": Asker("B1", bots=frozenset({"B1", "A1"})),
    "another bot": Asker("B2", bots=frozenset({"B2"})),
}
WHERE = {
    "a listed channel": Where("T1", "C1", direct=False),
    "another channel": Where("T1", "C2", direct=False),
    "a direct message": Where("T1", "D1", direct=True),
}
STRICT = Audience(bots=frozenset({"A1"}), channels=frozenset({"C1"}), follow_ups=False)
ASKS = ("MENTION", "STOP_WORD", "SHORTCUT", "FORGET", "ASK_AGAIN")
CONCERNS = ("CLICK", "EDIT")
YES = None

# Under STRICT: who and where, then what a question, a follow-up, and what concerns an answer that is there, come to.
TABLE = {
    ("a member", "a listed channel"): (YES, Reason.NO_FOLLOW_UPS, YES),
    ("a member", "another channel"): (Reason.CHANNEL, Reason.CHANNEL, YES),
    ("a member", "a direct message"): (YES, Reason.NO_FOLLOW_UPS, YES),
    ("a guest", "a listed channel"): (Reason.GUEST, Reason.NO_FOLLOW_UPS, YES),
    ("a guest", "another channel"): (Reason.CHANNEL, Reason.CHANNEL, YES),
    ("a guest", "a direct message"): (Reason.GUEST, Reason.NO_FOLLOW_UPS, YES),
    ("an outsider", "a listed channel"): (Reason.OUTSIDER, Reason.OUTSIDER, Reason.OUTSIDER),
    ("an outsider", "another channel"): (Reason.OUTSIDER, Reason.OUTSIDER, Reason.OUTSIDER),
    ("an outsider", "a direct message"): (Reason.OUTSIDER, Reason.OUTSIDER, Reason.OUTSIDER),
    ("a listed bot", "a listed channel"): (YES, Reason.NO_FOLLOW_UPS, YES),
    ("a listed bot", "another channel"): (Reason.CHANNEL, Reason.CHANNEL, YES),
    ("a listed bot", "a direct message"): (YES, Reason.NO_FOLLOW_UPS, YES),
    ("another bot", "a listed channel"): (Reason.BOT, Reason.BOT, Reason.BOT),
    ("another bot", "another channel"): (Reason.BOT, Reason.BOT, Reason.BOT),
    ("another bot", "a direct message"): (Reason.BOT, Reason.BOT, Reason.BOT),
}


def test_the_table_is_whole() -> None:
    assert set(TABLE) == set(itertools.product(WHO, WHERE))
    assert {*ASKS, *CONCERNS, "FOLLOW_UP"} == {way.name for way in Way}


@pytest.mark.parametrize("way", list(Way), ids=lambda way: way.name)
@pytest.mark.parametrize(("who", "where"), TABLE)
def test_under_strict_rules(who: str, where: str, way: Way) -> None:
    question, follow_up, concern = TABLE[who, where]
    expected = follow_up if way is Way.FOLLOW_UP else concern if way.name in CONCERNS else question
    assert refusal(WHO[who], way, WHERE[where], STRICT) == expected


@pytest.mark.parametrize("way", list(Way), ids=lambda way: way.name)
@pytest.mark.parametrize(("who", "where"), TABLE)
def test_under_open_rules_everybody_may_but_bots_that_nobody_listed(who: str, where: str, way: Way) -> None:
    audience = Audience(bots=frozenset({"B1"}), external=True, guests=True)
    expected = Reason.BOT if who == "another bot" else None
    assert refusal(WHO[who], way, WHERE[where], audience) == expected


async def test_whether_somebody_is_a_guest_is_asked_only_where_it_matters(
    sandbox: Sandbox, web: AsyncWebClient, redis: Redis
) -> None:
    async def asked(way: Way, audience: Audience, asker: Asker, channel: str = "C1") -> tuple[Reason | None, int]:
        await redis.delete(keys.guest(sandbox.team, asker.user))
        before = len(sandbox.journal.entries("slack.request", "users.info"))
        reason = await Admission(audience, redis, Directory(redis, web)).refusal(
            asker, way, Where(sandbox.team, channel, direct=False)
        )
        return reason, len(sandbox.journal.entries("slack.request", "users.info")) - before

    await sandbox.slack.set_guest("ben", True)
    ben = Asker(sandbox.users["ben"])
    assert await asked(Way.MENTION, STRICT, ben) == (Reason.GUEST, 1)
    assert await asked(Way.MENTION, Audience(guests=True), ben) == (None, 0)
    assert await asked(Way.MENTION, STRICT, ben, "C2") == (Reason.CHANNEL, 0)
    assert await asked(Way.CLICK, STRICT, ben) == (None, 0)
    assert await asked(Way.MENTION, STRICT, Asker("B1", bots=frozenset({"A1"}))) == (None, 0)
    await redis.hset(keys.channel_policy(sandbox.team, "C1"), "guests", "on")
    assert await asked(Way.MENTION, STRICT, ben) == (None, 0)


@pytest.mark.parametrize("way", list(Way), ids=lambda way: way.name)
async def test_while_nobody_knows_whether_they_are_a_guest_they_may_do_what_guests_may(
    sandbox: Sandbox, web: AsyncWebClient, redis: Redis, way: Way
) -> None:
    sandbox.faults.add("users.info", "status", status=503)
    place, ben = Where(sandbox.team, "C1", direct=False), Asker(sandbox.users["ben"])
    directory = Directory(redis, web)
    strict = await Admission(Audience(), redis, directory).refusal(ben, way, place)
    assert strict == (Reason.UNKNOWN if way in ASKING else None)
    assert await Admission(Audience(guests=True), redis, directory).refusal(ben, way, place) is None
