"""The ways in which a turn can end: what people see, and what the history remembers."""

import textwrap
from collections.abc import Sequence

from bot import models
from bot.models import Usage
from bot.store.threads.replies import Final
from workers.claude.client import ClaudeAnswer
from workers.markdown.blank import is_empty

EMPTY = "Hi! Ask me something: mention me with a question, here or in a new thread, and I answer in the thread."
FORGOTTEN = "I no longer remember that question. Please ask it again."
GIVEN_UP = (
    "Something went wrong on my side, several times over, so I stopped trying. Please ask again. (Reference: {ref})"
)
UNREADABLE = (
    "Claude could not read what was shared with this message, so I leave it out of this thread. Please share it in "
    "another form, or less of it. (Reference: {ref})"
)
CUT_SHORT = "_The answer reached its length limit. Press Continue, or say “continue”, and I go on._"
NO_ROOM = (
    "Claude reached the length limit of an answer before its first word, because thinking counts too. Please ask for "
    "less at once. (Reference: {ref})"
)
PAUSED = "_This took more steps than I may take at once. Press Continue, or say “continue”, and I go on._"
REFUSED = "Claude declined to answer this{why}. Please rephrase the question, or ask something else."
# https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback
CATEGORIES = {
    "cyber": " because it may help to attack computers",
    "bio": " because it may help to cause biological harm",
    "frontier_llm": " because it may help to build a competing AI model",
    "reasoning_extraction": " because it asks for the model's inner reasoning",
    "general_harms": " because it may cause harm",
}
TOO_LONG = "This thread has become longer than Claude can read. Please start a new thread. (Reference: {ref})"
STOPPED = "Stopped before anything was written."
STATUS_LENGTH = 100
EXPLANATION_LENGTH = 300
NO_TEXT = "Claude ended without an answer. Please ask again, perhaps in other words. (Reference: {ref})"


def answered(answer: ClaudeAnswer, ref: str) -> Final:
    """The ending for an answer of Claude. `ref` is the reference in sentences that stand for an answer."""
    text = _stripped(answer.text)
    match answer.stop_reason:
        case "refusal":
            refused = REFUSED.format(why=CATEGORIES.get(str(answer.category), ""))
            told = _with(text, f"_{refused}_") if text else refused
            why = _line(answer.explanation)
            if why:
                told = _with(told, f"> {why}")
            return Final(told, outcome="refusal", hidden=True, has_buttons=True)
        case "model_context_window_exceeded":
            told = TOO_LONG.format(ref=ref)
            return Final(_with(text, f"_{told}_") if text else told, outcome="answer", has_buttons=True)
        case "max_tokens" if text:
            return Final(_with(text, CUT_SHORT), said=text, outcome="answer", continuable=True, has_buttons=True)
        case "pause_turn" if text:
            return Final(_with(text, PAUSED), said=text, outcome="answer", continuable=True, has_buttons=True)
        case "max_tokens":
            return Final(NO_ROOM.format(ref=ref), outcome="answer", has_buttons=True)
    return Final(text or NO_TEXT.format(ref=ref), outcome="answer", has_buttons=True)


def stopped(text: str, by: str) -> Final:
    """`text` is what people saw of the answer. `by` is the display name of who stopped it, "" if unknown."""
    text = _stripped(text)
    return Final(text or STOPPED, outcome="stop", stopped_by=by, continuable=bool(text), has_buttons=True)


def failed(text: str, sentence: str) -> Final:
    """`text` is what people saw of the answer. It stays, and `sentence` below it says why there is no more."""
    text = _stripped(text)
    return Final(_with(text, f"_{sentence}_") if text else sentence, outcome="error")


def thinking(thought: str) -> str:
    """A thought as the thread's status shows it: its newest line, shortened."""
    lines = thought.strip().splitlines() or [""]
    line = lines[-1].strip(" *#_`")
    return line if len(line) <= STATUS_LENGTH else f"{line[: STATUS_LENGTH - 1]}…"


def note(answer: ClaudeAnswer, *, full: bool) -> str | None:
    """The line below the answer: model, tokens and cost if `full`, else the model if it is not the one asked."""
    model = models.find(answer.model)
    if full:
        return " · ".join([model.name, *_figures(answer.usage)])
    if model == models.find(answer.asked_model):
        return None
    return f"Answered by {model.name}"


def _figures(usage: Sequence[Usage]) -> list[str]:
    prompt = sum(piece.prompt for piece in usage)
    output = sum(piece.output for piece in usage)
    costs = [models.cost(piece) for piece in usage]
    about = "about " if any(piece.estimated for piece in usage) else ""
    figures = [f"{about}{prompt:,} tokens in, {output:,} out"]
    if None not in costs:
        figures.append(f"{about}${sum(cost or 0 for cost in costs) / 1_000_000:.4f}")
    return figures


def _line(explanation: object) -> str:
    """The explanation of a refusal as one line, "" if it is no text."""
    words = " ".join(explanation.split()) if isinstance(explanation, str) else ""
    return textwrap.shorten(words, EXPLANATION_LENGTH, placeholder="…")


def _stripped(text: str) -> str:
    """The text without white space at its end; "" if nobody would see anything of it."""
    return "" if is_empty(text) else text.rstrip()


def _with(text: str, note: str) -> str:
    return f"{text}\n\n{note}"
