"""A well-formed frame of an answer that is still being written, and the plain text of its notification."""

import re
from collections.abc import Iterator
from itertools import combinations

from workers.markdown.blocks import LeafBlock, Scanner, scan
from workers.markdown.content import content_of
from workers.markdown.delimiters import Run, unmatched
from workers.markdown.inline import parse
from workers.markdown.line import lines
from workers.markdown.links import PLAIN_DEFINITION, definition, label_key
from workers.markdown.plain import plain
from workers.markdown.sanitize import NOTICE, harmless

__all__ = ["fallback", "frame", "harmless"]

# What a line may begin with before its content, and what may still become a marker, a rule, an underline, a fence or
# a table's separator row.
MARKERS = r"(?>[ \t]*+(?:>|[-+*](?=[ \t])|\d{1,9}+[.)](?=[ \t])))*+[ \t]*+"
UNDECIDED = re.compile(rf"{MARKERS}(?:\d{{1,9}}+[.)]?+|[-_*=~`#>+|:.)\[\]!<&\\ \t]*+)[ \t\r]*+$")
DIGITS = re.compile(r" {0,3}\d{1,9}(?=[.)]?(?:[ \t]|$))")
FENCE_START = re.compile(r"`{3,}[^`]*$|~{3,}")
HALF_DEFINITION = re.compile(
    r"""\[(?>[^\[\]\\]|\\.)*+(?:\\?|\](?::\s*+(?><(?>[^<>\\\n]|\\.)*+>?+|(?!<)\S++)?+
    (?:(?<=\s)|\s++(?>"(?>[^"\\]|\\.)*+"?+|'(?>[^'\\]|\\.)*+'?+|\((?>[^()\\]|\\.)*+\)?+)?+|)[ \t]*+\\?)?)$""",
    re.S | re.X,
)
# What of a text may be held back: link targets, HTML, definitions, fence lines and rows that begin with a pipe.
NOT_SURELY_SHOWN = re.compile(
    r"(?m)\]\([^)\n]*|[<&][^\n]*|(?:`{3}|~{3})[^\n]*|^(?>[> \t]|[-+*][ \t]|\d{1,9}+[.)][ \t])*+[|\[][^\n]*"
)
LABEL = re.compile(r"\[([^\[\]]+)\]")
BLANK = "> \t\r\n"
ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# chat.update refuses a `text` of 4,000 bytes (docs.slack.dev/reference/methods/chat.update; bytes: observed,
# gitlab.com/gitlab-org/gitlab/-/merge_requests/258898).
PLAIN_BYTES = 3_900

# So much of a text that was cut off may have been read otherwise than in the whole text.
BEYOND = 300

# The key, the start and the end of a link reference definition.
Definition = tuple[str, int, int]


def frame(text: str) -> str:
    """What is shown of an answer of which only `text` has come: open constructs closed, half-open ones held back.

    Over growing prefixes of one text the rendered plain text never gets shorter: what may still turn into markup is
    not shown before that is decided, what is shown as markup may at worst turn out to be plain and longer. Reference
    definitions that follow their use are held back, for they would take brackets away that were visible. A text that
    ends whole comes back unchanged, but for `<!…>`, which is broken here as in `harmless` and is thus never HTML.
    """
    # A carriage return at the end is half of a line break.
    text = NOTICE.sub("<\u2060!", text).removesuffix("\r")
    last = text.rfind("\n") + 1
    tail = text[last:]
    scanner = Scanner(text)
    for start, end, _ in lines(text[:last]):
        scanner.line(start, end)
    leaf = scanner.leaf
    raw = leaf is not None and leaf.kind in ("fence", "html")
    held = last + _number(scanner, tail)
    if tail and (not tail.strip("> \t\r") if raw else UNDECIDED.match(tail)):
        if held > last:
            scanner.line(last, held)
        text = text[:held]
    elif tail:
        scanner.line(last, len(text))
        new = scanner.leaf is not leaf or leaf is None
        block = scanner.blocks[-1]
        if block.lines[-1][0] != last or _undecided(text, block, new=new) or (new and UNDECIDED.match(tail)):
            return frame(text[:held])
    shown = _closed(text, scanner) if scanner.blocks else text
    return frame(text[:held]) if shown is None else shown


def without_late_definitions(text: str) -> str:
    """A whole part of an answer that still grows, without definitions that would take away brackets already seen."""
    if "]:" not in text:
        return text
    return _without(text, _late(text, list(_definitions(text, scan(text)))))


def _number(scanner: Scanner, tail: str) -> int:
    """How much is shown of a line that may become a numbered item: its digits, unless they may continue something."""
    if scanner.containers or (scanner.leaf is not None and scanner.leaf.kind != "code"):
        return 0
    digits = DIGITS.match(tail)
    return digits.end() if digits else 0


