"""The page with a small Bolt app behind it: commands, charts, buttons, modals, Home, Stop, files."""

import asyncio
import re
from typing import Any

import pytest

pytest.importorskip("playwright.async_api")
from playwright.async_api import FilePayload, Page, expect
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from tests.page.block_kit import JSON, button, chart, field, mrkdwn, option, plain, series
from tests.page.conftest import Open

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.proof]

DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc000000301"
    "0100c9fe92ef0000000049454e44ae426082"
)
PIE = {
    "type": "data_visualization",
    "title": "Who asked",
    "chart": {"type": "pie", "segments": [{"label": "Ada", "value": 3}, {"label": "Ben", "value": 1}]},
}
TABLE = {
    "type": "data_table",
    "caption": "By person",
    "page_size": 2,
    "rows": [
        [{"type": "raw_text", "text": "Person"}, {"type": "raw_text", "text": "Tokens"}],
        *(
            [{"type": "raw_text", "text": name}, {"type": "raw_number", "value": n, "text": f"{n:,}"}]
            for name, n in (("Ben", 9), ("Ada", 100), ("Chidi", 20))
        ),
    ],
}
MODELS = [option("Large", "l"), option("Small", "s")]
AUDIENCE = [option("Admins", "admins"), option("Everyone", "all")]
MODAL = {
    "type": "modal",
    "callback_id": "budget",
    "title": plain("Set a budget"),
    "submit": plain("Save"),
    "blocks": [
        {**field("amount", "Tokens", type="number_input", is_decimal_allowed=False), "hint": plain("A whole number")},
        field("who", "For", type="users_select"),
        {**field("model", "Model", type="static_select", options=MODELS), "optional": True},
        {**field("tell", "Tell", type="checkboxes", options=AUDIENCE), "optional": True},
    ],
}


async def write(page: Page, text: str, place: str = "Message #general") -> None:
    field = page.get_by_role("textbox", name=place)
    await field.fill(text)
    await field.press("Enter")


async def test_a_command_answers_with_a_chart_only_to_who_gave_it(
    sandbox: Sandbox, app: AsyncApp, open_page: Open
) -> None:
    @app.command("/ai-usage")
    async def usage(ack: Any, command: JSON) -> None:
        line = chart("line", series("input", 10, 40, 25), series("output", 3, 12, 9))
        await ack({"text": f"Usage of {command['text']}", "blocks": [line, PIE]})

    page, other = await open_page(sandbox.page_url), await open_page(f"{sandbox.page_url}#/ben/general")
    await write(page, "/ai-usage this week")
    message = page.locator("#channel .message")
    await expect(message).to_contain_text("Only visible to you")
    figure = message.get_by_role("img", name="A line chart: line chart")
    await expect(figure.locator("path.line")).to_have_count(2)
    await expect(message.locator(".legend").first).to_contain_text("output")
    await expect(message.locator("path.slice")).to_have_count(2)
    await message.get_by_text("Numbers").first.click()
    await expect(message.get_by_role("row", name="day 1 40 12")).to_be_visible()
    await expect(other.locator("#channel .message")).to_have_count(0)
    await message.get_by_role("button", name="Dismiss").click()
    await expect(message).to_have_count(0)


async def test_a_command_that_nobody_answers_says_so(sandbox: Sandbox, app: AsyncApp, open_page: Open) -> None:
    @app.command("/nothing")
    async def nothing(command: JSON) -> None:
        """Not acknowledged."""

    page = await open_page(sandbox.page_url)
    sandbox.clock.speed = 20
    await write(page, "/nothing")
    await expect(page.locator(".note")).to_contain_text("/nothing failed because the app did not respond")


async def test_every_kind_of_chart_and_table_is_drawn(sandbox: Sandbox, app: AsyncApp, open_page: Open) -> None:
    page = await open_page(sandbox.page_url)
    for kind, shape in (("bar", "rect[class^=fill]"), ("area", "path.area")):
        blocks = [chart(kind, series("one", 5, -2, 7)), TABLE]
        posted = await app.client.chat_postMessage(channel=sandbox.channels["general"], text=kind, blocks=blocks)
        figure = page.locator(f'[data-ts="{posted["ts"]}"] .chart-{kind} .chart-body > svg')
        await expect(figure.locator(shape)).to_have_count(3 if kind == "bar" else 1)
        assert "NaN" not in await figure.evaluate("node => node.outerHTML")

    table = page.locator(".data-table").last
    column = table.locator("tbody tr > :first-child")
    await expect(column).to_have_text(["Ben", "Ada"])
    await table.get_by_role("button", name="Tokens").click()
    await expect(column).to_have_text(["Ben", "Chidi"])
    await table.get_by_role("button", name="Next").click()
    await expect(column).to_have_text(["Ada"])
    await sandbox.slack.react("ben", "general", posted["ts"], "tada")
    await expect(page.locator(".reaction")).to_be_visible()
    await expect(column).to_have_text(["Ada"])


