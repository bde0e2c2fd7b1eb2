"""How many tokens a file's contents are, by estimate."""

from workers.reader.contents import TOKENS_PER_PAGE, Pdf, Picture, text_tokens


def test_tokens_go_by_pixels_pages_and_bytes() -> None:
    assert Picture(b"", "image/png", 1568, 392, is_first_frame=False).tokens == -(-1568 * 392 // 750)
    assert Pdf(0, 3).tokens(1_000_000) == 3 * TOKENS_PER_PAGE
    assert Pdf(0, None).tokens(120_000) == 3 * TOKENS_PER_PAGE
    assert text_tokens("abcd") == text_tokens("ü" * 3) == 2
