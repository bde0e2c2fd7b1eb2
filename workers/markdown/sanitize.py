"""Nothing that Claude writes may ping, or hide a link's true host.

What pings: https://docs.slack.dev/messaging/formatting-message-text/. Whether `<!channel>` in a markdown block does is
not documented; it is taken for granted here, in code too.
"""

import html
import re
import sys
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from workers.markdown.blocks import LeafBlock, scan
from workers.markdown.content import Content, content_of
from workers.markdown.hosts import HOST_END, Label, Target, drawn, is_deceptive, misplaced, target_of, true_host
from workers.markdown.inline import ENTITY, Span, parse
from workers.markdown.links import LONGEST_LABEL, definition, label_key

JOINER = "\u2060"
# Controls, lone surrogates, bidi embeddings, overrides and isolates, line and paragraph separators, and invisible
# characters without a use in text: byte order marks, operators, deprecated ones, tags other than those of a flag.
REMOVED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u180e\u2028-\u202e\u2061-\u206f\ud800-\udfff\ufeff\ufff0-\ufff8"
    "\U000e0000-\U000e001f\U000e0080-\U000e00ff\U000e01f0-\U000e0fff]"
    "|(?<![\U0001f3f4\U000e0020-\U000e007e])[\U000e0020-\U000e007f]+"
)
LONE_RETURN = re.compile(r"\r(?!\n)")
LESS = r"(?:<|&(?:lt|LT|#0*60|#[xX]0*3[cC]);)"
AT = r"(?:@|&(?:commat|#0*64|#[xX]0*40);)"
DECLARED = r"(?:DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)\b"
NOTICE = re.compile(rf"<!(?!{DECLARED})(?=[A-Za-z])", re.I)
PING = re.compile(
    rf"({LESS}\\?)(?=\\?!(?!{DECLARED})[A-Za-z]|\\?{AT}[A-Za-z0-9])|"
    rf"({AT}\\?)(?=(?:channel|here|everyone|group)(?![A-Za-z0-9_]))",
    re.I,
)
MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>|\n]*)?>")
URL = re.compile(r"\bhttps?:[/\\]+[^\s<>]+", re.I)
NOTES = re.compile(r"(?> \([a-z0-9.:\[\]_-]+\))*+")
AFTER_ADDRESS = frozenset(".,;:!?*_~'\"")
LAST_ENTITY = re.compile(r"&#?\w{1,31}$")
BAD_SCHEME = re.compile(r"\b(slack|file|javascript|vbscript|data)(?=:(?://|[^\s:`]+[(,]))", re.I)
ANCHOR = re.compile(r"<(?=/?a(?:\s|>|/|$))", re.I)
HTML = re.compile(r"<[A-Za-z/!?]")
INTERESTING = re.compile(r"\]\(|\]:|<|:[/\\]{2}|javascript:|data:", re.I)
URL_END = re.compile(r"[\s<>]")
NOT_IN_CODE = re.compile(r"[`|]")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
BRACKET = re.compile(r"[()\[\]\\]")
CELL = re.compile(r"(?:[^|\\]|\\.)+")
PLAIN_LABEL = re.compile(r"[^\W\d_][^\\`<&\[\]!*_~|\n@]*$")


@dataclass(frozen=True, slots=True)
class Replacement:
    """`text[start:end]` becomes `new`."""

    start: int
    end: int
    new: str


class Link(NamedTuple):
    """A span that leads to an address."""

    span: Span
    target: Target


def harmless(text: str, people: frozenset[str] = frozenset()) -> str:
    """The same text, unable to ping or to deceive; `people` are the ids whose mentions may stay mentions.

    Broadcasts, groups and mentions are broken by an invisible U+2060, also in code. Outside of code only http, https
    and mailto links stay links, and where a label names another host than the link's, or the address hides its host
    (user name, IDN), the true host stands beside it. Bidi and other controls go. Idempotent.
    """
    text = LONE_RETURN.sub("\n", REMOVED.sub("", text))
    for _ in range(8):
        safer = _links(_pings(text, people), raw_html=True)
        if HTML.search(safer):
            safer = _links(safer, raw_html=False)
        if safer == text:
            return text
        text = safer
    return _pings(text.replace("](", f"]{JOINER}(").replace("]:", f"]{JOINER}:"), people)


