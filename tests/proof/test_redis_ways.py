"""A question is answered whichever way Redis is reached."""

from pathlib import Path

import pytest

from bot.sandbox.claude.answers import Answer
from tests.kit.parley import Parley
from tests.kit.redis_servers import WAYS, reached
from tests.kit.tls import needs_openssl

pytestmark = pytest.mark.proof


@needs_openssl
@pytest.mark.parametrize("way", WAYS)
async def test_a_question_is_answered(way: str, tmp_path: Path) -> None:
    with reached(way, tmp_path / "redis") as url:
        (tmp_path / "log").mkdir()
        async with Parley(url, tmp_path / "log") as parley:
            parley.sandbox.claude.script(None, Answer("By this way, too."))
            ts = await parley.slack.say("ada", "general", "@parley are you there?")
            assert await parley.answers("general", ts) == ["By this way, too."]
            assert "Traceback" not in parley.log
