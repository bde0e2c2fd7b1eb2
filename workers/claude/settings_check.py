"""Checks the settings about the models for `parley check`, without asking Claude."""

from dataclasses import dataclass
from datetime import date

from bot import models
from bot.models import THINKING_BUDGET, Model
from bot.settings import Settings

# Thinking counts toward MAX_TOKENS: with less, answers of a model that thinks may stay empty (inferred).
LITTLE = 2_000


@dataclass(frozen=True)
class SettingsFinding:
    """What is wrong with a setting. `fails` says that people get no answers; else they do, but not as it was set."""

    fails: bool
    sentence: str

    def __str__(self) -> str:
        return f"{'FAIL' if self.fails else 'warn'}  Model: {self.sentence}"


def findings(settings: Settings, today: date) -> list[SettingsFinding]:
    """What is wrong with MODEL, FALLBACK_MODEL, EFFORT, THINKING and MAX_TOKENS."""
    fallback = chosen_fallback(settings)
    findings = [*_existence("MODEL", settings.model, today), *_options(models.find(settings.model), settings)]
    if fallback == settings.model:
        findings.append(SettingsFinding(False, "FALLBACK_MODEL is the same as MODEL, so it helps nobody."))
    elif fallback is not None:
        findings += _existence("FALLBACK_MODEL", fallback, today)
    return findings


def chosen_fallback(settings: Settings) -> str | None:
    """The model that FALLBACK_MODEL names."""
    return None if settings.fallback_model == "off" else settings.fallback_model


def unavailable(setting: str, model_id: str) -> SettingsFinding:
    """The API does not give this key that model."""
    return SettingsFinding(True, f"{setting}={model_id} is not available to this API key: choose another in .env.")


def refused() -> SettingsFinding:
    """The API takes no question as the settings make it."""
    settings = "MCP_SERVERS, WEB_SEARCH, THINKING, EFFORT and ANTHROPIC_CUSTOM_HEADERS"
    return SettingsFinding(True, f"Claude refuses every question with these settings: look at {settings} in .env.")


def _existence(setting: str, model_id: str, today: date) -> list[SettingsFinding]:
    since = models.retired(model_id, today)
    if since:
        sentence = f"{setting}={model_id} answers nobody: it was retired on {since}. Choose another in .env."
        return [SettingsFinding(True, sentence)]
    model = models.find(model_id)
    if not model.is_known:
        return [
            SettingsFinding(
                False,
                f"{setting}={model_id} is not in Parley's list, so it is taken to read {model.context:,} tokens and to "
                f"write {model.max_output:,}, and what it costs is not known.",
            )
        ]
    findings = []
    if model.retires:
        sentence = f"{setting}={model_id} retires on {model.retires}: choose another before."
        findings.append(SettingsFinding(False, sentence))
    if model.prices is None:
        findings.append(SettingsFinding(False, f"{setting}={model_id}: what it costs is not known."))
    return findings


def _options(model: Model, settings: Settings) -> list[SettingsFinding]:
    sentences = [_effort(model, settings.effort), _thinking(model, settings.effort, settings.thinking)]
    findings = [SettingsFinding(False, sentence) for sentence in sentences if sentence]
    findings += _thinking_room(model, settings)
    if settings.max_tokens > model.max_output:
        sentence = f"MAX_TOKENS={settings.max_tokens} is cut to {model.max_output:,}, the most of {model.id}."
        findings.append(SettingsFinding(False, sentence))
    return findings


def _effort(model: Model, effort: str | None) -> str | None:
    if effort is None or effort in model.efforts:
        return None
    known = f"it knows {_listed(model.efforts)}" if model.efforts else "it knows no efforts"
    return f"EFFORT={effort} does nothing on {model.id}: {known}."


def _thinking(model: Model, effort: str | None, thinking: str) -> str | None:
    if thinking == "summarized" and not {"adaptive", "enabled"} & set(model.thinking):
        return f"THINKING=summarized does nothing on {model.id}."
    if thinking != "off" or models.off(model, effort):
        return None
    if models.off(model, None):
        efforts = _listed(model.off_efforts)
        return f"THINKING=off does nothing: {model.id} cannot do without at EFFORT={effort}, only at {efforts}."
    return f"THINKING=off does nothing: {model.id} cannot do without."


def _thinking_room(model: Model, settings: Settings) -> list[SettingsFinding]:
    """Whether MAX_TOKENS leaves room for an answer after the thinking."""
    max_tokens = settings.max_tokens
    thinking = models.options(model.id, settings.effort, settings.thinking).get("thinking", {})
    if thinking.get("type") == "enabled" and max_tokens <= THINKING_BUDGET:
        more = f"MAX_TOKENS must be more than {THINKING_BUDGET:,} for THINKING=summarized on {model.id}"
        return [SettingsFinding(True, f"{more}, which may think so long.")]
    if max_tokens < LITTLE and thinking.get("type", *model.thinking[:1]) == "adaptive":
        little = f"MAX_TOKENS={max_tokens} is little for {model.id}"
        return [SettingsFinding(False, f"{little}, whose thinking counts too: answers may stay empty.")]
    return []


def _listed(names: tuple[str, ...]) -> str:
    """`low, medium and high`"""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
