"""What operators see: in processes of their own, because logging is one for a whole process."""

import subprocess
import sys

SPEAK = """
import logging, sys
from bot import logs
logs.configure(sys.argv[1])
for name in ("parley.reply", "slack_bolt.AsyncApp", "slack_sdk.web.async_client", "rq.worker", "anthropic", "aiohttp"):
    for level in (logging.DEBUG, logging.INFO, logging.WARNING):
        logging.getLogger(name).log(level, "%s speaks at %s", name, logging.getLevelName(level))
try:
    raise ValueError("what somebody wrote")
except ValueError:
    logging.getLogger("parley.reply").exception("turn failed")
logging.getLogger("rq.worker").error("job failed\\nTraceback\\n  what somebody wrote")
"""


def spoken(level: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", SPEAK, level], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_a_record_is_one_line_with_time_level_and_name() -> None:
    lines = spoken("INFO")
    day, time, level, name, text = lines[0].split(" ", 4)
    assert (level, name, text) == ("INFO", "parley.reply", "parley.reply speaks at INFO")
    assert (day.count("-"), time.count(":")) == (2, 2)


def test_an_error_is_told_by_its_type_alone() -> None:
    lines = spoken("INFO")
    assert lines[-2].endswith("ERROR parley.reply turn failed error=ValueError")
    assert lines[-1].endswith("ERROR rq.worker job failed")
    assert "somebody" not in "".join(lines)


def test_libraries_speak_from_warning_on_whatever_the_level() -> None:
    for level in ("DEBUG", "INFO"):
        others = [line for line in spoken(level) if " speaks at " in line and "parley.reply" not in line]
        assert len(others) == 5
        assert all(line.endswith("at WARNING") for line in others)


def test_a_traceback_is_there_for_who_debugs() -> None:
    lines = spoken("DEBUG")
    assert "ValueError: what somebody wrote" in lines
    assert any(line.endswith("parley.reply speaks at DEBUG") for line in lines)


def test_a_higher_level_hides_what_is_below_it() -> None:
    assert not [line for line in spoken("ERROR") if "speaks at INFO" in line]


CAMERA = """
import io
from bot import logs
logs.configure("DEBUG")
from PIL import Image
exif = Image.Exif()
exif[0x010E] = "taken at home"
file = io.BytesIO()
Image.new("RGB", (5, 5)).save(file, "JPEG", exif=exif)
with Image.open(file) as image:
    dict(image.getexif())
"""


def test_what_a_camera_wrote_into_a_picture_is_logged_at_no_level() -> None:
    done = subprocess.run([sys.executable, "-c", CAMERA], capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