def harmless_plain(text: str) -> str:
    """The same for a text in which nothing is markup any more: no mention stays one."""
    return BAD_SCHEME.sub(lambda scheme: scheme[0] + JOINER, _pings(text, frozenset()))


def _pings(text: str, people: frozenset[str]) -> str:
    def broken(ping: re.Match[str]) -> str:
        start, end = ping.span()
        if ping[1]:
            mention = MENTION.match(text, start)
            if mention and mention[1] in people:
                return ping[0]
            return ping[0] + JOINER
        before = text[max(0, start - 200) : start]
        word = before.rsplit(None, 1)[-1] if before and not before[-1].isspace() else ""
        if "://" in word and ping[0] == "@":
            return "%40"
        if before[-1:].isalnum() and re.match(r"[A-Za-z]+\.[A-Za-z0-9]", text[end : end + 12]):
            return ping[0]
        return ping[0] + JOINER

    return PING.sub(broken, text) if "<" in text or "@" in text or "&" in text else text


def _links(text: str, *, raw_html: bool) -> str:
    """Links made honest; a renderer may know raw HTML or take it for text, and both must be safe."""
    if not INTERESTING.search(text):
        return text
    references: dict[str, Target] = {}
    edits: list[Replacement] = []
    # A link may refer to a definition that follows it.
    contents = [
        content.after(_define(content, references, edits)) if block.kind == "paragraph" else content
        for block in scan(text, raw_html)
        for content in _contents(text, block)
    ]
    for content in contents:
        if INTERESTING.search(content.text) or (references and "[" in content.text):
            for edit in _edits(content.text, references, raw_html):
                edits.append(Replacement(content.source(edit.start), content.source(edit.end), edit.new))
    return _edited(text, edits)


def _define(content: Content, references: dict[str, Target], edits: list[Replacement]) -> int:
    """Add the reference definitions at the beginning of a paragraph to `references`; where the text behind them begins.

    One that leads where no link may lead becomes text, by one of the `edits`.
    """
    first = 0
    while (match := definition(content.text, first)) is not None:
        target = target_of(_unescaped(match[2][1:-1] if match[2].startswith("<") else match[2]))
        references.setdefault(label_key(match[1]), target)
        if target.host is None:
            at = content.source(match.start() + match[0].index("["))
            edits.append(Replacement(at, at + 1, "\\["))
            break
        first = match.end()
    return first


def _edited(text: str, edits: list[Replacement]) -> str:
    """The text with the edits made; of equal ones one is made, of two that overlap the first one."""
    if not edits:
        return text
    parts, position = [], 0
    for edit in sorted(dict.fromkeys(edits), key=lambda edit: (edit.start, edit.end)):
        if edit.start < position:
            continue
        parts += [text[position : edit.start], edit.new]
        position = edit.end
    return "".join([*parts, text[position:]])


def _contents(text: str, block: LeafBlock) -> Iterator[Content]:
    """The inline contents of a block: one for each cell of a table."""
    if block.kind in ("fence", "code", "rule"):
        return
    if block.kind != "table":
        yield content_of(text, block)
        return
    for _, start, end in block.lines:
        for cell in CELL.finditer(text[start:end]):
            yield Content(cell[0], [(0, start + cell.start())])


