"""What is kept of a thread's files is read as it was written, and found without reading all of it."""

import base64
import json
import os

import pytest
from redis.asyncio import Redis

from bot.store import keys
from bot.store.threads import files
from bot.store.threads.files import Attachment, ContentBlock
from bot.talk.message import Thread

THREAD = Thread("T1", "C1", "1.1")
DATA = base64.b64encode(os.urandom(300_000)).decode()
PICTURE: list[ContentBlock] = [
    {"type": "text", "text": 'a "name", "blocks": é'},
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}},
]
LINK: list[ContentBlock] = [{"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}]


def attachment(id: str, name: str = 'a", "blocks": [é') -> Attachment:
    return Attachment(id, name, "image", "image/png", 100, len(DATA))


@pytest.fixture(autouse=True)
async def question(redis: Redis) -> None:
    """A question is open in the thread."""
    await redis.hset(keys.messages(THREAD), "1.1", "{}")


async def test_files_are_found_and_read_as_they_were_kept(redis: Redis) -> None:
    for id, blocks in (("F1", PICTURE), ("F2", LINK)):
        assert await files.keep(redis, THREAD, attachment(id), blocks, 1) == attachment(id)
    assert await files.find(redis, THREAD, ["F1", "F0", "F2"]) == {"F1": attachment("F1"), "F2": attachment("F2")}
    assert await files.blocks(redis, THREAD, ["F1", "F0", "F2"]) == {"F1": PICTURE, "F2": LINK}
    assert (await files.find(redis, THREAD, []), await files.blocks(redis, THREAD, [])) == ({}, {})


async def test_what_was_kept_first_stays(redis: Redis) -> None:
    await files.keep(redis, THREAD, attachment("F1"), PICTURE, 1)
    assert await files.keep(redis, THREAD, attachment("F1", "another"), LINK, 1) == attachment("F1")
    assert await files.blocks(redis, THREAD, ["F1"]) == {"F1": PICTURE}


async def test_what_is_kept_is_the_json_that_it_has_always_been(redis: Redis) -> None:
    await files.keep(redis, THREAD, attachment("F1"), PICTURE, 1)
    kept = await redis.hget(keys.files(THREAD), "F1")
    file = {"id": "F1", "name": 'a", "blocks": [é', "kind": "image", "media_type": "image/png", "tokens": 100}
    assert kept == json.dumps({"file": {**file, "size": len(DATA)}, "blocks": PICTURE})


async def test_a_file_is_found_without_its_blocks(redis: Redis) -> None:
    await files.keep(redis, THREAD, attachment("F1"), PICTURE, 1)
    before = (await redis.info("stats"))["total_net_output_bytes"]
    assert await files.find(redis, THREAD, ["F1"])
    assert (await redis.info("stats"))["total_net_output_bytes"] - before < len(DATA) / 2
