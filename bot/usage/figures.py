"""Numbers as people read them."""

_EIGHTHS = " ▏▎▍▌▋▊▉"
_BAR_WIDTH = 20


def shortened(number: int) -> str:
    """`950`, `12.3k`, `4.5M`, `1.2B`"""
    if number < 1_000:
        return str(number)
    for limit, letter in ((1_000, "k"), (1_000_000, "M"), (1_000_000_000, "B")):
        if number < limit * 999.95 or letter == "B":
            return f"{number / limit:,.1f}{letter}"
    raise AssertionError("the last letter fits every number")


def many(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def part(of_all: float | None) -> str:
    """`12 %`; parts below a tenth with a digit more, `1.2 %`."""
    if of_all is None:
        return "–"
    percent = f"{of_all:.1%}" if 0 < of_all < 0.1 else f"{of_all:.0%}"
    return percent.replace("%", " %")


def change(of_before: float | None, is_comparable: bool = True) -> str:
    """` (+12 %)`, ` (−5 %)`, ` (before: none)`; empty if the counts before are not known."""
    if not is_comparable:
        return ""
    if of_before is None:
        return " (before: none)"
    if of_before > 9.995:
        return f" ({of_before + 1:,.0f} times)"
    return f" ({of_before:+.0%})".replace("-", "−").replace("%", " %")


def seconds(time: float) -> str:
    """`0.8 s`, `12 s`, `2 min 5 s`"""
    if time < 9.95:
        return f"{time:.1f} s"
    minutes, rest = divmod(round(time), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def bar(value: int, most: int) -> str:
    """A bar for `value` where `most` fills the width, exact to an eighth of a character.

    It is padded to the width, so that what follows lines up.
    """
    eighths = round(value / most * _BAR_WIDTH * 8) if most else 0
    full, rest = divmod(eighths, 8)
    tip = _EIGHTHS[rest] if rest else ""
    return ("█" * full + tip).ljust(_BAR_WIDTH)
