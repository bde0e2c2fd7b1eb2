"""What models cost, exactly, and what a request may ask of them."""

import tomllib
from datetime import date
from decimal import Decimal
from fractions import Fraction
from importlib.resources import files
from itertools import product
from typing import Any, get_args

import anthropic
import pytest
from anthropic.types.model_param import ModelParam
from hypothesis import given
from hypothesis import strategies as st

from bot import models
from bot.models import Model, Usage, cost, estimate, find, options
from bot.sandbox.claude import headers, request
from bot.sandbox.claude import models as played
from bot.settings import Settings
from workers.prompt.compaction import CHEAP_MODEL

TABLE = tomllib.loads(files("bot").joinpath("models.toml").read_text(), parse_float=Decimal)
IDS = [entry["id"] for entry in TABLE["model"]]
EFFORTS = (None, "low", "medium", "high", "xhigh", "max")
THINKING = ("auto", "summarized", "off")
PRICED = [entry["id"] for entry in TABLE["model"] if "prices" in entry]

counts = st.integers(0, 5_000_000)
usages = st.builds(
    Usage,
    model=st.sampled_from(PRICED),
    input=counts,
    output=counts,
    write_5m=counts,
    write_1h=counts,
    read=counts,
    searches=st.integers(0, 50),
)


# The table


@pytest.mark.parametrize("entry", TABLE["model"], ids=lambda entry: entry["id"])
def test_every_model_says_when_it_was_checked_and_where(entry: dict[str, Any]) -> None:
    assert date(2026, 11, 1) <= entry["checked"] <= date.today()
    assert entry["source"]


@pytest.mark.parametrize("model", [find(model_id) for model_id in IDS], ids=lambda model: model.id)
def test_every_model_is_whole(model: Model) -> None:
    assert model.is_known
    assert 0 < model.max_output < model.context
    assert model.id.startswith(f"claude-{model.family}-")
    assert (model.effort in model.efforts) if model.efforts else not model.effort
    assert set(model.off_efforts) <= set(model.efforts)
    assert set(model.thinking) <= {"adaptive", "between_tools", "disabled", "enabled"}


@pytest.mark.parametrize("model_id", PRICED)
def test_a_cache_costs_more_to_write_and_less_to_read_than_plain_input(model_id: str) -> None:
    """https://platform.claude.com/docs/en/build-with-claude/prompt-caching"""
    model = find(model_id)
    for prices in (model.prices, model.long_prices):
        if prices:
            assert prices.write_5m == prices.input * Fraction(5, 4)
            assert prices.write_1h == prices.input * 2
            assert prices.read <= prices.input / 10
            assert prices.output == prices.input * 5


def test_the_default_models_are_in_it() -> None:
    assert find(Settings().model).is_known
    assert find(CHEAP_MODEL).is_known
    assert Settings().max_tokens <= find(Settings().model).max_output


def test_the_library_knows_every_id_and_its_deprecated_ones_retire() -> None:
    named = set(get_args(get_args(ModelParam)[0]))
    assert {name for name in named if name != "claude-mythos-preview"} == {
        name for name in named if find(name).is_known
    }
    deprecated = anthropic.resources.messages.DEPRECATED_MODELS
    far = date(2100, 1, 1)
    assert not [name for name in deprecated if name in named and models.retired(name, far) is None]


@pytest.mark.parametrize("model", [model for model in map(find, IDS) if model.id in played.MODELS], ids=lambda m: m.id)
def test_the_sandbox_plays_it_with_the_same_sizes(model: Model) -> None:
    other = played.MODELS[model.id]
    assert (other.context, other.output, other.line) == (model.context, model.max_output, model.family)
    assert set(other.efforts) == set(model.efforts)
    assert set(other.thinking) == set(model.thinking)
    assert other.system_turns == model.system_turns
    assert other.compaction == model.compaction
    assert other.fallbacks == model.fallbacks


# Finding


def test_a_dated_id_is_its_model() -> None:
    assert find("claude-haiku-4-5-20251001") is find("claude-haiku-4-5")


@pytest.mark.parametrize("model_id", ["gpt-oss", "claude-haiku-4-5-20990101", "claude-sonnet-5-5 ", ""])
def test_any_other_id_is_a_careful_stranger(model_id: str) -> None:
    model = find(model_id)
    assert model.id == model_id
    assert not model.is_known
    assert (model.context, model.max_output, model.prices) == (200_000, 64_000, None)
    assert not any((model.thinking, model.efforts, model.system_turns, model.fallbacks, model.compaction))
    assert model.cache_minimum == max(known.cache_minimum for known in map(find, IDS))


# Costs


def priced(usage: Usage) -> Decimal:
    """The bill in micro-dollars, straight from the table, not rounded."""
    entry = next(entry for entry in TABLE["model"] if entry["id"] == usage.model)
    prompt = usage.input + usage.write_5m + usage.write_1h + usage.read
    prices = entry["long_prices"] if prompt > entry.get("long_prompt", prompt) else entry["prices"]
    kinds = ("input", "output", "write_5m", "write_1h", "read")
    tokens = sum((getattr(usage, kind) * Decimal(prices[kind]) for kind in kinds), Decimal(0))
    return tokens + usage.searches * Decimal(TABLE["default"]["search"]) * 1_000_000


