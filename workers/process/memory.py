"""How a worker gives memory back, and what of it is looked through."""

import ctypes
import gc
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


def keep_imports_out_of_collections() -> None:
    """Have the garbage collector pass over all that is in memory now, which stays until the end.

    Otherwise each full collection walks through all that was imported, for 40 ms and more, in which every reply waits;
    and a text that makes many objects would be read in more than proportion to its length.
    """
    gc.collect()
    gc.freeze()
