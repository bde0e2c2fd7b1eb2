"""The models that the sandbox imitates, and what each accepts.

https://platform.claude.com/docs/en/about-claude/models/overview; a comment says which values are inferred.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.sandbox.claude.errors import ApiError, invalid
from bot.sandbox.claude.prompt import Json

EFFORTS = ("low", "medium", "high", "xhigh", "max")
THINKING = ("adaptive", "between_tools", "disabled", "enabled")


@dataclass(frozen=True)
class Model:
    """One model.

    `thinking` are the types of thinking that it accepts, `thinks` says whether it thinks if a request names none, and
    `off_efforts` are the efforts at which thinking may be turned off.

    `cache_minimum` is the shortest cacheable prefix in tokens. `binding` says what happens to a thinking block whose
    conversation was changed: "refuse" (400), "drop", or None where nothing is checked. `sampling` says whether an
    older version of the API lets it take `temperature`, `top_p` and `top_k`.
    """

    id: str
    name: str
    line: str
    created: str = "1970-01-01"
    context: int = 1_000_000
    output: int = 128_000
    thinking: tuple[str, ...] = ("adaptive",)
    thinks: bool = True
    shows_thinking: bool = False
    efforts: tuple[str, ...] = EFFORTS
    off_efforts: tuple[str, ...] = EFFORTS
    cache_minimum: int = 512
    system_turns: bool = True
    forced_tools: bool = True
    prefill: bool = False
    sampling: bool = False
    fallbacks: bool = True
    compaction: bool = True
    binding: str | None = None
    retires: str | None = None

    def info(self) -> Json:
        """https://platform.claude.com/docs/en/api/models/retrieve. An unknown release date is shown as 1970-01-01."""

        def supported(names: tuple[str, ...], known: tuple[str, ...]) -> Json:
            return {name: {"supported": name in names} for name in known}

        yes, no = {"supported": True}, {"supported": False}
        return {
            "type": "model",
            "id": self.id,
            "display_name": self.name,
            "created_at": f"{self.created}T00:00:00Z",
            "line": self.line,
            "lifecycle": "deprecated" if self.retires else "active",
            "deprecated_at": None,
            "retires_at": f"{self.retires}T00:00:00Z" if self.retires else None,
            "max_input_tokens": self.context,
            "max_tokens": self.output,
            "capabilities": {
                "batch": no,
                "citations": yes,
                "code_execution": no,
                "context_management": {
                    "supported": self.compaction,
                    "compact_20260112": {"supported": self.compaction},
                },
                "effort": {"supported": bool(self.efforts), **supported(self.efforts, EFFORTS)},
                "image_input": yes,
                "pdf_input": yes,
                "server_tools": {"supported": False, "code_execution": no, "web_search": no},
                "structured_outputs": yes,
                "thinking": {"supported": True, "types": supported(self.thinking, THINKING)},
            },
        }

    def thinks_for(self, thinking: Json | None) -> bool:
        """Whether a request with this `thinking` gets a thinking block."""
        return self.thinks if thinking is None else thinking["type"] in ("adaptive", "enabled")

    def shows_thinking_for(self, thinking: Json | None) -> bool:
        """Whether the block has text; https://platform.claude.com/docs/en/build-with-claude/thinking"""
        display = (thinking or {}).get("display")
        return display == "summarized" if display else self.shows_thinking


_FABLE = Model("claude-fable-5", "Claude Fable 5", "fable")
_UP_TO_HIGH = ("low", "medium", "high")
_OPUS_5 = Model("claude-opus-5", "Claude Opus 5", "opus", thinking=("adaptive", "disabled"), off_efforts=_UP_TO_HIGH)
# That Haiku 5.5 does not compact is inferred: https://platform.claude.com/docs/en/models/haiku-5-5/overview
_NEWEST = Model("", "", "", forced_tools=False, binding="drop")
_OPUS_4 = Model("", "", "opus", thinks=False, fallbacks=False)
_OLD = replace(
    _OPUS_4,
    thinking=("disabled", "enabled"),
    shows_thinking=True,
    cache_minimum=1024,
    system_turns=False,
    prefill=True,
    sampling=True,
)

