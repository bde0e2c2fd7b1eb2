"""What somebody said, as it is kept."""

from bot.talk.file import File
from bot.talk.message import Message, Thread


def test_a_message_that_an_older_version_kept_has_the_names_of_its_files() -> None:
    whole = Message(Thread("T1", "C1", "1.1"), "1.2", "U1", "hi")
    old = whole.to_json().replace('"files": []', '"files": ["a.pdf", 5]')
    assert Message.from_json(old).files == (File(name="a.pdf"),)


def test_a_message_that_a_newer_version_kept_is_read() -> None:
    whole = Message(Thread("T1", "C1", "1.1"), "1.2", "U1", "hi")
    assert Message.from_json(whole.to_json().replace('"text"', '"mood": "glad", "text"')) == whole


def test_a_message_survives_its_storage() -> None:
    file = File("F1", "a.pdf", "application/pdf", 5, "https://files.slack.com/a", "hosted", "visible")
    files = (file, File(name="b.png"))
    whole = Message(Thread("T1", "C1", "1.1"), "1.2", "U1", "“text” <&>\n🙂", "Ev1", files, True, True)
    assert Message.from_json(whole.to_json()) == whole
    assert Message.from_json(whole.to_json().encode()) == whole
