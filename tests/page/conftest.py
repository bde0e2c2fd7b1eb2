"""Debian's Chromium, a page in it that must not complain, and a small app for what Parley does not do."""

import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox

try:
    from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright
except ImportError:
    pytest.skip("Playwright's Python package is not installed", allow_module_level=True)

Open = Callable[..., Awaitable[Page]]
EXPECTED = re.compile(r"Failed to load resource: .* 504 ")
"""A test brings this about itself, with an app that does not answer."""

CHROMIUM = shutil.which("chromium")
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET.split())
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="package")
async def open_page(browser: Browser) -> AsyncIterator[Open]:
    """`await open_page(address, **context)`: no error, warning or dialog may come from the pages that it opens."""
    contexts, complaints = [], []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not EXPECTED.search(message.text):
            complaints.append(message.text)

    async def open_page(address: str, **options: Any) -> Page:
        context_options = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **options}
        context = await browser.new_context(**context_options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = await context.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"a dialog: {dialog.message}"))
        await page.goto(address)
        await page.wait_for_selector("#sidebar [data-channel]", state="attached")
        return page

    yield open_page
    for context in contexts:
        await context.close()
    assert complaints == []


@pytest_asyncio.fixture(loop_scope="package")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(with_claude=False) as sandbox:
        yield sandbox


@pytest_asyncio.fixture(loop_scope="package")
async def app(sandbox: Sandbox) -> AsyncIterator[AsyncApp]:
    """A Bolt app connected by Socket Mode."""
    app = AsyncApp(client=AsyncWebClient(sandbox.bot_token, base_url=sandbox.slack_url))
    handler = AsyncSocketModeHandler(app, sandbox.app_token)
    await handler.connect_async()
    yield app
    await handler.close_async()
