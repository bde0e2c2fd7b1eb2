"""Ask Parley: the shortcut of a message."""

import pytest

from bot.listeners.shortcut import AWAY, NOT_THERE
from bot.sandbox.slack.world.records import Message
from bot.sandbox.slack.world.views import View
from bot.store import keys
from bot.views.refusals import NOT_HERE
from bot.views.shortcut import EVENT_TYPE
from tests.kit.parley import Parley, payload

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def opened(parley: Parley, user: str, channel: str, ts: str) -> View:
    views = parley.slack.views.open
    before = set(views)
    await parley.slack.shortcut(user, "ask_parley", channel, ts)
    [new] = await parley.slack.until(lambda: set(views) - before)
    return views[str(new)]


def shown(parley: Parley, root: str) -> list[Message]:
    """The questions by shortcut that stand in the thread."""
    thread = parley.slack.thread("general", root)
    return [message for message in thread if (message.metadata or {}).get("event_type") == EVENT_TYPE]


def ended(parley: Parley, root: str) -> bool:
    replies = parley.replies("general", root)
    return bool(replies) and payload(replies[-1])["state"] == "complete"


def typed(text: str) -> dict[str, dict[str, dict[str, str]]]:
    return {"question": {"text": {"type": "plain_text_input", "value": text}}}


async def test_a_question_about_a_message_is_answered_in_its_thread(parley: Parley) -> None:
    root = await parley.slack.say("ben", "general", "we ship the umbrella on Friday")
    view = await opened(parley, "ada", "general", root)
    await parley.slack.submit("ada", view.id, typed("what do they ship?"))
    assert view.id not in parley.slack.views.open
    [reply] = await parley.slack.until(lambda: parley.replies("general", root))
    await parley.slack.until(lambda: (reply.metadata or {})["event_payload"]["state"] == "complete")
    request = str(parley.sandbox.journal.entries("claude.request")[-1].data["body"]["messages"])
    assert "what do they ship?" in request
    assert "we ship the umbrella on Friday" in request


async def test_a_question_that_is_submitted_twice_is_asked_once(parley: Parley) -> None:
    root = await parley.slack.say("ben", "general", "only once")
    view = await opened(parley, "ada", "general", root)
    await parley.slack.submit("ada", view.id, typed("why?"))
    parley.slack.views.open[view.id] = view
    await parley.slack.submit("ada", view.id, typed("why?"))
    await parley.logged(f"seen event_id=view:{view.id}")
    await parley.slack.until(lambda: ended(parley, root))
    assert len(shown(parley, root)) == len(parley.replies("general", root)) == 1


async def test_everybody_in_the_thread_sees_who_asked_what_above_the_answer(parley: Parley) -> None:
    root = await parley.slack.say("ben", "general", "we ship on Friday")
    view = await opened(parley, "ada", "general", root)
    await parley.slack.submit("ada", view.id, typed("is <!channel> or @here told, & <@U0>?"))
    await parley.slack.until(lambda: ended(parley, root))
    [question], [answer] = shown(parley, root), parley.replies("general", root)
    assert question.ts < answer.ts
    assert payload(answer)["message_ts"] == question.ts
    assert question.text == "ada asks: is &lt;!channel&gt; or @here told, &amp; &lt;@U0&gt;?"
    assert [block["type"] for block in question.blocks] == ["rich_text"]
    await parley.remembered("general", root, turns=3)
    assert [entry.ts for entry in await parley.history("general", root)] == [root, question.ts, question.ts]


async def test_a_question_is_shown_once_though_slacks_answer_to_the_post_was_lost(parley: Parley) -> None:
    root = await parley.slack.say("ben", "general", "the post is lost")
    view = await opened(parley, "ada", "general", root)
    parley.sandbox.faults.add("chat.postMessage", "reset", times=1, after=True)
    answer = await parley.slack.submit("ada", view.id, typed("why?"))
    assert answer == {"response_action": "errors", "errors": {"question": AWAY}}
    assert len(shown(parley, root)) == 1
    assert await parley.slack.submit("ada", view.id, typed("why?")) is None
    await parley.slack.until(lambda: ended(parley, root))
    [question] = shown(parley, root)
    assert payload(parley.replies("general", root)[0])["message_ts"] == question.ts


