from typing import Any

import pytest

from workers.claude.fallback import chosen, entry, fitted

HI = {"role": "user", "content": "Hi"}
COMPACTED = {"role": "assistant", "content": [{"type": "compaction", "content": "They met."}]}
REQUEST: dict[str, Any] = {"model": "claude-sonnet-5-5", "max_tokens": 100_000, "messages": [HI]}
OPUS, OLD = "claude-opus-5-5", "claude-haiku-4-5"


@pytest.mark.parametrize(
    ("model", "setting", "other"),
    [
        ("claude-sonnet-5-5", None, None),
        ("claude-sonnet-5-5", OPUS, OPUS),
        ("claude-sonnet-5-5", "off", None),
        (OPUS, OPUS, None),
        ("claude-fable-5-2", None, OPUS),
        ("claude-fable-5-2", "off", None),
        ("claude-of-tomorrow", None, None),
    ],
)
def test_who_answers_what_a_model_declines(model: str, setting: str | None, other: str | None) -> None:
    assert chosen(REQUEST | {"model": model}, setting) == other


@pytest.mark.parametrize("message", [{"role": "system", "content": "Be brief."}, COMPACTED])
def test_a_model_that_cannot_read_the_conversation_is_not_asked_along(message: dict[str, Any]) -> None:
    request = REQUEST | {"messages": [message, HI] if message is COMPACTED else [HI, message]}
    assert chosen(request, OPUS) == OPUS
    assert chosen(request, OLD) is None


def test_an_entry_names_only_what_differs() -> None:
    assert entry(REQUEST | {"max_tokens": 1000}, OPUS, None, "auto") == {"model": OPUS}
    assert entry(REQUEST | {"output_config": {"effort": "high"}}, OPUS, "high", "auto") == {"model": OPUS}
    thorough = REQUEST | {"output_config": {"effort": "high"}}
    assert entry(thorough, OLD, "high", "auto") == {"model": OLD, "output_config": None, "max_tokens": 64_000}


def test_a_request_for_another_model_has_what_that_one_takes() -> None:
    request = REQUEST | {"output_config": {"effort": "high"}, "fallbacks": [{"model": OPUS}], "tools": []}
    assert fitted(request, OLD, "high", "auto") == {"model": OLD, "max_tokens": 64_000, "messages": [HI], "tools": []}
    other = fitted(request, OPUS, "high", "auto")
    assert other
    assert (other["max_tokens"], other["output_config"]) == (100_000, {"effort": "high"})


def test_thoughts_do_not_go_to_another_model() -> None:
    thought = {"type": "thinking", "thinking": "", "signature": "s"}
    call = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}}
    messages = [HI, {"role": "assistant", "content": [thought, call]}, {"role": "assistant", "content": [thought]}]
    request = fitted(REQUEST | {"messages": messages}, OPUS, None, "auto")
    assert request
    assert request["messages"] == [HI, {"role": "assistant", "content": [call]}]


def test_words_of_operators_become_reminders_where_there_are_no_turns_for_them() -> None:
    messages = [HI, {"role": "system", "content": "Be brief."}]
    assert (fitted(REQUEST | {"messages": messages}, OPUS, None, "auto") or {})["messages"] == messages
    older = fitted(REQUEST | {"messages": messages}, OLD, None, "auto")
    assert older
    [only] = older["messages"]
    assert [block["text"] for block in only["content"]] == [
        "Hi",
        "<system-reminder>\nBe brief.\n</system-reminder>",
    ]
    assert messages == [HI, {"role": "system", "content": "Be brief."}]
    assert HI == {"role": "user", "content": "Hi"}


def test_a_compacted_thread_is_not_put_to_a_model_that_cannot_read_it() -> None:
    assert fitted(REQUEST | {"messages": [COMPACTED, HI]}, OLD, None, "auto") is None
    assert fitted(REQUEST | {"messages": [COMPACTED, HI]}, OPUS, None, "auto")