_KNOWN = [
    replace(
        _NEWEST, id="claude-fable-5-2", name="Claude Fable 5.2", line="fable", created="2026-11-09", binding="refuse"
    ),
    replace(_NEWEST, id="claude-opus-5-5", name="Claude Opus 5.5", line="opus", created="2026-09-22"),
    replace(
        _NEWEST,
        id="claude-sonnet-5-5",
        name="Claude Sonnet 5.5",
        line="sonnet",
        created="2026-09-28",
        thinking=("adaptive", "between_tools"),
        off_efforts=_UP_TO_HIGH,
    ),
    replace(
        _NEWEST,
        id="claude-haiku-5-5",
        name="Claude Haiku 5.5",
        line="haiku",
        created="2026-10-07",
        thinking=("adaptive", "disabled"),
        off_efforts=_UP_TO_HIGH,
        forced_tools=True,
        fallbacks=False,
        compaction=False,
    ),
    replace(_FABLE, id="claude-fable-5-1", name="Claude Fable 5.1", forced_tools=False, binding="refuse"),
    _FABLE,
    _OPUS_5,
    replace(
        _OPUS_5,
        id="claude-sonnet-5",
        name="Claude Sonnet 5",
        line="sonnet",
        off_efforts=EFFORTS,
        cache_minimum=1024,
        system_turns=False,
        fallbacks=False,
    ),
    replace(
        _OPUS_4, id="claude-opus-4-8", name="Claude Opus 4.8", thinking=("adaptive", "disabled"), cache_minimum=1024
    ),
    replace(
        _OPUS_4,
        id="claude-opus-4-7",
        name="Claude Opus 4.7",
        thinking=("adaptive", "disabled"),
        cache_minimum=2048,
        system_turns=False,
    ),
    replace(
        _OLD,
        id="claude-opus-4-6",
        name="Claude Opus 4.6",
        thinking=("adaptive", "disabled", "enabled"),
        efforts=("low", "medium", "high", "max"),
        cache_minimum=4096,
        prefill=False,
    ),
    replace(
        _OLD,
        id="claude-sonnet-4-6",
        name="Claude Sonnet 4.6",
        line="sonnet",
        thinking=("adaptive", "disabled", "enabled"),
        efforts=("low", "medium", "high", "max"),
        prefill=False,
    ),
    replace(
        _OLD,
        id="claude-opus-4-5",
        name="Claude Opus 4.5",
        created="2025-11-01",
        context=200_000,
        output=64_000,
        efforts=("low", "medium", "high"),
        cache_minimum=4096,
        compaction=False,
    ),
    replace(
        _OLD,
        id="claude-sonnet-4-5",
        name="Claude Sonnet 4.5",
        line="sonnet",
        created="2025-09-29",
        context=200_000,
        output=64_000,
        efforts=(),
        compaction=False,
        retires="2026-11-30",
    ),
    replace(
        _OLD,
        id="claude-haiku-4-5",
        name="Claude Haiku 4.5",
        line="haiku",
        created="2025-10-01",
        context=200_000,
        output=64_000,
        efforts=(),
        cache_minimum=4096,
        compaction=False,
    ),
]
MODELS = {model.id: model for model in _KNOWN}
_DATED = {f"{m.id}-{m.created.replace('-', '')}": m.id for m in _KNOWN if m.created.startswith("2025")}


def find(model_id: object) -> Model:
    """Raises 404 not_found_error for a model that the sandbox does not imitate."""
    if not isinstance(model_id, str):
        raise invalid("model", "Input should be a valid string")
    model = MODELS.get(_DATED.get(model_id, model_id))
    if model is None:
        raise ApiError(404, f"model: {model_id}")
    return model


def page(query: Mapping[str, str]) -> Json:
    """One page of all models, newest first: https://platform.claude.com/docs/en/api/models/list

    Raises 400 for a limit that is no number from 1 to 1,000, and for an unknown model (the texts are inferred).
    """
    limit = query.get("limit", "20")
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= 1000:
        raise invalid("limit", "Input should be an integer from 1 to 1000")
    ids = list(MODELS)
    for name in ("after_id", "before_id"):
        if name in query and query[name] not in ids:
            raise invalid(name, "no such model")
    if "before_id" in query:
        before = ids[: ids.index(query["before_id"])]
        ids = before[-int(limit) :]
        more = len(before) > len(ids)
    else:
        after = ids[ids.index(query["after_id"]) + 1 :] if "after_id" in query else ids
        ids = after[: int(limit)]
        more = len(after) > len(ids)
    return {
        "data": [MODELS[one].info() for one in ids],
        "first_id": ids[0] if ids else None,
        "has_more": more,
        "last_id": ids[-1] if ids else None,
    }
