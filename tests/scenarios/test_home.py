"""The Home tab, the first direct message, and the first day in a channel."""

import time

import pytest

from bot.sandbox.slack.world.records import Message
from bot.store import keys
from bot.store.counts import usage
from bot.store.counts.usage import BilledPiece, Counted
from bot.views.home import AWAY
from tests.kit.parley import Parley, payload

pytestmark = pytest.mark.asyncio(loop_scope="package")


def introductions(parley: Parley, channel: str) -> list[Message]:
    place = parley.slack.workspace.channel(channel)
    ours = [m for m in place.messages.values() if m.user == parley.sandbox.bot_user and not payload(m)]
    return [message for message in ours if message.text.startswith("Hi! I answer questions with Claude")]


async def stranger(parley: Parley, channel: str) -> str:
    """The channel's id, where nobody has seen us yet."""
    channel = parley.sandbox.channels[channel]
    await parley.redis.delete(keys.introduced(parley.sandbox.team, channel))
    return channel


async def home(parley: Parley, user: str) -> str:
    """What the person's Home tab shows after they opened it."""
    person = parley.sandbox.users[user]
    before = parley.slack.views.homes.get(person)
    seen, homes = before.hash if before else "", parley.slack.views.homes
    await parley.slack.open_home(user)
    await parley.slack.until(lambda: person in homes and homes[person].hash != seen, within=10)
    return str(homes[person].given["blocks"])


async def test_whoever_opens_the_direct_messages_gets_prompts_and_one_introduction(parley: Parley) -> None:
    channel = await stranger(parley, "@ben")
    for _ in range(2):
        await parley.slack.open_home("ben", "messages")
    await parley.slack.until(lambda: introductions(parley, "@ben") and (channel, "") in parley.slack.workspace.prompts)
    assert 1 <= len(parley.slack.workspace.prompts[channel, ""]["prompts"]) <= 4
    ts = await parley.slack.say("ben", "dm", "hello")
    await parley.answers(channel, ts)
    assert len(introductions(parley, "@ben")) == 1


async def test_the_first_direct_message_gets_the_introduction_and_its_thread_a_title(parley: Parley) -> None:
    channel = await stranger(parley, "@chidi")
    question = "what is the capital of the country " + "with a very long name " * 10
    ts = await parley.slack.say("chidi", "dm", question)
    await parley.answers(channel, ts)
    await parley.slack.until(lambda: introductions(parley, "@chidi"))
    title = parley.slack.workspace.titles[channel, ts]
    assert title.startswith("what is the capital of the country")
    assert title.endswith("…")
    assert len(title) <= 60
    again = await parley.slack.say("chidi", "dm", "and again")
    await parley.answers(channel, again)
    assert len(introductions(parley, "@chidi")) == 1


async def test_slack_without_an_agent_view_costs_no_answer(parley: Parley) -> None:
    for method in ("assistant.threads.setTitle", "assistant.threads.setStatus"):
        parley.sandbox.faults.add(method, "error", error="not_agent_app")
    channel = parley.sandbox.channels["@ada"]
    ts = await parley.slack.say("ada", "dm", "hello")
    assert await parley.answers(channel, ts)


async def test_a_channel_that_adds_us_gets_one_introduction(parley: Parley) -> None:
    await stranger(parley, "random")
    before = len(introductions(parley, "random"))
    for _ in range(2):
        await parley.slack.remove("parley", "random")
        await parley.slack.invite("parley", "random")
    await parley.slack.until(lambda: introductions(parley, "random")[before:])
    await parley.slack.invite("gwen", "random")
    ts = await parley.slack.say("ada", "random", "@parley hello")
    await parley.answers("random", ts)
    [introduction] = introductions(parley, "random")[before:]
    assert f"<@{parley.sandbox.bot_user}>" in introduction.text


async def test_the_home_tab_shows_what_happens_to_data_and_the_newest_threads(parley: Parley) -> None:
    ts = await parley.slack.say("ada", "general", "@parley a thread to be found")
    await parley.answers("general", ts)
    shown = await home(parley, "ada")
    assert "Claude API" in shown
    assert "kept for 30 days" in shown
    assert f"<#{parley.sandbox.channels['general']}>" in shown
    assert ts.replace(".", "") in shown
    assert ts.replace(".", "") not in await home(parley, "chidi")


async def test_the_button_forgets_the_direct_messages(parley: Parley) -> None:
    channel = parley.sandbox.channels["@ada"]
    ts = await parley.slack.say("ada", "dm", "a secret")
    await parley.answers(channel, ts)
    await parley.remembered(channel, ts, turns=2)
    assert ts.replace(".", "") in await home(parley, "ada")
    view = parley.slack.views.homes[parley.sandbox.users["ada"]]
    await parley.slack.click("ada", "parley_forget", view_id=view.id)
    await parley.remembered(channel, ts, turns=0)
    await parley.slack.until(lambda: ts.replace(".", "") not in str(view.given["blocks"]))


async def use(parley: Parley, user: str, channel: str, cost: int) -> None:
    """One answer of today."""
    sandbox = parley.sandbox
    await parley.redis.sadd(keys.TEAMS, sandbox.team)
    piece = BilledPiece("claude-sonnet-5-5", 1_000, 500, cost=cost)
    place, person = sandbox.channels[channel], sandbox.users[user]
    async with parley.redis.pipeline() as pipe:
        usage.count(pipe, Counted(sandbox.team, place, person, time.time(), piece.model, "answer", (piece,), 0.8, 4.0))
        await pipe.execute()


async def test_everybody_sees_their_own_month_and_admins_the_workspaces_too(parley: Parley) -> None:
    async for key in parley.redis.scan_iter(f"{parley.sandbox.team}:usage:*"):
        await parley.redis.delete(key)
    await use(parley, "ada", "general", 1_000_000)
    await use(parley, "ben", "random", 4_000_000)
    for words in ("set $8 month", "set $2 day each"):
        await parley.steer(f"budget {words}")
    ben = await home(parley, "ben")
    assert "*Questions*\\n1'" in ben
    assert "*Cost*\\n$4.00'" in ben
    assert " of $2.00 a day spent (" in ben
    assert "This workspace" not in ben
    ada = await home(parley, "ada")
    assert "*Cost*\\n$1.00'" in ada
    assert "*Cost*\\n$5.00 (before: none)" in ada
    assert "*People*\\n2" in ada
    assert f"<#{parley.sandbox.channels['random']}>, $4.00" in ada
    assert "this workspace: $" in ada
    assert " of $8.00 a month spent (" in ada
    assert "`/parley audit`" in ada


async def test_what_slack_does_not_tell_of_a_person_leaves_the_rest_of_the_tab(parley: Parley) -> None:
    await parley.redis.delete(keys.admin(parley.sandbox.team, parley.sandbox.users["ada"]))
    parley.sandbox.faults.add("users.info", "status", status=503)
    shown = await home(parley, "ada")
    assert "Your usage this month" in shown
    assert AWAY not in shown
    assert "This workspace" not in shown
    parley.sandbox.faults.clear()
    assert "This workspace" in await home(parley, "ada")


async def test_without_redis_the_tab_says_what_it_can(parley: Parley) -> None:
    await parley.redis.client_pause(5_500)
    try:
        shown = await home(parley, "ben")
    finally:
        await parley.redis.client_unpause()
    assert "kept for 30 days" in shown
    assert shown.count(AWAY) == 2
    assert "Forget our direct messages" in shown
