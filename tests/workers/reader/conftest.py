import pytest

from tests.kit import reader_program
from workers.reader import child


@pytest.fixture
def acting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes do what a file says (tests/kit/reader_program.py)."""
    monkeypatch.setattr(child, "PROGRAM", reader_program.PROGRAM)
