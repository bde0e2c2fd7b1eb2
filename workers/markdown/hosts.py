"""Hosts of addresses: which one a link leads to, and which one people take it for."""

import html
import re
import unicodedata
from urllib.parse import unquote, urlsplit

from workers.markdown.blank import INVISIBLE
from workers.markdown.links import LONGEST_LABEL

HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?)*\.?|\[[0-9a-f:.]+\]")
# https://www.rfc-editor.org/rfc/rfc1035#section-3.1, without the dot at its end.
LONGEST_HOST = 253
SHOWN_HOST = re.compile(r"(?<![\w-])[\w-]++(?:\.[\w-]++)++|\blocalhost\b|\[[0-9a-f.]*+:[0-9a-f:.]++\]")
# Hosts without a name of the domain system.
LOCAL_HOST = re.compile(r"localhost|\d{1,3}(?:\.\d{1,3}){3}|\[.*")
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
# What people do not see of a label: markup, and what is invisible.
UNSEEN = re.compile(rf"[*_~`\\{INVISIBLE}]")
TAGS = re.compile(r"<!--(?:(?!-->).)*+-->|<[A-Za-z/!?][^<>]*+>|<$", re.S)


def true_host(url: str) -> str | None:
    """The host a link leads to, in ASCII; None for what may not be a link."""
    if NOT_IN_ADDRESS.search(url):
        return None
    scheme, colon, rest = url.partition(":")
    scheme = scheme.lower()
    if not colon or scheme not in ("http", "https", "mailto"):
        return None
    try:
        host = rest.partition("?")[0].rpartition("@")[2] if scheme == "mailto" else urlsplit(url).netloc
        if scheme != "mailto":
            if not rest.startswith("//"):
                return None
            host = host.rpartition("@")[2]
            host = host if host.startswith("[") else host.partition(":")[0]
        host = unicodedata.normalize("NFKC", unquote(host)).lower()
        if not host.isascii():
            host = host.encode("idna").decode()
    except (ValueError, UnicodeError):
        return None
    return host if len(host) <= LONGEST_HOST and HOST.fullmatch(host) else None


def is_masked(url: str, host: str) -> bool:
    """Whether an address, read as it stands, may be taken for another host's."""
    if url[:7].lower() == "mailto:":
        return False
    netloc = HOST_END.split(url.partition("://")[2], maxsplit=1)[0]
    return "@" in netloc or "xn--" in host or netloc.partition(":")[0].lower() != host.partition(":")[0]


def is_deceptive(label: str, host: str) -> bool:
    """Whether a label looks like an address or host other than the true one, or is too long to tell."""
    if len(label) > LONGEST_LABEL:
        return True
    # Where HTML is drawn as such, a label looks as it does without its tags.
    drawn = TAGS.sub("", label) if "<" in label else label
    return _names_another(label, host) or (drawn != label and _names_another(drawn, host))


def _names_another(label: str, host: str) -> bool:
    plain = unicodedata.normalize("NFKC", UNSEEN.sub("", html.unescape(label))).lower()
    plain = plain.translate(DOTS)
    true = host.removeprefix("www.").rstrip(".")
    for name in SHOWN_HOST.finditer(plain):
        shown = name[0].removeprefix("www.")
        is_file = SUFFIX.search(shown[-12:]) and "://" not in plain
        is_host = LOCAL_HOST.fullmatch(shown) or (TOP_LEVEL.search(shown[-70:]) and not is_file)
        if is_host and shown != true:
            return True
    return "://" in plain and true not in plain
