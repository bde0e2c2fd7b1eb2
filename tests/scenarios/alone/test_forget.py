"""`/parley forget`: who may have forgotten what, and that nothing is before they have confirmed it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bot.sandbox.claude.answers import Answer
from bot.sandbox.slack.responses import Reply
from bot.sandbox.slack.world.records import Message
from bot.store import keys
from bot.store.rules import audit
from bot.views.forget import CONFIRM, NOTHING, NOTHING_OF_YOURS, STALE
from bot.views.refusals import NOT_HERE
from tests.kit.parley import Parley
from tests.scenarios.conftest import running

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["socket", "http"])
async def parley(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Parley]:
    async with running(tmp_path_factory, request.param) as parley:
        yield parley


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nothing_is_known(parley: Parley) -> None:
    """Of no channel."""
    for channel in parley.sandbox.channels.values():
        for key in [key async for key in parley.redis.scan_iter(f"{parley.sandbox.team}:{channel}:*", count=1000)]:
            await parley.redis.delete(key)


async def asked(parley: Parley, user: str, channel: str = "random") -> str:
    place = parley.sandbox.channels.get(channel, channel)
    ts = await parley.slack.say(user, "dm" if channel.startswith("@") else channel, "@parley a secret")
    await parley.answers(place, ts)
    await parley.remembered(place, ts, turns=2)
    return ts


async def forgets(parley: Parley, user: str, channel: str = "random") -> Message:
    """What somebody is shown who types the command."""
    return await parley.command(user, "forget", channel)


async def press(parley: Parley, user: str, question: Message, channel: str = "random") -> str:
    """What stands in place of the question after its button was pressed."""
    before = question.text
    await parley.slack.click(user, CONFIRM, channel=channel, ts=question.ts)
    await parley.slack.until(lambda: question.text != before)
    assert question.blocks == []
    return question.text


async def recorded(parley: Parley) -> list[tuple[str, str, str | None]]:
    entries = await audit.changes(parley.redis, parley.sandbox.team, 0, 10)
    return [(entry.by, entry.what, entry.before) for entry in entries]


async def forged(parley: Parley, user: str, value: str, channel: str = "random") -> str:
    """What somebody is told who has made up a click."""
    notices = parley.slack.workspace.ephemerals
    before = len(notices)
    place, person = parley.sandbox.channels[channel], parley.sandbox.users[user]
    click: dict[str, Any] = {
        "type": "block_actions",
        "user": {"id": person, "team_id": parley.sandbox.team},
        "team": {"id": parley.sandbox.team},
        "container": {"type": "message", "message_ts": "1700000000.000100", "channel_id": place, "is_ephemeral": True},
        "channel": {"id": place},
        "actions": [{"type": "button", "action_id": CONFIRM, "value": value, "action_ts": "1700000000.000200"}],
        "response_url": parley.slack.responses.url(Reply(place, person)),
    }
    await parley.slack.delivery.ask("interactive", click, "block_actions")
    await parley.slack.until(lambda: len(notices) > before)
    [(who, notice)] = notices[before:]
    assert who == person
    return notice.text


def value_of(question: Message) -> str:
    return str(question.blocks[1]["elements"][0]["value"])


async def test_a_member_forgets_what_nobody_else_asked_once_it_is_confirmed(parley: Parley) -> None:
    own, other = await asked(parley, "ben"), await asked(parley, "chidi")
    question = await forgets(parley, "ben")
    assert "1 conversation in this channel in which nobody but you asked me" in question.text
    assert "An admin can forget all" in question.text
    assert len(await parley.history("random", own)) == 2
    assert (await press(parley, "ben", question)).startswith("Done. I have forgotten 1 conversation here")
    assert await parley.history("random", own) == []
    assert len(await parley.history("random", other)) == 2
    place, ben = parley.sandbox.channels["random"], parley.sandbox.users["ben"]
    assert (await recorded(parley))[0] == (ben, f"forget channel:{place} own", "1 conversation")
    assert (await forgets(parley, "ben")).text == NOTHING_OF_YOURS


async def test_an_admin_forgets_the_channel_and_everybody_with_rights_sees_who_did(parley: Parley) -> None:
    first, second, elsewhere = (
        await asked(parley, "ben"),
        await asked(parley, "chidi"),
        await asked(parley, "ben", "general"),
    )
    question = await forgets(parley, "ada")
    assert "all 2 conversations in this channel, for everybody" in question.text
    assert "2 conversations" in await press(parley, "ada", question)
    assert await parley.history("random", first) == await parley.history("random", second) == []
    assert len(await parley.history("general", elsewhere)) == 2
    shown = (await parley.command("ada", "audit")).text.splitlines()[0]
    ada, place = parley.sandbox.users["ada"], parley.sandbox.channels["random"]
    assert f"<@{ada}> forget of <#{place}>: `2 conversations` → _nothing_" in shown
    assert (await forgets(parley, "ada")).text == NOTHING


async def test_in_direct_messages_their_person_forgets_all(parley: Parley) -> None:
    ts = await asked(parley, "ben", "@ben")
    question = await parley.command("ben", "forget", "dm")
    assert "1 conversation in these direct messages" in question.text
    await press(parley, "ben", question, "dm")
    assert await parley.history("@ben", ts) == []
    ben = parley.sandbox.users["ben"]
    assert (await recorded(parley))[0] == (ben, f"forget user:{ben} direct messages", "1 conversation")
    assert f"forget direct messages of <@{ben}>" in (await parley.command("ada", "audit")).text


async def test_what_waits_and_what_is_being_written_is_forgotten_too(parley: Parley) -> None:
    channel = f"{parley.sandbox.team}:{parley.sandbox.channels['random']}"

    async def is_gone() -> bool:
        return not [key async for key in parley.redis.scan_iter(f"{channel}:*", count=1000)]

    parley.sandbox.claude.script("hold on", Answer("Held.", first_delta=6.0), times=1)
    busy = await parley.slack.say("ben", "random", "@parley hold on")
    await parley.logged(f"kept .* ts={busy}")
    waiting = await parley.slack.say("ben", "random", "and then", thread_ts=busy)
    await parley.logged(f"kept .* ts={waiting}")
    assert "1 conversation here" in await press(parley, "ben", await forgets(parley, "ben"))
    await parley.eventually(is_gone, within=20)
    assert parley.answer("random", waiting, busy) == []


@pytest.mark.parametrize("who", ["a guest", "an outsider"])
async def test_whoever_may_not_ask_may_not_forget(parley: Parley, who: str) -> None:
    ts = await asked(parley, "chidi")
    if who == "a guest":
        known = keys.guest(parley.sandbox.team, parley.sandbox.users["chidi"])
        await parley.slack.set_guest("chidi", True)
        await parley.redis.delete(known)
        told = (await forgets(parley, "chidi")).text
        await parley.slack.set_guest("chidi", False)
        await parley.redis.delete(known)
    else:
        command = {"command": "/parley", "text": "forget", "team_id": parley.slack.workspace.partner}
        command |= {"channel_id": parley.sandbox.channels["random"], "user_id": parley.sandbox.users["chidi"]}
        told = (await parley.slack.delivery.ask("slash_commands", command, "/parley"))["text"]
    assert told == NOT_HERE
    assert len(await parley.history("random", ts)) == 2


async def test_a_click_of_anybody_else_or_in_another_place_or_of_another_time_does_nothing(parley: Parley) -> None:
    first, second = await asked(parley, "ben"), await asked(parley, "ben", "general")
    before = await recorded(parley)
    question = await forgets(parley, "ben")
    value, key = (
        value_of(question),
        keys.forgetting(parley.sandbox.team, parley.sandbox.channels["random"], parley.sandbox.users["ben"]),
    )
    assert await forged(parley, "chidi", value) == STALE
    assert await forged(parley, "ada", value) == STALE
    assert await forged(parley, "ben", value, "general") == STALE
    for wrong in ("", "own", f"all {value}", f"{value} ", "*", value[:-1]):
        assert await forged(parley, "ben", wrong) == STALE
    assert 0 < await parley.redis.ttl(key) <= keys.forgetting.seconds
    assert len(await parley.history("random", first)) == len(await parley.history("general", second)) == 2
    await parley.redis.delete(key)
    assert await forged(parley, "ben", value) == STALE
    assert len(await parley.history("random", first)) == 2
    assert await recorded(parley) == before


async def test_a_button_forgets_once(parley: Parley) -> None:
    await asked(parley, "ben")
    question = await forgets(parley, "ben")
    value = value_of(question)
    await press(parley, "ben", question)
    again = await asked(parley, "ben")
    assert await forged(parley, "ben", value) == STALE
    assert len(await parley.history("random", again)) == 2


async def test_who_may_no_longer_when_they_confirm_does_not(parley: Parley) -> None:
    known = keys.admin(parley.sandbox.team, parley.sandbox.users["ben"])
    ts = await asked(parley, "chidi")
    await parley.slack.set_admin("ben", True)
    await parley.redis.delete(known)
    question = await forgets(parley, "ben")
    assert "for everybody" in question.text
    await parley.slack.set_admin("ben", False)
    await parley.redis.delete(known)
    assert await forged(parley, "ben", value_of(question)) == STALE
    assert len(await parley.history("random", ts)) == 2


async def test_the_home_tabs_button_forgets_nobody_elses_direct_messages(parley: Parley) -> None:
    ts = await asked(parley, "ben", "@ben")
    channel = parley.sandbox.channels["@ben"]
    await parley.slack.open_home("ben")
    ben, chidi = parley.sandbox.users["ben"], parley.sandbox.users["chidi"]
    view = await parley.slack.until(lambda: parley.slack.views.homes.get(ben))
    [button] = [block["elements"][0] for block in view.given["blocks"] if block["type"] == "actions"]
    for user, value in ((chidi, button["value"]), (chidi, channel), (ben, channel), (ben, f"{channel} {'0' * 32}")):
        click: dict[str, Any] = {
            "type": "block_actions",
            "user": {"id": user, "team_id": parley.sandbox.team},
            "container": {"type": "view", "view_id": view.id},
            "actions": [{"type": "button", "action_id": "parley_forget", "value": value}],
        }
        await parley.slack.delivery.ask("interactive", click, "block_actions")
    assert len(await parley.history("@ben", ts)) == 2
