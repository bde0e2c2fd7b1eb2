"""The sandbox as a whole: what it tells a bot, and how it starts and stops."""

import pytest

from bot.sandbox import Ports, Sandbox


async def test_environment_points_a_bot_here() -> None:
    async with Sandbox() as sandbox:
        environ = sandbox.environ()
        assert environ["SLACK_API_URL"] == sandbox.slack_url == f"{sandbox.page_url}api/"
        assert environ["ANTHROPIC_BASE_URL"] == sandbox.claude_url
        assert environ["SLACK_APP_TOKEN"].startswith("xapp-")
        assert set(sandbox.describe()) == {
            "slack_url",
            "claude_url",
            "page_url",
            "control_url",
            "bot_token",
            "app_token",
            "signing_secret",
            "anthropic_api_key",
            "team",
            "bot_user",
            "channels",
            "users",
        }


async def test_bot_over_http_gets_no_app_token() -> None:
    async with Sandbox(with_claude=False, transport="http") as sandbox:
        assert sandbox.environ()["SLACK_APP_TOKEN"] == ""
    with pytest.raises(ValueError, match="carrier pigeon"):
        Sandbox(transport="carrier pigeon")


async def test_port_can_be_chosen_and_is_free_again_afterwards() -> None:
    async with Sandbox(with_claude=False) as sandbox:
        port = int(sandbox.page_url.rsplit(":", 1)[1].strip("/"))
        with pytest.raises(OSError, match="in use"):
            async with Sandbox(with_claude=False, ports=Ports(slack=port)):
                pass
    async with Sandbox(with_claude=False, ports=Ports(slack=port)) as sandbox:
        assert sandbox.page_url == f"http://127.0.0.1:{port}/"


def test_ids_are_the_same_in_every_sandbox() -> None:
    one, two = Sandbox(), Sandbox()
    assert (one.team, one.channels, one.users) == (two.team, two.channels, two.users)
    assert one.team.startswith("T")
    assert one.channels["general"].startswith("C")
    assert one.channels["@ada"].startswith("D")
    assert one.users["ada"].startswith("U")
