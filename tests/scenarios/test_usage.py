"""`/parley usage` and `/parley export`, and what they say to whom."""

import contextlib
import csv
import time
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from bot.commands import export
from bot.commands import usage as listener
from bot.listeners.command import AWAY
from bot.sandbox.slack.world.records import Message
from bot.slack.admins import NOT_YOURS, UNKNOWN
from bot.store import keys
from bot.store.counts import usage
from bot.store.counts.usage import BilledPiece, Counted
from bot.views.usage import NOTHING, POST
from tests.kit.parley import Parley

pytestmark = pytest.mark.asyncio(loop_scope="package")

SONNET, HAIKU = "claude-sonnet-5-5", "claude-haiku-5-5"


@pytest_asyncio.fixture(loop_scope="package", autouse=True)
async def used(parley: Parley) -> None:
    """Ada asked twice in #general, Ben once in #random, each today; nobody else did anything."""
    sandbox = parley.sandbox
    parley.slack.limits.on = False
    await parley.at_rest()
    await parley.redis.sadd(keys.TEAMS, sandbox.team)
    async for key in parley.redis.scan_iter(f"{sandbox.team}:usage:*", count=1000):
        await parley.redis.delete(key)
    for user, channel, model, cost in (
        ("ada", "general", SONNET, 1_250_000),
        ("ada", "general", SONNET, 250_000),
        ("ben", "random", HAIKU, 4_000),
    ):
        piece = BilledPiece(model, 1_000, 500, read=9_000, cost=cost, saved=2_000)
        counted = Counted(
            *(sandbox.team, sandbox.channels[channel], sandbox.users[user], time.time(), model, "answer"),
            *((piece,), 0.8, 4.0),
        )
        async with parley.redis.pipeline() as pipe:
            usage.count(pipe, counted)
            await pipe.execute()


async def told(parley: Parley, text: str, user: str = "ada", channel: str = "general") -> Message:
    return await parley.command(user, text, channel)


def kinds(message: Message) -> list[str]:
    return [block["type"] for block in message.blocks]


def shown(message: Message) -> str:
    return str(message.blocks)


def button(message: Message) -> dict[str, Any] | None:
    elements = [e for block in message.blocks for e in block.get("elements", ()) if isinstance(e, dict)]
    return next((element for element in elements if element.get("action_id") == POST), None)


async def press(parley: Parley, message: Message, user: str = "ada", channel: str = "general") -> None:
    await parley.slack.click(user, POST, channel=channel, ts=message.ts)


async def test_an_admin_sees_what_all_used_within_three_seconds(parley: Parley) -> None:
    began = time.monotonic()
    report = await told(parley, "usage today")
    assert time.monotonic() - began < 3
    assert kinds(report)[:4] == ["header", "context", "section", "data_table"] or "data_visualization" in kinds(report)
    assert kinds(report).count("data_table") == 3
    assert "$1.50" in shown(report)
    assert "3 questions" in report.text
    people = next(block for block in report.blocks if block.get("caption") == "People")
    first, second = people["rows"][1:]
    assert str(parley.sandbox.users["ada"]) in str(first)
    assert [cell.get("value") for cell in first[1:]] == [1.5, 2, 21_000, 18_000, 0]
    assert [cell.get("value") for cell in second[1:]] == [0.004, 1, 10_500, 9_000, 0]
    assert button(report)


async def test_seven_days_have_a_chart_of_each_day(parley: Parley) -> None:
    report = await told(parley, "usage")
    [chart] = [block for block in report.blocks if block["type"] == "data_visualization"]
    values = [point["value"] for point in chart["chart"]["series"][0]["data"]]
    assert values == [0, 0, 0, 0, 0, 0, 1.5]


async def test_thirty_days_have_two_charts(parley: Parley) -> None:
    assert kinds(await told(parley, "usage 30d")).count("data_visualization") == 2


@pytest.mark.parametrize(
    ("text", "cost"),
    [("@ben", "$0.0040"), ("#general 30d", "$1.50"), ("7d model:haiku", "$0.0040"), ("me month", "$1.50")],
)
async def test_one_person_channel_or_model_can_be_asked_for(parley: Parley, text: str, cost: str) -> None:
    report = await told(parley, f"usage {text}")
    assert cost in shown(report)
    assert "data_table" not in kinds(report)


@pytest.mark.parametrize("text", ["me", "@ben 7d", "me 30d"])
async def test_everybody_sees_what_they_used_themselves_and_does_not_post_it(parley: Parley, text: str) -> None:
    report = await told(parley, f"usage {text}", user="ben")
    assert "$0.0040" in shown(report)
    assert button(report) is None


