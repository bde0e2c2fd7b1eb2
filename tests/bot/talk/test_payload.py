"""What Slack sends is read whatever its shape."""

import pytest

from bot.talk.payload import find, items, mapping, mappings, storable, string


@pytest.mark.parametrize("value", [None, True, 5, "text", ["text"]])
def test_what_is_no_mapping_is_an_empty_one(value: object) -> None:
    assert mapping(value) == {}


@pytest.mark.parametrize("value", [None, True, 5, "text", {"text": 1}])
def test_what_is_no_list_has_no_items(value: object) -> None:
    assert items(value) == []
    assert mappings(value) == []


def test_what_is_of_its_type_is_itself() -> None:
    assert mapping({"id": 1}) == {"id": 1}
    assert items([1, None]) == [1, None]
    assert mappings([{"id": 1}, None, "text"]) == [{"id": 1}]
    assert string("text") == "text"
    assert string(5) == ""


@pytest.mark.parametrize("path", [("user", "team"), ("user", "id", "id"), ("users", "id")])
def test_a_path_that_leads_nowhere_finds_nothing(path: tuple[str, ...]) -> None:
    assert find({"user": {"id": "U1"}}, *path) is None


def test_a_path_leads_through_mappings() -> None:
    assert find({"user": {"id": "U1"}}, "user", "id") == "U1"


def test_half_a_character_is_replaced() -> None:
    assert storable("a\ud800é") == "a?é"
