"""What each Claude model costs and allows. The facts, with dates and sources, are in bot/models.toml.

Prices are USD per million tokens, which is micro-dollars (USD·10⁻⁶) per token.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any

THINKING_BUDGET = 1_024


@dataclass(frozen=True)
class Prices:
    """Micro-dollars per token; `search` per web search."""

    input: Fraction
    output: Fraction
    write_5m: Fraction
    write_1h: Fraction
    read: Fraction
    search: Fraction


@dataclass(frozen=True)
class Model:
    """One model. Sizes are in tokens.

    `thinking` are the types that a request may name, the first is what it gets when it names none; `off_efforts` are
    the efforts at which thinking may be off; `effort` is the default, empty where the model knows no efforts.
    `long_prices` hold for the whole request when its prompt is longer than `long_prompt`. `is_known` is False for a
    model that models.toml does not have: its limits are guesses on the safe side.
    """

    id: str
    name: str
    family: str
    context: int
    max_output: int
    thinking: tuple[str, ...]
    efforts: tuple[str, ...]
    off_efforts: tuple[str, ...]
    effort: str
    cache_minimum: int
    system_turns: bool
    compaction: bool
    fallbacks: bool
    prices: Prices | None
    long_prices: Prices | None
    long_prompt: int | None
    snapshot: str | None
    retires: date | None
    is_known: bool


@dataclass(frozen=True)
class Usage:
    """One billed piece of usage, in tokens: an attempt, a fallback or a compaction.

    `input` are the tokens that were neither read from the cache nor written to it.
    """

    model: str
    input: int = 0
    output: int = 0
    write_5m: int = 0
    write_1h: int = 0
    read: int = 0
    searches: int = 0
    estimated: bool = False

    @property
    def prompt(self) -> int:
        return self.input + self.write_5m + self.write_1h + self.read


def find(model_id: str) -> Model:
    """The model of this id or dated id. An unknown id gets a model with conservative limits and no prices."""
    model = _models().get(model_id)
    if model is None:
        return _model(_table()["unknown"] | {"id": model_id, "name": model_id}, is_known=False)
    return model


def cost(usage: Usage) -> int | None:
    """Micro-dollars, rounded half up once; None if the model's prices are unknown."""
    model = find(usage.model)
    prices = _prices_for(model, usage.prompt)
    if prices is None:
        return None
    exact = (
        usage.input * prices.input
        + usage.output * prices.output
        + usage.write_5m * prices.write_5m
        + usage.write_1h * prices.write_1h
        + usage.read * prices.read
        + usage.searches * prices.search
    )
    return _rounded(exact)


def saved(usage: Usage) -> int | None:
    """How many micro-dollars more the tokens read from the cache would have cost as input; None if unknown."""
    paid = cost(usage)
    uncached = cost(replace(usage, input=usage.input + usage.read, read=0))
    if paid is None or uncached is None:
        return None
    return uncached - paid


def estimate(model_id: str, input_tokens: int, max_output: int) -> int | None:
    """The most micro-dollars that a call can cost, without searches; None if unknown.

    It assumes that the whole prompt is written to the cache for an hour, which is the most expensive case.
    """
    return cost(Usage(model_id, output=max_output, write_1h=input_tokens))


def options(model_id: str, effort: str | None = None, thinking: str = "auto") -> dict[str, Any]:
    """The parameters of a request for the settings EFFORT and THINKING: `output_config` and `thinking`.

    What the model does not take is left out, so that one setting serves every model without a 400. If the model cannot
    have both the effort and `thinking="off"`, it gets the effort.
    https://platform.claude.com/docs/en/build-with-claude/effort and /thinking
    """
    model = find(model_id)
    parameters: dict[str, Any] = {}
    if effort in model.efforts:
        parameters["output_config"] = {"effort": effort}
    thinking_parameter = _thinking(model, effort, thinking)
    if thinking_parameter:
        parameters["thinking"] = thinking_parameter
    return parameters


def _thinking(model: Model, effort: str | None, thinking: str) -> dict[str, Any] | None:
    if thinking == "summarized" and "adaptive" in model.thinking:
        return {"type": "adaptive", "display": "summarized"}
    if thinking == "summarized" and "enabled" in model.thinking:
        return {"type": "enabled", "budget_tokens": THINKING_BUDGET, "display": "summarized"}
    kind = off(model, effort)
    if thinking == "off" and kind:
        return {"type": kind}
    return None


def off(model: Model, effort: str | None) -> str | None:
    """The type that turns thinking off at this effort; None if the model cannot do without."""
    if effort in model.efforts and effort not in model.off_efforts:
        return None
    return next((kind for kind in ("disabled", "between_tools") if kind in model.thinking), None)


def known() -> dict[str, str]:
    """The names of all models by id and by dated id."""
    return {model_id: model.name for model_id, model in _models().items()}


def retirement(model_id: str) -> date | None:
    """The day from which the model answers no more; None if none is announced."""
    day: date | None = _table()["retired"].get(model_id) or find(model_id).retires
    return day


def retired(model_id: str, today: date) -> date | None:
    """The day since which the model answers no more; None if it still answers."""
    day = retirement(model_id)
    if day is None or day > today:
        return None
    return day


def _prices_for(model: Model, prompt: int) -> Prices | None:
    is_long = model.long_prompt is not None and prompt > model.long_prompt
    return model.long_prices if is_long else model.prices


def _rounded(exact: Fraction) -> int:
    return (exact + Fraction(1, 2)).__floor__()


@cache
def _table() -> dict[str, Any]:
    """bot/models.toml, with exact prices."""
    text = files("bot").joinpath("models.toml").read_text(encoding="utf-8")
    return tomllib.loads(text, parse_float=Fraction)


@cache
def _models() -> dict[str, Model]:
    """All models by id and by dated id."""
    models: dict[str, Model] = {}
    for entry in _table()["model"]:
        model = _model(entry, is_known=True)
        models[model.id] = model
        if model.snapshot:
            models[model.snapshot] = model
    return models


def _model(entry: Mapping[str, Any], *, is_known: bool) -> Model:
    values = {"off_efforts": None, "long_prompt": None, "snapshot": None, "retires": None} | _table()["default"] | entry
    off_efforts = values.pop("off_efforts")
    search = values.pop("search")
    prices = _prices(values.pop("prices", None), search)
    long_prices = _prices(values.pop("long_prices", None), search)
    for only_for_readers in ("checked", "source"):
        values.pop(only_for_readers, None)
    for name in ("thinking", "efforts"):
        values[name] = tuple(values[name])
    return Model(
        **values,
        off_efforts=values["efforts"] if off_efforts is None else tuple(off_efforts),
        prices=prices,
        long_prices=long_prices,
        is_known=is_known,
    )


def _prices(table: Mapping[str, Any] | None, search: Fraction) -> Prices | None:
    if table is None:
        return None
    return Prices(**{name: Fraction(value) for name, value in table.items()}, search=search * 1_000_000)
