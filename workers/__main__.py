"""`python -m workers`: the command line of a worker process."""

import gc
import sys

# All that is imported stays, and looking for garbage in it would take a fifth of the start.
gc.disable()

from workers.cli import main  # noqa: E402

gc.freeze()
gc.enable()

if __name__ == "__main__":
    sys.exit(main())
