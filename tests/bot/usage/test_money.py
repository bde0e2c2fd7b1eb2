import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.usage.money import DOLLARS_ONLY, MOST, InvalidAmount, dollars, is_amount, is_currency, read


@pytest.mark.parametrize(
    ("word", "micro"),
    [
        ("5", 5_000_000),
        ("$5", 5_000_000),
        ("0", 0),
        ("5.5", 5_500_000),
        ("$19.50", 19_500_000),
        ("5usd", 5_000_000),
        ("20$", 20_000_000),
        ("$1,000", 1_000_000_000),
        ("1,000,000.00", 1_000_000_000_000),
    ],
)
def test_an_amount_in_dollars_is_read(word: str, micro: int) -> None:
    assert is_amount(word)
    assert read(word) == micro


@pytest.mark.parametrize("word", ["€5", "5€", "£20", "5EUR", "¥100", "100jpy", "C$5", "A$5", "20chf"])
def test_other_currencies_are_not_taken_for_dollars(word: str) -> None:
    with pytest.raises(InvalidAmount) as raised:
        read(word)
    assert str(raised.value) == DOLLARS_ONLY


@pytest.mark.parametrize("word", ["-5", "$-5", "-$5", "−1"])
def test_an_amount_below_zero_is_refused(word: str) -> None:
    with pytest.raises(InvalidAmount, match="below zero"):
        read(word)


@pytest.mark.parametrize("word", ["1000001", "99999999999999999999999", "$1,000,000.01"])
def test_an_absurd_amount_is_refused(word: str) -> None:
    with pytest.raises(InvalidAmount, match=r"more than I believe: a budget is \$1,000,000"):
        read(word)


@pytest.mark.parametrize("word", ["1.000,50", "5.555", "1,00", "1e9", "0x10", "5.", ".5", "$", "$$5", "٣", "5k", "1/2"])
def test_another_way_to_write_an_amount_is_refused_with_an_example(word: str) -> None:
    with pytest.raises(InvalidAmount, match=r"19\.50"):
        read(word)


@pytest.mark.parametrize(
    ("word", "is_one"), [("EUR", True), ("dollars", True), ("USD", True), ("day", False), ("5eur", False)]
)
def test_a_currency_may_be_a_word_of_its_own(word: str, is_one: bool) -> None:
    assert is_currency(word) is is_one


@pytest.mark.parametrize("word", ["<@U123|ben5>", "<#C12|general>", "day", "lots"])
def test_people_channels_and_words_are_no_amounts(word: str) -> None:
    assert not is_amount(word)


@pytest.mark.parametrize(
    ("micro", "shown"),
    [
        (0, "$0.00"),
        (99, "less than $0.0001"),
        (12_345, "$0.0123"),
        (500_000, "$0.50"),
        (999_999, "$1.00"),
        (1_234_567_890, "$1,234.57"),
    ],
)
def test_amounts_are_shown_as_people_read_them(micro: int, shown: str) -> None:
    assert dollars(micro) == shown


@given(st.integers(0, MOST * 100))
def test_what_is_shown_reads_back(cents: int) -> None:
    assert read(dollars(cents * 10_000)) == cents * 10_000
