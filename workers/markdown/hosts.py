"""Hosts of addresses: which one a link leads to, and which one people take it for."""

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from workers.markdown.blank import INVISIBLE
from workers.markdown.links import LONGEST_LABEL

HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?)*\.?|\[[0-9a-f:.]+\]")
# https://www.rfc-editor.org/rfc/rfc1035#section-3.1, without the dot at its end.
LONGEST_HOST = 253
SHOWN_HOST = re.compile(r"(?<![\w-])[\w-]++(?>\.[\w-]++)++|\blocalhost\b|\[[0-9a-f.]*+:[0-9a-f:.]++\]")
# Hosts without a name of the domain system.
LOCAL_HOST = re.compile(r"localhost|\d{1,3}(?:\.\d{1,3}){3}|0x[0-9a-f]+(?:\.(?:0x[0-9a-f]+|\d+))*|\[.*")
# What may go on as a host; whatever follows it, this stays true.
HOST_SO_FAR = re.compile(r"\.(?:xn--|[^\W\d_]{2})|(?:\d{1,3}\.){3}|localhost|0x[0-9a-f]|\[")
# Not dots for a browser, but for who reads.
DOTS = str.maketrans(dict.fromkeys("\u3002\u00b7\u2027\u2219\u22c5\ua4f8\u0701\u0702\u06d4\u0660\u06f0\U0001d16d", "."))
TOP_LEVEL = re.compile(r"\.(?:xn--[a-z0-9-]+|[^\W\d_]{2,})$")
# Endings of file names that are no top-level domains.
SUFFIX = re.compile(
    r"\.(?:[jt]sx?|jsonl?|ya?ml|toml|txt|html?|css|xml|[ct]sv|pdf|png|jpe?g|gif|svg|java|[ch]pp|exe|ini|cfg|conf|lock|log|"
    r"sql|ipynb|php|rb|kt|swift|vue|bat|env)$"
)
# What no link may have in its address: controls, spaces, backslashes, invisible and directional characters.
NOT_IN_ADDRESS = re.compile(r"[\x00-\x20\\\x7f-\x9f\u200b-\u200f\u2028-\u202f\u2060-\u206f]")
HOST_END = re.compile(r"[/?#]")
# Of a `mailto:` (https://www.rfc-editor.org/rfc/rfc6068#section-2).
MORE_RECIPIENTS = re.compile(r"[?&](?:to|cc|bcc)=", re.I)
# What of an address stands before its host, and behind it.
BEFORE_HOST = re.compile(r"[a-z][a-z0-9+.-]{0,20}:[/\\]{1,3}(?:[^\s/@]{0,80}@)?$")
MOST_BEFORE_HOST = 110
BEHIND_HOST = re.compile(r"(?::\d+)?(?:[/?#@:\\][^\s,;|<>\"'()\[\]{}]*)?")
# What people do not see of a text: markup, what is invisible, and spaces that are hardly any.
UNSEEN = re.compile(rf"[*_~`\\{INVISIBLE}\u2004-\u200a\u202f\u205f]")
TAGS = re.compile(r"<!--(?>(?!-->).)*+-->|<[A-Za-z/!?][^<>]*+>|<$", re.S)


def true_host(url: str) -> str | None:
    """The host a link leads to, in ASCII; None for what may not be a link.

    A `mailto:` that writes to more than one address may not.
    """
    if NOT_IN_ADDRESS.search(url):
        return None
    scheme, colon, rest = url.partition(":")
    scheme = scheme.lower()
    if not colon or scheme not in ("http", "https", "mailto"):
        return None
    try:
        if scheme == "mailto":
            if _has_more_recipients(unquote(rest)):
                return None
            host = rest.partition("?")[0].rpartition("@")[2]
        else:
            if not rest.startswith("//"):
                return None
            host = urlsplit(url).netloc.rpartition("@")[2]
            host = host if host.startswith("[") else host.partition(":")[0]
        host = unicodedata.normalize("NFKC", unquote(host)).lower()
        if not host.isascii():
            host = host.encode("idna").decode()
    except (ValueError, UnicodeError):
        return None
    return host if len(host) <= LONGEST_HOST and HOST.fullmatch(host) else None


