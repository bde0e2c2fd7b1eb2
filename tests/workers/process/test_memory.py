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


def test_what_was_imported_is_passed_over_by_the_garbage_collector() -> None:
    program = "import gc, workers.cli; from workers.process import memory; memory.keep_imports_out_of_collections()"
    ask = "; print(gc.get_freeze_count(), len(gc.get_objects()))"
    said = subprocess.run([sys.executable, "-c", program + ask], capture_output=True, text=True, check=True)
    frozen, looked_through = map(int, said.stdout.split())
    assert frozen > 20 * looked_through
