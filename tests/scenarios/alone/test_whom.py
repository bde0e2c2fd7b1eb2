"""Who gets an answer, where, and why others do not."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bot.store import connections, keys
from bot.store.threads.inbox import Inbox
from bot.talk.message import Message, Thread
from bot.views.refusals import UNKNOWN
from tests.kit.parley import Parley, payload
from tests.scenarios.conftest import running

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["socket", "http"])
async def parley(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Parley]:
    async with running(tmp_path_factory, request.param, LOG_LEVEL="DEBUG", ALLOWED_BOTS="B0LISTED") as parley:
        yield parley


async def ignored(parley: Parley, event: dict[str, object], reason: str) -> None:
    event_id = await parley.slack.deliver(event)
    await parley.logged(f"ignored event_id={event_id} reason={reason}")
    entries = parley.sandbox.journal.entries("slack.ack")
    assert [e for e in entries if e.data.get("event_id") == event_id] or await parley.sandbox.journal.until(
        lambda e: e.kind == "slack.ack" and e.data.get("event_id") == event_id
    )


def said(parley: Parley, **fields: object) -> dict[str, object]:
    now = f"{parley.sandbox.clock.time():.6f}"
    text = f"<@{parley.sandbox.bot_user}> hello"
    place = {"channel": parley.sandbox.channels["general"], "channel_type": "channel"}
    return {"type": "message", **place, "user": parley.sandbox.users["ada"], "ts": now, "text": text, **fields}


async def heard(parley: Parley, user: str, text: str, root: str) -> str:
    """Say it in the thread, and wait until Parley has taken it in."""
    ts = await parley.slack.say(user, "general", text, thread_ts=root)
    await parley.sandbox.journal.until(lambda e: e.kind == "slack.ack" and e.data.get("ts") == ts)
    return ts


async def test_guests_get_no_answer_and_members_do(parley: Parley) -> None:
    await parley.slack.set_guest("chidi", True)
    asked = await parley.slack.say("chidi", "random", "@parley hello")
    await parley.logged("reason=a guest")
    ts = await parley.slack.say("ada", "random", "@parley hello")
    await parley.answers("random", ts)
    assert parley.replies("random", asked) == []


async def test_while_slack_does_not_say_whether_somebody_is_a_guest_they_are_told_to_try_again(
    parley: Parley,
) -> None:
    team, ben = parley.sandbox.team, parley.sandbox.users["ben"]
    await parley.redis.delete(keys.guest(team, ben), keys.last_guest(team, ben))
    parley.sandbox.faults.add("users.info", "status", status=503)
    notices = parley.slack.workspace.ephemerals
    before = len(notices)
    asked = await parley.slack.say("ben", "random", "@parley hello")
    await parley.slack.until(lambda: len(notices) > before)
    assert [(user, notice.text) for user, notice in notices[before:]] == [(ben, UNKNOWN)]
    assert parley.replies("random", asked) == []
    parley.sandbox.faults.clear()
    again = await parley.slack.say("ben", "random", "@parley hello again")
    await parley.answers("random", again)
    await parley.redis.delete(keys.guest(team, ben))
    parley.sandbox.faults.add("users.info", "status", status=503)
    known = await parley.slack.say("ben", "random", "@parley still there?")
    await parley.answers("random", known)


async def test_people_of_another_company_get_no_answer(parley: Parley) -> None:
    asked = await parley.slack.say("gwen", "engineering", "@parley hello")
    await parley.logged("reason=an author of another company")
    ts = await parley.slack.say("ben", "engineering", "@parley hello")
    await parley.answers("engineering", ts)
    assert parley.replies("engineering", asked) == []


async def test_a_bot_gets_an_answer_only_if_it_is_listed(parley: Parley) -> None:
    await ignored(parley, said(parley, bot_id="B0STRANGER"), "a bot's message")
    root = await parley.slack.say("ada", "general", "the robot may ask here")
    event = said(parley, bot_id="B0LISTED", user=None, subtype="bot_message", thread_ts=root)
    await parley.slack.deliver(event)
    assert await parley.answers("general", str(event["ts"]), thread_ts=root)


async def test_joins_and_other_subtypes_get_no_answer(parley: Parley) -> None:
    await ignored(parley, said(parley, subtype="channel_join"), "subtype channel_join")
    await ignored(parley, said(parley, subtype="pinned_item"), "subtype pinned_item")


async def test_what_people_said_to_each_other_before_they_asked_gets_no_answer_however_late_it_arrives(
    parley: Parley,
) -> None:
    root = await parley.slack.say("ben", "general", "the lift is stuck")
    between = said(parley, text="again?", thread_ts=root)
    ts = await parley.slack.say("ada", "general", "@parley what now?", thread_ts=root)
    await parley.answers("general", ts, thread_ts=root)
    await ignored(parley, between, "a thread that we have no part in")


async def test_a_channel_may_want_a_mention_in_every_message(parley: Parley) -> None:
    channel = parley.sandbox.channels["leads"]
    ts = await parley.slack.say("ada", "leads", "@parley hello")
    await parley.answers("leads", ts)
    await parley.redis.hset(keys.channel_policy(parley.sandbox.team, channel), "follow_ups", "off")
    quiet = await parley.slack.say("ada", "leads", "said while nobody was asked", thread_ts=ts)
    await parley.logged("reason=no mention, and no follow-ups in this channel")
    last = await parley.slack.say("ada", "leads", "@parley and on", thread_ts=ts)
    await parley.answers("leads", last, thread_ts=ts)
    assert parley.answer("leads", quiet, ts) == []
    assert "said while nobody was asked" in str(parley.sandbox.journal.entries("claude.request")[-1].data["body"])


async def test_who_turns_to_somebody_else_is_not_followed_until_we_are_mentioned_again(parley: Parley) -> None:
    root = await parley.slack.say("ada", "general", "@parley hello")
    await parley.answers("general", root)
    await heard(parley, "ada", "@ben what do you think?", root)
    await heard(parley, "ben", "I like it", root)
    back = await heard(parley, "ada", "@parley and you?", root)
    more = await heard(parley, "ben", "and why?", root)
    await parley.answers("general", back, more, thread_ts=root)
    assert [payload(message)["message_ts"] for message in parley.replies("general", root)] == [root, back, more]
    bodies = [str(entry.data["body"]["messages"]) for entry in parley.sandbox.journal.entries("claude.request")]
    assert ["I like it" in body for body in bodies if "and you?" in body] == [True, True]


async def test_an_edit_that_mentions_us_asks_only_where_and_for_whom_a_mention_does(parley: Parley) -> None:
    chidi, rules = parley.sandbox.users["chidi"], keys.workspace_policy(parley.sandbox.team)
    await parley.redis.delete(keys.guest(parley.sandbox.team, chidi))
    await parley.slack.set_guest("chidi", True)
    before = parley.log.count("reason=a guest")
    first = await parley.slack.say("chidi", "random", "who knows?")
    await parley.slack.edit("chidi", "random", first, "@parley who knows?")
    await parley.eventually(lambda: asyncio.sleep(0, parley.log.count("reason=a guest") > before), within=10)
    await parley.slack.set_guest("chidi", False)
    await parley.redis.delete(keys.guest(parley.sandbox.team, chidi))
    await parley.redis.hset(rules, "channels", parley.sandbox.channels["general"])
    second = await parley.slack.say("ben", "random", "who else knows?")
    await parley.slack.edit("ben", "random", second, "@parley who else knows?")
    await parley.logged("reason=a channel that is not on the list")
    await parley.redis.delete(rules)
    last = await parley.slack.say("ada", "random", "@parley hello")
    await parley.answers("random", last)
    assert parley.replies("random", first) == parley.replies("random", second) == []


async def test_what_we_say_ourselves_gets_no_answer(parley: Parley) -> None:
    ours = {"user": parley.sandbox.bot_user, "bot_id": parley.slack.workspace.bot_id}
    await ignored(parley, said(parley, **ours), "a bot's message")
    direct = {"channel": parley.sandbox.channels["@ada"], "channel_type": "im"}
    await ignored(parley, said(parley, user=parley.sandbox.bot_user, **direct), "a bot's message")


async def test_in_a_group_message_a_mention_asks_and_the_thread_goes_on_without(parley: Parley) -> None:
    users = parley.sandbox.users
    group = parley.slack.workspace.group_direct([users["ada"], users["ben"]]).id
    talk = await parley.slack.say("ben", group, "shall we ask?")
    ts = await parley.slack.say("ada", group, "@parley hello")
    await parley.answers(group, ts)
    more = await parley.slack.say("ben", group, "and on", thread_ts=ts)
    await parley.answers(group, more, thread_ts=ts)
    assert parley.replies(group, talk) == []


async def test_each_direct_message_begins_a_thread_of_its_own(parley: Parley) -> None:
    channel = parley.sandbox.channels["@ben"]
    first = await parley.slack.say("ben", "dm", "my favourite number is 4711")
    await parley.answers(channel, first)
    second = await parley.slack.say("ben", "dm", "what is mine?")
    await parley.answers(channel, second)
    assert "4711" not in str(parley.sandbox.journal.entries("claude.request")[-1].data["body"]["messages"])
    more = await parley.slack.say("ben", "dm", "and which was it?", thread_ts=first)
    await parley.answers(channel, more, thread_ts=first)
    assert "4711" in str(parley.sandbox.journal.entries("claude.request")[-1].data["body"]["messages"])


async def test_a_channel_of_another_company_is_kept_under_the_team_that_installed_us(parley: Parley) -> None:
    """https://docs.slack.dev/apis/events-api/#event-type-structure: what is around an event may be the host's."""
    partner = parley.slack.workspace.partner
    outer: dict[str, Any] = {"context_team_id": parley.sandbox.team, "is_ext_shared_channel": True, "team_id": partner}
    root = await parley.slack.say("ada", "general", "shared from elsewhere")
    event = said(parley, team=parley.sandbox.team, user_team=parley.sandbox.team)
    await parley.slack.deliver({**event, "thread_ts": root}, **outer)
    await parley.answers("general", str(event["ts"]), thread_ts=root)
    await parley.remembered("general", root, turns=3)
    stranger = said(parley, team=partner, user_team=partner, user=parley.sandbox.users["gwen"])
    event_id = await parley.slack.deliver({**stranger, "thread_ts": root}, **outer)
    await parley.logged(f"ignored event_id={event_id} reason=an author of another company")
    assert [key async for key in parley.redis.scan_iter(f"{partner}:*")] == []


