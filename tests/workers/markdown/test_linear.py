"""No text takes longer than in proportion to its length: all answers of a worker share one event loop."""

import gc
import os
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bot.talk import arguments, text_of
from bot.talk.markup import escape, mentioned_people, spoken
from tests.kit.hostile_shapes import SHAPES, Shape
from workers.claude import citations
from workers.draft.layout import Form, lay_out
from workers.files import picture_links
from workers.markdown.blank import condensed, is_empty
from workers.markdown.frame import fallback, frame, without_late_definitions
from workers.markdown.plain import plain
from workers.markdown.sanitize import harmless
from workers.markdown.split import split_text
from workers.process.memory import keep_imports_out_of_collections
from workers.prompt import quoting

Work = Callable[[str], object]

# `make properties` tries everything at length, which takes minutes.
AT_LENGTH = os.environ.get("HYPOTHESIS_PROFILE") == "ci"
# Ten times the text may cost this much times the processor time, and what costs less than the floor is not measured: a
# thousand characters are not split over several messages, which costs its own time.
MOST_TIMES = 15
FLOOR_SECONDS = 0.1
# Each shape is tried at the lengths before and behind each step.
STEPS = (1_000, 10_000) if AT_LENGTH else (1_000,)
# So many seeds of mixtures are tried, up to a hundred thousand characters.
MIXTURES = 40 if AT_LENGTH else 3


@pytest.fixture(scope="module", autouse=True)
def memory_as_in_a_worker() -> Iterator[None]:
    keep_imports_out_of_collections()
    yield
    gc.unfreeze()


def _grow(text: str) -> object:
    """Lay out a text that is split over several messages, of which the last one still grows."""
    return lay_out(text, Form(), ended=False, streams=lambda number: True, cuts={})


def _end(text: str) -> object:
    """Lay out a whole text, of which the rest goes into a file, for a Slack that refuses blocks."""
    return lay_out(text, Form(most=24_000, plain=True), ended=True, streams=lambda number: False, cuts={})


def _split(text: str) -> object:
    return split_text(text, 3_000)


def _read(text: str) -> object:
    """Read what somebody wrote, who has a name that is as hard to read."""
    return spoken(f"{text}<@U2>", "U1", {"U2": text}), mentioned_people(text), picture_links.pictures(text)


def _read_blocks(text: str) -> object:
    """Read a message that an app put into blocks, or that was forwarded."""
    pieces = [text[at : at + 10] for at in range(0, len(text), 10)]
    elements: list[dict[str, Any]] = [{"type": "text", "text": piece} for piece in pieces]
    section = {"type": "rich_text_section", "elements": elements}
    link = {"type": "link", "url": text, "text": text}
    blocks = [{"type": "rich_text", "elements": [section, link]}, {"type": "header", "text": {"text": text}}]
    shared = {"is_share": True, "author_name": text, "text": text, "blocks": blocks}
    return text_of.of({"blocks": blocks, "attachments": [shared, {"fields": [{"title": text, "value": text}]}]})


def _command(text: str) -> object:
    """Read the words of a command."""
    for read in (arguments.person, arguments.channel, arguments.thread, arguments.quoted):
        try:
            read(text)
        except arguments.Unclear:
            continue
    return arguments.Words(text.split()).take_all(str.isdigit)


def _prompt(text: str) -> object:
    return quoting.harmless(text), quoting.attribute(text), quoting.harmless(escape(text))


def _cite(text: str) -> object:
    return citations.links([{"url": f"https://{text}"}, {"url": f"https://a.b/{text}"}, {"url": text}])


def _blanks(text: str) -> object:
    return condensed(text), is_empty(text)


WORKS: list[Work] = [frame, plain, fallback, harmless, without_late_definitions, _grow, _end, _split, _blanks]
WORKS += [_read, _read_blocks, _command, _prompt, _cite]


@pytest.mark.hypothesis
@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.__name__)
def test_ten_times_the_text_takes_at_most_fifteen_times_as_long(work: Work) -> None:
    assert len(SHAPES) >= 60
    slow = [shape for shape in SHAPES if not all(_is_linear(work, shape, length) for length in STEPS)]
    assert not slow


@pytest.mark.hypothesis
@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.__name__)
def test_mixtures_of_what_is_hard_to_read_are_linear_too(work: Work) -> None:
    mixtures = map(_mixture, range(MIXTURES))
    slow = [mixture for mixture in mixtures if not all(_is_linear(work, mixture, length) for length in (1_000, 10_000))]
    assert not slow


def _mixture(seed: int) -> Shape:
    """Some units in any order, of which one may be repeated, again and again."""
    rng = random.Random(seed)
    units = [shape.unit * rng.choice((1, 1, 1, 7, 200)) for shape in rng.sample(SHAPES, rng.randint(2, 5))]
    return Shape("".join(units), rng.choice(SHAPES).head, rng.choice(SHAPES).foot[:100])


def _is_linear(work: Work, shape: Shape, length: int) -> bool:
    """Whether ten times this length costs in proportion, by the best of three measurements of processor time."""
    short = shape.text(length)
    long = shape.text(10 * length)
    best_of_short = _seconds(work, short)
    if best_of_short > 1:
        # Ten times as much might take minutes.
        return False
    best = _seconds(work, long)
    for _ in range(2):
        if best <= FLOOR_SECONDS + MOST_TIMES * best_of_short:
            return True
        # A first time that was too good is no excuse: the longest of the short ones counts, the best of the long ones.
        best_of_short = max(best_of_short, _seconds(work, short))
        best = min(best, _seconds(work, long))
    return best <= FLOOR_SECONDS + MOST_TIMES * best_of_short


def _seconds(work: Work, text: str) -> float:
    start = time.process_time()
    work(text)
    return time.process_time() - start
