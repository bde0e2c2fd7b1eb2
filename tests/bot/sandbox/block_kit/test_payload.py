"""Block Kit's limits: what just fits is shown, what is one over is refused and named."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.sandbox.slack.block_kit.payload import checked
from bot.sandbox.slack.methods import Refused
from tests.bot.sandbox.calls import error, problems

Block = dict[str, Any]


def plain(length: int) -> Block:
    return {"type": "plain_text", "text": "a" * length}


def mrkdwn(length: int) -> Block:
    return {"type": "mrkdwn", "text": "a" * length}


def button(**more: Any) -> Block:
    return {"type": "button", "text": plain(4), **more}


def actions(*elements: Block) -> Block:
    return {"type": "actions", "elements": list(elements)}


def buttons(count: int) -> Block:
    return actions(*(button(action_id=f"a{number}") for number in range(count)))


def feedback(text: int, value: int) -> Block:
    side = {"text": plain(text), "value": "v" * value}
    element = {"type": "feedback_buttons", "action_id": "f", "positive_button": side, "negative_button": side}
    return {"type": "context_actions", "elements": [element]}


def overflow(count: int) -> Block:
    options = [{"text": plain(3), "value": str(number)} for number in range(count)]
    return actions({"type": "overflow", "action_id": "o", "options": options})


def image(url: int, alt: int) -> Block:
    return {"type": "image", "image_url": "h" * url, "alt_text": "a" * alt}


def table(rows: int, columns: int, length: int = 1) -> Block:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": "a" * length}] * columns] * rows}


def data_table(rows: int, columns: int = 1, **more: Any) -> Block:
    return {**table(rows, columns), "type": "data_table", "caption": "Usage", **more}


def pie(segments: int, value: float = 1) -> Block:
    chart = {"type": "pie", "segments": [{"label": f"s{n}", "value": value} for n in range(segments)]}
    return {"type": "data_visualization", "title": "Cost", "chart": chart}


def line(series: int, categories: int, label: str = "c", title: int = 50, axis: int = 50) -> Block:
    names = [f"{label}{number:02d}" for number in range(categories)]
    data = [{"label": name, "value": 1.5} for name in names]
    chart = {
        "type": "line",
        "series": [{"name": f"s{number}", "data": data} for number in range(series)],
        "axis_config": {"categories": names, "x_label": "x" * axis},
    }
    return {"type": "data_visualization", "title": "t" * title, "chart": chart}


FITS_AND_NOT: dict[str, tuple[list[Block], list[Block]]] = {
    "section text": ([{"type": "section", "text": mrkdwn(3000)}], [{"type": "section", "text": mrkdwn(3001)}]),
    "section fields": (
        [{"type": "section", "fields": [mrkdwn(1)] * 10}],
        [{"type": "section", "fields": [mrkdwn(1)] * 11}],
    ),
    "field text": ([{"type": "section", "fields": [mrkdwn(2000)]}], [{"type": "section", "fields": [mrkdwn(2001)]}]),
    "section": ([{"type": "section", "text": plain(1)}], [{"type": "section"}]),
    "header": ([{"type": "header", "text": plain(150)}], [{"type": "header", "text": plain(151)}]),
    "header kind": ([{"type": "header", "text": plain(1)}], [{"type": "header", "text": mrkdwn(1)}]),
    "context": (
        [{"type": "context", "elements": [mrkdwn(1)] * 10}],
        [{"type": "context", "elements": [mrkdwn(1)] * 11}],
    ),
    "actions": ([buttons(25)], [buttons(26)]),
    "button text": ([actions(button(text=plain(75)))], [actions(button(text=plain(76)))]),
    "button value": ([actions(button(value="v" * 2000))], [actions(button(value="v" * 2001))]),
    "button style": ([actions(button(style="danger"))], [actions(button(style="default"))]),
    "action_id": ([actions(button(action_id="a" * 255))], [actions(button(action_id="a" * 256))]),
    "action_id twice": ([buttons(2)], [actions(button(action_id="a"), button(action_id="a"))]),
    "block_id": ([{"type": "divider", "block_id": "b" * 255}], [{"type": "divider", "block_id": "b" * 256}]),
    "block_id twice": (
        [{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "b"}],
        [{"type": "divider", "block_id": "a"}] * 2,
    ),
    "overflow": ([overflow(5)], [overflow(6)]),
    "feedback text": ([feedback(75, 1)], [feedback(76, 1)]),
    "feedback value": ([feedback(1, 2000)], [feedback(1, 2001)]),
    "image url": ([image(3000, 1)], [image(3001, 1)]),
    "image alt": ([image(1, 2000)], [image(1, 2001)]),
    "markdown": ([{"type": "markdown", "text": "a" * 12_000}], [{"type": "markdown", "text": "a" * 12_001}]),
    "markdown in all": (
        [{"type": "markdown", "text": "a" * 6000}] * 2,
        [{"type": "markdown", "text": "a" * 6000}, {"type": "markdown", "text": "a" * 6001}],
    ),
    "table rows": ([table(100, 1)], [table(101, 1)]),
    "table columns": ([table(1, 20)], [table(1, 21)]),
    "table characters": ([table(1, 1, 10_000)], [table(1, 2, 5_001)]),
    "one table": ([table(1, 1)], [table(1, 1), table(1, 1)]),
    "data table rows": ([data_table(101)], [data_table(102)]),
    "data table needs a row": ([data_table(2)], [data_table(1)]),
    "data table page": ([data_table(2, page_size=100)], [data_table(2, page_size=101)]),
    "pie": ([pie(6)], [pie(7)]),
    "pie value": ([pie(1, 0.5)], [pie(1, 0)]),
    "series": ([line(6, 1)], [line(7, 1)]),
    "categories": ([line(1, 20)], [line(1, 21)]),
    "category label": ([line(1, 1, "c" * 18)], [line(1, 1, "c" * 19)]),
    "chart title": ([line(1, 1, title=50)], [line(1, 1, title=51)]),
    "axis label": ([line(1, 1, axis=50)], [line(1, 1, axis=51)]),
    "charts": ([pie(1)] * 2, [pie(1)] * 3),
    "field of a block": ([{"type": "divider"}], [{"type": "divider", "text": "hi"}]),
    "field of an element": ([actions(button())], [actions(button(colour="red"))]),
    "field of a text": (
        [{"type": "section", "text": {**mrkdwn(1), "verbatim": True}}],
        [{"type": "section", "text": {**mrkdwn(1), "emoji": True}}],
    ),
    "unknown": ([{"type": "divider"}], [{"type": "marquee"}]),
}


@pytest.mark.parametrize(("fits", "not_"), FITS_AND_NOT.values(), ids=FITS_AND_NOT.keys())
def test_what_fits_is_taken_and_one_more_is_refused(fits: list[Block], not_: list[Block]) -> None:
    assert len(checked(fits, "message")) == len(fits)
    with pytest.raises(Refused) as refused:
        checked(not_, "message")
    assert refused.value.error == "invalid_blocks"
    assert "[json-pointer:/blocks" in refused.value.more["response_metadata"]["messages"][0]


async def test_refusal_says_what_and_where(sandbox: Sandbox, client: AsyncWebClient) -> None:
    blocks: list[Block] = [{"type": "divider"}, {"type": "header", "text": plain(151)}]
    call = client.chat_postMessage(channel=sandbox.channels["general"], text="hi", blocks=blocks)
    assert await problems(call) == ["[ERROR] must be less than 151 characters [json-pointer:/blocks/1/text/text]"]


async def test_message_has_fifty_blocks_at_most(sandbox: Sandbox, client: AsyncWebClient) -> None:
    channel = sandbox.channels["general"]
    await client.chat_postMessage(channel=channel, text="hi", blocks=[{"type": "divider"}] * 50)
    call = client.chat_postMessage(channel=channel, text="hi", blocks=[{"type": "divider"}] * 51)
    assert await error(call) == "msg_blocks_too_many"


async def test_message_has_13200_characters_in_blocks_at_most(sandbox: Sandbox, client: AsyncWebClient) -> None:
    channel, section = sandbox.channels["general"], {"type": "section", "text": mrkdwn(1200)}
    fits: list[Block] = [{"type": "markdown", "text": "a" * 12_000}, section]
    await client.chat_postMessage(channel=channel, text="hi", blocks=fits)
    one_more = [*fits, {"type": "context", "elements": [mrkdwn(1)]}]
    assert await error(client.chat_postMessage(channel=channel, text="hi", blocks=one_more)) == "msg_blocks_too_long"


async def test_blocks_that_are_no_list_are_malformed(sandbox: Sandbox, client: AsyncWebClient) -> None:
    for blocks in ("[", '{"type": "divider"}', '["divider"]'):
        call = client.api_call("chat.postMessage", data={"channel": sandbox.channels["general"], "blocks": blocks})
        assert await error(call) == "invalid_blocks_format"


@pytest.mark.parametrize("kind", ["markdown", "table", "data_visualization", "context_actions"])
def test_some_blocks_are_for_messages_only(kind: str) -> None:
    blocks = {
        "markdown": {"type": "markdown", "text": "hi"},
        "table": table(1, 1),
        "data_visualization": pie(1),
        "context_actions": feedback(1, 1),
    }
    with pytest.raises(Refused, match="invalid_blocks"):
        checked([blocks[kind]], "home")


def test_blocks_may_use_the_same_action_id() -> None:
    blocks = [actions(button(action_id="a")), actions(button(action_id="a"))]
    assert len(checked(blocks, "message")) == 2
