"""Files that are made to hurt whoever opens them, small enough to be shared."""

import io
import struct
import zlib

from PIL import Image

END_OF_IMAGE = b"\xff\xd9"
START_OF_SCAN = b"\xff\xda"


def png(width: int, height: int, *, depth: int = 16, colour: int = 6, rows: int | None = None) -> bytes:
    """A PNG of black pixels, by default with 16 bits and an alpha channel, written without being in memory.

    With fewer `rows`, its header says more pixels than there are.
    """
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    row = b"\0" * (1 + (width * channels * depth + 7) // 8)
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(row) for _ in range(height if rows is None else rows)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", packed), (b"IEND", b"")]
    if colour == 3:
        chunks.insert(1, (b"PLTE", b"\0\0\0"))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def progressive_jpeg(scans: int, size: int = 2_000, *, subsampling: int = 2) -> bytes:
    """A progressive JPEG whose last scan is there again and again, until it has so many."""
    file = io.BytesIO()
    Image.new("RGB", (size, size), "red").save(file, "JPEG", progressive=True, subsampling=subsampling)
    data = file.getvalue()
    last = data.rindex(START_OF_SCAN)
    scan = data[last : -len(END_OF_IMAGE)]
    return data[:last] + scan * max(1, scans - data.count(START_OF_SCAN) + 1) + END_OF_IMAGE


def counting_pdf(size: int = 19_500_000) -> bytes:
    """A PDF that says how many pages it has, a million times over."""
    piece = b"/Count 111111"
    return b"%PDF-1.4\n" + piece * (size // len(piece))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
