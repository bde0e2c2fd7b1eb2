"""Which links in a message are public pictures, and what becomes of one that Claude cannot fetch."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.parley import Parley
from workers.endings import UNREADABLE
from workers.files.picture_links import block, is_public_picture, pictures


def test_pictures_are_found_once_each_and_as_they_were_typed() -> None:
    text = "<https://x.org/a.png> <https://x.org/a.png|again> <https://x.org/b.JPG?w=1&amp;h=2> <https://x.org/page>"
    assert pictures(text) == ["https://x.org/a.png", "https://x.org/b.JPG?w=1&h=2"]


@pytest.mark.parametrize(
    "url",
    [
        "http://x.org/a.png",
        "https://localhost/a.png",
        "https://intranet/a.png",
        "https://nas.local/a.png",
        "https://x.internal./a.png",
        "https://127.0.0.1/a.png",
        "https://[::1]/a.png",
        "https://0x7f.1/a.png",
        "https://x.org:8443/a.png",
        "https://user:pass@x.org/a.png",
        "https://x.org/a.svg",
        "https://x.org/a.png/page",
        "https://[x/a.png",
    ],
)
def test_what_is_not_public_or_no_picture_is_left_alone(url: str) -> None:
    assert not is_public_picture(url)


@given(st.text(alphabet="htps:/.@[]x1|<>#?&;lo-png", max_size=60))
def test_any_text_is_read(text: str) -> None:
    pictures(f"<https://{text}.png>")


def test_a_link_is_sent_as_an_address() -> None:
    attachment, blocks = block("https://x.org/a.png")
    assert blocks == [{"type": "image", "source": {"type": "url", "url": "https://x.org/a.png"}}]
    assert (attachment.kind, attachment.id) == ("link", block("https://x.org/a.png")[0].id)


async def test_a_linked_picture_that_claude_cannot_fetch_is_left_out(redis_url: str, tmp_path: Path) -> None:
    async with Parley(redis_url, tmp_path, settings={"IMAGE_LINKS": "on"}) as parley:
        parley.sandbox.faults.add("/v1/messages", "status", times=1, status=400, error_type="invalid_request_error")
        ts = await parley.slack.say("ada", "general", "@parley what is on <https://example.org/cat.png>?")
        [said] = await parley.answers("general", ts)
        assert UNREADABLE.partition(" (")[0] not in said
        kept, sent = (entry.data["body"]["messages"] for entry in parley.sandbox.journal.entries("claude.request"))
        assert [block["type"] for block in kept[0]["content"]] == ["image", "text"]
        assert [block["type"] for block in sent[0]["content"]] == ["text", "text"]
