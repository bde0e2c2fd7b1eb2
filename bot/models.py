"""Which Claude models there are. What they cost and take is the workers' business: they read the same file."""

import tomllib
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any


def known() -> dict[str, str]:
    """Names by id, dated ids too."""
    found: dict[str, str] = {}
    for model in _table()["model"]:
        found |= {id: str(model["name"]) for id in (model["id"], model.get("snapshot")) if id}
    return found


def retirement(model_id: str) -> date | None:
    """The day from which the model answers no more, as far as it is announced."""
    days = {id: model.get("retires") for model in _table()["model"] for id in (model["id"], model.get("snapshot"))}
    found: date | None = _table()["retired"].get(model_id) or days.get(model_id)
    return found


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("bot").joinpath("models.toml").read_text(encoding="utf-8"))
