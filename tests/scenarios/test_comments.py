"""A comment on an answer reaches those who look after Parley: ADMIN_CHANNEL at once, and the export."""

import asyncio
import csv
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from bot.sandbox.slack.world.records import Message, id_for
from bot.store import keys
from bot.store.counts import feedback
from bot.store.counts.feedback import Comment, Vote
from bot.talk.message import Thread
from bot.views import feedback as view
from tests.kit.parley import Parley
from tests.scenarios.conftest import on_shared_redis

pytestmark = pytest.mark.asyncio(loop_scope="package")

FOR_ADMINS = "random"
HOSTILE = "<!channel> <@U0BEN> &lt;!here&gt; *bold* https://evil.example/x.png <https://evil.example|good.example>"


@pytest_asyncio.fixture(scope="module", loop_scope="package", params=["socket", "http"])
async def parley(
    request: pytest.FixtureRequest, redis_server: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Parley]:
    folder = tmp_path_factory.mktemp(request.param)
    settings = {"ADMIN_CHANNEL": id_for("C", FOR_ADMINS), "LOG_LEVEL": "DEBUG"}
    async with on_shared_redis(redis_server, folder, request.param, workers=0, **settings) as parley:
        parley.slack.limits.on = False
        yield parley


async def submits(parley: Parley, text: str, answer: str, user: str = "ben", channel: str = "general") -> Any:
    """What Slack is answered to a form about this answer, which has a thread of its own."""
    opened = await opens(parley, answer, user, channel)
    value = {"type": "plain_text_input", "value": text}
    return await parley.slack.submit(user, opened.id, {view.INPUT: {view.INPUT: value}})


async def opens(parley: Parley, answer: str, user: str, channel: str) -> Any:
    own = parley.sandbox.users[user]
    payload = {
        "type": "block_actions",
        "user": {"id": own, "team_id": parley.sandbox.team},
        "team": {"id": parley.sandbox.team},
        "trigger_id": parley.slack.world.triggers.new(own),
        "container": {"type": "message", "message_ts": "1.9", "channel_id": parley.sandbox.channels[channel]},
        "actions": [{"action_id": view.COMMENT, "action_ts": "1.3", "value": f"{answer} {answer}"}],
    }
    before = set(parley.slack.views.open)
    await parley.slack.delivery.ask("interactive", payload, "block_actions")
    found = await parley.slack.until(lambda: [v for k, v in parley.slack.views.open.items() if k not in before])
    return found[0]


async def answered(parley: Parley, channel: str = "general") -> str:
    """The ts of a message that a comment can be on."""
    return await parley.slack.say("chidi", channel, "an answer, as far as this test is concerned")


def told(parley: Parley) -> list[Message]:
    """What stands in the channel for the admins."""
    return list(parley.slack.workspace.channel(FOR_ADMINS, parley.slack.workspace.person("ada")).messages.values())


async def newest(parley: Parley, before: int) -> Message:
    await parley.slack.until(lambda: len(told(parley)) > before)
    [message] = told(parley)[before:]
    return message


async def test_a_comment_is_told_to_the_admins(parley: Parley) -> None:
    answer, before = await answered(parley), len(told(parley))
    await submits(parley, "Confidently wrong.", answer)
    message = await newest(parley, before)
    [block] = message.blocks
    about, quote = block["elements"]
    assert quote == {"type": "rich_text_quote", "elements": [{"type": "text", "text": "Confidently wrong."}]}
    [link] = [each for each in about["elements"] if each["type"] == "link"]
    assert link["url"].endswith(f"/archives/{parley.sandbox.channels['general']}/p{answer.replace('.', '')}")
    assert parley.sandbox.users["ben"] in str(about)
    assert "ben" in str(about).lower()
    [post] = parley.sandbox.journal.entries("slack.request", "chat.postMessage")[-1:]
    assert post.data["unfurl_links"] is post.data["unfurl_media"] is False
    assert "Confidently" not in parley.log


async def test_what_is_hostile_in_it_is_text_and_nothing_else(parley: Parley) -> None:
    answer, before = await answered(parley), len(told(parley))
    await submits(parley, HOSTILE, answer)
    message = await newest(parley, before)
    assert message.blocks[0]["elements"][1]["elements"] == [{"type": "text", "text": HOSTILE}]
    assert message.text == view.ABOUT
    assert len(message.blocks) == 1


async def test_the_same_comment_sent_again_is_told_once(parley: Parley) -> None:
    answer, before = await answered(parley), len(told(parley))
    for text in ("Too long.", "Too long.", "Far too long."):
        await submits(parley, text, answer)
        await parley.slack.until(lambda: len(told(parley)) > before)
    await parley.slack.until(lambda: len(told(parley)) == before + 2)
    await parley.logged(f"comment not told answer={answer} user={parley.sandbox.users['ben']} reason=a repetition")
    quoted = [message.blocks[0]["elements"][1]["elements"][0]["text"] for message in told(parley)[before:]]
    assert quoted == ["Too long.", "Far too long."]


async def test_a_form_is_answered_before_the_admins_are_told(parley: Parley) -> None:
    answer, before = await answered(parley), len(told(parley))
    for method in ("users.info", "chat.getPermalink", "chat.postMessage"):
        parley.sandbox.faults.add(method, "delay", seconds=1.5, times=1)
    await parley.redis.delete(keys.person(parley.sandbox.team, parley.sandbox.users["ben"]))
    opened = await opens(parley, answer, "ben", "general")
    value = {"type": "plain_text_input", "value": "Slow."}
    await parley.slack.submit("ben", opened.id, {view.INPUT: {view.INPUT: value}})
    assert len(told(parley)) == before
    assert opened.id not in parley.slack.views.open
    await newest(parley, before)