@given(usages)
def test_a_cost_is_the_bill_rounded_once_half_up(usage: Usage) -> None:
    found = cost(usage)
    assert isinstance(found, int)
    assert Decimal(found) - Decimal("0.5") <= priced(usage) < Decimal(found) + Decimal("0.5")


@pytest.mark.parametrize(
    ("usage", "micro_dollars"),
    [
        (Usage("claude-sonnet-5-5", input=1_000_000, output=1_000_000), 12_000_000),
        (Usage("claude-sonnet-5-5", read=1_000_000), 100_000),
        (Usage("claude-sonnet-5-5", searches=3), 30_000),
        (Usage("claude-fable-5-1", read=2), 1),
        (Usage("claude-fable-5-1", read=1), 0),
        (Usage("claude-haiku-4-5-20251001", write_5m=1_000, write_1h=1_000), 3_250),
        (Usage("claude-haiku-5-5"), 0),
    ],
)
def test_what_some_calls_cost(usage: Usage, micro_dollars: int) -> None:
    assert cost(usage) == micro_dollars


def test_a_long_prompt_makes_all_of_haikus_request_dearer_whatever_the_cache_served() -> None:
    """https://platform.claude.com/docs/en/models/haiku-5-5/overview"""
    short = Usage("claude-haiku-5-5", input=50_000, read=50_000, output=1_000)
    assert cost(short) == 5_000 + 500 + 500
    longer = Usage("claude-haiku-5-5", input=50_000, read=50_001, output=1_000)
    assert cost(longer) == 25_000 + 2_500 + 2_500
    assert cost(Usage("claude-haiku-5-5", output=128_000)) == 64_000


@pytest.mark.parametrize("model_id", ["unheard-of", "claude-mythos-5-2"])
def test_without_prices_there_is_no_cost(model_id: str) -> None:
    assert cost(Usage(model_id, input=1, output=1)) is None
    assert estimate(model_id, 1, 1) is None


@given(st.sampled_from(PRICED), counts, counts, counts, counts, counts)
def test_an_estimate_is_never_too_low(
    model_id: str, plain: int, write_5m: int, write_1h: int, read: int, output: int
) -> None:
    usage = Usage(model_id, plain, output, write_5m, write_1h, read)
    assert (estimate(model_id, usage.prompt, output) or 0) >= (cost(usage) or 0)


# Options


def test_nothing_set_asks_for_nothing() -> None:
    assert [options(model_id) for model_id in (*IDS, "unheard-of")] == [{}] * (len(IDS) + 1)


@pytest.mark.parametrize(
    ("model_id", "effort", "thinking", "asked"),
    [
        ("claude-sonnet-5-5", "low", "auto", {"output_config": {"effort": "low"}}),
        ("claude-sonnet-5-5", None, "off", {"thinking": {"type": "between_tools"}}),
        ("claude-sonnet-5-5", "max", "off", {"output_config": {"effort": "max"}}),
        ("claude-sonnet-5-5", None, "summarized", {"thinking": {"type": "adaptive", "display": "summarized"}}),
        ("claude-opus-5", None, "off", {"thinking": {"type": "disabled"}}),
        ("claude-opus-5", "xhigh", "off", {"output_config": {"effort": "xhigh"}}),
        ("claude-opus-5-5", None, "off", {}),
        ("claude-opus-4-5", "max", "auto", {}),
        (
            "claude-haiku-4-5",
            "high",
            "summarized",
            {"thinking": {"type": "enabled", "budget_tokens": 1_024, "display": "summarized"}},
        ),
        ("unheard-of", "high", "off", {}),
    ],
)
def test_a_request_asks_only_for_what_the_model_takes(
    model_id: str, effort: str | None, thinking: str, asked: dict[str, Any]
) -> None:
    assert options(model_id, effort, thinking) == asked


@pytest.mark.parametrize("model_id", sorted(played.MODELS))
def test_no_setting_meets_a_400(model_id: str) -> None:
    for effort, thinking in product(EFFORTS, THINKING):
        body = {
            "model": model_id,
            "max_tokens": 16_000,
            "messages": [{"role": "user", "content": "Hello"}],
            **options(model_id, effort, thinking),
        }
        request.check(body, {"anthropic-version": headers.VERSION})


# Retirement


def test_a_model_is_retired_from_its_day_on() -> None:
    day = date(2026, 11, 30)
    assert models.retired("claude-sonnet-4-5", date(2026, 11, 29)) is None
    assert models.retired("claude-sonnet-4-5-20250929", day) == day
    assert models.retired("claude-opus-4-1", day) == date(2026, 8, 5)
    assert models.retired("claude-sonnet-5-5", date(2100, 1, 1)) is None
