"""Pictures as Claude takes them: shrunk, upright, and without what a camera writes into them.

https://platform.claude.com/docs/en/build-with-claude/vision: jpeg, png, gif and webp; a longest edge above 1,568 pixels
only costs time; 2,000 pixels at most with more than 20 images; about width * height / 750 tokens. A request may
have 100 images or more, by model, and FILES_PER_THREAD is 100 at most.
"""

import io
from dataclasses import dataclass

from PIL import Image, ImageOps

LONGEST_EDGE = 1_568
# Decoded, a pixel takes four bytes; a decompression bomb is refused by its header.
MOST_PIXELS = 50_000_000
LARGEST_PNG = 1_500_000
PIXELS_PER_TOKEN = 750
FORMATS = ("JPEG", "PNG", "GIF", "WEBP")


@dataclass(frozen=True)
class Picture:
    data: bytes
    media_type: str
    tokens: int
    is_first_frame: bool


class TooManyPixels(Exception):
    """More than MOST_PIXELS."""


class Broken(Exception):
    """Not a whole picture of a known form."""


def prepared(data: bytes) -> Picture:
    """The picture in a form that Claude takes, of an animation the first frame. Run it in a thread: it is slow.

    Raises TooManyPixels, Broken.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise TooManyPixels
            is_animated = getattr(image, "n_frames", 1) > 1
            return _encoded(_shrunk(image), is_photograph=image.format in ("JPEG", "MPO"), is_animated=is_animated)
    except (TooManyPixels, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise TooManyPixels from None
    # What Pillow raises for broken data depends on the format and is not documented.
    except Exception as error:
        raise Broken from error


def _shrunk(image: Image.Image) -> Image.Image:
    """Upright, at the size that is needed, with eight bits a colour and nothing else: no profile, no EXIF, no text."""
    # A photograph is decoded at a smaller size; an alpha channel is there only if it is used.
    image.draft("RGB", (LONGEST_EDGE, LONGEST_EDGE))
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith(("I", "F")):
        upright = upright.convert("I").point(lambda value: value / 256).convert("L")
    wanted = "RGBA" if upright.has_transparency_data else "RGB"
    upright = upright.convert(wanted)
    upright.thumbnail((LONGEST_EDGE, LONGEST_EDGE), Image.Resampling.LANCZOS)
    bare = Image.new(wanted, upright.size)
    bare.paste(upright)
    return bare


def _encoded(image: Image.Image, *, is_photograph: bool, is_animated: bool) -> Picture:
    """PNG for what is drawn or transparent, JPEG for photographs and what would be too large."""
    tokens = -(-image.width * image.height // PIXELS_PER_TOKEN)
    if not is_photograph:
        drawn = _bytes(image, "PNG", optimize=False)
        if len(drawn) <= LARGEST_PNG:
            return Picture(drawn, "image/png", tokens, is_animated)
    return Picture(_bytes(_on_white(image), "JPEG", quality=88), "image/jpeg", tokens, is_animated)


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
