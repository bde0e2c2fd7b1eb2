"""The program that opens files: which function opens which, and that it needs nothing more once it has begun."""

import contextlib
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from workers.reader import program
from workers.reader.child import Lane, ReaderChild
from workers.reader.contents import LONGEST_EDGE, Contents, NotRead, Order, Pdf, Picture, Text
from workers.reader.limits import ReadLimits

ORDER = Order("text/plain", characters=10_000, pages=10, pixels=50_000_000)
ROOT = Path(__file__).parents[3]


def picture(form: str, size: tuple[int, int] = (300, 100), **more: Any) -> bytes:
    file = io.BytesIO()
    image = Image.effect_noise(size, 50)
    image.save(file, form, **more)
    return file.getvalue()


def camera_picture(form: str) -> bytes:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "taken at home"
    return picture(form, exif=exif)


FRAMES = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
PICTURES = [
    *(camera_picture(form) for form in ("PNG", "JPEG", "WEBP")),
    picture("GIF"),
    *(picture(form, (2_000, 2_000)) for form in ("PNG", "JPEG", "GIF", "WEBP")),
    *(picture(form, (20, 20), save_all=True, append_images=FRAMES) for form in ("PNG", "MPO", "GIF", "WEBP")),
    picture("WEBP", lossless=True),
    picture("JPEG", progressive=True),
]
TEXTS = ["Grüße".encode(coding) for coding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1")]


def test_files_of_every_form_are_opened_by_a_process_that_can_open_no_file_of_its_own() -> None:
    """Whatever Pillow or Python loads when it is first needed was loaded before."""
    reading = ReaderChild(Lane(200_000_000, None), ReadLimits())
    try:
        for data in PICTURES:
            assert isinstance(reading.read(data, ORDER), Picture)
            with contextlib.suppress(NotRead):
                reading.read(data[: len(data) // 2], ORDER)
        assert {reading.read(data, ORDER) for data in TEXTS} == {Text("Grüße", is_cut=False)}
        assert reading.read(b"%PDF-1.7 <</Type/Page>>", ORDER) == Pdf(0, 1)
    finally:
        reading.close()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
def test_the_process_gives_what_the_function_gives(form: str) -> None:
    data = picture(form, (2_000, 900))
    reading = ReaderChild(Lane(200_000_000, None), ReadLimits())
    try:
        contents: Contents = reading.read(data, ORDER)
    finally:
        reading.close()
    assert contents == program.opened(data, ORDER)
    assert isinstance(contents, Picture)
    assert contents.width == LONGEST_EDGE


@pytest.mark.parametrize(("data", "reason"), [(b"", "empty"), (b"\0\0\0\x18ftypheic", "type"), (b"<svg/>", "type")])
def test_what_no_function_opens_has_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(NotRead, match=reason):
        program.opened(data, Order("", 1, 1, 1))


def test_a_worker_never_loads_what_opens_files() -> None:
    load = "import sys, workers.cli, workers.reply; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", load], capture_output=True, text=True, check=True, cwd=ROOT)
    openers = {"PIL", "workers.reader.program", "workers.reader.pictures", "workers.reader.documents"}
    assert not openers & set(said.stdout.split())


def test_the_process_loads_nothing_of_a_worker() -> None:
    load = "import sys, workers.reader.program; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-I", "-c", load], capture_output=True, text=True, check=True)
    loaded = {module.partition(".")[0] for module in said.stdout.split()}
    assert not loaded & {"bot", "aiohttp", "anthropic", "asyncio", "redis", "rq", "slack_sdk"}