async def test_what_another_app_posts_does_not_stand_in_for_the_question(parley: Parley) -> None:
    root = await parley.slack.say("ben", "general", "the post never arrives")
    view = await opened(parley, "ada", "general", root)
    parley.sandbox.faults.add("chat.postMessage", "reset", times=1)
    assert (await parley.slack.submit("ada", view.id, typed("why?")))["response_action"] == "errors"
    workspace = parley.slack.workspace
    forged = Message(
        workspace.new_ts(), parley.sandbox.channels["general"], "UOTHER", "hi", workspace.team, thread_ts=root
    )
    forged.metadata = {"event_type": EVENT_TYPE, "event_payload": {"view": view.id}}
    workspace.post(forged)
    await parley.slack.submit("ada", view.id, typed("why?"))
    await parley.slack.until(lambda: ended(parley, root))
    question = shown(parley, root)[-1]
    assert question.user == parley.sandbox.bot_user
    assert payload(parley.replies("general", root)[0])["message_ts"] == question.ts


async def test_a_shown_question_that_is_deleted_is_forgotten_with_its_answer_and_nothing_else(parley: Parley) -> None:
    root = await parley.slack.say("ben", "general", "@parley hello")
    await parley.answers("general", root)
    view = await opened(parley, "ada", "general", root)
    await parley.slack.submit("ada", view.id, typed("and why?"))
    await parley.remembered("general", root, turns=4)
    [question] = shown(parley, root)
    await parley.slack.delete("ada", "general", question.ts)
    await parley.remembered("general", root, turns=2)
    assert [entry.ts for entry in await parley.history("general", root)] == [root, root]
    third = await parley.slack.say("ben", "general", "go on", thread_ts=root)
    await parley.answers("general", third, thread_ts=root)


async def test_who_writes_too_much_is_told_in_the_modal_and_nothing_is_shown(parley: Parley) -> None:
    await parley.steer("limit set 0 minute @ben")
    root = await parley.slack.say("ada", "general", "too much")
    view = await opened(parley, "ben", "general", root)
    answer = await parley.slack.submit("ben", view.id, typed("why?"))
    await parley.steer("limit clear minute @ben")
    assert answer["errors"]["question"].startswith("I take no messages from you")
    assert shown(parley, root) == []


async def test_where_we_are_not_the_modal_says_so(parley: Parley) -> None:
    root = await parley.slack.say("ben", "random", "a channel of our own")
    view = await opened(parley, "ben", "random", root)
    await parley.slack.remove("parley", "random")
    try:
        answer = await parley.slack.submit("ben", view.id, typed("what?"))
    finally:
        await parley.slack.invite("parley", "random")
    assert answer == {"response_action": "errors", "errors": {"question": NOT_THERE}}
    assert view.id in parley.slack.views.open


async def test_a_person_of_another_company_asks_only_where_such_people_are_answered(parley: Parley) -> None:
    root = await parley.slack.say("ben", "engineering", "for the two of us")
    view = await opened(parley, "gwen", "engineering", root)
    answer = await parley.slack.submit("gwen", view.id, typed("what?"))
    assert answer == {"response_action": "errors", "errors": {"question": NOT_HERE}}
    rules = keys.channel_policy(parley.sandbox.team, parley.sandbox.channels["engineering"])
    await parley.redis.hset(rules, "external", "on")
    try:
        assert await parley.slack.submit("gwen", view.id, typed("what?")) is None
        await parley.slack.until(lambda: parley.replies("engineering", root))
    finally:
        await parley.redis.delete(rules)


async def test_a_guest_is_told_so(parley: Parley) -> None:
    known = keys.guest(parley.sandbox.team, parley.sandbox.users["chidi"])
    await parley.slack.set_guest("chidi", True)
    await parley.redis.delete(known)
    try:
        root = await parley.slack.say("ben", "random", "for members")
        view = await opened(parley, "chidi", "random", root)
        answer = await parley.slack.submit("chidi", view.id, typed("what?"))
    finally:
        await parley.slack.set_guest("chidi", False)
        await parley.redis.delete(known)
    assert answer == {"response_action": "errors", "errors": {"question": NOT_HERE}}
