"""What edits and deletions mean."""

from typing import Any

import pytest

from bot.intake.read_edit import Deletion, Edit, read
from bot.talk.file import File
from bot.talk.message import Thread
from bot.talk.payload import Ignored

TEAM, BOT = "T1", "UBOT"
THREAD = Thread(TEAM, "C1", "1.1")
NEW = {"type": "message", "user": "U1", "text": "new", "ts": "1.2", "thread_ts": "1.1"}
OLD = {**NEW, "text": "old"}


def changed(**fields: Any) -> dict[str, Any]:
    event = {"type": "message", "subtype": "message_changed", "channel": "C1", "ts": "9.9"}
    return {"event_id": "Ev1", "event": {**event, "message": NEW, "previous_message": OLD, **fields}}


def deleted(**fields: Any) -> dict[str, Any]:
    event = {"type": "message", "subtype": "message_deleted", "channel": "C1", "ts": "9.9", "deleted_ts": "1.2"}
    return {"event_id": "Ev1", "event": {**event, "previous_message": OLD, **fields}}


# What an event says


def test_an_edit_is_the_message_in_its_new_form() -> None:
    change = read(changed(), TEAM, BOT)
    assert isinstance(change, Edit)
    assert (change.message.thread, change.message.ts, change.message.text) == (THREAD, "1.2", "new")
    assert not change.mentions_anew


@pytest.mark.parametrize(
    ("old", "new", "anew"),
    [
        ("hi", f"hi <@{BOT}>", True),
        (f"<@{BOT}> hi", f"<@{BOT}> ho", False),
        (f"<@{BOT}> hi", "hi", False),
        (None, f"hi <@{BOT}>", False),
    ],
)
def test_an_edit_may_mention_us_anew(old: str | None, new: str, anew: bool) -> None:
    body = changed(message={**NEW, "text": new}, previous_message={**OLD, "text": old} if old else None)
    change = read(body, TEAM, BOT)
    assert isinstance(change, Edit)
    assert change.mentions_anew is anew


def test_files_that_were_taken_away_change_a_message() -> None:
    old = {**OLD, "files": [{"id": "F1"}, {"id": "F2"}]}
    change = read(changed(message={**old, "files": [{"id": "F1"}]}, previous_message=old), TEAM, BOT)
    assert isinstance(change, Edit)
    assert change.message.files == (File("F1"),)


def test_an_edit_of_blocks_alone_is_one_and_a_mention_in_them_is_no_new_one() -> None:
    def written(words: str) -> dict[str, Any]:
        block = {"type": "section", "text": {"type": "mrkdwn", "text": f"<@{BOT}> {words}"}}
        return {**NEW, "text": "", "blocks": [block]}

    change = read(changed(message=written("new"), previous_message=written("old")), TEAM, BOT)
    assert isinstance(change, Edit)
    assert (change.message.text, change.mentions_anew) == (f"<@{BOT}> new", False)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (changed(message={**NEW, "user": BOT, "bot_id": "B1"}), "our own edit"),
        (changed(message={**NEW, "bot_id": "B2"}), "a bot that does not mention us"),
        (changed(message={**OLD, "attachments": [{"from_url": "https://x.example"}]}), "changes no words"),
        (changed(message=None), "no author"),
        (changed(message={**NEW, "ts": None}), "no timestamp"),
        (changed(channel=None), "no channel"),
        (deleted(deleted_ts="yesterday"), "no channel or no timestamp"),
        (deleted(channel=7), "no channel or no timestamp"),
        ({"event": []}, "no event"),
    ],
)
def test_other_changes_have_their_reason(body: dict[str, Any], reason: str) -> None:
    change = read(body, TEAM, BOT)
    assert isinstance(change, Ignored)
    assert reason in change.reason


def test_a_deletion_says_whose_message_it_was() -> None:
    assert read(deleted(), TEAM, BOT) == Deletion(THREAD, "1.2", "U1", ours=False)
    ours = deleted(previous_message={**OLD, "user": BOT})
    assert read(ours, TEAM, BOT) == Deletion(THREAD, "1.2", "", ours=True)


@pytest.mark.parametrize("author", [7, None, ["U1"], "U 1"])
def test_a_deletion_may_not_say_whose_message_it_was(author: object) -> None:
    assert read(deleted(previous_message={**OLD, "user": author}), TEAM, BOT) == Deletion(THREAD, "1.2", "", ours=False)


def test_a_deletion_that_does_not_say_what_was_there_is_of_a_threads_first_message() -> None:
    bare = deleted(previous_message=None)
    assert read(bare, TEAM, BOT) == Deletion(Thread(TEAM, "C1", "1.2"), "1.2", "", ours=False)


def test_the_first_message_of_a_thread_leaves_a_tombstone() -> None:
    gone = {"subtype": "tombstone", "user": "USLACKBOT", "ts": "1.1", "thread_ts": "1.1"}
    body = changed(message=gone, previous_message={**OLD, "ts": "1.1"})
    assert read(body, TEAM, BOT) == Deletion(THREAD, "1.1", "U1", ours=False)
