"""Commands, clicks and modals, through a real Bolt app."""

from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.sandbox import Sandbox
from bot.sandbox.slack.delivery import Unanswered
from tests.bot.sandbox.calls import error, post

BUTTON = {
    "type": "actions",
    "block_id": "row",
    "elements": [
        {"type": "button", "action_id": "stop", "text": {"type": "plain_text", "text": "Stop"}, "value": "job-1"}
    ],
}
FEEDBACK = {
    "type": "context_actions",
    "elements": [
        {
            "type": "feedback_buttons",
            "action_id": "feedback",
            "positive_button": {"text": {"type": "plain_text", "text": "Good"}, "value": "good"},
            "negative_button": {"text": {"type": "plain_text", "text": "Bad"}, "value": "bad"},
        }
    ],
}
MODAL = {
    "type": "modal",
    "callback_id": "ask",
    "title": {"type": "plain_text", "text": "Ask"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "question",
            "label": {"type": "plain_text", "text": "Question"},
            "element": {"type": "plain_text_input", "action_id": "text"},
        }
    ],
}


async def test_command_answers_at_once_and_by_response_url(sandbox: Sandbox, app: AsyncApp) -> None:
    @app.command("/ai-usage")
    async def usage(ack: Any, respond: Any, command: dict[str, Any]) -> None:
        await ack("One moment")
        await respond(f"{command['text']} for {command['user_name']}")

    await sandbox.slack.command("ada", "general", "/ai-usage", "today")
    seen = sandbox.slack.workspace.ephemerals
    await sandbox.slack.until(lambda: len(seen) == 2)
    assert {user for user, _ in seen} == {sandbox.users["ada"]}
    assert {message.text for _, message in seen} == {"One moment", "today for ada"}


async def test_people_and_channels_in_a_command_come_as_ids(sandbox: Sandbox, app: AsyncApp) -> None:
    """should_escape: https://docs.slack.dev/interactivity/implementing-slash-commands"""
    texts: list[str] = []

    @app.command("/ai-usage")
    async def usage(ack: Any, command: dict[str, Any]) -> None:
        texts.append(command["text"])
        await ack()

    typed = "7d @Ben @nobody #general #leads a@b.c & <!here>"
    await sandbox.slack.command("chidi", "general", "/ai-usage", typed)
    sandbox.slack.interactions.escapes_commands = False
    await sandbox.slack.command("chidi", "general", "/ai-usage", typed)
    ben, general = sandbox.users["ben"], sandbox.channels["general"]
    escaped = f"7d <@{ben}|ben> @nobody <#{general}|general> #leads a@b.c &amp; &lt;!here&gt;"
    assert texts == [escaped, typed], "Chidi does not know of #leads"


async def test_command_may_answer_in_the_channel(sandbox: Sandbox, app: AsyncApp) -> None:
    @app.command("/ai-usage")
    async def usage(ack: Any) -> None:
        await ack(text="For all to see", response_type="in_channel")

    await sandbox.slack.command("ada", "general", "/ai-usage")
    [message] = sandbox.slack.workspace.channel("general").messages.values()
    assert (message.text, message.user) == ("For all to see", sandbox.bot_user)


async def test_unanswered_command_fails_after_three_seconds_and_comes_once() -> None:
    async with Sandbox(with_claude=False, speed=100) as sandbox:
        with pytest.raises(Unanswered):
            await sandbox.slack.command("ada", "general", "/ai-usage")
        assert len(sandbox.journal.entries("slack.delivery")) == 1


async def test_click_carries_the_message_and_the_value(sandbox: Sandbox, app: AsyncApp, client: AsyncWebClient) -> None:
    bodies: list[dict[str, Any]] = []

    @app.action("stop")
    async def stop(ack: Any, body: dict[str, Any], respond: Any) -> None:
        bodies.append(body)
        await ack()
        await respond(text="Stopped", replace_original=True)

    ts = await post(client, sandbox, blocks=[BUTTON])
    await sandbox.slack.click("ben", "stop", channel="general", ts=ts)
    await sandbox.slack.until(lambda: sandbox.slack.thread("general", ts)[0].text == "Stopped")
    [body] = bodies
    assert body["user"]["id"] == sandbox.users["ben"]
    assert body["message"]["ts"] == body["container"]["message_ts"] == ts
    assert body["actions"][0]["value"] == "job-1"
    assert body["actions"][0]["block_id"] == "row"


async def test_feedback_button_sends_what_was_chosen(sandbox: Sandbox, app: AsyncApp, client: AsyncWebClient) -> None:
    values: list[str] = []

    @app.action("feedback")
    async def feedback(ack: Any, action: dict[str, Any]) -> None:
        values.append(action["value"])
        await ack()

    ts = await post(client, sandbox, blocks=[FEEDBACK])
    await sandbox.slack.click("ben", "feedback", channel="general", ts=ts, value="bad")
    assert values == ["bad"]
    with pytest.raises(LookupError):
        await sandbox.slack.click("ben", "feedback", channel="general", ts=ts, value="meh")


