"""The Slack app's manifest, as it is printed and pasted."""

from pathlib import Path

import pytest
import yaml

from bot.manifest import EVENTS, NEEDED_EVENTS, NEEDED_SCOPES, SCOPES, as_yaml, manifest

URL = "https://parley.example/slack/events"


def test_manifest_yaml_is_what_is_printed() -> None:
    assert (Path(__file__).parents[2] / "manifest.yaml").read_text() == as_yaml()


@pytest.mark.parametrize("url", [None, URL])
@pytest.mark.parametrize("least", [False, True])
def test_what_is_printed_reads_as_what_is_meant(url: str | None, least: bool) -> None:
    assert yaml.safe_load(as_yaml(url=url, least=least)) == manifest(url=url, least=least)


def test_for_http_slack_is_told_where_we_listen() -> None:
    made = manifest(url=URL)
    assert made["settings"]["event_subscriptions"]["request_url"] == URL
    assert made["settings"]["interactivity"]["request_url"] == URL
    assert [command["url"] for command in made["features"]["slash_commands"]] == [URL]
    assert made["settings"]["socket_mode_enabled"] is False


def test_for_socket_mode_no_address_is_needed() -> None:
    assert "https://" not in str(manifest())
    assert manifest()["settings"]["socket_mode_enabled"] is True


def test_the_least_leaves_out_whatever_may_be_left_out() -> None:
    made = manifest(least=True)
    assert made["oauth_config"]["scopes"]["bot"] == list(NEEDED_SCOPES)
    assert made["settings"]["event_subscriptions"]["bot_events"] == list(NEEDED_EVENTS)
    assert set(made["features"]) == {"app_home", "bot_user"}
    assert set(NEEDED_SCOPES) < set(SCOPES)
    assert set(NEEDED_EVENTS) < set(EVENTS)


def test_scopes_and_events_are_in_order_and_there_once() -> None:
    for names in (SCOPES, EVENTS, NEEDED_SCOPES, NEEDED_EVENTS):
        assert list(names) == sorted(set(names))


def test_features_keep_to_slacks_lengths() -> None:
    """https://docs.slack.dev/reference/app-manifest#features"""
    features = manifest()["features"]
    assert len(features["agent_view"]["agent_description"]) <= 300
    assert all(len(command["description"]) <= 2000 for command in features["slash_commands"])
    assert all(len(each["name"]) <= 24 and len(each["description"]) <= 150 for each in features["shortcuts"])
