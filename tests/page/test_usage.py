"""The usage report in the browser: its chart, its tables that sort, its button.

With PICTURES=1 in the environment it makes the README's picture anew.
"""

import os
import random
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio

pytest.importorskip("playwright.async_api")
from playwright.async_api import Page, expect

from bot.store import keys
from bot.store.counts import feedback, usage
from bot.store.counts.feedback import Vote
from bot.store.counts.usage import BilledPiece, Counted
from bot.talk.message import Thread
from tests.kit.parley import Parley
from tests.page.conftest import Open

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.proof]

PICTURE = Path(__file__).parents[2] / "docs/images/usage.png"


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def parley(redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Parley]:
    """Three people asked in two channels and in direct messages, on each of the last fourteen days."""
    async with Parley(redis_server, tmp_path_factory.mktemp("parley"), workers=0) as parley:
        await parley.redis.sadd(keys.TEAMS, parley.sandbox.team)
        chance = random.Random(3)
        people = {"ada": 5, "ben": 9, "chidi": 3}
        places = ["general", "random", "@ada"]
        for back in range(14):
            for user, questions in people.items():
                for _ in range(chance.randrange(1, questions + 5 - min(back, 4))):
                    async with parley.redis.pipeline() as pipe:
                        usage.count(pipe, question(chance, parley, user, chance.choice(places), back))
                        await pipe.execute()
        today = datetime.now(UTC).date()
        for number in range(24):
            thread = Thread(parley.sandbox.team, parley.sandbox.channels["general"], f"1.{number}")
            vote: Literal["good", "bad"] = "good" if number % 8 else "bad"
            await feedback.vote(parley.redis, Vote(thread, "1.9", parley.sandbox.users["ada"], vote, today))
        yield parley
        await parley.redis.flushall()


def question(chance: random.Random, parley: Parley, user: str, place: str, days_ago: int) -> Counted:
    model = chance.choice(("claude-sonnet-5-5", "claude-sonnet-5-5", "claude-haiku-4-5"))
    piece = BilledPiece(
        model,
        chance.randrange(3_000),
        chance.randrange(2_000),
        chance.randrange(4_000),
        read=chance.randrange(60_000),
        searches=chance.choice((0, 0, 0, 1)),
        cost=chance.randrange(2_000, 90_000),
        saved=chance.randrange(60_000),
    )
    return Counted(
        parley.sandbox.team,
        parley.sandbox.channels[place],
        parley.sandbox.users[user],
        time.time() - days_ago * 24 * 3600,
        model,
        "error" if chance.random() < 0.03 else "answer",
        (piece,),
        chance.lognormvariate(-0.2, 0.4),
        chance.lognormvariate(2, 0.5),
    )


async def ask(page: Page, text: str) -> None:
    await page.get_by_role("textbox", name="Message #general").fill(text)
    await page.get_by_role("button", name="Send").first.click()


async def test_the_report_has_a_chart_and_tables_that_sort_and_can_be_posted(parley: Parley, open_page: Open) -> None:
    page = await open_page(parley.sandbox.page_url, viewport={"width": 1280, "height": 1750}, color_scheme="light")
    await ask(page, "/parley usage 7d")
    report = page.locator("#channel .message", has_text="Usage,").first
    chart = report.get_by_role("img", name="Cost per day, USD: bar chart")
    await expect(chart).to_be_visible()
    await expect(chart.locator("rect.fill-0, path.fill-0, .fill-0")).to_have_count(7)

    people = report.locator(".data-table", has_text="Person")
    await expect(people.get_by_role("row")).to_have_count(4)
    costs = [float(text) for text in await people.locator("tbody td:nth-child(2)").all_text_contents()]
    assert costs == sorted(costs, reverse=True)
    await people.get_by_role("button", name="Questions").click()
    questions = [int(text) for text in await people.locator("tbody td:nth-child(3)").all_text_contents()]
    assert questions == sorted(questions)
    await people.get_by_role("button", name="Cost, USD").click()
    await people.get_by_role("button", name="Cost, USD").click()
    await expect(report.locator(".data-table", has_text="Channel")).to_contain_text("Direct messages")
    await expect(report.locator(".data-table", has_text="Model")).to_contain_text("claude-haiku-4-5")
    if os.environ.get("PICTURES"):
        await report.screenshot(path=PICTURE)

    await report.get_by_role("button", name="Post to channel").click()
    posted = page.locator("#channel .message", has_text="Usage,").nth(1)
    await expect(posted.get_by_role("img", name="Cost per day, USD: bar chart")).to_be_visible()
    await expect(posted.get_by_role("button", name="Post to channel")).to_have_count(0)


async def test_the_home_tab_shows_the_month_and_admins_the_workspaces_too(parley: Parley, open_page: Open) -> None:
    for user, is_admin in (("ada", True), ("ben", False)):
        page = await open_page(f"{parley.sandbox.page_url}#/{user}/home")
        shown = page.get_by_role("region", name="Home")
        await expect(shown.get_by_text("Your usage this month")).to_be_visible()
        await expect(shown.get_by_text("Questions").first).to_be_visible()
        await expect(shown.get_by_text("This workspace this month")).to_have_count(int(is_admin))
        await expect(shown.get_by_text("/parley access")).to_have_count(int(is_admin))
        await expect(shown.get_by_role("button", name="Forget our direct messages")).to_be_visible()