@pytest.mark.parametrize("text", ["", "@ada", "#general", "model:sonnet", "30d"])
async def test_what_others_used_is_for_admins(parley: Parley, text: str) -> None:
    said = (await told(parley, f"usage {text}", user="ben")).text
    assert said == f"{NOT_YOURS.format(whom='an admin or owner of this workspace')} {listener.YOURS}"


@pytest.mark.parametrize("text", ["usage", "usage @ben 7d", "export"])
async def test_who_cannot_be_told_to_be_an_admin_is_refused(parley: Parley, text: str) -> None:
    await parley.redis.delete(keys.admin(parley.sandbox.team, parley.sandbox.users["ada"]))
    parley.sandbox.faults.add("users.info", "status", status=503)
    try:
        assert (await told(parley, text)).text.startswith(UNKNOWN)
    finally:
        parley.sandbox.faults.clear()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("fortnight", "I do not understand “fortnight”"),
        ("@nobody", "I find no person “@nobody”"),
        ("#nowhere", "I find no channel “#nowhere”"),
        ("2099-01", "yet to come"),
        ("2020-13", "There is no month “2020-13”"),
        ("2020-01", "too long ago: I remember what was used for 400 days"),
        ("7d 30d", "I already have the period `7d`"),
        ("@ben #general", "One person, channel or model at a time"),
        ("model:", "Which model?"),
        ("model:gpt", f"These were: `{HAIKU}`, `{SONNET}`"),
        ("model:claude", "Which one?"),
        ("yesterday model:claude-x", "No model of that name"),
    ],
)
async def test_what_cannot_be_understood_is_answered_with_what_can(parley: Parley, text: str, says: str) -> None:
    if text.startswith("yesterday"):
        says = "No model was asked anything"
    assert says in (await told(parley, f"usage {text}")).text


async def test_a_time_without_questions_says_so(parley: Parley) -> None:
    report = await told(parley, "usage yesterday")
    assert NOTHING in shown(report)
    assert button(report) is None


async def test_where_slack_refuses_the_blocks_it_comes_as_text(parley: Parley) -> None:
    parley.sandbox.faults.add("response_url", "status", status=400, body="invalid_blocks", times=1)
    report = await told(parley, "usage 7d")
    assert set(kinds(report)) == {"header", "context", "section", "actions"}
    assert "█" in shown(report)
    assert f"<@{parley.sandbox.users['ada']}> · $1.50 · 2 questions" in shown(report)


async def test_the_report_is_posted_with_names_and_mentions_nobody(parley: Parley) -> None:
    report = await told(parley, "usage today")
    seen = len(parley.slack.workspace.channel("general").messages)
    await press(parley, report)
    await parley.slack.until(lambda: len(parley.slack.workspace.channel("general").messages) > seen)
    [*_, posted] = parley.slack.workspace.channel("general").messages.values()
    assert "'user_id'" not in shown(posted)
    assert "<@" not in shown(posted)
    assert "{'type': 'raw_text', 'text': 'ada'}" in shown(posted)
    assert kinds(posted).count("data_table") == 3
    assert button(posted) is None


async def test_a_report_that_slack_refuses_is_posted_as_text(parley: Parley) -> None:
    report = await told(parley, "usage 7d @ben")
    parley.sandbox.faults.add("chat.postMessage", "error", error="invalid_blocks", times=1)
    seen = len(parley.slack.workspace.channel("general").messages)
    await press(parley, report)
    await parley.slack.until(lambda: len(parley.slack.workspace.channel("general").messages) > seen)
    [*_, posted] = parley.slack.workspace.channel("general").messages.values()
    assert "What was asked by ben" in shown(posted)
    assert "data_visualization" not in kinds(posted)


async def test_only_who_asked_and_still_is_an_admin_posts_it(parley: Parley) -> None:
    report = await told(parley, "usage today")
    ben, ada = parley.sandbox.users["ben"], parley.sandbox.users["ada"]
    found = button(report)
    assert found
    found["value"] = found["value"].replace(ada, ben)
    assert (await after_press(parley, report)).text == listener.NOT_YOURS
    found["value"] = found["value"].replace(ben, ada)
    await parley.redis.set(keys.admin(parley.sandbox.team, ada), 0, ex=60)
    try:
        assert (await after_press(parley, report)).text.startswith("Sorry, that is for those who look after me")
    finally:
        await parley.redis.delete(keys.admin(parley.sandbox.team, ada))


