"""The report within Slack's limits at any size: as the sandbox checks them."""

from dataclasses import replace
from datetime import date

import pytest

from bot.sandbox.slack.block_kit import payload as block_kit
from bot.store.counts.cells import NUMBERS, Counts
from bot.store.counts.usage import DIRECT, KINDS, Top
from bot.usage.query import Subject, read
from bot.usage.report import MOST_ROWS, Report, day_label
from bot.views import usage as view

TODAY = date(2026, 11, 21)
LARGE = Counts(**dict.fromkeys(NUMBERS, 2**53), first={71: 9}, total={71: 9})
SMALL = Counts(requests=2, answers=1, errors=1, input=900, output=100, cost=1_500_000, saved=20_000)


def made(text: str, counts: Counts = SMALL, rows: int = 2, before: Counts | None = None) -> Report:
    query = read(text.split(), TODAY, "U1", 400)
    costs = [(day_label(day), counts.cost) for day in query.period.days]
    names = {"user": "U", "channel": "C", "model": "a-model-with-a-long-name-<&>`" * 5}
    tops = {k: Top([(f"{names[k]}{n:09}", counts) for n in range(min(rows, MOST_ROWS))], rows) for k in KINDS}
    return Report(query, counts, before or Counts(), costs, {} if query.subject else tops)


@pytest.mark.parametrize("names", [None, {f"U{n:09}": "<!channel> `&" * 6 for n in range(50)}])
@pytest.mark.parametrize("counts", [Counts(), SMALL, LARGE])
@pytest.mark.parametrize("text", ["today", "7d", "30d", "2026-10", "<@U1> 30d", "model:" + "x" * 100])
def test_slack_takes_it_at_any_size(text: str, counts: Counts, names: dict[str, str] | None) -> None:
    for report in (made(text, counts, rows=5_000), made(text, counts, rows=1), made(text, counts, rows=0)):
        for shown in (view.blocks(report, "a value", names), view.text_blocks(report, "a value", names)):
            assert block_kit.checked(shown, "message")


def test_no_change_is_shown_against_what_is_forgotten() -> None:
    report = made("7d", before=replace(SMALL, cost=1_000_000))
    forgotten = replace(report, query=replace(report.query, known_from=report.query.period.first))
    for shown, cost in ((view.blocks(report), "$1.50 (+50 %)'"), (view.blocks(forgotten), "$1.50'")):
        assert f"*Cost*\\n{cost}" in str(shown)
    assert "compared with nothing, for what was used before 15 Nov 2026 is forgotten" in str(view.blocks(forgotten))


def test_names_stand_for_people_where_nobody_may_be_alerted() -> None:
    report = made("7d", rows=2)
    for shown in (view.blocks(report, names={}), view.text_blocks(report, names={"U000000000": "<@U2> & co"})):
        assert "user_id" not in str(shown)
        assert "<@U" not in str(shown)
    assert "<@U000000001>" in str(view.text_blocks(report))
    about = replace(report, query=replace(report.query, subject=Subject("user", "U1")), tops={})
    assert "What was asked by Ada," in str(view.blocks(about, names={"U1": "Ada"}))


def test_a_bot_that_asked_is_not_mentioned() -> None:
    report = replace(made("7d"), tops={"user": Top([("B0BOT", SMALL)], 1)})
    for shown in (view.blocks(report), view.text_blocks(report)):
        assert "B0BOT" in str(shown)
        assert "<@B0BOT>" not in str(shown)
        assert "'user_id': 'B0BOT'" not in str(shown)


def test_days_are_in_two_charts_where_one_has_no_room_for_them() -> None:
    charts = [block for block in view.blocks(made("30d")) if block["type"] == "data_visualization"]
    labels = [label for chart in charts for label in chart["chart"]["axis_config"]["categories"]]
    assert len(charts) == 2
    assert labels == [day_label(day) for day in read(["30d"], TODAY, "U1", 400).period.days]
    assert charts[0]["title"] == "Cost per day, USD, 23 Oct to 6 Nov"


def test_a_table_says_how_many_there_are_beside_those_it_shows() -> None:
    captions = [block["caption"] for block in view.blocks(made("7d", rows=412)) if block["type"] == "data_table"]
    assert captions[0] == "People: the 20 that cost most of 412"
    assert view.blocks(made("7d", rows=2))[4]["caption"] == "People"


def test_direct_messages_have_a_name() -> None:
    report = replace(made("7d"), tops={"channel": Top([(DIRECT, SMALL)], 1)})
    assert "Direct messages" in str(view.blocks(report))
    assert "Direct messages" in str(view.text_blocks(report))


def test_what_is_not_exact_is_said() -> None:
    report = made("7d", replace(SMALL, unpriced=2, estimated=500_000), before=replace(SMALL, cost=1_000_000))
    text = str(view.blocks(report))
    assert "2 calls of models without a known price are not in the cost." in text
    assert "$0.50 of the cost is estimated" in text
    assert "$1.50 (+50 %)" in text
    assert "50 % failed" in text


def test_without_questions_there_is_one_sentence_and_no_table() -> None:
    kinds = [block["type"] for block in view.blocks(made("7d", Counts(), rows=0))]
    assert kinds == ["header", "context", "section"]
    assert view.summary(made("7d", Counts())) == "Usage 15–21 Nov 2026: $0.00 for 0 questions."
