"""Dollars as people write and read them. Everywhere else a sum is a whole number of micro-dollars."""

import re
from decimal import Decimal

MOST = 1_000_000
DOLLARS_ONLY = "I count in US dollars only. Say, for example, `$20` or `19.50`."
_AMOUNT = re.compile(r"\$?([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(\.[0-9]{1,2})?\$?(?:usd)?", re.IGNORECASE)
_OTHER = re.compile(
    r"[€£¥₹₩₽₿¢]|[ac]\$|euros?|eur|pounds?|gbp|yen|jpy|francs?|chf|inr|cny|cad|aud|nzd|sek|nok|dkk|pln|brl|mxn|krw|btc",
    re.IGNORECASE,
)


class InvalidAmount(Exception):
    """Nobody can set this amount; the message is a sentence that says why."""


def dollars(micro: int) -> str:
    """`$1,234.50`. Below a dollar, fractions of a cent are shown too: `$0.0123`."""
    if 0 < micro < 100:
        return "less than $0.0001"
    if micro < 999_950 and micro % 10_000:
        return f"${Decimal(micro) / 1_000_000:.4f}"
    return f"${Decimal(micro) / 1_000_000:,.2f}"


def is_currency(word: str) -> bool:
    """Whether a word names a currency, such as `EUR` or `dollars`."""
    return word.isalpha() and (_OTHER.fullmatch(word) is not None or word.lower() in ("usd", "dollar", "dollars"))


def is_amount(word: str) -> bool:
    """Whether somebody meant an amount of money, in whatever currency."""
    return any(char.isdigit() or char in "$€£¥₹₩₽₿¢" for char in word) and not word.startswith("<")


def read(word: str) -> int:
    """Micro-dollars of `5`, `$5`, `5.50`, `$1,000`, `5usd`. Raises InvalidAmount."""
    if _OTHER.search(word):
        raise InvalidAmount(DOLLARS_ONLY)
    if word.startswith(("-", "−", "$-", "$−")):
        raise InvalidAmount("A budget cannot be below zero. `$0` stops everything; `clear` takes a budget away.")
    match = _AMOUNT.fullmatch(word)
    if match is None:
        raise InvalidAmount("I do not understand the amount. Say, for example, `$20`, `19.50` or `$1,000`.")
    amount = Decimal(match[1].replace(",", "") + (match[2] or ""))
    if amount > MOST:
        raise InvalidAmount(f"That is more than I believe: a budget is ${MOST:,} at the most.")
    return int(amount * 1_000_000)