async def test_an_org_wide_installation_is_one_team_and_its_people_may_have_w_ids(
    parley: Parley, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It took the app over while we ran.

    https://docs.slack.dev/enterprise/organization-ready-apps: an event names the organization, perhaps no team."""
    installed = {"enterprise_id": "E0ORG", "team_id": None, "user_id": parley.sandbox.bot_user, "is_bot": True}
    outer = {"team_id": "T0ANYWHERE", "enterprise_id": "E0ORG"}
    monkeypatch.setattr(parley.slack.workspace, "organization", "E0ORG")
    root = await parley.slack.say("ada", "general", "somebody of the organization may ask here")
    event = said(parley, user="W0PERSON", team="T0ANYWHERE", thread_ts=root)
    for again in range(2):
        await parley.slack.deliver(
            {**event, "type": ("message", "app_mention")[again]},
            authorizations=[{**installed, "is_enterprise_install": True}],
            **outer,
        )
    assert await parley.answers("general", str(event["ts"]), thread_ts=root)
    await parley.eventually(lambda: parley.redis.exists(f"E0ORG:{event['channel']}:{root}:history"), within=10)


async def test_what_another_deployment_keeps_in_our_redis_and_queue_is_left_alone(parley: Parley) -> None:
    """Its token is not ours: with our key its question would be answered to nobody, and be lost."""
    thread = Thread("T0THEIRS", parley.sandbox.channels["general"], "1700000000.000100")
    with connections.producer(parley.environ["REDIS_URL"]) as client:
        inbox = Inbox(parley.redis, connections.queue("parley", client), 8.0)
        await inbox.put(Message(thread, thread.ts, "U1", "whose is this?", direct=True))
        await parley.logged("left alone, as it is not a team of our token team=T0THEIRS")
        ts = await parley.slack.say("ada", "general", "@parley and ours?")
        assert await parley.answers("general", ts)
        assert await parley.redis.hgetall(keys.attempts(thread)) == {}
        assert [message.ts for message in await inbox.waiting(thread)] == [thread.ts]
    assert "whose is this?" not in str(parley.sandbox.journal.entries("claude.request"))
    assert not parley.slack.thread("general", thread.ts)
