"""Links to public pictures in a message: Claude fetches them itself, so no bytes pass through here.

https://platform.claude.com/docs/en/build-with-claude/vision#url-based-image-example
"""

import hashlib
import html
import ipaddress
import re
from urllib.parse import urlsplit

from bot.store.threads.files import Attachment, ContentBlock

LINK = re.compile(r"<(https://[^<>|\s]{1,1900})(?:\|[^<>]*)?>")
PICTURE = re.compile(r".*\.(?:jpe?g|png|gif|webp)", re.IGNORECASE)
# Names that no public server has (RFC 6761, RFC 6762, RFC 8375).
PRIVATE = ("localhost", "local", "internal", "home.arpa", "test", "example", "invalid", "onion", "lan", "corp")
TOKENS = 1_600


def pictures(text: str) -> list[str]:
    """The addresses of pictures in a message as Slack sent it: https, public host names, no port, no password."""
    urls = (html.unescape(link[1]) for link in LINK.finditer(text))
    return list(dict.fromkeys(url for url in urls if is_public_picture(url)))


def is_public_picture(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        if parts.scheme != "https" or parts.port or parts.username or parts.password or "." not in host:
            return False
    except ValueError:
        return False
    if any(host == name or host.endswith(f".{name}") for name in PRIVATE) or _is_address(host):
        return False
    return PICTURE.fullmatch(parts.path) is not None


def block(url: str) -> tuple[Attachment, list[ContentBlock]]:
    name = f"link:{hashlib.sha256(url.encode()).hexdigest()[:16]}"
    attachment = Attachment(name, url.rpartition("/")[2][:80], "link", "", TOKENS, len(url))
    return attachment, [{"type": "image", "source": {"type": "url", "url": url}}]


def _is_address(host: str) -> bool:
    """Whether a host is an IP address, in any of the ways to write one."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.rpartition(".")[2][:1].isdigit()
    return True
