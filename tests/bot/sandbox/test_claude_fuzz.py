"""Whatever a request's body holds, it is refused in the API's words or answered."""

import copy
import json
import random
from typing import Any

import pytest

from bot.sandbox.claude import thinking as claude_thinking
from bot.sandbox.claude.answers import Answer
from bot.sandbox.claude.cache import Cache
from bot.sandbox.claude.errors import ApiError
from bot.sandbox.claude.events import encode, frames
from bot.sandbox.claude.headers import BETAS, VERSION
from bot.sandbox.claude.prompt import newest
from bot.sandbox.claude.reply import compose
from bot.sandbox.claude.request import check
from bot.sandbox.claude.samples import sample
from bot.sandbox.clock import Clock

HEADERS = {"anthropic-version": VERSION, "anthropic-beta": ",".join(BETAS)}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABAQAAAAA3bvkkAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
WHOLE: dict[str, Any] = {
    "model": "claude-opus-5",
    "max_tokens": 2000,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
    "cache_control": {"type": "ephemeral"},
    "thinking": {"type": "adaptive", "display": "summarized", "block_binding": {"prefix_mismatch_behavior": "error"}},
    "output_config": {"effort": "low"},
    "stop_sequences": ["END"],
    "metadata": {"user_id": "u1"},
    "stream": True,
    "tools": [{"name": "look", "input_schema": {"type": "object"}}],
    "tool_choice": {"type": "auto"},
    "context_management": {
        "edits": [{"type": "compact_20260112", "trigger": {"type": "input_tokens", "value": 50_000}}]
    },
    "fallbacks": [{"model": "claude-opus-5-5", "max_tokens": 100, "output_config": {"effort": "high"}}],
    "messages": [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [{"type": "compaction", "content": "They greeted."}]},
        {
            "role": "user",
            "content": [
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "notes"}},
                {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "a"}]}},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
                {"type": "search_result", "source": "a", "title": "b", "content": [{"type": "text", "text": "c"}]},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}},
                {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}},
                {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []},
                {"type": "text", "text": "Look.", "citations": None},
                {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "door"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "shut"}]},
                {"type": "text", "text": "And now?"},
            ],
        },
        {"role": "system", "content": "Be brief."},
    ],
}
VALUES: list[Any] = [None, True, -1, 0, 3.5, "", "x", [], {}, [None], [1], ["x"], {"type": "x"}, {"x": 1}, [{}]]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


def changed(choice: random.Random) -> Any:
    """The whole request with one to three places removed or filled with something else."""
    body = copy.deepcopy(WHOLE)
    for _ in range(choice.randint(1, 3)):
        *path, last = choice.choice(places(body)[1:])
        parent: Any = body
        for key in path:
            parent = parent[key]
        if choice.random() < 0.3:
            del parent[last]
        else:
            parent[last] = copy.deepcopy(choice.choice(VALUES))
        if not body:
            break
    return body


def answer(body: Any) -> bytes:
    request = check(json.loads(json.dumps(body)), HEADERS)
    dropped = claude_thinking.check(request.body, request.model)
    use = Cache(Clock(speed=0)).look(request.body, request.model, dropped)
    newest(request.body)
    for said in (sample(request.body, thinks=True), Answer("", stop_reason="refusal")):
        message = compose(said, request, use, dropped)
    return b"".join(encode(frame.event) for frame in frames(message, request.body["model"]))


def test_the_whole_request_is_answered() -> None:
    assert answer(WHOLE).endswith(b'event: message_stop\ndata: {"type": "message_stop"}\n\n')


@pytest.mark.parametrize("seed", range(20))
def test_a_changed_request_is_answered_or_refused(seed: int) -> None:
    choice = random.Random(seed)
    outcomes: set[object] = set()
    for _ in range(300):
        body = changed(choice)
        try:
            outcomes.add(bool(answer(body)))
        except ApiError as error:
            outcomes.add(error.status)
        except Exception as error:
            error.add_note(json.dumps(body))
            raise
    assert {True, 400} <= outcomes <= {True, 400, 404}
