"""Pictures as Claude takes them: shrunk, upright, and without what a camera writes into them.

https://platform.claude.com/docs/en/build-with-claude/vision: jpeg, png, gif and webp; a longest edge above 1,568 pixels
only costs time; 2,000 pixels at most with more than 20 images; about width * height / 750 tokens. A request may
have 100 images or more, by model, and FILES_PER_THREAD is 100 at most.

A large picture is decoded once and never copied whole: with 50 million pixels, each copy would take 200 MB.
"""

import io
import re

from PIL import GifImagePlugin, Image, JpegImagePlugin, MpoImagePlugin, PngImagePlugin, WebPImagePlugin

from workers.reader.contents import LONGEST_EDGE, NotRead, Order, Picture

# Pillow would load its plugins from disk when it needs them, but then no file can be opened any more.
PLUGINS = (GifImagePlugin, JpegImagePlugin, MpoImagePlugin, PngImagePlugin, WebPImagePlugin)
Image.preinit()
FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
LARGEST_PNG = 1_500_000
# libwebp holds a picture three times, with four bytes a pixel, and Pillow once more (observed).
MOST_WEBP_PIXELS = 16_000_000
# libjpeg holds the numbers of all scans of a picture until it has read the last one.
MOST_COEFFICIENT_BYTES = 200_000_000
SMALL_COEFFICIENT_BYTES = 50_000_000
# A progressive JPEG is decoded once for each of its scans. Cameras and programs write about ten.
MOST_SCANS = 100
# Whatever follows 0xFF in a JPEG begins a segment, except stuffing, restarts and fill bytes.
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
ORIENTATION = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
STRIP_PIXELS = 500_000
# Before the last step, which makes the picture look good, it is shrunk to no less than so many times its last size.
REDUCING_GAP = 2


def opened(data: bytes, order: Order) -> Picture:
    """The picture in a form that Claude takes, of an animation the first frame. Raises NotRead and MemoryError."""
    scan_count = scans(data)
    if scan_count > MOST_SCANS:
        raise NotRead("scans")
    _check_webp(data, order)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > order.pixels:
                raise NotRead("pixels")
            if scan_count > 1:
                _check_coefficients(image, order)
            return _prepared(image, order)
    except (NotRead, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise NotRead("pixels") from None
    # What Pillow raises for broken data depends on the format and is not documented.
    except Exception:
        raise NotRead("broken") from None


def scans(data: bytes) -> int:
    """How many scans a JPEG has, counted up to MOST_SCANS + 1; 0 for other files.

    Reads each byte once, and nothing behind the picture's end.
    """
    if not data.startswith(b"\xff\xd8"):
        return 0
    count, at = 0, 2
    while count <= MOST_SCANS:
        marker = MARKER.search(data, at)
        if marker is None or data[marker.end() - 1] == END_OF_IMAGE:
            break
        count += data[marker.end() - 1] == START_OF_SCAN
        # The length counts its own two bytes.
        at = marker.end() + max(2, int.from_bytes(data[marker.end() : marker.end() + 2], "big"))
    return count


def webp_pixels(data: bytes) -> int:
    """How many pixels a WebP says it has; 0 for other files.

    https://developers.google.com/speed/webp/docs/riff_container
    """
    if not (data.startswith(b"RIFF") and data[8:12] == b"WEBP" and len(data) >= 30):
        return 0
    match data[12:16]:
        case b"VP8X":
            width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28))
        case _:
            return 0
    return width * height


def _check_webp(data: bytes, order: Order) -> None:
    """Before it is opened, because opening it takes the memory. Raises NotRead."""
    pixels = webp_pixels(data)
    if pixels > order.pixels:
        raise NotRead("pixels")
    if pixels > MOST_WEBP_PIXELS:
        raise NotRead("memory")
    if order.small_pixels is not None and pixels > order.small_pixels:
        raise NotRead("large")


def _check_coefficients(image: Image.Image, order: Order) -> None:
    """Raises NotRead for a JPEG of several scans that takes too much memory, which libjpeg would call damaged."""
    layers: list[tuple[int, int, int, int]] = getattr(image, "layer", [])
    if not layers:
        return
    widest, highest = (max(layer[n] for layer in layers) for n in (1, 2))
    share = sum(layer[1] * layer[2] for layer in layers) / (widest * highest)
    needed = 2 * image.width * image.height * share
    if needed > MOST_COEFFICIENT_BYTES:
        raise NotRead("memory")
    if order.small_pixels is not None and needed > SMALL_COEFFICIENT_BYTES:
        raise NotRead("large")


def _prepared(image: Image.Image, order: Order) -> Picture:
    is_photograph = image.format in ("JPEG", "MPO")
    is_animated = getattr(image, "is_animated", False)
    # A photograph is decoded at a smaller size.
    image.draft("RGB", (LONGEST_EDGE, LONGEST_EDGE))
    if order.small_pixels is not None and image.width * image.height > order.small_pixels:
        raise NotRead("large")
    return _encoded(_shrunk(image), is_photograph=is_photograph, is_animated=is_animated)


def _shrunk(image: Image.Image) -> Image.Image:
    """Upright, at the size that is needed, with eight bits a colour and nothing else: no profile, no EXIF, no text."""
    image.load()
    orientation = image.getexif().get(ORIENTATION)
    small = _reduced(image)
    # Its pixels may go now.
    image.close()
    small.thumbnail((LONGEST_EDGE, LONGEST_EDGE), Image.Resampling.LANCZOS)
    return small.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else small


def _reduced(image: Image.Image) -> Image.Image:
    """In plain colours, and if it is very large at a fraction of its size; strip by strip, so that none is copied.

    An alpha channel is there only if it is used.
    """
    wanted = "RGBA" if image.has_transparency_data else "RGB"
    factor = max(1, max(image.size) // (LONGEST_EDGE * REDUCING_GAP))
    reduced = Image.new(wanted, (-(-image.width // factor), -(-image.height // factor)))
    rows = factor * max(1, STRIP_PIXELS // (image.width * factor))
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        if strip.mode.startswith(("I", "F")):
            strip = strip.convert("I").point(lambda value: value / 256).convert("L")
        reduced.paste(strip.convert(wanted).reduce(factor), (0, top // factor))
    return reduced


def _encoded(image: Image.Image, *, is_photograph: bool, is_animated: bool) -> Picture:
    """PNG for what is drawn or transparent, JPEG for photographs and what would be too large."""
    if not is_photograph:
        drawn = _bytes(image, "PNG", optimize=False)
        if len(drawn) <= LARGEST_PNG:
            return Picture(drawn, "image/png", image.width, image.height, is_animated)
    return Picture(_bytes(_on_white(image), "JPEG", quality=88), "image/jpeg", image.width, image.height, is_animated)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white


def _bytes(image: Image.Image, form: str, **options: int | bool) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()
