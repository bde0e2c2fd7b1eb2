"""Markdown that tries to ping or to deceive, and checks that a text which went through `harmless` can do neither."""

import re
from html import unescape
from urllib.parse import urlsplit

from hypothesis import strategies as st
from markdown_it.token import Token

from tests.kit.markdown_samples import documents
from tests.kit.rendered_markdown import parser, visible

PEOPLE = frozenset({"U1", "U012ABCDEF"})
PING = re.compile(
    r"<!(?!DOCTYPE\b)[a-z]|<@(?!(?:U1|U012ABCDEF)(?:\|[^<>|]*)?>)[A-Z]|(?<![A-Za-z0-9])@(?:channel|here|everyone)\b",
    re.I,
)
HOST = re.compile(r"(?:[\w-]+\.)+[a-z]{2,}", re.I)
PROGRAM = re.compile(r"\b(?:slack|file)://|\b(?:javascript|vbscript|data):[a-z]+[(,]", re.I)
CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069\x00-\x08\x1b\x7f]")
PARSERS = [parser(html=True), parser(html=False)]

PIECES = [
    "<!channel>",
    "<!here|x>",
    "<!subteam^S12|@team>",
    "<@U1>",
    "<@U2>",
    "<@W9|n>",
    "@here",
    "@everyone",
    "&lt;!here>",
    "&#60;@U2&#62;",
    "&commat;channel",
    "<https://evil.example|bank.example>",
    "[bank.example](https://evil.example)",
    "[bank.example](https://evil.example 'bank.example')",
    "[bank.example][1]",
    "[x](javascript:a)",
    "![bank.example](slack://open)",
    "[**bank**.example](//e.fg)",
    "https://bank.example@evil.example/",
    "https://bänk.example",
    "slack://open?team=T1",
    "javascript:alert(1)",
    "data:text/html,x",
    "<a href='https://e.fg'>bank</a>",
    "ab\u202ecd\u2066",
]
DEFINITIONS = ["[1]: https://evil.example", "[bank.example]: https://e.fg", "[1]: javascript:x"]


@st.composite
def hostile_documents(draw: st.DrawFn) -> str:
    """Documents with hostile pieces in place of some of their words, inside and outside of code."""
    text = draw(documents)
    pieces = draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6))
    for word, piece in zip(("word", "a", "x", "word", "e.g.", "word"), pieces, strict=False):
        text = text.replace(word, piece, 1)
    return "\n\n".join([text, *draw(st.lists(st.sampled_from(DEFINITIONS), max_size=2))])


long_documents = st.builds(
    lambda texts, times: "\n\n".join(texts * times),
    st.lists(hostile_documents(), min_size=1, max_size=3),
    st.integers(1, 12),
)


def check_harmless(safe: str) -> None:
    """Fails if Slack could take anything in it for a ping, or if a link hides where it leads."""
    for raw in (safe, unescape(safe), safe.replace("\\", ""), visible(safe) if "\u2060" not in safe else ""):
        assert not PING.search(raw), raw
    assert not CONTROLS.search(safe)
    for markdown in PARSERS:
        for token in markdown.parse(safe):
            _check_links(token.children or [])


def check_plain(text: str) -> None:
    """The same for the escaped text of a notification, which Slack does not read as Markdown."""
    assert "<" not in text
    for raw in (text, unescape(text)):
        assert not PING.search(raw.replace("<@U1>", "<@U2>")), raw
        assert not PROGRAM.search(raw), raw
    assert not CONTROLS.search(text)


def _check_links(tokens: list[Token]) -> None:
    for index, token in enumerate(tokens):
        if token.type == "image":
            url, label, after = str(token.attrs["src"]), token.content, index + 1
        elif token.type == "link_open":
            after = next(at for at in range(index, len(tokens)) if tokens[at].type == "link_close") + 1
            url, label = str(token.attrs["href"]), "".join(inner.content for inner in tokens[index:after])
        else:
            continue
        parts = urlsplit(url)
        assert parts.scheme in ("http", "https", "mailto"), url
        assert "\\" not in url
        if parts.scheme == "mailto":
            continue
        host = (parts.hostname or "").lower()
        assert host
        shown = {host_shown.lower().removeprefix("www.") for host_shown in HOST.findall(label)}
        if token.markup == "autolink":
            shown = set()
        if shown - {host.removeprefix("www.")} or "@" in parts.netloc or "xn--" in host:
            follows = "".join(inner.content for inner in tokens[after:])
            assert follows.startswith(f" ({host}"), (url, label, follows)