async def test_buttons_selects_and_feedback_call_the_app(sandbox: Sandbox, app: AsyncApp, open_page: Open) -> None:
    pressed: asyncio.Queue[JSON] = asyncio.Queue()

    @app.action(re.compile(".*"))
    async def acted(ack: Any, action: JSON, body: JSON) -> None:
        await ack()
        pressed.put_nowait({**action, "by": body["user"]["username"]})

    sure = {
        "title": plain("Sure?"),
        "text": plain("It is gone."),
        "confirm": plain("Delete it"),
        "deny": plain("Keep it"),
    }
    length = {"type": "static_select", "action_id": "length", "placeholder": plain("Length")}
    feedback = {
        "type": "feedback_buttons",
        "action_id": "feedback",
        "positive_button": option("Good answer", "good"),
        "negative_button": option("Bad answer", "bad"),
    }
    buttons = [button("again", "Regenerate", value="7"), button("forget", "Forget", style="danger", confirm=sure)]
    blocks: list[JSON] = [
        {
            "type": "section",
            "text": mrkdwn("*How long?*"),
            "accessory": {**length, "options": [option("Short", "short"), option("Long", "long")]},
        },
        {"type": "actions", "elements": buttons},
        {"type": "context_actions", "elements": [feedback]},
    ]
    await app.client.chat_postMessage(channel=sandbox.channels["general"], text="Choose", blocks=blocks)
    page = await open_page(f"{sandbox.page_url}#/ben/general")
    await page.get_by_role("button", name="Regenerate").click()
    action = await pressed.get()
    assert (action["action_id"], action["value"], action["by"]) == ("again", "7", "ben")
    await page.get_by_role("combobox", name="Length").select_option("Long")
    assert (await pressed.get())["selected_option"]["value"] == "long"
    await page.get_by_role("button", name="Good answer").click()
    assert (await pressed.get())["value"] == "good"
    await expect(page.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
    for answer in ("Keep it", "Delete it"):
        await page.get_by_role("button", name="Forget").click()
        await page.get_by_role("button", name=answer).click()
    assert (await pressed.get())["action_id"] == "forget"
    assert pressed.empty()


async def test_a_modal_is_filled_corrected_and_sent(sandbox: Sandbox, app: AsyncApp, open_page: Open) -> None:
    received: asyncio.Queue[JSON] = asyncio.Queue()

    @app.command("/ai-budget")
    async def budget(ack: Any, body: JSON, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @app.view("budget")
    async def submitted(ack: Any, view: JSON) -> None:
        values = view["state"]["values"]
        if int(values["amount"]["amount_value"]["value"]) < 100:
            await ack(response_action="errors", errors={"amount": "At least 100"})
            return
        await ack()
        received.put_nowait(values)

    page = await open_page(sandbox.page_url)
    await write(page, "/ai-budget")
    dialog = page.get_by_role("dialog", name="Set a budget")
    await dialog.get_by_label("Tokens").fill("5")
    await dialog.get_by_label("For").select_option("Ben Haddad")
    await dialog.get_by_label("Model").select_option("Small")
    await dialog.get_by_role("checkbox", name="Admins").check()
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_text("At least 100")).to_be_visible()
    await expect(dialog.get_by_label("Tokens")).to_be_focused()
    await expect(dialog.get_by_label("Model")).to_have_value("s")
    await dialog.get_by_label("Tokens").fill("500")
    await page.keyboard.press("Enter")
    values = await received.get()
    assert values["amount"]["amount_value"] == {"type": "number_input", "value": "500"}
    assert values["who"]["who_value"]["selected_user"] == sandbox.users["ben"]
    assert values["model"]["model_value"]["selected_option"]["value"] == "s"
    assert [option["value"] for option in values["tell"]["tell_value"]["selected_options"]] == ["admins"]
    await expect(dialog).to_be_hidden()

    await write(page, "/ai-budget")
    await expect(dialog).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    assert not sandbox.slack.views.open


async def test_the_home_tab_is_published_when_opened_and_its_buttons_work(
    sandbox: Sandbox, app: AsyncApp, open_page: Open
) -> None:
    sandbox.slack.app.subscribed.add("app_home_opened")

    async def publish(client: AsyncWebClient, user: str, text: str) -> None:
        button = {"type": "button", "action_id": "more", "text": plain("More")}
        section = {"type": "section", "text": {"type": "mrkdwn", "text": text}, "accessory": button}
        await client.views_publish(user_id=user, view={"type": "home", "blocks": [section]})

    @app.event("app_home_opened")
    async def opened(event: JSON, client: AsyncWebClient) -> None:
        if event["tab"] == "home":
            await publish(client, event["user"], "*Welcome home*")

    @app.action("more")
    async def more(ack: Any, body: JSON, client: AsyncWebClient) -> None:
        await ack()
        await publish(client, body["user"]["id"], "More of it")

    page = await open_page(sandbox.page_url)
    await page.get_by_role("button", name="parley").click()
    await page.get_by_role("button", name="Home", exact=True).click()
    home = page.get_by_role("region", name="Home")
    await expect(home.locator("strong")).to_have_text("Welcome home")
    await home.get_by_role("button", name="More").click()
    await expect(home).to_contain_text("More of it")
    await page.get_by_role("button", name="Messages").click()
    await expect(page.get_by_role("textbox", name="Message parley")).to_be_visible()


async def test_a_stream_grows_and_slacks_own_stop_ends_it(sandbox: Sandbox, app: AsyncApp, open_page: Open) -> None:
    stopped: asyncio.Queue[JSON] = asyncio.Queue()
    streams: list[Any] = []

    @app.event("app_mention")
    async def asked(event: JSON, client: AsyncWebClient) -> None:
        place = {"channel": event["channel"], "thread_ts": event["ts"]}
        await client.api_call(
            "agents.sessions.setStatus",
            json={
                "channel_id": event["channel"],
                "thread_ts": event["ts"],
                "status": "processing",
                "title": "A long story",
            },
        )
        stream = await client.chat_startStream(
            **place, markdown_text="Once *upon", recipient_user_id=event["user"], recipient_team_id=sandbox.team
        )
        streams.append(stream)
        await client.chat_appendStream(channel=event["channel"], ts=str(stream["ts"]), markdown_text=" a time*")

    @app.event("agent_session_stopped")
    async def stop(event: JSON, client: AsyncWebClient) -> None:
        await client.api_call(
            "agents.sessions.setStatus",
            json={"channel_id": event["channel"], "thread_ts": event["thread_ts"], "status": "active"},
        )
        stopped.put_nowait(event)

    page = await open_page(sandbox.page_url)
    await write(page, "@parley tell me a story")
    await expect(page.locator("#thread .growing em")).to_have_text("upon a time")
    await expect(page.get_by_role("heading", name="A long story")).to_be_visible()
    await page.get_by_role("button", name="Stop", exact=True).click()
    event = await stopped.get()
    assert event["streaming_message_ts"] == [streams[0]["ts"]]
    await expect(page.get_by_role("button", name="Stop", exact=True)).to_be_hidden()
    await expect(page.locator("#thread .growing")).to_have_count(0)


async def test_files_are_uploaded_shown_and_not_run(sandbox: Sandbox, app: AsyncApp, open_page: Open) -> None:
    shared: asyncio.Queue[JSON] = asyncio.Queue()

    @app.event("message")
    async def seen(event: JSON) -> None:
        shared.put_nowait(event)

    page = await open_page(sandbox.page_url)
    files: list[FilePayload] = [
        {"name": "dot.png", "mimeType": "image/png", "buffer": DOT},
        {"name": "<b>notes.html", "mimeType": "text/html", "buffer": b"<script>top.hacked = 1</script>"},
        {"name": "wrong.txt", "mimeType": "text/plain", "buffer": b"no"},
    ]
    await page.locator("#channel").get_by_label("Choose files").set_input_files(files)
    await page.get_by_role("button", name="Do not send wrong.txt").click()
    await write(page, "two files")
    event = await shared.get()
    assert [file["name"] for file in event["files"]] == ["dot.png", "<b>notes.html"]
    picture = page.locator("#channel .picture img")
    await expect(picture).to_be_visible()
    assert await picture.evaluate("node => node.decode().then(() => node.naturalWidth)") == 1
    await expect(page.locator("#channel .file").nth(1)).to_contain_text("<b>notes.html")
    assert await page.locator("#channel .file").nth(1).get_attribute("download") == "<b>notes.html"


async def test_a_long_channel_begins_with_its_newest_messages(sandbox: Sandbox, open_page: Open) -> None:
    for number in range(160):
        await sandbox.slack.say("ben", "general", f"message {number}")
    page = await open_page(sandbox.page_url)
    await expect(page.get_by_text("message 159", exact=True)).to_be_in_viewport()
    await expect(page.get_by_text("message 9", exact=True)).to_have_count(0)
    await page.get_by_role("button", name="Show earlier messages (10)").click()
    await expect(page.get_by_text("message 9", exact=True)).to_have_count(1)


async def test_the_page_finds_a_lost_feed_again(sandbox: Sandbox, open_page: Open) -> None:
    page = await open_page(sandbox.page_url)
    await sandbox.slack.control.close()
    await expect(page.locator("#connection")).to_be_visible()
    await sandbox.slack.say("ben", "general", "said meanwhile")
    await expect(page.get_by_text("said meanwhile")).to_be_visible()
    await expect(page.locator("#connection")).to_be_hidden()
