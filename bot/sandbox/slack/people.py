"""users.*, usergroups.*, team.*, auth.* and apps.*: who is who. https://docs.slack.dev/reference/methods/users.info"""

from bot.sandbox.slack.methods import Call, Method, Refused
from bot.sandbox.slack.world.limits import T2, T3, T4
from bot.sandbox.slack.world.records import JSON, Person
from bot.sandbox.slack.world.workspace import PARTNER_NAME, TEAM_NAME

AUTH_TESTS_PER_MINUTE = 300
""""Special": "hundreds of requests per minute", https://docs.slack.dev/reference/methods/auth.test"""


async def auth_test(call: Call) -> JSON:
    workspace = call.workspace
    return {
        "url": call.world.url,
        "team": TEAM_NAME,
        "user": "parley",
        "team_id": workspace.team,
        "user_id": workspace.bot,
        "bot_id": workspace.bot_id,
        "app_id": workspace.app_id,
        "app_name": "parley",
        "is_enterprise_install": workspace.organization is not None,
        **({"enterprise_id": workspace.organization} if workspace.organization else {}),
    }


async def connections_open(call: Call) -> JSON:
    return {"url": call.world.socket_url()}


async def users_info(call: Call) -> JSON:
    return {"user": describe(call.person())}


def describe(person: Person) -> JSON:
    """Slack's user object. A stranger (Slack Connect) has no rights flags, as in Slack."""
    shown: JSON = {
        "id": person.id,
        "team_id": person.team,
        "name": person.name,
        "deleted": person.deleted,
        "real_name": person.real_name,
        "tz": "Europe/Dublin",
        "tz_label": "Greenwich Mean Time",
        "tz_offset": 0,
        "profile": {
            "real_name": person.real_name,
            "display_name": person.name,
            "team": person.team,
        },
        "is_bot": person.is_bot,
        "is_app_user": False,
        "updated": 0,
    }
    if person.is_stranger:
        return {**shown, "is_stranger": True}
    return {
        **shown,
        "is_admin": person.is_admin,
        "is_owner": person.is_owner,
        "is_primary_owner": person.is_owner,
        "is_restricted": person.is_restricted,
        "is_ultra_restricted": person.is_ultra_restricted,
    }


async def usergroups_users(call: Call) -> JSON:
    members = call.workspace.usergroups.get(call.string("usergroup"))
    if members is None:
        raise Refused("no_such_subteam")
    return {"users": members}


async def team_info(call: Call) -> JSON:
    given = call.string("team", call.workspace.team)
    names = {call.workspace.team: TEAM_NAME, call.workspace.partner: PARTNER_NAME}
    if given not in names:
        raise Refused("team_not_found")
    return {"team": {"id": given, "name": names[given], "domain": names[given].split()[0].lower(), "icon": {}}}


METHODS = {
    "apps.connections.open": Method(connections_open, ("connections:write",), T3, token="app"),
    "auth.test": Method(auth_test, (), AUTH_TESTS_PER_MINUTE),
    "team.info": Method(team_info, ("team:read",), T3, json=False),
    "usergroups.users.list": Method(usergroups_users, ("usergroups:read",), T2, json=False),
    "users.info": Method(users_info, ("users:read",), T4, json=False),
}
