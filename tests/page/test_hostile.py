"""Text that would like to be HTML, wherever people or the app may write."""

import pytest

pytest.importorskip("playwright.async_api")
from playwright.async_api import Browser, expect
from slack_bolt.async_app import AsyncApp

from bot.sandbox import Sandbox
from tests.page.block_kit import JSON, button, mrkdwn, plain, raw
from tests.page.conftest import Open

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.proof]

HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=2</script>'
LINKS = "[here](javascript:window.hacked=3) <javascript:window.hacked=4|there> ![x](data:text/html,x)"
TABLE = f"| {HOSTILE} |\n|---|\n| {HOSTILE} |"
MARKDOWN = f"# {HOSTILE}\n\n- {HOSTILE}\n\n{TABLE}\n\n```{HOSTILE[:9]}\n{HOSTILE}\n```\n\n{LINKS}"
RUNS = [{"type": "text", "text": HOSTILE}, {"type": "link", "url": "javascript:window.hacked=6", "text": "link"}]
IMAGE = {"type": "image", "image_url": "http://127.0.0.1:1/x.png", "alt_text": HOSTILE}
PIE = {"type": "pie", "segments": [{"label": HOSTILE[:20], "value": 1}]}
BLOCKS: list[JSON] = [
    {"type": "header", "text": plain(HOSTILE)},
    {"type": "section", "text": mrkdwn(f"{HOSTILE} <javascript:window.hacked=5|click>"), "fields": [plain(HOSTILE)]},
    {"type": "context", "elements": [mrkdwn(HOSTILE), IMAGE]},
    {"type": "markdown", "text": MARKDOWN},
    {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": RUNS}]},
    {"type": "actions", "elements": [button("go", HOSTILE[:75], url="javascript:window.hacked=7")]},
    {**IMAGE, "title": plain(HOSTILE)},
    {"type": "table", "rows": [[raw(HOSTILE)], [raw(HOSTILE)]]},
    {"type": "data_visualization", "title": HOSTILE[:50], "chart": PIE},
]
SHOWN_IN = ("header", "section", "markdown li", "markdown pre", "markdown td", "rich_text", "image", "table td")


async def test_hostile_text_is_shown_as_text_everywhere(sandbox: Sandbox, app: AsyncApp, open_page: Open) -> None:
    sandbox.slack.workspace.person("ben").real_name = f"Ben {HOSTILE}"
    general = sandbox.channels["general"]
    posted = await app.client.chat_postMessage(channel=general, text=HOSTILE, blocks=BLOCKS)
    ts = await sandbox.slack.say("ben", "general", f"{HOSTILE} *{HOSTILE}*")
    await app.client.assistant_threads_setStatus(channel_id=general, thread_ts=ts, status=HOSTILE)
    await app.client.assistant_threads_setTitle(channel_id=general, thread_ts=ts, title=HOSTILE)

    page = await open_page(f"{sandbox.page_url}#/ada/general/{ts}")
    message = page.locator(f'#channel [data-ts="{posted["ts"]}"]')
    await expect(message.locator(".block")).to_have_count(len(BLOCKS))
    for place in SHOWN_IN:
        await expect(message.locator(f".block-{place}").first).to_contain_text(HOSTILE)
    said = page.locator(f'#channel [data-ts="{ts}"]')
    await expect(said).to_contain_text(HOSTILE)
    await expect(said.locator(".author")).to_have_text(f"Ben {HOSTILE}")
    await expect(page.locator("#thread .thinking")).to_contain_text(HOSTILE)
    await expect(page.locator("#thread h2")).to_have_text(HOSTILE)
    await page.get_by_role("textbox", name="Message #general").fill("@ben")
    await expect(page.get_by_role("option")).to_contain_text(HOSTILE)
    for link in await message.locator("a").all():
        assert (await link.get_attribute("href") or "").startswith(("http://", "https://", "mailto:"))
    assert await page.evaluate("document.querySelectorAll('body script, img, [onerror], iframe').length") == 0
    assert await page.evaluate("window.hacked") is None


async def test_the_policy_of_the_page_lets_no_inline_script_run(sandbox: Sandbox, browser: Browser) -> None:
    page = await browser.new_page()
    await page.goto(sandbox.page_url)
    ran = await page.evaluate(
        "() => { const script = document.createElement('script'); script.textContent = 'window.hacked = 8';"
        " document.body.append(script); return window.hacked ?? null; }"
    )
    assert ran is None
    await page.close()
