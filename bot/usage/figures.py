"""Numbers as people read them."""

_BLOCKS = " ▏▎▍▌▋▊▉"
_BAR = 20


def shortened(number: int) -> str:
    """`950`, `12.3k`, `4.5M`, `1.2B`"""
    if number < 1_000:
        return str(number)
    for limit, letter in ((1_000, "k"), (1_000_000, "M"), (1_000_000_000, "B")):
        if number < limit * 999.95 or letter == "B":
            return f"{number / limit:,.1f}{letter}"
    raise AssertionError("the last letter takes all")


def many(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def part(of_all: float | None) -> str:
    """`12 %`; what rounds to nothing and is something has a digit more."""
    if of_all is None:
        return "–"
    return f"{of_all:.1%}".replace("%", " %") if 0 < of_all < 0.1 else f"{of_all:.0%}".replace("%", " %")


def change(of_before: float | None, is_comparable: bool = True) -> str:
    """` (+12 %)`, ` (−5 %)`, ` (before: none)`; nothing where it is not known what was before."""
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
    """As long as `value` is of `most`, in eighths of a character; always as wide, so that what follows lines up."""
    eighths = round(value / most * _BAR * 8) if most else 0
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_BLOCKS[rest] if rest else "")).ljust(_BAR)