async def test_without_a_permalink_and_a_name_it_is_told_all_the_same(parley: Parley) -> None:
    before = len(told(parley))
    parley.sandbox.faults.add("users.info", "error", error="internal_error", times=1)
    await parley.redis.delete(keys.person(parley.sandbox.team, parley.sandbox.users["ben"]))
    await submits(parley, "Gone.", "1763700000.000001")
    message = await newest(parley, before)
    assert f"channel {parley.sandbox.channels['general']}, message 1763700000.000001" in str(message.blocks)


@pytest.mark.parametrize("error", ["is_archived", "channel_not_found", "internal_error"])
async def test_a_refusal_of_slacks_is_one_line_without_the_text(parley: Parley, error: str) -> None:
    answer, before = await answered(parley), len(told(parley))
    parley.sandbox.faults.add("chat.postMessage", "error", error=error, times=1)
    assert not await submits(parley, "A secret.", answer)
    await parley.logged(rf"WARNING .*comment not told answer={answer} .*error={error}")
    assert len([line for line in parley.log.splitlines() if f"answer={answer}" in line and "not told" in line]) == 1
    assert len(told(parley)) == before
    assert "A secret." not in parley.log
    kept = await feedback.comments(parley.redis, parley.sandbox.team, datetime.now(UTC).date())
    assert "A secret." in [one.text for one in kept]


async def test_a_comment_that_was_not_kept_is_not_told_before_it_is(parley: Parley) -> None:
    answer, before = await answered(parley), len(told(parley))
    opened = await opens(parley, answer, "ben", "general")
    value = {view.INPUT: {view.INPUT: {"type": "plain_text_input", "value": "Again."}}}
    await parley.redis.client_pause(3500)
    assert (await parley.slack.submit("ben", opened.id, value))["response_action"] == "errors"
    assert len(told(parley)) == before
    await parley.redis.client_unpause()
    await asyncio.sleep(0.2)
    await parley.slack.submit("ben", opened.id, value)
    await newest(parley, before)


# The export


async def exported(parley: Parley, text: str = "export today") -> list[Any]:
    """The files of the direct message that comes."""
    admin = parley.slack.workspace.person("ada")
    before = set(parley.slack.workspace.channel("dm", admin).messages)

    def come() -> list[Any]:
        messages = parley.slack.workspace.channel("dm", admin).messages
        return [message.files for ts, message in messages.items() if ts not in before and message.files]

    await parley.slack.command("ada", "general", "/parley", text)
    [files] = await parley.slack.until(come)
    return list(files)


@pytest_asyncio.fixture(loop_scope="package")
async def forgotten(parley: Parley) -> None:
    """No feedback and nothing used so far."""
    await parley.redis.sadd(keys.TEAMS, parley.sandbox.team)
    for kind in ("usage:*", "comments:*", "feedback:*", "*:votes:*"):
        async for key in parley.redis.scan_iter(f"{parley.sandbox.team}:{kind}", count=1000):
            await parley.redis.delete(key)


async def test_an_export_has_votes_and_comments_in_a_file_of_their_own(parley: Parley, forgotten: None) -> None:
    team, users = parley.sandbox.team, parley.sandbox.users
    thread, day = Thread(team, parley.sandbox.channels["general"], "1.1"), datetime.now(UTC).date()
    await feedback.vote(parley.redis, Vote(thread, "1.2", users["ben"], "bad", day, "claude-sonnet-5-5"))
    await feedback.comment(
        parley.redis, Comment(thread, "1.2", users["ben"], '=HYPERLINK("https://evil.example")'), day
    )
    await feedback.vote(parley.redis, Vote(thread, "1.2", users["chidi"], "good", day))
    await feedback.vote(parley.redis, Vote(thread, "1.2", users["ada"], "good", day - timedelta(days=1)))
    used, given = await exported(parley)
    assert (used.name, given.name) == (f"parley-usage-{day}-{day}.csv", f"parley-feedback-{day}-{day}.csv")
    assert used.title.startswith("Usage, ")
    assert given.title == used.title.replace("Usage", "Feedback")
    rows = list(csv.DictReader(given.content.decode().splitlines()))
    common = {"day": str(day), "channel": thread.channel, "thread": "1.1", "answer": "1.2"}
    ben = {"user": users["ben"], "model": "claude-sonnet-5-5", "vote": "bad"}
    chidi = {"user": users["chidi"], "model": "", "vote": "good"}
    expected = [
        {**common, **ben, "comment": '\'=HYPERLINK("https://evil.example")'},
        {**common, **chidi, "comment": ""},
    ]
    assert sorted(rows, key=lambda row: row["vote"]) == expected
    assert "evil" not in parley.log


async def test_without_feedback_there_is_one_file(parley: Parley, forgotten: None) -> None:
    thread = Thread(parley.sandbox.team, parley.sandbox.channels["general"], "1.1")
    day = datetime.now(UTC).date()
    await feedback.vote(parley.redis, Vote(thread, "1.2", parley.sandbox.users["ben"], "bad", day))
    # What somebody has forgotten is gone, the counts are not.
    await parley.redis.delete(keys.votes(thread, "1.2"))
    assert [file.name for file in await exported(parley)] == [f"parley-usage-{day}-{day}.csv"]


async def test_comments_alone_are_exported_too(parley: Parley, forgotten: None) -> None:
    thread = Thread(parley.sandbox.team, parley.sandbox.channels["general"], "1.1")
    day = datetime.now(UTC).date()
    await feedback.comment(parley.redis, Comment(thread, "1.2", parley.sandbox.users["ben"], "Hm."), day)
    assert [file.name for file in await exported(parley)] == [f"parley-feedback-{day}-{day}.csv"]
