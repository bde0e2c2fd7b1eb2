"""Who is who, and reactions."""

from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from tests.bot.sandbox.calls import error, post


async def test_users_info_tells_admins_members_and_strangers_apart(sandbox: Sandbox, client: AsyncWebClient) -> None:
    async def info(name: str) -> dict[str, object]:
        found: dict[str, object] = (await client.users_info(user=sandbox.users[name]))["user"]
        return found

    assert (await info("ada"))["is_admin"] is True
    assert (await info("ben"))["is_admin"] is False
    stranger = await info("gwen")
    assert stranger["is_stranger"] is True
    assert "is_admin" not in stranger
    assert stranger["team_id"] != sandbox.team
    assert (await info("parley"))["is_bot"] is True
    assert await error(client.users_info(user="U0000000000")) == "user_not_found"


async def test_admin_group_follows_who_is_admin(sandbox: Sandbox, client: AsyncWebClient) -> None:
    [group] = sandbox.slack.workspace.usergroups
    assert (await client.usergroups_users_list(usergroup=group))["users"] == [sandbox.users["ada"]]
    await sandbox.slack.set_admin("ben", True)
    both = [sandbox.users["ada"], sandbox.users["ben"]]
    assert (await client.usergroups_users_list(usergroup=group))["users"] == both
    await sandbox.journal.until(lambda entry: entry.name == "subteam_members_changed")
    assert await error(client.usergroups_users_list(usergroup="S0000000000")) == "no_such_subteam"


async def test_team_info_needs_its_scope() -> None:
    async with Sandbox(with_claude=False, scopes=["team:read"]) as sandbox:
        client = AsyncWebClient(sandbox.bot_token, base_url=sandbox.slack_url)
        assert (await client.team_info())["team"]["name"] == "Sandbox"
        assert await error(client.team_info(team="T0000000000")) == "team_not_found"
    async with Sandbox(with_claude=False) as sandbox:
        client = AsyncWebClient(sandbox.bot_token, base_url=sandbox.slack_url)
        assert await error(client.team_info()) == "missing_scope"


async def test_reactions_come_once_and_go(sandbox: Sandbox, client: AsyncWebClient) -> None:
    ts, channel = await post(client, sandbox), sandbox.channels["general"]
    await client.reactions_add(channel=channel, timestamp=ts, name="eyes")
    assert sandbox.slack.thread(channel, ts)[0].reactions == {"eyes": [sandbox.bot_user]}
    assert await error(client.reactions_add(channel=channel, timestamp=ts, name="eyes")) == "already_reacted"
    await client.reactions_remove(channel=channel, timestamp=ts, name="eyes")
    assert await error(client.reactions_remove(channel=channel, timestamp=ts, name="eyes")) == "no_reaction"
    assert await error(client.reactions_add(channel=channel, timestamp="1.0", name="eyes")) == "message_not_found"
    assert await error(client.reactions_add(channel=channel, timestamp=ts, name="No!")) == "invalid_name"
    assert await error(client.api_call("reactions.add", json={"name": "eyes"})) == "no_item_specified"


async def test_reaction_by_a_person_reaches_the_app(sandbox: Sandbox, client: AsyncWebClient) -> None:
    ts = await post(client, sandbox)
    await sandbox.slack.react("ben", "general", ts, "tada")
    await sandbox.journal.until(lambda entry: entry.name == "reaction_added")