def _undecided(text: str, leaf: LeafBlock, *, new: bool) -> bool:
    """Whether the unfinished last line of `leaf` may still become something else, and is held back whole."""
    _, at, end = leaf.lines[-1]
    if leaf.kind == "fence":
        return new or leaf.closed or not text[at:end].strip(" \t").strip(leaf.mark[0])
    if leaf.kind == "paragraph":
        return leaf.setext or FENCE_START.match(text, at, end) is not None
    return leaf.kind in ("table", "rule")


def _closed(text: str, scanner: Scanner) -> str | None:
    """The text with its last block closed; None if nothing of the unfinished last line can be shown."""
    blocks, leaf, block = scanner.blocks, scanner.leaf, scanner.blocks[-1]
    paid = _paid(text, blocks)
    if paid < len(text):
        return frame(text[:paid])
    definitions = list(_definitions(text, blocks)) if "]:" in text else []
    late = _late(text, definitions)
    taken_out = frozenset(late)
    shown: str | None = text
    if leaf is not None and leaf.kind == "fence":
        prefix = "".join(parent.prefix for parent in leaf.parents) + " " * leaf.indent
        line_end = "" if text.endswith("\n") else "\n"
        shown = f"{text}{line_end}{prefix}{leaf.mark}"
    elif block.kind == "html":
        if leaf is block or "\n" not in text[block.lines[-1][0] :]:
            shown = _closed_html(text, block)
    elif (leaf is not None and leaf.kind == "paragraph") or (
        block.kind == "heading" and "\n" not in text[block.start :]
    ):
        shown = _inline(text, block, frozenset(key for key, *at in definitions if tuple(at) not in taken_out))
    if shown is None:
        return None
    fence = next((block for block in reversed(blocks) if block.kind == "fence"), None)
    if fence is not None and fence is not leaf:
        end = fence.lines[-1][2]
        behind = _without(shown[end:], [(start - end, stop - end) for start, stop in late if start >= end])
        if text[end:].strip(BLANK) and not behind.strip(BLANK):
            # Nothing is shown of what ended the quote or the item, and with it the fence.
            return frame(text[:end] + "\n")
    return _without(shown, late)


def _closed_html(text: str, block: LeafBlock) -> str | None:
    """The text without a tag or comment at its end that is still open; None if that is all there is of the block."""
    opened = text.rfind("<", block.start)
    comment = text.rfind("<!--", block.start)
    if comment >= 0 and "-->" not in text[comment:]:
        opened = comment
    elif ">" in text[max(opened, 0) :]:
        return text
    if opened < 0:
        return text
    if opened == block.lines[0][1] and "\n" not in text[opened:]:
        return None
    return text[:opened].rstrip()


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    kept, position = [], 0
    for start, end in spans:
        kept.append(text[position:start])
        position = end
    return "".join([*kept, text[position:]])


def _definitions(text: str, blocks: list[LeafBlock]) -> Iterator[Definition]:
    """The link reference definitions of a text."""
    for block in blocks:
        if block.kind != "paragraph" or not text.startswith("[", block.lines[0][1]):
            continue
        content = content_of(text, block)
        first = 0
        match = definition(content.text, first)
        while match is not None:
            end = match.end() - content.text.startswith("\n", match.end() - 1)
            yield label_key(match[1]), content.source(first), content.source(end)
            first = match.end()
            match = definition(content.text, first)


def _late(text: str, definitions: list[Definition]) -> list[tuple[int, int]]:
    """Where the definitions stand whose label is used before them: there it was shown with its brackets."""
    uses: dict[str, int] = {}
    if definitions:
        for label in LABEL.finditer(text):
            uses.setdefault(label_key(label[1]), label.start())
    return [(start, end) for key, start, end in definitions if uses.get(key, start) < start]


def _paid(text: str, blocks: list[LeafBlock]) -> int:
    """Up to where the text may be shown without its tables taking back what people have seen.

    A header row without a leading pipe was shown as plain text; it becomes a header only when its table shows as much.
    """
    stop = len(text)
    for block in reversed(blocks):
        if block.kind != "table":
            continue
        _, at, end = block.lines[0]
        header = text[at:end]
        if header.startswith("|"):
            continue
        seen = sum(map(str.isalnum, header)) if not set(header) & set("[<&!") else 0
        rest = NOT_SURELY_SHOWN.sub("", text[block.lines[1][2] : stop])
        if seen + sum(map(str.isalnum, rest)) >= len(header.replace(" ", "")):
            break
        stop = block.lines[1][0]
    return stop