@pytest.mark.parametrize(
    "value",
    ["", "U1", "x y", "\N{BOM}", "{ada} 2026-99-99 400 7d", "{ada} 2026-11-21 400 ?", "{ada} 2026-11-21 9999999999 7d"],
)
async def test_a_button_with_another_value_does_nothing_bad(parley: Parley, value: str) -> None:
    report = await told(parley, "usage today")
    found = button(report)
    assert found
    found["value"] = value.format(ada=parley.sandbox.users["ada"])
    seen = len(parley.slack.workspace.channel("general").messages)
    await after_press(parley, report)
    assert len(parley.slack.workspace.channel("general").messages) == seen


async def test_where_it_is_no_member_it_says_how_to_invite_it(parley: Parley) -> None:
    await parley.slack.remove(parley.sandbox.bot_user, "random")
    try:
        report = await told(parley, "usage today", channel="random")
        assert (await after_press(parley, report, "random")).text == listener.NO_MEMBER
    finally:
        await parley.slack.invite(parley.sandbox.bot_user, "random")


async def test_where_it_may_not_post_it_says_why(parley: Parley) -> None:
    report = await told(parley, "usage today")
    parley.sandbox.faults.add("chat.postMessage", "error", error="restricted_action", times=1)
    assert (await after_press(parley, report)).text == listener.REFUSED.format(error="restricted_action")


async def after_press(parley: Parley, report: Message, channel: str = "general") -> Message:
    seen = len(parley.slack.workspace.ephemerals)
    await press(parley, report, channel=channel)
    await parley.slack.until(lambda: len(parley.slack.workspace.ephemerals) > seen, within=5)
    return parley.slack.workspace.ephemerals[-1][1]


async def test_without_redis_it_says_so_in_time(parley: Parley) -> None:
    await parley.redis.client_pause(4000)
    assert (await told(parley, "usage")).text == AWAY
    await parley.redis.client_unpause()


async def test_an_export_comes_as_a_direct_message(parley: Parley) -> None:
    assert (await told(parley, "export today")).text == export.COMING
    files: list[Any] = []

    def has_come() -> bool:
        messages = parley.slack.workspace.channel("dm", parley.slack.workspace.person("ada")).messages.values()
        # Votes of other tests make a second file.
        files[:] = [file for message in messages for file in message.files if file.name.startswith("parley-usage")]
        return bool(files)

    await parley.slack.until(has_come)
    day = datetime.now(UTC).date()
    assert files[-1].name == f"parley-usage-{day}-{day}.csv"
    rows = list(csv.DictReader(files[-1].content.decode().splitlines()))
    assert [(row["kind"], row["cost_usd"]) for row in rows] == [
        *sorted([("user", "1.500000"), ("user", "0.004000")], key=lambda row: user_place(parley, row[1])),
        *sorted([("channel", "1.500000"), ("channel", "0.004000")], key=lambda row: channel_place(parley, row[1])),
        ("model", "0.004000"),
        ("model", "1.500000"),
    ]


def user_place(parley: Parley, cost: str) -> str:
    return str(parley.sandbox.users["ada" if cost.startswith("1") else "ben"])


def channel_place(parley: Parley, cost: str) -> str:
    return str(parley.sandbox.channels["general" if cost.startswith("1") else "random"])


async def test_an_export_is_for_admins_and_of_the_whole_workspace(parley: Parley) -> None:
    assert (await told(parley, "export", user="ben")).text.startswith("Sorry, that is for those who look after me")
    assert (await told(parley, "export @ben")).text == export.WHOLE
    assert "I do not understand" in (await told(parley, "export all")).text


@pytest.mark.parametrize(
    ("method", "error", "says"),
    [
        ("conversations.open", "missing_scope", "Does Parley have the scopes"),
        ("files.getUploadURLExternal", "file_uploads_disabled", "(file_uploads_disabled)"),
    ],
)
async def test_a_file_that_slack_refuses_is_told(parley: Parley, method: str, error: str, says: str) -> None:
    parley.sandbox.faults.add(method, "error", error=error, times=1)
    seen = len(parley.slack.workspace.ephemerals)
    with contextlib.suppress(AssertionError):
        await told(parley, "export today")
    await parley.slack.until(lambda: len(parley.slack.workspace.ephemerals) == seen + 2)
    assert says in parley.slack.workspace.ephemerals[-1][1].text


async def test_an_export_of_nothing_says_so(parley: Parley) -> None:
    seen = len(parley.slack.workspace.ephemerals)
    await parley.slack.command("ada", "general", "/parley", "export yesterday")
    await parley.slack.until(lambda: len(parley.slack.workspace.ephemerals) == seen + 2)
    assert any("there is nothing to export" in told.text for _, told in parley.slack.workspace.ephemerals[seen:])
