"""From what a call to Claude billed to what is counted of it."""

from bot.incoming import Message, Thread
from bot.store.usage import Counted, Piece
from workers.counting import counted
from workers.models import Usage

MESSAGE = Message(Thread("T1", "C1", "1.1"), "1.2", "U1", "a question")


def test_each_billed_piece_has_its_model_and_price() -> None:
    usage = [
        Usage("claude-sonnet-5-5", input=100, output=200, write_5m=300, read=1_000_000, searches=1),
        Usage("claude-haiku-4-5", input=1_000, output=10, estimated=True),
        Usage("a-model-of-tomorrow", input=7),
    ]
    found = counted(MESSAGE, 1.0, "claude-haiku-4-5", "answer", usage, first_text=0.5, total=2.0, keep_days=7)
    sonnet, haiku, unknown = found.pieces
    assert (found.team, found.channel, found.user, found.keep_days) == ("T1", "C1", "U1", 7)
    assert (sonnet.input, sonnet.output, sonnet.write_5m, sonnet.read, sonnet.searches) == (100, 200, 300, 10**6, 1)
    assert sonnet.cost is not None
    assert sonnet.saved is not None
    assert 0 < sonnet.cost < sonnet.saved
    assert (haiku.saved, haiku.estimated) == (0, True)
    assert unknown == Piece("a-model-of-tomorrow", input=7, cost=None, saved=None)


def test_no_text_has_no_time() -> None:
    found = counted(MESSAGE, 1.0, "claude-haiku-4-5", None, first_text=0.0)
    assert found == Counted("T1", "C1", "U1", 1.0, "claude-haiku-4-5", None)
