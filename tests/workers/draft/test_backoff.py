from workers.draft.backoff import MOST_REFUSALS, Backoff


def test_waits_double_up_to_the_longest_and_begin_anew() -> None:
    backoff = Backoff((0.5, 1.5))
    waits = []
    for _ in range(4):
        waits.append(backoff.wait)
        backoff.grow()
    assert waits == [0.5, 1.0, 1.5, 1.5]
    backoff.reset()
    assert backoff.wait == 0.5


def test_refusals_are_few_however_long_the_waits_have_become() -> None:
    backoff = Backoff((0.5, 0.5))
    for _ in range(2):
        backoff.grow()
        assert [backoff.may_be_refused() for _ in range(MOST_REFUSALS + 1)] == [True] * MOST_REFUSALS + [False]
        backoff.reset()
