"""Rich text: a block of sections, lists, quotes and code, made of words, links and mentions.

https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from bot.sandbox.slack.block_kit.check import Rule, Shape, flag, kinds, listed, of_kind, one_of, string, whole

_MANY = 10_000
_ID = string(255, least=1)
_URL = string(3000, least=1)
_STYLES = ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink")
_STYLE = Shape(dict.fromkeys(_STYLES, flag))


def _part(needs: tuple[str, ...], fields: dict[str, Rule]) -> Shape:
    return of_kind({**fields, "style": _STYLE}, needs)


_TEXT = _part(("text",), {"text": string(_MANY, least=1)})
_LINK = _part(("url",), {"url": _URL, "text": string(_MANY), "unsafe": flag})
_PARTS = {
    "broadcast": _part(("range",), {"range": one_of("here", "channel", "everyone")}),
    "channel": _part(("channel_id",), {"channel_id": _ID}),
    "color": _part(("value",), {"value": _ID}),
    "date": _part(
        ("timestamp", "format"),
        {"timestamp": whole(0, 10**11), "format": string(_MANY, least=1), "url": _URL, "fallback": string(_MANY)},
    ),
    "emoji": _part(("name",), {"name": _ID, "unicode": _ID, "url": _URL, "skin_tone": whole(1, 6)}),
    "link": _LINK,
    "team": _part(("team_id",), {"team_id": _ID}),
    "text": _TEXT,
    "user": _part(("user_id",), {"user_id": _ID}),
    "usergroup": _part(("usergroup_id",), {"usergroup_id": _ID}),
}
_WORDS = listed(kinds(_PARTS), _MANY, least=0)
_BORDER = whole(0, 1)
_SECTION = of_kind({"elements": _WORDS}, needs=("elements",))
_LIST: dict[str, Rule] = {
    "elements": listed(kinds({"rich_text_section": _SECTION}), _MANY, least=0),
    "style": one_of("bullet", "ordered"),
    "indent": whole(0, 8),
    "offset": whole(0, _MANY),
    "border": _BORDER,
}
_WHOLES = {
    "rich_text_section": _SECTION,
    "rich_text_list": of_kind(_LIST, needs=("elements", "style")),
    "rich_text_quote": of_kind({"elements": _WORDS, "border": _BORDER}, needs=("elements",)),
    "rich_text_preformatted": of_kind(
        {
            "elements": listed(kinds({"text": _TEXT, "link": _LINK}), _MANY, least=0),
            "border": _BORDER,
            # Slack's own composer sends it, although neither model names it (observed).
            "language": _ID,
        },
        needs=("elements",),
    ),
}

RICH_TEXT: dict[str, Rule] = {"elements": listed(kinds(_WHOLES), 1000, least=0)}
"""The fields of the block."""
