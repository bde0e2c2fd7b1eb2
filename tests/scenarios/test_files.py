"""Files that people share reach Claude, stay in the thread, and are told about where they cannot be read."""

import io
import json
from typing import Any

import pytest
from PIL import Image

from tests.kit.parley import Parley
from workers.endings import UNREADABLE

pytestmark = pytest.mark.asyncio(loop_scope="package")

PDF = b"%PDF-1.7\n1 0 obj<</Type/Pages/Count 1/Kids[2 0 R]>>endobj 2 0 obj<</Type/Page>>endobj\n%%EOF"


def picture(form: str = "PNG", size: tuple[int, int] = (40, 30), colour: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, form)
    return file.getvalue()


def asked(parley: Parley) -> list[dict[str, Any]]:
    """The newest request's messages."""
    messages: list[dict[str, Any]] = parley.sandbox.journal.entries("claude.request")[-1].data["body"]["messages"]
    return messages


def kinds(message: dict[str, Any]) -> list[str]:
    return [block["type"] for block in message["content"]]


async def test_a_picture_and_a_pdf_are_sent_and_sent_again_byte_by_byte(parley: Parley) -> None:
    ts = await parley.slack.upload("ada", "general", [("cat.png", picture("PNG", (3000, 2000)))], text="@parley what?")
    await parley.answers("general", ts)
    first = asked(parley)
    assert kinds(first[0]) == ["text", "image", "text"]
    assert "what?" in first[0]["content"][-1]["text"]
    follow_up = await parley.slack.upload("ben", "general", [("a.pdf", PDF)], text="and this?", thread_ts=ts)
    await parley.answers("general", follow_up, thread_ts=ts)
    second = asked(parley)
    assert kinds(second[2]) == ["document", "text"]
    for file in parley.slack.workspace.files.values():
        file.mode = "tombstone"
    third = await parley.slack.say("ada", "general", "@parley compare them", thread_ts=ts)
    await parley.answers("general", third, thread_ts=ts)
    assert [json.dumps(message) for message in asked(parley)[:3]] == [json.dumps(message) for message in second]
    assert json.dumps(asked(parley)[0]) == json.dumps(first[0])


async def test_a_picture_without_a_word_is_a_question(parley: Parley) -> None:
    ts = await parley.slack.upload("ada", "dm", [("cat.jpg", picture("JPEG"))])
    assert await parley.answers(parley.sandbox.channels["@ada"], ts)
    assert kinds(asked(parley)[0]) == ["text", "image", "text"]


async def test_what_cannot_be_read_is_told_to_people_and_to_claude(parley: Parley) -> None:
    files = [("holiday.heic", b"\0\0\0\x18ftypheic" + bytes(100)), ("notes.txt", "Grüße".encode())]
    ts = await parley.slack.upload("ada", "general", files, text="@parley read these")
    [said] = await parley.answers("general", ts)
    assert "`holiday.heic` is of a type that I cannot read" in said
    [message] = asked(parley)
    assert kinds(message) == ["document", "text"]
    assert message["content"][0]["source"]["data"] == "Grüße"
    assert "holiday.heic" in message["content"][1]["text"]


async def test_a_file_of_40_megabytes_is_not_fetched(parley: Parley) -> None:
    before = len(parley.sandbox.journal.entries("claude.request"))
    ts = await parley.slack.upload("ada", "dm", [("film.pdf", b"%PDF-1.7" + bytes(40_000_000))])
    [said] = await parley.answers(parley.sandbox.channels["@ada"], ts)
    assert said == "_`film.pdf` is larger than 20 MB, the most that I can read._"
    assert not [e for e in parley.sandbox.journal.entries("slack.download") if e.name == "film.pdf"]
    assert len(parley.sandbox.journal.entries("claude.request")) == before


async def test_a_login_page_in_place_of_a_file_is_told(parley: Parley) -> None:
    parley.slack.scopes.remove("files:read")
    try:
        ts = await parley.slack.upload("ada", "general", [("cat.png", picture())], text="@parley look")
        [said] = await parley.answers("general", ts)
    finally:
        parley.slack.scopes.append("files:read")
    assert "`files:read`" in said
    assert "Sign in" not in str(asked(parley))


async def test_a_deleted_file_is_told(parley: Parley) -> None:
    ts = await parley.slack.upload("ada", "general", [("cat.png", picture())], text="@parley look", mode="tombstone")
    [said] = await parley.answers("general", ts)
    assert "was deleted from Slack before I could read it" in said


async def test_what_claude_refuses_to_read_does_not_spoil_the_thread(parley: Parley) -> None:
    parley.sandbox.faults.add("/v1/messages", "status", times=1, status=400, error_type="invalid_request_error")
    ts = await parley.slack.upload("ada", "general", [("a.pdf", PDF)], text="@parley what is this?")
    [said] = await parley.answers("general", ts)
    assert UNREADABLE.partition(" (")[0] in said
    again = await parley.slack.say("ada", "general", "@parley and now?", thread_ts=ts)
    await parley.answers("general", again, thread_ts=ts)
    assert [block["type"] for block in asked(parley)[0]["content"]] == ["text"]


async def test_no_name_or_content_of_a_file_is_logged(parley: Parley) -> None:
    ts = await parley.slack.upload("ada", "general", [("secret-name.bin", b"\0secret-content")], text="@parley look")
    await parley.answers("general", ts)
    await parley.logged(r"file left out thread=\S+ ts=\S+ file=F\w+ reason=type")
    assert "secret" not in parley.log
