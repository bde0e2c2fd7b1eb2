"""Pictures: whatever people share becomes what Claude takes, or is refused."""

import contextlib
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.kit import hostile_files
from workers.reader import pictures
from workers.reader.contents import LONGEST_EDGE, NotRead, Order, Picture
from workers.reader.pictures import LARGEST_PNG, MOST_SCANS, scans, webp_pixels

ORDER = Order("image/png", characters=1, pages=1, pixels=50_000_000)


def prepared(data: bytes, order: Order = ORDER) -> Picture:
    return pictures.opened(data, order)


def encoded(image: Image.Image, form: str, **more: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **more)
    return file.getvalue()


def opened(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.data))


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
    with pytest.raises(NotRead, match="pixels"):
        prepared(hostile_files.png(*size, rows=0))


SAMPLES = [encoded(Image.effect_noise((30, 30), 50), form) for form in ("PNG", "JPEG", "GIF", "WEBP")]


@given(st.sampled_from(SAMPLES), st.integers(0, 2_000), st.binary(max_size=8))
def test_a_damaged_picture_is_a_picture_or_broken(data: bytes, at: int, garbage: bytes) -> None:
    with contextlib.suppress(NotRead):
        assert opened(prepared(data[:at] + garbage + data[at + len(garbage) :])).size


@pytest.mark.parametrize("data", SAMPLES, ids=["png", "jpeg", "gif", "webp"])
def test_half_a_picture_is_broken(data: bytes) -> None:
    with pytest.raises(NotRead, match="broken"):
        prepared(data[: len(data) // 2])


def test_other_forms_are_broken_even_where_pillow_knows_them() -> None:
    with pytest.raises(NotRead, match="broken"):
        prepared(encoded(Image.new("RGB", (5, 5)), "TIFF"))


def test_a_large_picture_looks_the_same_though_it_is_shrunk_strip_by_strip() -> None:
    """Held against Pillow, which shrinks a whole one."""
    large = Image.merge("RGBA", [Image.radial_gradient("L").resize((4_000, 6_700)) for _ in range(4)])
    whole = large.copy()
    whole.thumbnail((LONGEST_EDGE, LONGEST_EDGE), Image.Resampling.LANCZOS)
    ours = opened(prepared(encoded(large, "PNG", compress_level=1)))
    assert ours.size == whole.size
    for x, y in [(0, 0), (400, 700), (935, 1567), (100, 1500)]:
        pairs = zip(colours(ours, x, y), colours(whole, x, y), strict=True)
        assert max(abs(one - other) for one, other in pairs) <= 2


def colours(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    pixel = image.getpixel((x, y))
    assert isinstance(pixel, tuple)
    return tuple(int(value) for value in pixel)


@pytest.mark.parametrize("size", [(9_000, 20), (20, 9_000), (9_000, 1)])
def test_a_very_long_picture_is_shrunk_too(size: tuple[int, int]) -> None:
    picture = prepared(encoded(Image.new("RGB", size, "red"), "PNG"))
    assert max(picture.width, picture.height) == LONGEST_EDGE
    assert opened(picture).getpixel((0, 0)) == (255, 0, 0)


def test_the_scans_of_a_jpeg_are_counted_and_too_many_are_refused() -> None:
    assert [scans(hostile_files.progressive_jpeg(count, 50)) for count in (12, 100, 30_000)] == [12, 100, 101]
    assert scans(encoded(Image.new("RGB", (50, 50)), "JPEG")) == 1
    assert prepared(hostile_files.progressive_jpeg(MOST_SCANS, 50)).media_type == "image/jpeg"
    with pytest.raises(NotRead, match="scans"):
        prepared(hostile_files.progressive_jpeg(MOST_SCANS + 1, 50))


def test_what_cameras_and_telephones_write_beside_a_picture_counts_as_no_scan() -> None:
    data = encoded(Image.new("RGB", (50, 50)), "JPEG")
    note = b"\xff\xe1" + (60_002).to_bytes(2) + b"\xff\xda" * 30_000
    assert scans(data[:2] + note + data[2:] + b"\xff\xda" * 30_000) == 1


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"}])
def test_the_pixels_of_a_webp_are_known_before_it_is_opened(options: dict[str, Any]) -> None:
    data = encoded(Image.new("RGB", (41, 23), "red"), "WEBP", **options)
    assert webp_pixels(data) == 41 * 23
    with pytest.raises(NotRead, match="pixels"):
        prepared(data, Order("", 1, 1, pixels=900))
    with pytest.raises(NotRead, match="large"):
        prepared(data, Order("", 1, 1, 2_000, small_pixels=900))


def test_a_picture_that_is_large_only_before_it_is_decoded_is_small() -> None:
    """A JPEG is decoded at a fraction of its size."""
    order = Order("", 1, 1, pixels=50_000_000, small_pixels=4_000_000)
    image = Image.new("RGB", (4_000, 4_000))
    assert prepared(encoded(image, "JPEG"), order).width == LONGEST_EDGE
    with pytest.raises(NotRead, match="large"):
        prepared(encoded(image, "PNG"), order)


def test_a_jpeg_that_is_held_whole_until_its_last_scan_takes_no_more_memory_than_there_is() -> None:
    with pytest.raises(NotRead, match="memory"):
        prepared(hostile_files.progressive_jpeg(12, 7_000, subsampling=0))
    with pytest.raises(NotRead, match="large"):
        prepared(hostile_files.progressive_jpeg(12, 4_500), Order("", 1, 1, 50_000_000, small_pixels=4_000_000))
