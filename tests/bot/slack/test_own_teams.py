"""Which teams are ours: Slack says whose the token is."""

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.slack import own_teams
from bot.slack.own_teams import OwnTeams


async def test_our_own_team_is_known_without_asking(sandbox: Sandbox, web: AsyncWebClient) -> None:
    own = OwnTeams(web, "T1")
    assert await own.has("T1")
    assert sandbox.journal.entries("slack.request", "auth.test") == []


async def test_another_team_is_not_ours_and_slack_is_asked_about_it_once(sandbox: Sandbox, web: AsyncWebClient) -> None:
    own = OwnTeams(web, sandbox.team)
    assert await own.among({"T0B", sandbox.team, "T0A"}) == [sandbox.team]
    assert not await own.has("T0B")
    assert len(sandbox.journal.entries("slack.request", "auth.test")) == 1


async def test_an_organization_that_takes_our_workspaces_app_over_becomes_ours_while_we_run(
    sandbox: Sandbox, web: AsyncWebClient
) -> None:
    own = OwnTeams(web, sandbox.team)
    sandbox.slack.workspace.organization = "E0ORG"
    assert await own.has("E0ORG")
    assert await own.has(sandbox.team), "what was kept under the workspace is still to be answered"
    assert not await own.has("E0OTHER")


async def test_a_workspace_of_an_organization_is_not_the_organization(sandbox: Sandbox, web: AsyncWebClient) -> None:
    """Another deployment may be installed in all of it, and this one in a workspace of it alone."""
    own = OwnTeams(web, sandbox.team)
    assert not await own.has("E0ORG")


async def test_where_slack_does_not_say_it_is_asked_again_soon(
    sandbox: Sandbox, web: AsyncWebClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_teams, "RETRY_SECONDS", 0.0)
    sandbox.faults.add("auth.test", "status", times=1, status=503)
    sandbox.slack.workspace.organization = "E0ORG"
    own = OwnTeams(web, sandbox.team)
    assert not await own.has("E0ORG")
    assert await own.has("E0ORG")
