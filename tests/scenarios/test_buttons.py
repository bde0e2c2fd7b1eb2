"""What people do with the buttons of a reply, and with words that stand for them; nobody answers here.

The buttons are put below a message of ours by the test, and what waits for the workers is read from Redis.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from slack_sdk.web.async_client import AsyncWebClient

from bot.listeners.buttons import AWAY
from bot.listeners.regenerate import BUSY, FORGOTTEN, GO_ON, OLDER
from bot.listeners.stop import NOTHING
from bot.sandbox.slack.delivery import Unanswered
from bot.settings import Settings
from bot.slack import client as slack
from bot.store import keys
from bot.store.counts import feedback
from bot.store.threads import stops
from bot.store.threads.history import Entry
from bot.talk.message import Message, Thread
from bot.views import feedback as feedback_view
from bot.views import footer
from bot.views.blocks import Block
from bot.views.refusals import NOT_HERE, UNKNOWN
from tests.kit.parley import Parley
from tests.scenarios.conftest import on_shared_redis

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest_asyncio.fixture(scope="module", loop_scope="package", params=["socket", "http"])
async def parley(
    request: pytest.FixtureRequest, redis_server: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Parley]:
    """Without workers: what is asked waits."""
    folder = tmp_path_factory.mktemp(request.param)
    async with on_shared_redis(redis_server, folder, request.param, LOG_LEVEL="DEBUG") as parley:
        # The test posts more than Parley would.
        parley.slack.limits.on = False
        yield parley


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def web(parley: Parley) -> AsyncIterator[AsyncWebClient]:
    """Slack as Parley calls it."""
    async with slack.client(Settings.load(environ=parley.sandbox.environ(), dotenv=None)) as web:
        yield web


def thread(parley: Parley, ts: str, channel: str = "general") -> Thread:
    return Thread(parley.sandbox.team, parley.sandbox.channels[channel], ts)


async def waiting(parley: Parley, of: Thread) -> list[Message]:
    stored = await parley.redis.hgetall(keys.messages(of))
    return sorted((Message.from_json(each) for each in stored.values()), key=lambda message: float(message.ts))


async def asks(parley: Parley, user: str = "ben", text: str = "@parley hello") -> tuple[Thread, str]:
    """A question that waits; its thread and ts."""
    ts = await parley.slack.say(user, "general", text)
    await parley.logged(f"kept .* ts={ts}")
    return thread(parley, ts), ts


async def remembers(parley: Parley, *questions: str, channel: str = "general") -> Thread:
    """A thread with an answered turn for each of these ts."""
    of = thread(parley, await parley.slack.say("ben", channel, "hello"), channel)
    for ts in questions or (of.ts,):
        turn = (Entry("user", f"asked {ts}", ts, "U1", "ben"), Entry("assistant", "answered", ts))
        await parley.redis.rpush(keys.history(of), *(entry.to_json() for entry in turn))
    return of


async def shows(web: AsyncWebClient, of: Thread, blocks: list[Block]) -> str:
    """Our message with these blocks; its ts."""
    posted = await web.chat_postMessage(channel=of.channel, thread_ts=of.ts, text="An answer.", blocks=blocks)
    return str(posted["ts"])


async def told(parley: Parley, user: str, ts: str) -> Any:
    """What this person alone is shown in the thread, once there is something."""

    def mine() -> list[Any]:
        seen = parley.slack.workspace.ephemerals
        return [m for to, m in seen if (to, m.thread_ts) == (parley.sandbox.users[user], ts)]

    return (await parley.slack.until(mine))[-1]


def notices(parley: Parley, ts: str) -> int:
    """How many have been shown in the thread, to whomever."""
    return len([m for _, m in parley.slack.workspace.ephemerals if m.thread_ts == ts])


# Stop


async def test_who_asked_may_stop_the_answer(parley: Parley, web: AsyncWebClient) -> None:
    of, ts = await asks(parley, "ben")
    button = await shows(web, of, footer.streaming(ts))
    await parley.slack.click("ben", footer.STOP, channel="general", ts=button)
    assert await stops.asked(parley.redis, of, ts) == parley.sandbox.users["ben"]
    assert not notices(parley, ts)


async def test_somebody_else_may_not_and_is_told_who_may(parley: Parley, web: AsyncWebClient) -> None:
    of, ts = await asks(parley, "ben")
    button = await shows(web, of, footer.streaming(ts))
    await parley.slack.click("chidi", footer.STOP, channel="general", ts=button)
    notice = await told(parley, "chidi", ts)
    assert parley.sandbox.users["ben"] in notice.text
    assert "admins" in notice.text
    assert await stops.asked(parley.redis, of, ts) is None


async def test_an_admin_may_stop_any_answer(parley: Parley, web: AsyncWebClient) -> None:
    of, ts = await asks(parley, "ben")
    button = await shows(web, of, footer.streaming(ts))
    await parley.slack.click("ada", footer.STOP, channel="general", ts=button)
    assert await stops.asked(parley.redis, of, ts) == parley.sandbox.users["ada"]


async def test_stopping_twice_is_stopping_once(parley: Parley, web: AsyncWebClient) -> None:
    of, ts = await asks(parley, "ben")
    button = await shows(web, of, footer.streaming(ts))
    await parley.slack.click("ben", footer.STOP, channel="general", ts=button)
    await parley.slack.click("ada", footer.STOP, channel="general", ts=button)
    assert await stops.asked(parley.redis, of, ts) == parley.sandbox.users["ben"]
    assert not notices(parley, ts)


async def test_the_button_stops_its_own_question_only(parley: Parley, web: AsyncWebClient) -> None:
    of, first = await asks(parley, "ben")
    second = await parley.slack.say("ben", "general", "@parley and this?", thread_ts=first)
    await parley.logged(f"kept .* ts={second}")
    button = await shows(web, of, footer.streaming(second))
    await parley.slack.click("ben", footer.STOP, channel="general", ts=button)
    assert await stops.asked(parley.redis, of, first) is None
    assert await stops.asked(parley.redis, of, second) == parley.sandbox.users["ben"]


async def test_an_answer_that_is_complete_cannot_be_stopped(parley: Parley, web: AsyncWebClient) -> None:
    of = await remembers(parley)
    button = await shows(web, of, footer.streaming(of.ts))
    await parley.slack.click("ben", footer.STOP, channel="general", ts=button)
    assert (await told(parley, "ben", of.ts)).text == NOTHING.text
    assert await stops.asked(parley.redis, of, of.ts) is None


@pytest.mark.parametrize("word", ["stop", "@parley stop", "Stop!", "  STOP. ", "cancel", "@parley: Halt…"])
async def test_the_word_alone_stops_what_its_author_asked(parley: Parley, word: str) -> None:
    of, ts = await asks(parley, "ben")
    said = await parley.slack.say("ben", "general", word, thread_ts=ts)
    await parley.logged(f"stop asked thread={of} ts={ts} ")
    assert await stops.asked(parley.redis, of, ts) == parley.sandbox.users["ben"]
    later = await parley.slack.say("ben", "general", "@parley go on", thread_ts=ts)
    await parley.logged(f"kept .* ts={later}")
    assert [message.ts for message in await waiting(parley, of)] == [ts, later]
    assert await parley.redis.exists(keys.seen_message(of.team, of.channel, said))


async def test_the_word_is_heard_once_although_its_mention_comes_twice(parley: Parley, web: AsyncWebClient) -> None:
    of, ts = await asks(parley, "ben")
    said = await parley.slack.say("ben", "general", "@parley stop", thread_ts=ts)
    journal = parley.sandbox.journal
    await parley.slack.until(lambda: len([e for e in journal.entries("slack.ack") if e.data.get("ts") == said]) == 2)
    await parley.redis.delete(keys.messages(of), keys.box(of))
    event = {"type": "app_mention", "channel": of.channel, "user": parley.sandbox.users["ben"], "ts": said}
    event_id = await parley.slack.deliver(
        {**event, "thread_ts": ts, "text": f"<@{parley.sandbox.bot_user}> stop"}, event_id="Evstoptwin"
    )
    await journal.until(lambda e: e.kind == "slack.ack" and e.data.get("event_id") == event_id)
    assert await waiting(parley, of) == []


async def test_the_word_stops_only_what_was_asked_before_it_however_late_it_comes(parley: Parley) -> None:
    of, ts = await asks(parley, "ben")
    second = await parley.slack.say("ben", "general", "@parley and this?", thread_ts=ts)
    await parley.logged(f"kept .* ts={second}")
    between = f"{(float(ts) + float(second)) / 2:.6f}"
    event = {"type": "message", "channel": of.channel, "user": parley.sandbox.users["ben"], "text": "stop"}
    await parley.slack.deliver({**event, "ts": between, "thread_ts": ts})
    await parley.logged(f"stop asked thread={of} ts={ts} ")
    assert await stops.asked(parley.redis, of, second) is None


async def test_an_admin_may_say_it_too(parley: Parley) -> None:
    of, ts = await asks(parley, "ben")
    await parley.slack.say("ada", "general", "stop", thread_ts=ts)
    await parley.logged(f"stop asked thread={of} ts={ts} ")
    assert await stops.asked(parley.redis, of, ts) == parley.sandbox.users["ada"]


@pytest.mark.parametrize("text", ["stop sign colours?", "don't stop"])
async def test_other_words_are_questions(parley: Parley, text: str) -> None:
    of, ts = await asks(parley, "ben")
    said = await parley.slack.say("ben", "general", text, thread_ts=ts)
    await parley.logged(f"kept .* ts={said}")
    assert await stops.asked(parley.redis, of, ts) is None
    assert [message.ts for message in await waiting(parley, of)] == [ts, said]


async def test_the_word_with_a_file_is_a_question(parley: Parley) -> None:
    of, ts = await asks(parley, "ben")
    said = await parley.slack.upload("ben", "general", [("sign.png", b"x")], text="stop", thread_ts=ts)
    await parley.logged(f"kept .* ts={said}")
    assert await stops.asked(parley.redis, of, ts) is None


async def test_where_nothing_is_asked_the_word_is_a_question(parley: Parley) -> None:
    of = await remembers(parley)
    said = await parley.slack.say("ben", "general", "@parley stop", thread_ts=of.ts)
    await parley.logged(f"kept .* ts={said}")
    assert [message.ts for message in await waiting(parley, of)] == [said]


async def test_slacks_own_button_stops_what_its_user_asked(parley: Parley, web: AsyncWebClient) -> None:
    of, ts = await asks(parley, "ben")
    await web.agents_sessions_setStatus(channel_id=of.channel, thread_ts=ts, status="processing")
    await parley.slack.press_stop("chidi", "general", ts)
    assert parley.sandbox.users["ben"] in (await told(parley, "chidi", ts)).text
    assert await stops.asked(parley.redis, of, ts) is None
    await parley.slack.press_stop("ben", "general", ts)
    await parley.logged(f"stop asked thread={of} ts={ts} ")


# Regenerate and Continue


async def test_regenerate_asks_the_newest_question_again(parley: Parley, web: AsyncWebClient) -> None:
    of = await remembers(parley, channel="random")
    button = await shows(web, of, footer.done(of.ts))
    await parley.slack.click("chidi", footer.REGENERATE, channel="random", ts=button)
    [message] = await waiting(parley, of)
    assert (message.again, message.user) == (of.ts, parley.sandbox.users["chidi"])
    assert float(message.ts) > float(of.ts)
    key = (of.channel, of.ts)
    await parley.slack.until(lambda: key in parley.slack.workspace.statuses)


async def test_to_delete_a_question_stops_its_being_answered_anew(parley: Parley, web: AsyncWebClient) -> None:
    of = await remembers(parley, channel="random")
    button = await shows(web, of, footer.done(of.ts))
    await parley.slack.click("chidi", footer.REGENERATE, channel="random", ts=button)
    [message] = await waiting(parley, of)
    await parley.slack.delete("ben", "random", of.ts)
    await parley.logged(f"deleted thread={of} ts={of.ts}")
    assert await stops.asked(parley.redis, of, message.ts) == parley.sandbox.users["ben"]


async def test_a_double_click_regenerates_once_and_others_are_told_to_wait(parley: Parley, web: AsyncWebClient) -> None:
    of = await remembers(parley)
    button = await shows(web, of, footer.done(of.ts))
    for _ in range(2):
        await parley.slack.click("ben", footer.REGENERATE, channel="general", ts=button)
    assert len(await waiting(parley, of)) == 1
    await parley.slack.click("chidi", footer.REGENERATE, channel="general", ts=button)
    assert (await told(parley, "chidi", of.ts)).text == BUSY.text
    assert len(await waiting(parley, of)) == 1
    assert notices(parley, of.ts) == 1


@pytest.mark.parametrize("action_id", [footer.REGENERATE, footer.CONTINUE])
async def test_a_click_counts_to_the_limits_as_a_question_does(
    parley: Parley, web: AsyncWebClient, action_id: str
) -> None:
    of = await remembers(parley, "1.1")
    button = await shows(web, of, footer.done("1.1", continuable=True))
    limits = keys.limits(parley.sandbox.team)
    await parley.redis.hset(limits, "each minute", 0)
    await parley.slack.click("ben", action_id, channel="general", ts=button)
    assert (await told(parley, "ben", of.ts)).text.startswith("I take no messages from you at the moment")
    assert await waiting(parley, of) == []
    await parley.redis.delete(limits)


@pytest.mark.parametrize("action_id", [footer.REGENERATE, footer.CONTINUE])
async def test_an_older_answer_stays_as_it_is(parley: Parley, web: AsyncWebClient, action_id: str) -> None:
    of = await remembers(parley, "1.1", "1.2")
    button = await shows(web, of, footer.done("1.1", continuable=True))
    await parley.slack.click("ben", action_id, channel="general", ts=button)
    assert (await told(parley, "ben", of.ts)).text == OLDER.text
    assert await waiting(parley, of) == []


@pytest.mark.parametrize("action_id", [footer.REGENERATE, footer.CONTINUE])
async def test_what_is_forgotten_cannot_be_asked_again(parley: Parley, web: AsyncWebClient, action_id: str) -> None:
    of = thread(parley, await parley.slack.say("ben", "general", "hello"))
    button = await shows(web, of, footer.done("1.1", continuable=True, simple=True))
    await parley.slack.click("ben", action_id, channel="general", ts=button)
    assert (await told(parley, "ben", of.ts)).text == FORGOTTEN.text


async def test_continue_asks_to_go_on_once(parley: Parley, web: AsyncWebClient) -> None:
    of = await remembers(parley)
    button = await shows(web, of, footer.stopped(of.ts, continuable=True))
    for _ in range(2):
        await parley.slack.click("chidi", footer.CONTINUE, channel="general", ts=button)
    [message] = await waiting(parley, of)
    assert (message.text, message.again, message.user) == (GO_ON, None, parley.sandbox.users["chidi"])


# Who may


async def test_a_person_of_another_company_clicks_only_where_such_people_are_answered(
    parley: Parley, web: AsyncWebClient
) -> None:
    of = await remembers(parley, channel="engineering")
    button = await shows(web, of, footer.done(of.ts))
    before = await counted(parley)
    for action_id, value in ((footer.REGENERATE, None), (footer.FEEDBACK, f"bad {of.ts}")):
        await parley.slack.click("gwen", action_id, channel="engineering", ts=button, value=value)
        assert (await told(parley, "gwen", of.ts)).text == NOT_HERE
    assert (await waiting(parley, of), await counted(parley)) == ([], before)
    rules = keys.channel_policy(of.team, of.channel)
    await parley.redis.hset(rules, "external", "on")
    await parley.slack.click("gwen", footer.REGENERATE, channel="engineering", ts=button)
    [asked] = await waiting(parley, of)
    assert (asked.user, asked.again) == (parley.sandbox.users["gwen"], of.ts)
    mine = await shows(web, of, footer.streaming(asked.ts))
    await parley.slack.click("gwen", footer.STOP, channel="engineering", ts=mine)
    assert await stops.asked(parley.redis, of, asked.ts) == parley.sandbox.users["gwen"]
    await parley.redis.delete(rules)


async def test_a_click_from_another_companys_workspace_is_kept_under_our_own(
    parley: Parley, web: AsyncWebClient
) -> None:
    """Invariant 13, wherever Slack says that it was clicked."""
    of = await remembers(parley, channel="engineering")
    partner, gwen = parley.slack.workspace.partner, parley.sandbox.users["gwen"]
    rules = keys.channel_policy(of.team, of.channel)
    await parley.redis.hset(rules, "external", "on")
    payload = {
        "type": "block_actions",
        "user": {"id": gwen, "team_id": partner},
        "team": {"id": partner},
        "container": {"type": "message", "message_ts": "1.2", "channel_id": of.channel, "thread_ts": of.ts},
        "actions": [{"action_id": f"{footer.FEEDBACK}_bad", "action_ts": "1.3", "value": f"bad {of.ts}"}],
    }
    for allowed in (True, False):
        await parley.redis.hset(rules, "external", "on" if allowed else "off")
        await parley.redis.delete(keys.votes(of, "1.2"))
        await parley.slack.delivery.ask("interactive", payload, "block_actions")
        assert await parley.redis.hexists(keys.votes(of, "1.2"), gwen) is allowed
    assert [key async for key in parley.redis.scan_iter(f"{partner}:*")] == []
    await parley.redis.delete(rules)


@pytest.mark.parametrize("action_id", [footer.REGENERATE, footer.CONTINUE])
async def test_whoever_may_not_ask_may_not_ask_again(parley: Parley, web: AsyncWebClient, action_id: str) -> None:
    of = await remembers(parley)
    button = await shows(web, of, footer.stopped(of.ts, continuable=True))
    team, chidi = of.team, parley.sandbox.users["chidi"]
    rules = keys.workspace_policy(team)
    await parley.slack.set_guest("chidi", True)
    await parley.redis.delete(keys.guest(team, chidi))
    await parley.slack.click("chidi", action_id, channel="general", ts=button)
    assert (await told(parley, "chidi", of.ts)).text == NOT_HERE
    await parley.redis.hset(rules, "channels", "C0OTHER")
    await parley.slack.click("ben", action_id, channel="general", ts=button)
    assert (await told(parley, "ben", of.ts)).text == NOT_HERE
    assert await waiting(parley, of) == []
    await parley.redis.delete(rules)
    await parley.redis.hset(rules, "guests", "on")
    await parley.slack.click("chidi", action_id, channel="general", ts=button)
    assert [message.user for message in await waiting(parley, of)] == [chidi]
    await parley.redis.delete(rules, keys.guest(team, chidi))
    await parley.slack.set_guest("chidi", False)


async def test_while_slack_does_not_say_whether_somebody_is_a_guest_a_click_asks_nothing(
    parley: Parley, web: AsyncWebClient
) -> None:
    of = await remembers(parley)
    button = await shows(web, of, footer.stopped(of.ts, continuable=True))
    chidi = parley.sandbox.users["chidi"]
    await parley.redis.delete(keys.guest(of.team, chidi), keys.last_guest(of.team, chidi))
    parley.sandbox.faults.add("users.info", "status", status=503)
    await parley.slack.click("chidi", footer.CONTINUE, channel="general", ts=button)
    assert (await told(parley, "chidi", of.ts)).text == UNKNOWN
    assert await waiting(parley, of) == []


async def test_a_guest_may_say_what_they_think_and_stop_what_they_asked(parley: Parley, web: AsyncWebClient) -> None:
    of, ts = await asks(parley, "chidi")
    button = await shows(web, of, [*footer.streaming(ts), *footer.done(ts)])
    before = await counted(parley)
    await parley.slack.set_guest("chidi", True)
    await parley.redis.delete(keys.guest(of.team, parley.sandbox.users["chidi"]))
    await parley.slack.click("chidi", footer.STOP, channel="general", ts=button)
    await parley.slack.click("chidi", footer.FEEDBACK, channel="general", ts=button, value=f"bad {ts}")
    assert await stops.asked(parley.redis, of, ts) == parley.sandbox.users["chidi"]
    assert await counted(parley) == {**before, "bad": before["bad"] + 1}
    await parley.slack.set_guest("chidi", False)


async def test_asking_again_counts_as_a_message(parley: Parley, web: AsyncWebClient) -> None:
    of = await remembers(parley)
    button = await shows(web, of, footer.done(of.ts))
    await parley.steer("limit set 1 minute @ben")
    await parley.redis.delete(*[name async for name in parley.redis.scan_iter(f"{of.team}:rate:*")], "none")
    await asks(parley, "ben")
    await parley.slack.click("ben", footer.REGENERATE, channel="general", ts=button)
    assert (await told(parley, "ben", of.ts)).text.startswith("I take 1 message a minute from you")
    assert await waiting(parley, of) == []
    await parley.redis.delete(keys.limits(of.team))


async def test_who_clicks_while_redis_hangs_is_told_to_try_again(parley: Parley, web: AsyncWebClient) -> None:
    of, ts = await asks(parley, "ben")
    button = await shows(web, of, footer.streaming(ts))
    await parley.redis.client_pause(4000)
    await parley.slack.click("ben", footer.STOP, channel="general", ts=button)
    assert (await told(parley, "ben", ts)).text == AWAY.text
    await parley.redis.client_unpause()


# Feedback


async def counted(parley: Parley) -> dict[feedback.Rating, int]:
    return await feedback.sums(parley.redis, parley.sandbox.team, [datetime.now(UTC).date()])


async def test_votes_are_counted_and_a_changed_vote_moves(parley: Parley, web: AsyncWebClient) -> None:
    before = await counted(parley)
    of = await remembers(parley)
    button = await shows(web, of, footer.done(of.ts))
    for user, vote in (("ben", "good"), ("ben", "good"), ("chidi", "good"), ("ben", "bad")):
        await parley.slack.click(user, footer.FEEDBACK, channel="general", ts=button, value=f"{vote} {of.ts}")
    assert await counted(parley) == {"good": before["good"] + 1, "bad": before["bad"] + 1}
    assert (await told(parley, "chidi", of.ts)).text == feedback_view.THANKS
    await parley.slack.until(lambda: notices(parley, of.ts) == 3)


async def test_votes_count_the_same_without_the_newer_blocks(parley: Parley, web: AsyncWebClient) -> None:
    before = await counted(parley)
    of = await remembers(parley)
    button = await shows(web, of, footer.done(of.ts, simple=True))
    await parley.slack.click("ben", f"{footer.FEEDBACK}_bad", channel="general", ts=button)
    await parley.slack.click("chidi", f"{footer.FEEDBACK}_good", channel="general", ts=button)
    assert await counted(parley) == {"good": before["good"] + 1, "bad": before["bad"] + 1}


async def test_who_is_not_content_may_say_why(parley: Parley, web: AsyncWebClient) -> None:
    of = await remembers(parley)
    button = await shows(web, of, footer.done(of.ts))
    await parley.slack.click("ben", footer.FEEDBACK, channel="general", ts=button, value=f"bad {of.ts}")
    notice = await told(parley, "ben", of.ts)
    await parley.slack.click("ben", feedback_view.COMMENT, channel="general", ts=notice.ts)
    [form] = (await parley.slack.until(lambda: list(parley.slack.views.open.values())))[-1:]
    value = {"type": "plain_text_input", "value": "Confidently wrong."}
    posts = len(parley.sandbox.journal.entries("slack.request", "chat.postMessage"))
    await parley.slack.submit("ben", form.id, {feedback_view.INPUT: {feedback_view.INPUT: value}})
    kept = await feedback.comments(parley.redis, parley.sandbox.team, datetime.now(UTC).date())
    comment = feedback.Comment(of, button, parley.sandbox.users["ben"], "Confidently wrong.")
    assert comment in kept
    assert parley.slack.views.open == {}
    assert "Confidently" not in parley.log
    # Nobody has set ADMIN_CHANNEL.
    await asyncio.sleep(0.2)
    assert len(parley.sandbox.journal.entries("slack.request", "chat.postMessage")) == posts
    assert f"comment not told answer={button}" not in parley.log


async def test_a_comment_is_on_the_answer_that_the_button_names(parley: Parley, web: AsyncWebClient) -> None:
    """The place of a message that only one person sees may lack its thread."""
    of = await remembers(parley)
    payload = {
        "type": "block_actions",
        "user": {"id": parley.sandbox.users["ben"], "team_id": of.team},
        "team": {"id": of.team},
        "trigger_id": parley.slack.world.triggers.new(parley.sandbox.users["ben"]),
        "container": {"type": "message", "message_ts": "1.9", "channel_id": of.channel, "is_ephemeral": True},
        "actions": [{"action_id": feedback_view.COMMENT, "action_ts": "1.3", "value": f"{of.ts} 1.2"}],
    }
    await parley.slack.delivery.ask("interactive", payload, "block_actions")
    [form] = await parley.slack.until(lambda: list(parley.slack.views.open.values()))
    value = {"type": "plain_text_input", "value": "Hm."}
    await parley.slack.submit("ben", form.id, {feedback_view.INPUT: {feedback_view.INPUT: value}})
    kept = await feedback.comments(parley.redis, of.team, datetime.now(UTC).date())
    assert feedback.Comment(of, "1.2", parley.sandbox.users["ben"], "Hm.") in kept


# What nobody may rely on


@pytest.mark.parametrize(
    "change",
    [
        {"actions": []},
        {"actions": None},
        {"actions": [{"action_id": footer.STOP}]},
        {"actions": [{"action_id": 7, "action_ts": "1.1"}]},
        {"actions": [{"action_id": footer.STOP, "action_ts": "1.1", "value": {"a": 1}}]},
        {"actions": [{"action_id": footer.FEEDBACK, "action_ts": "1.1", "value": "great 1.1"}]},
        {"actions": [{"action_id": feedback_view.COMMENT, "action_ts": "1.1", "value": "x"}], "trigger_id": None},
        {"user": None},
        {"user": {"id": None}, "container": 5, "channel": "C1", "message": []},
        {"type": "view_submission", "view": {"callback_id": feedback_view.COMMENT, "state": None}},
        {"type": "view_submission", "view": {"callback_id": feedback_view.COMMENT, "private_metadata": 7}},
    ],
)
async def test_a_strange_click_leaves_no_traceback(parley: Parley, change: dict[str, Any]) -> None:
    of = thread(parley, "1.1")
    payload = {
        "type": "block_actions",
        "user": {"id": parley.sandbox.users["ben"], "team_id": of.team},
        "team": {"id": of.team},
        "container": {"type": "message", "message_ts": "1.2", "channel_id": of.channel, "thread_ts": "1.1"},
        "actions": [{"action_id": footer.REGENERATE, "action_ts": "1.3", "value": "1.1"}],
    }
    with contextlib.suppress(Unanswered):
        await parley.slack.delivery.ask("interactive", {**payload, **change}, "block_actions")
    assert "Traceback" not in parley.log
