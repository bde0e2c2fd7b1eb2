"""Large files reach Claude byte by byte as they are, and no step of a request holds all of them."""

import base64
import json
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.sandbox import Claude as Sandbox
from bot.sandbox.claude.answers import Answer as Script
from tests.kit.claude import MODEL, ask, bodies, connected, serving
from workers.claude.large_bodies import LARGE, LargeBodies

SMALL = base64.b64encode(b"%PDF-1.7 a small one").decode()
DATA = base64.b64encode(b"%PDF-1.7 " + os.urandom(LARGE)).decode()


def pdf(data: str) -> dict[str, Any]:
    return {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": data}}


def request(*blocks: dict[str, Any]) -> dict[str, Any]:
    said = [*blocks, {"type": "text", "text": 'What is "parley-file-' + "0" * 32 + '"?'}]
    return {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": said}]}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving(speed=1000) as sandbox:
        sandbox.script(None, Script("Yes."))
        yield sandbox


async def test_a_request_arrives_with_its_large_files_as_it_was_made(sandbox: Sandbox) -> None:
    asked = request(pdf(DATA), pdf(SMALL), pdf(DATA[:-4]))
    async with connected(sandbox) as claude:
        assert (await ask(claude, **asked))[0].text == "Yes."
        # The second one finds nothing of the first.
        await ask(claude, **request())
        assert await claude.count(asked) > 0
    assert [body["messages"] for body in bodies(sandbox)][:2] == [asked["messages"], request()["messages"]]


def test_what_the_sdk_makes_into_json_has_no_large_file_in_it_and_the_request_stays() -> None:
    asked = request(pdf(DATA), pdf(SMALL))
    before = json.dumps(asked)
    light, held = LargeBodies().taken_out(asked)
    assert json.dumps(asked) == before
    assert len(json.dumps(light)) < 2_000
    assert [large.data for large in held] == [DATA]
    assert light["messages"][0]["content"][1:] == asked["messages"][0]["content"][1:]


def test_a_request_without_large_files_is_left_alone() -> None:
    asked = request(pdf(SMALL))
    assert LargeBodies().taken_out(asked) == (asked, [])
