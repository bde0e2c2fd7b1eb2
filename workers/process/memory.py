"""How a worker gives memory back."""

import ctypes
import sys

# https://man7.org/linux/man-pages/man3/mallopt.3.html
M_MMAP_THRESHOLD = -3
LARGE_BYTES = 1_000_000


def return_large_pieces() -> None:
    """Have the memory of large pieces, like a file's, returned to the system when they are gone.

    Otherwise glibc, after the first one, keeps room for further ones of up to 32 MB; other systems need not be told.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
