"""Which links in a message are public pictures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.links import block, is_public_picture, pictures


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
