"""What a reader sees of Markdown, as markdown-it-py renders it."""

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

TAGS = re.compile(r"<!--.*?-->|<[A-Za-z/!?][^<>]*>", re.S)


def parser(html: bool = True) -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": html}).enable(["table", "strikethrough"])
    markdown.validateLink = lambda url: True  # type: ignore[method-assign]
    return markdown


MARKDOWN = parser()


def plain(tokens: list[Token]) -> str:
    """The text of inline tokens; an image shows at least itself."""
    parts = []
    for token in tokens:
        if token.type in ("text", "code_inline"):
            parts.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif token.type == "image":
            parts.append(plain(token.children or []).strip() or "▣")
    return "".join(parts)


def visible(text: str, markdown: MarkdownIt = MARKDOWN) -> str:
    """The rendered plain text, with the numbers of ordered lists, and one space for any white space.

    Markup, HTML tags and the targets of links are not in it.
    """
    parts = []
    for token in markdown.parse(text):
        if token.type == "inline":
            parts.append(plain(token.children or []))
        elif token.type in ("fence", "code_block"):
            parts.append(token.content)
        elif token.type == "html_block":
            parts.append(TAGS.sub("", token.content))
        elif token.type == "list_item_open" and token.info:
            parts.append(f"{token.info}.")
    return " ".join(" ".join(parts).replace("\u2060", "").split())


def seen(text: str) -> int:
    """How many characters a reader sees, spaces not counted."""
    return len(visible(text).replace(" ", ""))


def check_closed(shown: str) -> None:
    """Fails if a fence that reaches to the end of a frame is not closed."""
    shown = shown.rstrip(" \t")
    lines = shown.splitlines()
    fences = [token for token in MARKDOWN.parse(shown) if token.type == "fence"]
    # A fence in a quote ends with the quote, at a blank line.
    if fences and fences[-1].map is not None and fences[-1].map[1] == len(lines):
        last = lines[-1]
        assert fences[-1].map[1] - fences[-1].map[0] > 1
        assert last.lstrip("> \t").startswith(fences[-1].markup)