def _inline(text: str, block: LeafBlock, references: frozenset[str]) -> str | None:
    """The text with what is half-open in its last block closed or held back.

    None if nothing of the unfinished last line can be shown.
    """
    block_content = content_of(text, block)
    content, source = block_content.text, block_content.source
    heading = block.kind == "heading"
    row = content.rfind("\n") + 1
    first, size = (0, len(content)) if heading else _sure(content, row)
    if text.endswith("!") and size == len(content) and not _escaped(content, size - 1):
        # It may begin an image, and would be gone then.
        size -= 1
    inline = parse(content[:size], references)
    half = inline.half
    stop = _trimmed(content, half.shown if half else size, heading)
    if half is not None and stop <= half.start + half.drop + len(half.close):
        stop = _trimmed(content, min(stop, half.start), heading)
        half = None
    closers = _closers(content[:stop], [run for run in inline.runs if run.start < stop])
    if half is None and not heading and stop < size and definition(content[:stop] + closers, first):
        stop = first
    if half is None and not closers and stop >= len(content.rstrip()):
        return text
    if stop <= row and "\n" not in text[block.lines[-1][0] :]:
        return None
    if stop <= first:
        return text[: source(first)].rstrip(" \t")
    end = source(stop)
    if half is None:
        return text[:end] + closers
    start = source(half.start)
    return text[:start] + text[start + half.drop : end] + half.close + closers


def _sure(content: str, row: int) -> tuple[int, int]:
    """Where a paragraph's text begins behind its definitions, and where it ends before a half-open one or a table row.

    Its last line begins at `row`.
    """
    last = first = 0
    match = definition(content, first)
    while match is not None and match.end() < len(content):
        last, first = first, match.end()
        match = definition(content, first)
    if match is not None:
        # A title at its end may still become text: then the definition ends with its address, on a line before.
        untitled = PLAIN_DEFINITION.match(content, first)
        end = untitled.end() if untitled and untitled.end() < len(content) else first
        return end, end
    if HALF_DEFINITION.match(content, first):
        return first, first
    if first and HALF_DEFINITION.match(content, last):
        # What stands on the line below a definition may be its title.
        return first, first
    return first, row if content.startswith("|", row) else len(content)


def _closers(content: str, runs: list[Run]) -> str:
    """What closes the delimiters that are open at the end of the content.

    Where the joined closers would break the "multiple of 3" rule against a run that both opens and closes, an invisible
    U+2060 parts them from each other or from the content.
    """
    opened = unmatched(runs)
    closers = [mark for _, mark in reversed(opened)]
    joined = "".join(closers)
    # Between punctuation and another closer, a closer may open too.
    both = not content[-1:].isalnum() or any(run.opens and run.closes for run in runs)
    if len(closers) < 2 or not both:
        return joined
    size = len(closers)
    breaks: list[tuple[int, ...]] = [()]
    breaks += [(at,) for at in range(min(size, 9))]
    breaks += combinations(range(min(size, 7)), 2)
    for joiner in ("\u2060", "&#8288;"):
        for indexes in breaks:
            parted = "".join(joiner * (index in indexes) + mark for index, mark in enumerate(closers))
            if not set(opened) & set(unmatched(parse(content + parted).runs, lost=True)):
                return parted
    return joined


def _trimmed(content: str, stop: int, heading: bool) -> int:
    """Without white space, delimiters and a backslash at the end, whose meaning the next character decides."""
    while stop:
        char = content[stop - 1]
        if char.isspace() or (char in "*_~\\" and not _escaped(content, stop - 1)):
            stop -= 1
            continue
        if not heading or char != "#":
            break
        before = stop
        while before and content[before - 1] == "#":
            before -= 1
        # Only behind a space they close the heading.
        if before and content[before - 1] not in " \t":
            break
        stop = max(before - 1, 0)
    return stop


def _escaped(content: str, position: int) -> bool:
    start = position
    while start and content[start - 1] == "\\":
        start -= 1
    return (position - start) % 2 == 1


def fallback(text: str, limit: int = 3000) -> str:
    """The notification's plain `text`: escaped, at most `limit` bytes of UTF-8 (chat.update refuses 4,000)."""
    kept: list[str] = []
    size = 0
    for char in _plain_beginning(text, limit):
        escaped = ESCAPED.get(char, char)
        size += len(escaped.encode("utf-8", "replace"))
        if size > limit:
            while kept and size + 3 > limit:
                size -= len(kept.pop().encode("utf-8", "replace"))
            return "".join(kept).rstrip() + "…"
        kept.append(escaped)
    return "".join(kept)


def _plain_beginning(text: str, limit: int) -> str:
    """At least the first `limit` bytes of the plain text, and some more if there are more."""
    beginning = text[: limit + limit // 2]
    if len(beginning) < len(text):
        shown = plain(beginning)
        # What is half-open where the text was cut does not matter behind the limit.
        if len(shown) > limit + BEYOND:
            return shown
    return plain(text)


def plain_bytes(text: str) -> int:
    """How many bytes the plain `text` has if nothing is cut off."""
    shown = plain(text)
    escapes = sum(shown.count(char) * (len(escaped) - 1) for char, escaped in ESCAPED.items())
    return len(shown.encode("utf-8", "replace")) + escapes
