"""The page with the real Parley behind it: asking, watching, being someone else, keys, narrow screens."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

pytest.importorskip("playwright.async_api")
from playwright.async_api import Page, expect

from bot.sandbox.claude.answers import Answer
from tests.kit.parley import Parley
from tests.page.conftest import Open

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.proof]

NARROW = {"viewport": {"width": 390, "height": 780}, "has_touch": True}
LONG = "\n\n".join(f"## Part {n}\n\n" + f"Sentence {n} of a long answer. " * 12 for n in range(1, 13))


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def parley(redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Parley]:
    async with Parley(redis_server, tmp_path_factory.mktemp("parley")) as parley:
        parley.sandbox.claude.first_delta, parley.sandbox.claude.deltas_per_second = 0.3, 400.0
        yield parley


@pytest.fixture(autouse=True)
def begin(parley: Parley) -> None:
    """Each test begins with a rested edit budget and nothing going wrong."""
    parley.sandbox.faults.clear()
    parley.sandbox.clock.advance(120)


async def ask(page: Page, question: str, place: str = "Message #general") -> None:
    await page.get_by_role("textbox", name=place).fill(question)
    await page.get_by_role("button", name="Send").first.click()


def newest(parley: Parley, channel: str) -> str:
    """The ts of the newest message in a channel itself."""
    messages = parley.slack.workspace.channel(channel).messages.values()
    return max(message.ts for message in messages if message.thread_ts is None)


async def test_an_answer_grows_in_the_thread_until_it_is_complete(parley: Parley, open_page: Open) -> None:
    parley.sandbox.claude.script("long", Answer(LONG, deltas_per_second=120))
    page = await open_page(parley.sandbox.page_url)
    await ask(page, "@parley something long")
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread.get_by_text("parley is thinking")).to_be_visible()
    await expect(page.locator("#channel .summary")).to_contain_text("parley is thinking")

    answer = thread.locator(".message", has_text="Part 1")
    await expect(answer).to_be_visible()
    await answer.locator(".markdown > p").first.evaluate("node => (window.first = node)")
    lengths = {await length_of(answer)}
    while "Sentence 12" not in (await answer.text_content() or ""):
        lengths.add(await length_of(answer))
        await page.wait_for_timeout(30)
    assert len(lengths) >= 3
    [text] = await parley.answers("general", newest(parley, "general"))
    assert "Sentence 12 of" in text
    await expect(thread.get_by_text("parley is thinking")).to_have_count(0)
    await expect(page.locator("#channel .summary")).to_contain_text("1 reply")
    assert await page.evaluate("window.first.isConnected"), "what has not changed is left alone"


async def length_of(answer: Any) -> int:
    return len(await answer.text_content() or "")


async def test_the_end_is_followed_unless_one_scrolls_away(parley: Parley, open_page: Open) -> None:
    parley.sandbox.claude.script("slowly", Answer(LONG, deltas_per_second=120))
    page = await open_page(parley.sandbox.page_url)
    await ask(page, "@parley slowly")
    scroller = page.locator("#thread .scroller")
    left = "node => node.scrollHeight - node.scrollTop - node.clientHeight"
    await expect(scroller.get_by_text("Part 5")).to_be_attached()
    assert await scroller.evaluate(left) < 5

    # An edit that comes before the browser tells of the scrolling follows the end once more.
    async with asyncio.timeout(5):
        while not await page.locator("#thread .jump").is_visible():
            await scroller.evaluate("node => (node.scrollTop = 40)")
            await asyncio.sleep(0.05)
    await expect(scroller.get_by_text("Part 12")).to_be_attached()
    assert await scroller.evaluate("node => node.scrollTop") == 40
    await page.locator("#thread .jump").click()
    assert await scroller.evaluate(left) < 5
    await parley.answers("general", newest(parley, "general"))


async def test_an_answer_is_spoken_of_once(parley: Parley, open_page: Open) -> None:
    page = await open_page(parley.sandbox.page_url)
    spoken = page.locator("#announcements")
    await page.evaluate(
        "window.spoken = [];"
        "new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach("
        "(node) => window.spoken.push(node.textContent)))).observe(document.getElementById('announcements'),"
        "{childList: true})"
    )
    await expect(spoken).to_have_attribute("aria-live", "polite")
    await ask(page, "@parley what do you say?")
    await page.wait_for_selector("#thread .thinking")
    await parley.answers("general", newest(parley, "general"))
    said = await page.evaluate("window.spoken")
    assert said[0].startswith("parley is thinking")
    assert len([line for line in said if line.startswith("parley: ")]) == 1


async def test_one_acts_as_another_and_sees_what_they_may(parley: Parley, open_page: Open) -> None:
    page = await open_page(f"{parley.sandbox.page_url}#/ada/leads")
    rows = page.locator("#sidebar .row-name")
    await expect(rows).to_have_text(["general", "engineering", "random", "leads", "parley"])
    await page.get_by_role("radio", name="Gwen Silva, Another company").check()
    await expect(rows).to_have_text(["engineering", "parley"])
    await expect(page.locator(".acting-as")).to_have_text("Gwen Silva Another company")

    await page.get_by_role("button", name="engineering").click()
    await ask(page, "@parley hello from next door", "Message #engineering")
    await expect(page.locator("#channel .message")).to_have_count(1)
    ts = newest(parley, "engineering")
    await expect(page.locator(f'#channel [data-ts="{ts}"]')).to_contain_text("Another company")

    other = await open_page(f"{parley.sandbox.page_url}#/ben/engineering/{ts}")
    await expect(other.locator("#thread .message").first).to_contain_text("hello from next door")
    await ask_in_thread(other, "and what about me?")
    await expect(page.locator("#thread .message", has_text="and what about me?")).to_contain_text("Ben Haddad")


async def ask_in_thread(page: Page, text: str) -> None:
    await page.get_by_role("textbox", name="Reply").fill(text)
    await page.get_by_role("textbox", name="Reply").press("Enter")


async def test_a_direct_message_is_answered_in_its_thread(parley: Parley, open_page: Open) -> None:
    page = await open_page(f"{parley.sandbox.page_url}#/ben/parley")
    await ask(page, "nobody else reads this", "Message parley")
    await expect(page.locator("#thread .message")).to_have_count(2)
    await parley.answers("@ben", newest(parley, "@ben"))
    await expect(page.locator("#thread .message").last.locator("table")).to_be_visible()


async def test_a_narrow_screen_shows_one_thing_at_a_time(parley: Parley, open_page: Open) -> None:
    page = await open_page(parley.sandbox.page_url, **NARROW)
    await page.get_by_role("button", name="All conversations").click()
    await page.get_by_role("button", name="random").click()
    await expect(page.locator("#sidebar")).to_be_hidden()
    await ask(page, "@parley small screen?", "Message #random")
    summary = page.locator("#channel .summary")
    await expect(summary).to_contain_text("1 reply")
    await parley.answers("random", newest(parley, "random"))
    await summary.click()
    await expect(page.locator("#channel")).to_be_hidden()
    await expect(page.locator("#thread .message")).to_have_count(2)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
    await page.locator("#thread").get_by_role("button", name="Close the thread").first.click()
    await expect(page.locator("#thread")).to_be_hidden()
    await expect(page.get_by_role("heading", name="random")).to_be_visible()
    await page.go_back()
    await expect(page.locator("#thread .message")).to_have_count(2)


async def test_everything_can_be_done_with_the_keyboard(parley: Parley, open_page: Open) -> None:
    page = await open_page(f"{parley.sandbox.page_url}#/chidi/random")
    await page.get_by_role("radio", name="Chidi Larsen, Member").focus()
    await page.keyboard.press("Tab")
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp", "Enter"):
        await page.keyboard.press(key)
    await expect(page.get_by_role("heading", name="general", exact=True)).to_be_visible()
    await expect(page.get_by_role("textbox", name="Message #general")).to_be_focused()

    await page.keyboard.type("@pa")
    await expect(page.get_by_role("option", name="parley")).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("Tab")
    await page.keyboard.type("by hand")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("alone")
    await page.keyboard.press("Enter")
    await expect(page.locator("#thread .thinking")).to_be_visible()
    ts = newest(parley, "general")
    await parley.answers("general", ts)

    await page.keyboard.press("ArrowUp")
    await expect(page.locator(f'#channel [data-ts="{ts}"]')).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("textbox", name="Reply")).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowUp")
    await expect(page.locator(f'#thread [data-ts="{ts}"]')).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#thread")).to_be_hidden()
    await expect(page.locator(f'#channel [data-ts="{ts}"]')).to_be_focused()


async def test_a_message_is_edited_reacted_to_and_deleted(parley: Parley, open_page: Open) -> None:
    page = await open_page(f"{parley.sandbox.page_url}#/ben/random")
    await ask(page, "a typo & a <tag>", "Message #random")
    message = page.locator("#channel .message", has_text="a typo")
    await message.hover()
    await message.get_by_role("button", name="Edit").click()
    field = page.get_by_role("textbox", name="Edit the message")
    await expect(field).to_be_focused()
    await expect(field).to_have_value("a typo & a <tag>")
    await field.fill("no mistake & a <tag>")
    await field.press("Enter")
    message = page.locator("#channel .message", has_text="no mistake & a <tag>")
    await expect(message).to_contain_text("(edited)")
    await message.hover()
    await message.get_by_role("button", name="React with +1").click()
    await expect(message.locator(".reaction")).to_have_attribute("aria-pressed", "true")
    await message.hover()
    await message.get_by_role("button", name="Delete").click()
    await expect(message).to_have_count(0)


async def test_the_panel_lets_claude_fail_and_shows_the_edit_budget(parley: Parley, open_page: Open) -> None:
    page = await open_page(parley.sandbox.page_url)
    await page.get_by_role("button", name="Faults and limits").click()
    panel = page.get_by_role("complementary", name="Faults and limits")
    await panel.get_by_role("button", name="Overloaded (529)").click()
    await expect(panel.locator(".plans")).to_contain_text("Overloaded (529) /v1/messages, once")
    await ask(page, "@parley are you overloaded?")
    await parley.answers("general", newest_of(parley, "overloaded?"))
    assert any(entry.data["status"] == 529 for entry in parley.sandbox.journal.entries("claude.error"))
    await expect(panel.locator(".plans")).to_have_text("Nothing: all goes well.")
    await expect(panel.locator(".budget")).to_have_text(re.compile(r"[1-9]\d* of 50 edits"))

    await panel.get_by_role("radio", name="60 times").check()
    await expect(panel.locator(".budget")).to_have_text(re.compile("^0 of 50 edits"))
    await panel.get_by_role("radio", name="Real time").check()
    await expect(panel.get_by_role("radio", name="Real time")).to_be_checked()
    await page.keyboard.press("Escape")
    await expect(panel).to_be_hidden()
    await expect(page.get_by_role("button", name="Faults and limits")).to_be_focused()


def newest_of(parley: Parley, text: str) -> str:
    return next(m.ts for m in parley.slack.workspace.channel("general").messages.values() if text in m.text)


async def test_the_page_says_what_it_is_in_the_dark_too(parley: Parley, open_page: Open) -> None:
    page = await open_page(parley.sandbox.page_url, color_scheme="dark", reduced_motion="reduce")
    await expect(page.get_by_role("banner")).to_contain_text("no model wrote what it shows")
    for landmark in ("banner", "navigation", "main"):
        await expect(page.get_by_role(landmark)).to_be_visible()
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(28, 27, 34)"
