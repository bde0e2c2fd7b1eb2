"""Are the settings about the models sensible? Pure; `parley check` prints what comes of it."""

from dataclasses import dataclass
from datetime import date

from bot import models
from bot.models import THINKING_BUDGET, Model

# Thinking counts toward MAX_TOKENS: with less, answers of a model that thinks may stay empty (inferred).
LITTLE = 2_000


@dataclass(frozen=True)
class SettingsFinding:
    """`fails`: people get no answers. Else it works, but not as the settings say."""

    fails: bool
    sentence: str

    def __str__(self) -> str:
        return f"{'FAIL' if self.fails else 'warn'}  Model: {self.sentence}"


def findings(
    model: str, effort: str | None, thinking: str, max_tokens: int, fallback: str | None, today: date
) -> list[SettingsFinding]:
    """What is wrong with the two models, EFFORT, THINKING and MAX_TOKENS; nothing if all is well.

    `fallback` is FALLBACK_MODEL, None for none.
    """
    found = [*_existence("MODEL", model, today), *_options(models.find(model), effort, thinking, max_tokens)]
    if fallback == model:
        found.append(SettingsFinding(False, "FALLBACK_MODEL is the same as MODEL, so it helps nobody."))
    elif fallback is not None:
        found += _existence("FALLBACK_MODEL", fallback, today)
    return found


def unavailable(setting: str, model_id: str) -> SettingsFinding:
    """The API does not give this key that model."""
    return SettingsFinding(True, f"{setting}={model_id} is not available to this API key: choose another in .env.")


def refused() -> SettingsFinding:
    """The API takes no question as the settings make it."""
    settings = "MCP_SERVERS, WEB_SEARCH, THINKING, EFFORT and ANTHROPIC_CUSTOM_HEADERS"
    return SettingsFinding(True, f"Claude refuses every question with these settings: look at {settings} in .env.")


def _existence(setting: str, model_id: str, today: date) -> list[SettingsFinding]:
    if since := models.retired(model_id, today):
        told = f"{setting}={model_id} answers nobody: it was retired on {since}. Choose another in .env."
        return [SettingsFinding(True, told)]
    model = models.find(model_id)
    if not model.is_known:
        return [
            SettingsFinding(
                False,
                f"{setting}={model_id} is not in Parley's list, so it is taken to read {model.context:,} tokens and to "
                f"write {model.max_output:,}, and what it costs is not known.",
            )
        ]
    found = []
    if model.retires:
        found.append(SettingsFinding(False, f"{setting}={model_id} retires on {model.retires}: choose another before."))
    if model.prices is None:
        found.append(SettingsFinding(False, f"{setting}={model_id}: what it costs is not known."))
    return found


def _options(model: Model, effort: str | None, thinking: str, max_tokens: int) -> list[SettingsFinding]:
    found = []
    if effort and effort not in model.efforts:
        known = f"it knows {_listed(model.efforts)}" if model.efforts else "it knows no efforts"
        found.append(SettingsFinding(False, f"EFFORT={effort} does nothing on {model.id}: {known}."))
    if thinking == "off" and not models.off(model, effort):
        at = models.off(model, None) and f" at EFFORT={effort}, only at {_listed(model.off_efforts)}"
        found.append(SettingsFinding(False, f"THINKING=off does nothing: {model.id} cannot do without{at or ''}."))
    if thinking == "summarized" and not {"adaptive", "enabled"} & set(model.thinking):
        found.append(SettingsFinding(False, f"THINKING=summarized does nothing on {model.id}."))
    chosen = models.options(model.id, effort, thinking).get("thinking", {})
    if chosen.get("type") == "enabled" and max_tokens <= THINKING_BUDGET:
        more = f"MAX_TOKENS must be more than {THINKING_BUDGET:,} for THINKING=summarized on {model.id}"
        found.append(SettingsFinding(True, f"{more}, which may think so long."))
    elif max_tokens < LITTLE and chosen.get("type", *model.thinking[:1]) == "adaptive":
        little = f"MAX_TOKENS={max_tokens} is little for {model.id}"
        found.append(SettingsFinding(False, f"{little}, whose thinking counts too: answers may stay empty."))
    if max_tokens > model.max_output:
        found.append(
            SettingsFinding(False, f"MAX_TOKENS={max_tokens} is cut to {model.max_output:,}, the most of {model.id}.")
        )
    return found


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else "".join(names)