async def test_click_needs_an_element_and_a_member(sandbox: Sandbox, client: AsyncWebClient) -> None:
    ts = await post(client, sandbox, blocks=[BUTTON])
    with pytest.raises(LookupError):
        await sandbox.slack.click("ben", "start", channel="general", ts=ts)
    with pytest.raises(PermissionError):
        await sandbox.slack.click("gwen", "stop", channel="general", ts=ts)


async def test_ephemeral_message_can_be_clicked_and_deleted(
    sandbox: Sandbox, app: AsyncApp, client: AsyncWebClient
) -> None:
    @app.action("stop")
    async def stop(ack: Any, respond: Any) -> None:
        await ack()
        await respond(delete_original=True)

    channel, ada = sandbox.channels["general"], sandbox.users["ada"]
    answer = await client.chat_postEphemeral(channel=channel, user=ada, text="psst", blocks=[BUTTON])
    await sandbox.slack.click("ada", "stop", channel="general", ts=answer["message_ts"])
    await sandbox.slack.until(lambda: not sandbox.slack.workspace.ephemerals)


async def test_response_url_works_five_times(sandbox: Sandbox, app: AsyncApp) -> None:
    urls: list[str] = []

    @app.command("/ai-usage")
    async def usage(ack: Any, command: dict[str, Any]) -> None:
        urls.append(command["response_url"])
        await ack()

    await sandbox.slack.command("ada", "general", "/ai-usage")
    webhook = AsyncWebhookClient(urls[0])
    for _ in range(5):
        answer = await webhook.send(text="hi")
        assert (answer.status_code, answer.body) == (200, "ok")
    answer = await webhook.send(text="hi")
    assert answer.status_code == 404
    assert "used_url" in answer.body


async def test_response_url_works_for_thirty_minutes(sandbox: Sandbox, app: AsyncApp) -> None:
    urls: list[str] = []

    @app.command("/ai-usage")
    async def usage(ack: Any, command: dict[str, Any]) -> None:
        urls.append(command["response_url"])
        await ack()

    await sandbox.slack.command("ada", "general", "/ai-usage")
    sandbox.clock.advance(29 * 60)
    assert (await AsyncWebhookClient(urls[0]).send(text="hi")).status_code == 200
    sandbox.clock.advance(61)
    answer = await AsyncWebhookClient(urls[0]).send(text="hi")
    assert answer.status_code == 404
    assert "expired_url" in answer.body


async def test_response_url_checks_what_it_is_sent(sandbox: Sandbox, app: AsyncApp) -> None:
    urls: list[str] = []

    @app.command("/ai-usage")
    async def usage(ack: Any, command: dict[str, Any]) -> None:
        urls.append(command["response_url"])
        await ack()

    await sandbox.slack.command("ada", "general", "/ai-usage")
    async with aiohttp.ClientSession() as session:
        for body, expected in (("{", "invalid_payload"), ('{"text": ""}', "no_text")):
            async with session.post(urls[0], data=body) as response:
                assert response.status == 400
                assert expected in await response.text()


async def test_modal_opens_from_a_command_and_its_values_arrive(sandbox: Sandbox, app: AsyncApp) -> None:
    values: list[Any] = []

    @app.command("/ask")
    async def ask(ack: Any, client: AsyncWebClient, body: dict[str, Any]) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @app.view("ask")
    async def submitted(ack: Any, view: dict[str, Any]) -> None:
        values.append(view["state"]["values"])
        await ack()

    await sandbox.slack.command("ada", "general", "/ask")
    await sandbox.slack.until(lambda: sandbox.slack.views.open)
    [view] = sandbox.slack.views.open.values()
    typed = {"question": {"text": {"type": "plain_text_input", "value": "Why?"}}}
    await sandbox.slack.submit("ada", view.id, typed)
    assert values == [typed]
    assert not sandbox.slack.views.open


async def test_modal_stays_open_with_errors(sandbox: Sandbox, app: AsyncApp, client: AsyncWebClient) -> None:
    @app.view("ask")
    async def submitted(ack: Any) -> None:
        await ack(response_action="errors", errors={"question": "Too short"})

    trigger = sandbox.slack.world.triggers.new(sandbox.users["ada"])
    view = (await client.views_open(trigger_id=trigger, view=MODAL))["view"]
    answer = await sandbox.slack.submit("ada", view["id"])
    assert sandbox.slack.views.open[view["id"]].values["question"]["text"]["value"] is None
    assert answer["errors"] == {"question": "Too short"}
    assert view["id"] in sandbox.slack.views.open