def _edits(content: str, references: dict[str, Target], raw_html: bool) -> Iterator[Replacement]:
    # What is a link already, or code.
    covered: list[tuple[int, int]] = []
    spans = parse(content, references, raw_html).spans
    links: list[Link] = []
    for span in spans:
        if span.kind == "code":
            covered.append((span.start, span.end))
        elif span.kind in ("auto", "email"):
            covered.append((span.start, span.end))
            url = content[span.start + 1 : span.end - 1]
            target = target_of(url if span.kind == "auto" else f"mailto:{url}")
            yield from _shown(content, Link(span, target), url)
        elif span.kind == "slack":
            yield from _slack(content, span)
            covered.append((span.start, span.end))
        elif span.kind == "html":
            if ANCHOR.match(content, span.start):
                yield _anchor(content, span)
        else:
            # Beside a link whose label is too long to be looked through stands its host; links in labels of links would
            # else be looked through again and again.
            label = content[span.label[0] : min(span.label[1], span.label[0] + LONGEST_LABEL + 1)]
            if span.kind == "reference":
                target = _referred(content, span, references)
            else:
                target = target_of(_unescaped(content[span.target[0] : span.target[1]]))
            covered.append((span.label[1], span.end))
            links.append(Link(span, target))
            yield from _shown(content, links[-1], label)
    yield from _misplaced(content, spans, links)
    yield from _addresses(content, covered)


def _misplaced(content: str, spans: list[Span], links: list[Link]) -> Iterator[Replacement]:
    """What links need whose labels are parts of another host's address."""
    if all(link.target.host is None for link in links):
        return
    line = DrawnLine(content, spans)
    ends: dict[Label, int] = {}
    last = 0
    for link in sorted(links, key=lambda link: link.span.start):
        start, end = link.span.label
        if link.target.host is not None and start >= last:
            ends[Label(line.at(start), line.at(end), link.target.host)] = link.span.end
            last = end
    for label in misplaced(line.drawn, list(ends)):
        yield from _beside(content, ends[label], label.host)


class DrawnLine:
    """A content as people read it, of links the labels alone."""

    def __init__(self, content: str, spans: list[Span]) -> None:
        hidden = sorted(piece for span in spans for piece in _hidden(span))
        cuts = {
            0,
            len(content),
            *(at for span in spans for at in span.label),
            *(at for piece in hidden for at in piece),
        }
        parts: list[str] = []
        self._at: dict[int, int] = {}
        size = shown = index = 0
        for start, end in pairwise(sorted(cuts)):
            while index < len(hidden) and hidden[index][0] <= start:
                shown = max(shown, hidden[index][1])
                index += 1
            self._at[start] = size
            if start >= shown:
                parts.append(drawn(content[start:end]))
                size += len(parts[-1])
        self._at[len(content)] = size
        self.drawn = "".join(parts)

    def at(self, position: int) -> int:
        """Where the beginning or the end of a label stands in what is drawn."""
        return self._at[position]


def _hidden(span: Span) -> Iterator[tuple[int, int]]:
    """What of a span people do not see."""
    if span.kind in ("link", "image", "reference"):
        yield span.start, span.label[0]
        yield span.label[1], span.end
    elif span.kind in ("auto", "email"):
        yield span.start, span.start + 1
        yield span.end - 1, span.end
    elif span.kind == "html":
        yield span.start, span.end


def _anchor(content: str, span: Span) -> Replacement:
    """An `<a …>` tag, as code where that is possible."""
    tag = content[span.start : span.end]
    beside = (content[span.start - 1 : span.start], content[span.end : span.end + 1])
    if "`" in tag or "\n" in tag or "`" in beside:
        return Replacement(span.start + 1, span.start + 1, JOINER)
    return Replacement(span.start, span.end, f"`{tag}`")


