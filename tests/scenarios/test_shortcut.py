"""Ask Parley: the shortcut of a message."""

import pytest

from bot.listeners.shortcut import NOT_HERE, NOT_THERE
from bot.sandbox.slack.views import View
from bot.store import keys
from tests.parley import Parley

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def opened(parley: Parley, user: str, channel: str, ts: str) -> View:
    views = parley.slack.views.open
    before = set(views)
    await parley.slack.shortcut(user, "ask_parley", channel, ts)
    [new] = await parley.slack.until(lambda: set(views) - before)
    return views[str(new)]


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