async def test_modal_can_be_pushed_and_updated_and_cleared(
    sandbox: Sandbox, app: AsyncApp, client: AsyncWebClient
) -> None:
    answers: list[dict[str, Any]] = [
        {"response_action": "push", "view": MODAL},
        {"response_action": "update", "view": {**MODAL, "private_metadata": "2"}},
        {"response_action": "clear"},
    ]

    @app.view("ask")
    async def submitted(ack: Any) -> None:
        await ack(**answers.pop(0))

    trigger = sandbox.slack.world.triggers.new(sandbox.users["ada"])
    first = (await client.views_open(trigger_id=trigger, view=MODAL))["view"]["id"]
    await sandbox.slack.submit("ada", first)
    assert len(sandbox.slack.views.open) == 2
    second = next(view for view in sandbox.slack.views.open.values() if view.parent == first)
    await sandbox.slack.submit("ada", second.id)
    assert second.given["private_metadata"] == "2"
    await sandbox.slack.submit("ada", second.id)
    assert not sandbox.slack.views.open


async def test_closed_modal_is_told_where_the_app_asked(
    sandbox: Sandbox, app: AsyncApp, client: AsyncWebClient
) -> None:
    closed: list[str] = []

    @app.view_closed("ask")
    async def on_close(ack: Any, view: dict[str, Any]) -> None:
        closed.append(view["id"])
        await ack()

    trigger = sandbox.slack.world.triggers.new(sandbox.users["ada"])
    answer = await client.views_open(trigger_id=trigger, view={**MODAL, "notify_on_close": True})
    await sandbox.slack.close("ada", answer["view"]["id"])
    assert closed == [answer["view"]["id"]]


async def test_trigger_works_once_for_three_seconds(sandbox: Sandbox, client: AsyncWebClient) -> None:
    sandbox.clock.speed = 0
    ada = sandbox.users["ada"]
    trigger = sandbox.slack.world.triggers.new(ada)
    sandbox.clock.advance(2.9)
    await client.views_open(trigger_id=trigger, view=MODAL)
    assert await error(client.views_open(trigger_id=trigger, view=MODAL)) == "exchanged_trigger_id"
    trigger = sandbox.slack.world.triggers.new(ada)
    sandbox.clock.advance(3.1)
    assert await error(client.views_open(trigger_id=trigger, view=MODAL)) == "expired_trigger_id"
    assert await error(client.views_open(trigger_id="1.2.3", view=MODAL)) == "invalid_trigger_id"
    named = {**MODAL, "external_id": "mine"}
    await client.views_open(trigger_id=sandbox.slack.world.triggers.new(ada), view=named)
    again = client.views_open(trigger_id=sandbox.slack.world.triggers.new(ada), view=named)
    assert await error(again) == "duplicate_external_id"


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "home"},
        {"title": {"type": "plain_text", "text": "t" * 25}},
        {"submit": None},
        {"private_metadata": "m" * 3001},
        {"callback_id": "c" * 256},
        {"blocks": [{"type": "divider"}] * 101},
        {"blocks": [{"type": "markdown", "text": "hi"}]},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
async def test_modal_is_checked(sandbox: Sandbox, client: AsyncWebClient, wrong: dict[str, Any]) -> None:
    trigger = sandbox.slack.world.triggers.new(sandbox.users["ada"])
    assert await error(client.views_open(trigger_id=trigger, view={**MODAL, **wrong})) == "invalid_arguments"


async def test_view_has_a_size(sandbox: Sandbox, client: AsyncWebClient) -> None:
    sections = [{"type": "section", "text": {"type": "mrkdwn", "text": "a" * 3000}}] * 90
    trigger = sandbox.slack.world.triggers.new(sandbox.users["ada"])
    assert await error(client.views_open(trigger_id=trigger, view={**MODAL, "blocks": sections})) == "view_too_large"


async def test_view_is_updated_unless_it_changed_meanwhile(sandbox: Sandbox, client: AsyncWebClient) -> None:
    trigger = sandbox.slack.world.triggers.new(sandbox.users["ada"])
    view = (await client.views_open(trigger_id=trigger, view=MODAL))["view"]
    await client.views_update(view_id=view["id"], view=MODAL, hash=view["hash"])
    stale = client.views_update(view_id=view["id"], view=MODAL, hash=view["hash"])
    assert await error(stale) == "hash_conflict"
    assert await error(client.views_update(view_id="V0000000000", view=MODAL)) == "not_found"


async def test_home_is_published_when_opened_and_clicked(
    sandbox: Sandbox, app: AsyncApp, client: AsyncWebClient
) -> None:
    clicked: list[str] = []

    @app.event("app_home_opened")
    async def opened(event: dict[str, Any], client: AsyncWebClient) -> None:
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [BUTTON]})

    @app.action("stop")
    async def stop(ack: Any, body: dict[str, Any]) -> None:
        clicked.append(body["view"]["type"])
        await ack()

    await sandbox.slack.open_home("ben")
    view = await sandbox.slack.until(lambda: sandbox.slack.views.homes.get(sandbox.users["ben"]))
    await sandbox.slack.click("ben", "stop", view_id=view.id)
    assert clicked == ["home"]
    stale = client.views_publish(user_id=sandbox.users["ben"], view={"type": "home", "blocks": []}, hash="0")
    assert await error(stale) == "hash_conflict"
    stranger = client.views_publish(user_id="U0000000000", view={"type": "home", "blocks": []})
    assert await error(stranger) == "invalid_arguments"