def _has_more_recipients(written: str) -> bool:
    """Whether what follows `mailto:` has more than one address."""
    people = written.partition("?")[0]
    return people.count("@") > 1 or "," in people or ";" in people or MORE_RECIPIENTS.search(written) is not None


def _is_masked(url: str, host: str) -> bool:
    """Whether an address, read as it stands, may be taken for another host's."""
    if url[:7].lower() == "mailto:":
        return False
    netloc = HOST_END.split(url.partition("://")[2], maxsplit=1)[0]
    return "@" in netloc or "xn--" in host or netloc.partition(":")[0].lower() != host.partition(":")[0]


class Target(NamedTuple):
    """Where a link leads; `host` is None if it may not be a link."""

    url: str
    host: str | None
    is_masked: bool


def target_of(url: str) -> Target:
    host = true_host(url)
    return Target(url, host, host is not None and _is_masked(url, host))


def is_deceptive(label: str, host: str) -> bool:
    """Whether a label looks like an address or host other than the true one, or is too long to tell."""
    if len(label) > LONGEST_LABEL:
        return True
    # Where HTML is drawn as such, a label looks as it does without its tags.
    without_tags = TAGS.sub("", label) if "<" in label else label
    return _names_another(label, host) or (without_tags != label and _names_another(without_tags, host))


def _names_another(label: str, host: str) -> bool:
    plain = drawn(label)
    true = _without_www(host)
    for name in SHOWN_HOST.finditer(plain):
        if _is_host(name[0], "://" in plain) and _without_www(name[0]) != true:
            return True
    return "://" in plain and true not in plain


def drawn(text: str) -> str:
    """A text as people read it in an address: without markup, and one character for all that look like it."""
    return unicodedata.normalize("NFKC", UNSEEN.sub("", html.unescape(text))).lower().translate(DOTS)


def _without_www(host: str) -> str:
    return host.removeprefix("www.").rstrip(".")


def _is_host(name: str, is_address: bool) -> bool:
    """Whether people take a name with dots for a host's and not for a file's; in an address there are only hosts."""
    if LOCAL_HOST.fullmatch(name):
        return True
    return TOP_LEVEL.search(name[-70:]) is not None and (is_address or SUFFIX.search(name[-12:]) is None)


class Label(NamedTuple):
    """Where in a drawn line the label of a link stands, and the host that the link leads to."""

    start: int
    end: int
    host: str


def misplaced(line: str, labels: Sequence[Label]) -> Iterator[Label]:
    """Those labels that are a part of an address in which people read another host than the label's.

    `[bank](https://evil.example)[.com](…)` and `https://bank.com/[login](https://evil.example)` look like an address of
    bank.com. The labels are in order and do not overlap. What is found in a line is found in each that it begins.
    """
    index = position = 0
    for name in SHOWN_HOST.finditer(line):
        if name.start() < position:
            continue
        before = max(position, name.start() - MOST_BEFORE_HOST)
        scheme = BEFORE_HOST.search(line[before : name.start()])
        start = name.start() - (len(scheme[0]) if scheme else 0)
        position = BEHIND_HOST.match(line, name.end()).end()  # type: ignore[union-attr]
        shown = _Name(*name.span(), _host_in(name[0], scheme is not None), HOST_SO_FAR.search(name[0]) is not None)
        while index < len(labels) and labels[index].end <= start:
            index += 1
        while index < len(labels) and labels[index].start < position:
            if _is_misplaced(labels[index], shown):
                yield labels[index]
            if labels[index].end > position:
                break
            index += 1


class _Name(NamedTuple):
    """A name with dots in a drawn line: the host that people read in it, and whether it may go on as one."""

    start: int
    end: int
    host: str | None
    may_go_on: bool


def _host_in(name: str, is_address: bool) -> str | None:
    return _without_www(name) if _is_host(name, is_address) else None


def _is_misplaced(label: Label, name: _Name) -> bool:
    if name.end <= label.start or (label.start <= name.start and name.end <= label.end):
        return name.host is not None and name.host != _without_www(label.host)
    # The name may still go on, and its host become another one.
    return name.may_go_on
