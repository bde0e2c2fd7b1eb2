"""Pictures: whatever people share becomes what Claude takes, or is refused."""

import contextlib
import io
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from workers.files.pictures import LARGEST_PNG, LONGEST_EDGE, Broken, Picture, TooManyPixels, prepared


def encoded(image: Image.Image, form: str, **more: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **more)
    return file.getvalue()


def opened(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.data))


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it is that large, in a hundred bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_large_picture_is_shrunk_to_what_the_model_uses(form: str) -> None:
    picture = prepared(encoded(Image.new("RGB", (4000, 1000), "red"), form))
    assert opened(picture).size == (LONGEST_EDGE, LONGEST_EDGE // 4)
    assert picture.media_type == ("image/jpeg" if form == "JPEG" else "image/png")
    assert f"image/{opened(picture).format}".lower() == picture.media_type
    assert picture.tokens == -(-1568 * 392 // 750)


def test_a_small_picture_keeps_its_size_and_colours() -> None:
    picture = prepared(encoded(Image.new("RGB", (40, 30), (1, 2, 3)), "PNG"))
    assert (opened(picture).size, opened(picture).getpixel((5, 5))) == ((40, 30), (1, 2, 3))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_picture_stands_upright_and_what_the_camera_wrote_is_gone(form: str) -> None:
    image = Image.new("RGB", (300, 100), "red")
    exif = image.getexif()
    exif[0x0112], exif[0x010E] = 6, "taken at home"
    picture = prepared(encoded(image, form, exif=exif))
    assert opened(picture).size == (100, 300)
    assert not opened(picture).getexif()
    assert b"taken at home" not in picture.data


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_way_to_write_colours_becomes_a_plain_one(mode: str) -> None:
    assert opened(prepared(encoded(Image.new(mode, (20, 20)), "PNG"))).mode in ("RGB", "RGBA")


def test_sixteen_bits_keep_their_brightness() -> None:
    grey = opened(prepared(encoded(Image.new("I;16", (5, 5), 128 * 256), "PNG"))).getpixel((2, 2))
    assert grey == (128, 128, 128)


def test_colours_for_print_are_turned_into_those_of_a_screen() -> None:
    assert opened(prepared(encoded(Image.new("CMYK", (20, 20)), "JPEG"))).mode == "RGB"


def test_what_would_be_large_as_a_png_becomes_a_jpeg_on_white() -> None:
    noise = Image.merge("RGB", [Image.effect_noise((1568, 1568), 90) for _ in range(3)])
    noise.putalpha(0)
    picture = prepared(encoded(noise, "PNG", compress_level=1))
    assert (picture.media_type, opened(picture).getpixel((5, 5))) == ("image/jpeg", (255, 255, 255))
    noise.putalpha(255)
    assert len(prepared(encoded(noise, "PNG", compress_level=1)).data) < 2 * LARGEST_PNG


def test_an_animation_is_its_first_frame_and_says_so() -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    picture = prepared(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert picture.is_first_frame
    assert opened(picture).getpixel((3, 3)) == (255, 0, 0)


def test_the_same_picture_gives_the_same_bytes() -> None:
    data = encoded(Image.effect_noise((2000, 900), 50), "JPEG")
    assert prepared(data) == prepared(data)


@pytest.mark.parametrize("size", [(8_000, 7_000), (10_000, 9_000), (60_000, 60_000)])
def test_a_decompression_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(TooManyPixels):
        prepared(bomb(*size))


SAMPLES = [encoded(Image.effect_noise((30, 30), 50), form) for form in ("PNG", "JPEG", "GIF", "WEBP")]


@given(st.sampled_from(SAMPLES), st.integers(0, 2_000), st.binary(max_size=8))
def test_a_damaged_picture_is_a_picture_or_broken(data: bytes, at: int, garbage: bytes) -> None:
    with contextlib.suppress(Broken, TooManyPixels):
        assert opened(prepared(data[:at] + garbage + data[at + len(garbage) :])).size


@pytest.mark.parametrize("data", SAMPLES, ids=["png", "jpeg", "gif", "webp"])
def test_half_a_picture_is_broken(data: bytes) -> None:
    with pytest.raises(Broken):
        prepared(data[: len(data) // 2])


def test_other_forms_are_broken_even_where_pillow_knows_them() -> None:
    with pytest.raises(Broken):
        prepared(encoded(Image.new("RGB", (5, 5)), "TIFF"))
