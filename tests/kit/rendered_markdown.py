"""What a reader sees of Markdown, by markdown-it-py, and random Markdown for the property tests."""

import re
from pathlib import Path

from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

DOCUMENTS = sorted((Path(__file__).parent.parent / "data" / "markdown").glob("*.md"))
TAGS = re.compile(r"<!--.*?-->|<[A-Za-z/!?][^<>]*>", re.S)


def parser(html: bool = True) -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": html}).enable(["table", "strikethrough"])
    markdown.validateLink = lambda url: True  # type: ignore[method-assign]
    return markdown


MARKDOWN = parser()


def document(path: Path) -> str:
    return path.read_bytes().decode()


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


def visible(text: str) -> str:
    """The rendered plain text: no markup, no HTML tags, no link targets; numbers of ordered lists; white space does
    not count."""
    parts = []
    for token in MARKDOWN.parse(text):
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
    return len(visible(text).replace(" ", ""))


def check_closed(shown: str) -> None:
    """A fence that reaches to the end of a frame has its end."""
    shown = shown.rstrip(" \t")
    lines = shown.splitlines()
    fences = [token for token in MARKDOWN.parse(shown) if token.type == "fence"]
    # A fence in a quote ends with the quote, at a blank line.
    if fences and fences[-1].map is not None and fences[-1].map[1] == len(lines):
        last = lines[-1]
        assert fences[-1].map[1] - fences[-1].map[0] > 1
        assert last.lstrip("> \t").startswith(fences[-1].markup)


def text_of(words: list[str]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(words), min_size=1, max_size=6).map("".join)


WORDS = [
    "word ",
    "a",
    "B. ",
    "9",
    "é",
    "中文",
    "👩‍💻",
    "x_y",
    "$a_1$",
    " ",
    "e.g. ",
    "!",
    "(",
    ")",
    "|",
    "~",
    "1. ",
    "—",
]
MARKS = [
    "*",
    "**",
    "_",
    "__",
    "~~",
    "`",
    "``",
    "[",
    "]",
    "](",
    ")",
    "![",
    "\\",
    "<",
    ">",
    "&",
    "<b>",
    "&amp;",
    "\n",
    "  \n",
]
LINKS = [
    "[ab](https://c.de)",
    "[r][1]",
    "![i](j.png)",
    "<https://a.bc>",
    "<@U12>",
    "<!here>",
    "[`c`](d 'e')",
    "`co*de`",
]
MARKUP = ["**bold**", "*em*", "~~gone~~", "**a *b* c**", "https://a.bc/d_e_f", "\\*", "***x***", "_y_"]

inline = st.one_of(text_of(WORDS + MARKUP), text_of(WORDS + LINKS + MARKUP), text_of(WORDS + MARKS + LINKS))
line = inline.map(lambda text: " ".join(text.split()) or "x")


@st.composite
def fences(draw: st.DrawFn) -> str:
    mark = draw(st.sampled_from(["```", "~~~", "````", "~~~~~"]))
    info = draw(st.sampled_from(["", "python", "c++ {1}"]))
    body = draw(st.lists(st.sampled_from(["x = *a", "", "``", "  y", "~~", "<!here>", "- b", "| c |"]), max_size=4))
    end = draw(st.sampled_from([f"\n{mark}", f"\n{mark}", ""]))
    return "\n".join([mark + info, *body]) + end


@st.composite
def tables(draw: st.DrawFn) -> str:
    width = draw(st.integers(1, 3))
    cell = line.map(lambda text: text.replace("|", "\\|"))
    rows = draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=4))
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "|" + draw(st.sampled_from(["---|", ":-:|", " --- |"])) * width)
    if draw(st.booleans()):
        # A first cell that starts like another block makes it that block, or a table: dialects differ.
        lines = (
            ["w" * (index != 1) + line.strip("|").strip() for index, line in enumerate(lines)] if width > 1 else lines
        )
    return "\n".join(lines)


leaves = st.one_of(
    line,
    st.lists(line, min_size=1, max_size=3).map("\n".join),
    st.builds(lambda level, text: "#" * level + " " + text, st.integers(1, 4), line),
    st.builds(lambda text, under: f"{text}\n{under}", line, st.sampled_from(["===", "---", "-"])),
    fences(),
    tables(),
    st.sampled_from(
        ["---", "***", "<div>\nx *y*\n</div>", "<details>", "    code *x*", "[1]: https://a.bc", "42", "<!-- c -->"]
    ),
)


def _nested(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def item(marker: str, text: str) -> str:
        return marker + text.replace("\n", "\n" + " " * len(marker))

    def quote(text: str) -> str:
        return "\n".join(f"> {line}" for line in text.split("\n"))

    markers = st.sampled_from(["- ", "* ", "1. ", "10. ", "2) "])
    several = st.lists(children, min_size=1, max_size=3)
    return st.one_of(
        st.builds(lambda marker, texts: "\n".join(item(marker, text) for text in texts), markers, several),
        several.map("\n\n".join).map(quote),
    )


blocks = st.recursive(leaves, _nested, max_leaves=4)
documents = st.lists(blocks, min_size=1, max_size=4).flatmap(
    lambda texts: st.sampled_from(["\n\n", "\n"]).map(lambda gap: gap.join(texts))
)
SOUP = ["- ", "> ", "1. ", "# ", "```\n", "~~~\n", "| a |\n", "|--|\n", "\n\n", "---\n", "    ", "word", *MARKS]
soup = st.lists(st.sampled_from(SOUP), min_size=1, max_size=12).map("".join)
