"""Memory of large pieces goes back to the system, in a process of its own: what the setting changes stays changed."""

import subprocess
import sys

import pytest

LEFT = """
import sys
from workers.process.memory import return_large_pieces
if sys.argv[1] == "returned":
    return_large_pieces()

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096

first = b"x" * 30_000_000
del first
before = resident()
second = b"x" * 26_000_000
behind = [bytes(2_000) for _ in range(1_000)]
del second
print(resident() - before)
"""


def left(how: str) -> int:
    """How much more memory a process has after a large piece came and went, with something small behind it."""
    said = subprocess.run([sys.executable, "-c", LEFT, how], capture_output=True, text=True, check=True)
    return int(said.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems need not be told")
def test_a_large_piece_that_is_gone_leaves_nothing_behind() -> None:
    assert left("returned") < 10_000_000
