"""Markdown to try things on: the documents of tests/data/markdown, and random ones for the property tests."""

from pathlib import Path

from hypothesis import strategies as st

DOCUMENTS = sorted((Path(__file__).parent.parent / "data" / "markdown").glob("*.md"))


def document(path: Path) -> str:
    return path.read_bytes().decode()


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
    st.builds(
        lambda gap, title, end: f"[1]: /url{gap}{title}{end}",
        st.sampled_from([" ", "\n", "\n  "]),
        st.sampled_from(['"title"', "'ti\ntle'", "(title)", '"title', "'ti\\'tle'"]),
        st.sampled_from(["", " ", " word", "\nword", "\n[r]: b"]),
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
SOUP += ["[r]: /u", "[r]:", '"', "'"]
soup = st.lists(st.sampled_from(SOUP), min_size=1, max_size=12).map("".join)
