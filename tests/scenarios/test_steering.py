"""Admins steer Parley with `/parley`, and nobody else does. Nothing is changed by an order that is not understood."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bot.commands.basics import NO_WORKERS
from bot.commands.table import ROWS
from bot.listeners.command import AWAY
from bot.listeners.persona import AWAY as AWAY_WITH_IT
from bot.slack.admins import UNKNOWN
from bot.store import keys
from bot.store.rules import audit
from bot.views.persona import INPUT
from tests.kit.parley import Parley
from tests.scenarios.conftest import on_shared_redis

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["socket", "http"])
async def parley(
    request: pytest.FixtureRequest, redis_server: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Parley]:
    """Without workers: what is asked waits. Ada is an admin; Ben is none, Gwen is of another company."""
    folder = tmp_path_factory.mktemp(request.param)
    async with on_shared_redis(redis_server, folder, request.param, LOG_LEVEL="DEBUG") as parley:
        parley.slack.limits.on = False
        yield parley


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nothing_is_set(parley: Parley) -> None:
    parley.sandbox.faults.clear()
    team = parley.sandbox.team
    names = [name async for name in parley.redis.scan_iter(f"{team}:policy*")]
    await parley.redis.delete(
        *(keys.caps(team), keys.limits(team), keys.audit(team), keys.spent(team, "x"), *names),
        *[name async for name in parley.redis.scan_iter(f"{team}:rate:*")],
        *[name async for name in parley.redis.scan_iter(f"{team}:slow-down:*")],
        *[name async for name in parley.redis.scan_iter(f"{team}:calls:*")],
    )


async def said(parley: Parley, text: str, channel: str = "general", user: str = "ada") -> str:
    return (await parley.command(user, text, channel)).text


async def everything(parley: Parley) -> dict[str, Any]:
    """All that admins can set, and the record of it."""
    team = parley.sandbox.team
    names = [keys.caps(team), keys.limits(team), *[key async for key in parley.redis.scan_iter(f"{team}:policy*")]]
    return {name: await parley.redis.hgetall(name) for name in names} | {"audit": await audit.count(parley.redis, team)}


# Who may


ONE_OF_EACH = [
    "budget",
    "budget set 5 day",
    "limit set 5 minute",
    "model claude-opus-5-5",
    "persona",
    "access guests on",
    "audit",
]


async def test_there_is_an_example_of_every_order() -> None:
    admins_only = {name for name, row in ROWS.items() if row.admins_only}
    assert {text.split()[0] for text in ONE_OF_EACH} == {*admins_only, "model"}


@pytest.mark.parametrize("text", ONE_OF_EACH)
async def test_everybody_else_is_told_who_can(parley: Parley, text: str) -> None:
    before = await everything(parley)
    answer = await said(parley, text, user="ben")
    assert answer == "Sorry, that is for those who look after me here. Ask an admin or owner of this workspace."
    assert await everything(parley) == before


@pytest.mark.parametrize("text", ONE_OF_EACH)
async def test_who_cannot_be_told_to_be_an_admin_is_refused(parley: Parley, text: str) -> None:
    await parley.redis.delete(keys.admin(parley.sandbox.team, parley.sandbox.users["ada"]))
    parley.sandbox.faults.add("users.info", "status", status=503)
    before = await everything(parley)
    assert await said(parley, text) == UNKNOWN
    assert await everything(parley) == before


async def test_where_nothing_writes_answers_the_status_says_so(parley: Parley) -> None:
    assert await said(parley, "status", user="ben") == NO_WORKERS


async def test_everybody_may_ask_which_model_answers(parley: Parley) -> None:
    assert await said(parley, "model", user="ben") == "Answers here come from `claude-sonnet-5-5`."


async def test_without_redis_it_says_so_in_time(parley: Parley) -> None:
    await parley.redis.client_pause(4000)
    assert await said(parley, "budget set 5 day") == AWAY
    await parley.redis.client_unpause()


# Budgets


@pytest.mark.parametrize(
    ("words", "field", "micro", "shown"),
    [
        ("set 5 day", "workspace day", 5_000_000, "this workspace may spend $5.00 a day"),
        (
            "set $1,000.50 per month for workspace",
            "workspace month",
            1_000_500_000,
            "this workspace may spend $1,000.50 a month",
        ),
        ("set day each 2 USD", "each day", 2_000_000, "each person may spend $2.00 a day"),
        ("SET 0 Monthly everyone", "each month", 0, "each person may spend $0.00 a month"),
        ("set 3 day #general", "channel:{general} day", 3_000_000, "<#{general}> may spend $3.00 a day"),
        ("set 3 day here", "channel:{general} day", 3_000_000, "<#{general}> may spend $3.00 a day"),
        ("set 3 month @ben", "user:{ben} month", 3_000_000, "<@{ben}> may spend $3.00 a month"),
    ],
)
async def test_a_budget_is_set(parley: Parley, words: str, field: str, micro: int, shown: str) -> None:
    ids = {**parley.sandbox.users, **parley.sandbox.channels}
    answer = await said(parley, f"budget {words}")
    assert answer == f"Done: {shown.format(**ids)}. There was no budget before."
    assert await parley.redis.hgetall(keys.caps(parley.sandbox.team)) == {field.format(**ids): str(micro)}


async def test_budgets_are_shown_with_what_is_spent_changed_and_cleared(parley: Parley) -> None:
    assert "There are no budgets here" in await said(parley, "budget")
    await said(parley, "budget set 5 day")
    assert "It was $5.00." in await said(parley, "budget set 7 day")
    await said(parley, "budget set 1 month each")
    assert (await said(parley, "budget show")).splitlines() == [
        "Budgets (days and months are UTC):",
        "• each person: $1.00 a month",
        "• this workspace: $7.00 a day, $0.00 of it spent (0 %)",
    ]
    assert await said(parley, "budget clear") == "Done: the budget of this workspace is gone (it was $7.00 a day)."
    assert await said(parley, "budget clear day") == "There was no budget to take away from this workspace."
    assert "(it was $1.00 a month)" in await said(parley, "budget clear month each")
    assert await audit.count(parley.redis, parley.sandbox.team) == 5


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("frobnicate", "I do not understand “frobnicate”"),
        ("set", "How much?"),
        ("set day", "How much?"),
        ("set 5", "For a `day` or a `month`?"),
        ("set 5 week", "I do not understand “week”"),
        ("set lots day", "I do not understand “lots”"),
        ("set 5 6 day", "One amount at a time, please: “5” or “6”?"),
        ("set 5 day month", "One period at a time"),
        ("set 5 day @ben #general", "One place or person at a time"),
        ("set -5 day", "A budget cannot be below zero"),
        ("set 1000001 day", "That is more than I believe"),
        ("set 1e9 day", "I do not understand the amount"),
        ("set €5 day", "I count in US dollars only"),
        ("set 5 EUR day", "I count in US dollars only"),
        ("set 5 day channels", "does not fit here: it can be `workspace`"),
        ("set 5 day @nobody", "I find no person “@nobody”"),
        ("set 5 day #nowhere", "I find no channel “#nowhere”"),
        ("set 5 day <!channel>", "I do not understand “&lt;!channel&gt;”"),
        ("clear 5", "I do not understand “5”"),
        ("show me", "I do not understand “me”"),
    ],
)
async def test_a_budget_that_is_not_understood_changes_nothing(parley: Parley, words: str, told: str) -> None:
    await said(parley, "budget set 5 day")
    before = await everything(parley)
    assert told in await said(parley, f"budget {words}")
    assert await everything(parley) == before


@pytest.mark.parametrize(("kind", "params"), [("status", {"status": 503}), ("delay", {"seconds": 4})])
async def test_when_slack_does_not_say_whether_there_is_such_a_person_nothing_is_changed(
    parley: Parley, kind: str, params: dict[str, Any]
) -> None:
    assert await said(parley, "budget")
    parley.sandbox.faults.add("users.info", kind, **params)
    before = await everything(parley)
    assert "Slack does not answer me right now" in await said(parley, "budget set 5 day @ben")
    assert await everything(parley) == before


@pytest.mark.parametrize(
    ("method", "error", "words", "told"),
    [
        ("users.info", "user_not_found", "budget set 5 day @ben", "I find no such person"),
        ("users.info", "user_not_found", "limit set 5 day @ben", "I find no such person"),
        ("conversations.info", "channel_not_found", "budget set 5 day #random", "I find no such channel"),
        ("conversations.info", "channel_not_found", "limit set 5 day #random", "I find no such channel"),
        ("conversations.info", "channel_not_found", "model claude-opus-5-5 #random", "I find no such channel"),
        ("conversations.info", "channel_not_found", "persona #random", "I find no such channel"),
        ("conversations.info", "channel_not_found", "access guests on #random", "I find no such channel"),
        ("conversations.info", "channel_not_found", "access channels add #random", "I find no such channel"),
        ("conversations.info", "channel_not_found", "access bots add B0123456789 #random", "I find no such channel"),
    ],
)
async def test_a_place_or_person_that_slack_does_not_find_changes_nothing(
    parley: Parley, method: str, error: str, words: str, told: str
) -> None:
    """A private channel without us, somebody who is gone."""
    assert await said(parley, "audit")
    parley.sandbox.faults.add(method, "error", error=error)
    before = await everything(parley)
    assert told in await said(parley, words)
    assert await everything(parley) == before


# Limits


async def test_limits_are_set_shown_changed_and_cleared(parley: Parley) -> None:
    general = parley.sandbox.channels["general"]
    assert "There are no limits here" in await said(parley, "limit")
    assert await said(parley, "limit set 5 minute") == (
        "Done: I take 5 messages a minute from each person. There was no limit before."
    )
    assert "It was 5 messages." in await said(parley, "limit set 6 per minute for each")
    await said(parley, "limit set 100 day #general")
    await said(parley, "limit set 1 day channels")
    assert (await said(parley, "limit")).splitlines() == [
        "Messages that I take:",
        f"• <#{general}>: 100 messages a day",
        "• each channel: 1 message a day",
        "• each person: 6 messages a minute",
    ]
    assert await said(parley, "limit clear") == "Done: the limit of each person is gone (it was 6 messages a minute)."
    assert await said(parley, "limit clear each") == "There was no limit to take away from each person."


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("raise", "I do not understand “raise”"),
        ("set", "How many messages?"),
        ("set 5", "In a `minute` or in a `day`?"),
        ("set 5 hour", "I do not understand “hour”"),
        ("set -5 minute", "“-5” is not a whole number from 0 to 100,000. Nothing was changed."),
        ("set 1.5 minute", "“1.5” is not a whole number"),
        ("set 100001 minute", "“100001” is not a whole number"),
        ("set 99999999999999999999 minute", "“99999999999999999999” is not a whole number"),
        ("set 5 minute workspace", "does not fit here"),
        ("set 5 minute @nobody", "I find no person"),
    ],
)
async def test_a_limit_that_is_not_understood_changes_nothing(parley: Parley, words: str, told: str) -> None:
    before = await everything(parley)
    assert told in await said(parley, f"limit {words}")
    assert await everything(parley) == before


async def test_who_writes_too_much_is_told_kindly_and_once(parley: Parley) -> None:
    await said(parley, "limit set 2 minute @ben")
    seen = len(parley.slack.workspace.ephemerals)
    stamps = [await parley.slack.say("ben", "general", f"@parley number {n}") for n in range(4)]
    for ts in stamps:
        await parley.logged(f"(over a limit|kept) .* ts={ts}")
    await parley.slack.until(lambda: len(parley.slack.workspace.ephemerals) > seen)
    [(who, message)] = parley.slack.workspace.ephemerals[seen:]
    assert who == parley.sandbox.users["ben"]
    assert message.text.startswith("I take 2 messages a minute from you, so I left out your last one.")
    general = f"{parley.sandbox.team}:{parley.sandbox.channels['general']}"
    other = await parley.slack.say("ada", "general", "@parley and I?")
    await parley.logged(f"kept .* ts={other}")
    assert await parley.redis.exists(*(f"{general}:{ts}:box" for ts in stamps)) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("limit set 1 day #general", "I take 1 message a day in this channel, so I left out your last one."),
        ("limit set 1 minute channels", "I take 1 message a minute in this channel, so I left out your last one."),
        ("limit set 1 day each", "I take 1 message a day from you, so I left out your last one."),
        ("limit set 0 minute", "I take no messages from you at the moment"),
    ],
)
async def test_each_limit_is_told_as_what_it_is(parley: Parley, words: str, told: str) -> None:
    await said(parley, words)
    seen = len(parley.slack.workspace.ephemerals)
    for n in range(2):
        await parley.slack.say("ben", "general", f"@parley number {n}")
    await parley.slack.until(lambda: len(parley.slack.workspace.ephemerals) > seen)
    [(who, message)] = parley.slack.workspace.ephemerals[seen:]
    assert who == parley.sandbox.users["ben"]
    assert message.text.startswith(told)


# Models


async def test_a_model_is_chosen_for_a_channel_and_for_the_workspace(parley: Parley) -> None:
    assert "Claude Opus 5.5 answers in" in await said(parley, "model claude-opus-5-5")
    assert "in this workspace" in await said(parley, "model set claude-haiku-5-5 workspace")
    assert await said(parley, "model") == "Answers here come from `claude-opus-5-5`, which was chosen for this channel."
    assert "`claude-haiku-5-5`, which was chosen for this workspace" in await said(parley, "model", "random")
    assert "It was `claude-opus-5-5`." in await said(parley, "model clear")
    assert "`claude-haiku-5-5`" in await said(parley, "model")
    assert await said(parley, "model clear #general") == "There was no model to clear."


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("claude-opus-5.5", "Did you mean `claude-opus-5-5`?"),
        ("gpt-4", "I do not know the model “gpt-4”."),
        ("claude-3-opus-20240229 force", "does not answer any more, since 2026-01-05"),
        ("set", "Which model?"),
        ("claude-opus-5-5 claude-opus-5", "One model at a time"),
        ("claude-opus-5-5 @ben", "does not fit here"),
        ("clear claude-opus-5-5", "I do not understand “claude-opus-5-5”"),
        ("<!channel> force", "cannot be a model"),
        (f"{'x' * 200} force", "cannot be a model"),
        ("https://evil.example force", "cannot be a model"),
    ],
)
async def test_a_model_that_there_is_not_changes_nothing(parley: Parley, words: str, told: str) -> None:
    before = await everything(parley)
    answer = await said(parley, f"model {words}")
    assert told in answer
    assert "<!" not in answer
    assert await everything(parley) == before


async def test_a_model_that_nobody_knows_can_be_forced(parley: Parley) -> None:
    assert "claude-next-9 answers in" in await said(parley, "model claude-next-9 force")
    assert "`claude-next-9`" in await said(parley, "model")


# Personas


async def persona_form(parley: Parley, words: str = "") -> Any:
    views = parley.slack.views.open
    before = set(views)
    await parley.slack.command("ada", "general", "/parley", f"persona {words}")
    [view] = set(views) - before
    return views[view]


async def submit(parley: Parley, view: Any, text: str | None, user: str = "ada") -> Any:
    return await parley.slack.submit(user, view.id, {INPUT: {INPUT: {"type": "plain_text_input", "value": text}}})


@pytest.mark.parametrize(
    ("words", "scope"), [("", "policy:{general}"), ("workspace", "policy"), ("#random", "policy:{random}")]
)
async def test_a_persona_is_written_in_a_form(parley: Parley, words: str, scope: str) -> None:
    key = f"{parley.sandbox.team}:{scope.format(**parley.sandbox.channels)}"
    answer = await submit(parley, await persona_form(parley, words), "Speak like a pirate.")
    assert answer["response_action"] == "update"
    assert "is saved" in json.dumps(answer)
    assert await parley.redis.hgetall(key) == {"persona": "Speak like a pirate."}
    again = await persona_form(parley, words)
    assert "Speak like a pirate." in json.dumps(again.given)
    assert "is gone" in json.dumps(await submit(parley, again, None))
    assert await parley.redis.hgetall(key) == {}
    assert await audit.count(parley.redis, parley.sandbox.team) == 2


async def test_who_lost_the_right_meanwhile_cannot_submit_the_form(parley: Parley) -> None:
    view = await persona_form(parley)
    await parley.redis.set(keys.admin(parley.sandbox.team, parley.sandbox.users["ada"]), 0, ex=60)
    answer = await submit(parley, view, "Speak like a pirate.")
    await parley.redis.delete(keys.admin(parley.sandbox.team, parley.sandbox.users["ada"]))
    assert answer["response_action"] == "errors"
    assert "for those who look after me" in answer["errors"][INPUT]
    assert (await everything(parley))["audit"] == 0


@pytest.mark.parametrize("words", ["for ever", "@ben", "workspace here"])
async def test_a_persona_for_nobody_opens_no_form(parley: Parley, words: str) -> None:
    views = len(parley.slack.views.open)
    assert await said(parley, f"persona {words}")
    assert len(parley.slack.views.open) == views


async def test_a_form_that_slack_does_not_open_is_told(parley: Parley) -> None:
    parley.sandbox.faults.add("views.open", "error", error="expired_trigger_id")
    assert "Slack does not let me open the form right now." in await said(parley, "persona")


async def test_a_form_that_slack_does_not_open_in_time_is_not_put_down_to_redis(parley: Parley) -> None:
    parley.sandbox.faults.add("views.open", "delay", times=1, seconds=4)
    assert "Slack does not let me open the form right now." in await said(parley, "persona")


async def test_a_persona_that_cannot_be_kept_stays_in_the_form(parley: Parley) -> None:
    view = await persona_form(parley)
    await parley.redis.client_pause(4000)
    answer = await submit(parley, view, "Speak like a pirate.")
    await parley.redis.client_unpause()
    assert (answer["response_action"], answer["errors"]) == ("errors", {INPUT: AWAY_WITH_IT})
    assert (await everything(parley))["audit"] == 0


# Access


async def test_what_is_said_of_access_is_shown(parley: Parley) -> None:
    general = parley.sandbox.channels["general"]
    for words in ("guests on", "external on here", "follow-ups off", "channels add #general", "bots add B0123456789"):
        assert (await said(parley, f"access {words}")).startswith("Done")
    assert (await said(parley, "access")).splitlines()[1:] == [
        "• guests of this workspace: on",
        "• people of other companies: on",
        "• messages in my threads that mention nobody: off",
        f"• channels: <#{general}>",
        "• bots: `B0123456789`",
    ]
    assert "external" not in await parley.redis.hgetall(keys.workspace_policy(parley.sandbox.team))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("everybody", "access is about `guests`"),
        ("guests", "`on`, `off` or `default`?"),
        ("guests maybe", "I do not understand “maybe”"),
        ("guests on @ben", "does not fit here"),
        ("channels", "`add`, `remove`, `any`, or `default`?"),
        ("channels add", "Which?"),
        ("channels add #nowhere", "I find no channel “#nowhere”"),
        ("channels remove #general", "There is nothing to remove"),
        ("bots any", "I never answer any bot"),
        ("bots add B0123456789 @ben", "does not fit here"),
        ("bots add B0123456789 #nowhere", "I find no channel “#nowhere”"),
        ("bots add b", "I do not understand “b”"),
    ],
)
async def test_access_that_is_not_understood_changes_nothing(parley: Parley, words: str, told: str) -> None:
    before = await everything(parley)
    assert told in await said(parley, f"access {words}")
    assert await everything(parley) == before


async def test_a_list_of_channels_holds_at_once_and_until_it_is_taken_away(parley: Parley) -> None:
    await said(parley, "access channels add #random")
    left_out = await parley.slack.say("ben", "general", "@parley hello")
    await parley.logged("ignored .*reason=a channel that is not on the list")
    kept = await parley.slack.say("ben", "random", "@parley hello")
    await parley.logged(f"kept .* ts={kept}")
    await said(parley, "access channels any")
    now = await parley.slack.say("ben", "general", "@parley hello")
    await parley.logged(f"kept .* ts={now}")
    assert f"ts={left_out}" not in parley.log
    assert "Before: any" in await said(parley, "access channels default")


@pytest.mark.parametrize(
    ("words", "user", "place", "reason"),
    [
        ("guests on", "chidi", "random", "a guest"),
        ("external on #engineering", "gwen", "engineering", "an author of another company"),
    ],
)
async def test_whom_an_admin_lets_in_is_answered_until_it_is_taken_back(
    parley: Parley, words: str, user: str, place: str, reason: str
) -> None:
    await parley.slack.set_guest("chidi", True)
    refused = [await parley.slack.say(user, place, "@parley hello")]
    await parley.logged(f"ignored .*reason={reason}")
    await said(parley, f"access {words}")
    kept = await parley.slack.say(user, place, "@parley hello")
    await parley.logged(f"kept .* ts={kept}")
    await said(parley, f"access {words.replace(' on', ' off')}")
    refused.append(await parley.slack.say(user, place, "@parley hello"))
    last = await parley.slack.say("ada", place, "@parley hello")
    await parley.logged(f"kept .* ts={last}")
    assert not [ts for ts in refused if f"ts={ts}" in parley.log]
    await parley.slack.set_guest("chidi", False)


async def test_what_admins_list_at_once_is_all_on_the_list(parley: Parley) -> None:
    ids = [f"B012345678{n}" for n in range(8)]
    orders = (parley.slack.command("ada", "general", "/parley", f"access bots add {id}") for id in ids)
    await asyncio.gather(*orders)
    for id in ids:
        assert f"`{id}`" in await said(parley, "access")
    assert await audit.count(parley.redis, parley.sandbox.team) == len(ids)


async def test_a_bot_can_be_listed_for_one_channel(parley: Parley) -> None:
    random = parley.sandbox.channels["random"]
    await said(parley, "access bots add B0EVERYWHERE")
    told = await said(parley, "access bots add B0ROBOT #random")
    assert told == f"Done, in <#{random}>: bots are `B0EVERYWHERE`, `B0ROBOT`. Before: as the operator has set them."
    stamps = []
    for place in ("general", "random"):
        ts = f"{parley.sandbox.clock.time():.6f}"
        words = {"ts": ts, "text": f"<@{parley.sandbox.bot_user}> hello", "bot_id": "B0ROBOT", "subtype": "bot_message"}
        where = {"channel": parley.sandbox.channels[place], "channel_type": "channel"}
        await parley.slack.deliver({"type": "message", **where, **words})
        stamps.append(ts)
    await parley.logged(f"kept .* ts={stamps[1]}")
    await parley.logged("ignored .*reason=a bot's message")
    assert f"ts={stamps[0]}" not in parley.log
    await said(parley, "access bots default here", "random")
    assert "• bots: `B0EVERYWHERE`" in await said(parley, "access", "random")


async def test_follow_ups_can_be_switched_off_in_a_channel(parley: Parley) -> None:
    first = await parley.slack.say("ben", "random", "@parley hello")
    await parley.logged(f"kept .* ts={first}")
    await said(parley, "access follow-ups off #random")
    second = await parley.slack.say("ben", "random", "and now?", thread_ts=first)
    await parley.logged("ignored .*reason=no mention, and no follow-ups in this channel")
    await said(parley, "access follow-ups default #random")
    third = await parley.slack.say("ben", "random", "and now?", thread_ts=first)
    await parley.logged(f"kept .* ts={third}")
    assert f"ts={second}" not in parley.log


# The record


async def test_every_change_is_recorded_with_who_when_before_and_after(parley: Parley) -> None:
    ada, general = parley.sandbox.users["ada"], parley.sandbox.channels["general"]
    assert await said(parley, "audit") == "Nobody has changed anything yet."
    for order in (
        "budget set 5 day",
        "budget set 7 day",
        "limit set 3 minute",
        "model claude-opus-5-5",
        "access guests on",
    ):
        await said(parley, order)
    await submit(parley, await persona_form(parley), "Be `brief` & <kind>.")
    await said(parley, "budget clear")
    lines = (await said(parley, "audit")).splitlines()
    assert [line.partition(f"<@{ada}> ")[2] for line in lines[:-1]] == [
        "budget day of this workspace: $7.00 → _nothing_",
        f"persona of <#{general}>: _nothing_ → `Be 'brief' &amp; &lt;kind&gt;.`",
        "access guests of this workspace: _nothing_ → `on`",
        f"model of <#{general}>: _nothing_ → `claude-opus-5-5`",
        "limit minute of each person: _nothing_ → `3`",
        "budget day of this workspace: $5.00 → $7.00",
        "budget day of this workspace: _nothing_ → $5.00",
    ]
    assert all(line.startswith("• <!date^") for line in lines[:-1])
    assert lines[-1] == "Page 1 of 1."


async def test_the_record_is_read_page_by_page(parley: Parley) -> None:
    for n in range(12):
        await said(parley, f"budget set {n} day")
    first, second = await said(parley, "audit"), await said(parley, "audit 2")
    assert len(first.splitlines()) == 11
    assert "Page 1 of 2. Older ones: `/parley audit 2`." in first
    assert len(second.splitlines()) == 3
    assert "$0.00 → $1.00" in second
    for word in ("3", "0", "-1", "x", "1 2", "99999999999", "²"):
        answer = await said(parley, f"audit {word}")
        assert "Page" not in answer
    assert "“x” is not a page number from 1 to 1,000. Say `/parley audit`" in await said(parley, "audit x")