def _addresses(content: str, covered: list[tuple[int, int]]) -> Iterator[Replacement]:
    """What addresses in plain text need, which Slack makes links of."""
    covered = _merged(covered)
    for address in URL.finditer(content):
        if _is_in(address.start(), covered):
            continue
        url = _bare(address[0])
        shown = URL_END.split(_unescaped(url), maxsplit=1)[0]
        if "\\" in HOST_END.split(url.partition(":")[2].lstrip("/"), maxsplit=1)[0]:
            # Browsers take a backslash for a slash, Markdown takes it for an escape: nobody knows the host.
            yield Replacement(address.start() + url.index(":"), address.start() + url.index(":"), JOINER)
            continue
        target = target_of(shown)
        if target.host is not None and target.is_masked:
            end = address.start() + len(url)
            # Beside a link that ends there too stands the link's own host first.
            if f" ({target.host})" not in NOTES.match(content, end)[0]:  # type: ignore[index]
                yield from _beside(content, end, target.host)
    for scheme in BAD_SCHEME.finditer(content):
        if not _is_in(scheme.start(), covered):
            yield Replacement(scheme.end(), scheme.end(), JOINER)


def _is_in(position: int, spans: list[tuple[int, int]]) -> bool:
    index = bisect_right(spans, (position, sys.maxsize)) - 1
    return index >= 0 and position < spans[index][1]


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same extents in order, each of which ends behind all before it."""
    merged: list[tuple[int, int]] = []
    last = 0
    for start, end in sorted(spans):
        last = max(last, end)
        merged.append((start, last))
    return merged


def _bare(url: str) -> str:
    """An address without the punctuation and the entities behind it."""
    end = len(url)
    while True:
        short = end
        while short and url[short - 1] in AFTER_ADDRESS:
            short -= 1
        entity = LAST_ENTITY.search(url, max(0, short - 33), short) if url.startswith(";", short, end) else None
        if entity is None:
            return url[:short]
        end = entity.start()


def _referred(content: str, span: Span, references: dict[str, Target]) -> Target:
    rest = content[span.label[1] + 1 : span.end]
    label = rest[1:-1] if len(rest) > 2 else content[span.label[0] : span.label[1]]
    return references[label_key(label)]


def _shown(content: str, link: Link, label: str) -> Iterator[Replacement]:
    """What a link needs so that it does not deceive."""
    span, target = link
    if target.host is not None:
        if target.is_masked or (span.kind != "auto" and is_deceptive(label, target.host)):
            yield from _beside(content, span.end, target.host)
        return
    if span.kind == "auto":
        yield Replacement(span.start + 1, span.start + 1, JOINER)
        return
    start, end = span.start, span.label[1]
    if span.kind == "reference":
        if content[span.end : span.end + 1] not in ("(", "["):
            return
        # What is text now must not become the label of what follows.
        yield Replacement(start, span.label[0], content[start : span.label[0]].replace("[", "\\["))
        yield Replacement(end, span.end, BRACKET.sub(r"\\\g<0>", content[end : span.end]))
        return
    url = CONTROL.sub("", target.url).strip()
    shown = "" if url.startswith("#") or not url or len(url) > 200 else f" (`{url}`)"
    if NOT_IN_CODE.search(url):
        shown = ""
    before = content[start - 1 : start]
    if PLAIN_LABEL.match(content, span.label[0], span.label[1]) and before not in ("<", "@", "\\", "!", "]"):
        yield Replacement(start, span.label[0], "")
        yield Replacement(end, span.end, shown)
    else:
        yield Replacement(start, span.label[0], "!\\[" if span.kind == "image" else "\\[")
        yield Replacement(end, span.end, f"\\]{shown}")


def _slack(content: str, span: Span) -> Iterator[Replacement]:
    """Slack's `<url|label>`, as a Markdown link."""
    inner = content[span.start + 1 : span.end - 1]
    url, _, label = inner.partition("|")
    if true_host(_unescaped(url)) is None or BRACKET.search(inner):
        yield Replacement(span.start + 1, span.start + 1, JOINER)
    else:
        yield Replacement(span.start, span.end, f"[{label or url}]({url})")


def _beside(content: str, end: int, host: str) -> Iterator[Replacement]:
    note = f" ({host})"
    if not content.startswith(note, end):
        yield Replacement(end, end, note)


def _unescaped(target: str) -> str:
    target = ESCAPE.sub(r"\1", target)
    return ENTITY.sub(lambda entity: html.unescape(entity[0]), target)
