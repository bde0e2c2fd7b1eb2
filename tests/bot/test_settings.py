"""What is set, what is not, and what is malformed."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.settings import GONE, SettingError, Settings, gone, masked


def load(**environ: str) -> Settings:
    return Settings.load(environ=environ, dotenv=None)


def test_nothing_set_gives_the_defaults() -> None:
    assert load() == Settings()


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("SLOTS=7\nQUEUE=from-file\n")
    settings = Settings.load(environ={"QUEUE": "from-environment"}, dotenv=file)
    assert (settings.slots, settings.queue) == (7, "from-environment")


def test_an_empty_value_counts_as_not_set_and_hides_the_files(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("SLACK_APP_TOKEN=xapp-1\nSLOTS=\nMODEL=   \n")
    settings = Settings.load(environ={"SLACK_APP_TOKEN": ""}, dotenv=file)
    assert settings == Settings()


def test_a_file_that_is_not_there_is_no_file(tmp_path: Path) -> None:
    assert Settings.load(environ={}, dotenv=tmp_path / "none") == Settings()


def test_a_file_that_is_not_text_is_told_in_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"SLOTS=\xff\xfe\n")
    with pytest.raises(SettingError, match=r"\.env cannot be read"):
        Settings.load(environ={}, dotenv=file)


def test_values_are_read_with_their_types() -> None:
    settings = load(PORT=" 8080 ", LEASE_SECONDS="20.5", LOG_LEVEL="debug", DATA_DIR="data")
    assert settings.port == 8080
    assert settings.lease_seconds == 20.5
    assert settings.log_level == "DEBUG"
    assert settings.data_dir == Path("data")


SWITCHES = ["FOLLOW_UPS", "ALLOW_GUESTS", "ALLOW_EXTERNAL", "WEB_SEARCH", "IMAGE_LINKS", "ANSWER_NOTE"]


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize(
    ("words", "value"), [("on ON true True yes 1", True), ("off OFF false False no 0", False)], ids=["on", "off"]
)
def test_a_switch_takes_the_usual_words_in_any_case(name: str, words: str, value: bool) -> None:
    assert [getattr(load(**{name: word}), name.lower()) for word in words.split()] == [value] * len(words.split())


def test_every_setting_that_is_on_or_off_is_a_switch() -> None:
    switches = {field.name.upper() for field in dataclasses.fields(Settings) if isinstance(field.default, bool)}
    assert switches == set(SWITCHES)


@pytest.mark.parametrize("value", ["maybe", "2", "onn", "-", "オン"])
def test_what_is_neither_on_nor_off_is_malformed_and_not_repeated(value: str) -> None:
    with pytest.raises(SettingError) as raised:
        load(WEB_SEARCH=value)
    assert str(raised.value) == "WEB_SEARCH is malformed: it must be on or off. Correct it in .env."


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLACK_BOT_TOKEN", "xapp-1"),
        ("SLACK_APP_TOKEN", "xoxb-1"),
        ("SLACK_API_URL", "slack.com/api"),
        ("ANTHROPIC_BASE_URL", "ftp://claude"),
        ("EFFORT", "highest"),
        ("THINKING", "enabled"),
        ("REDIS_URL", "localhost:6379"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "²"),
        ("SLOTS", "-1"),
        ("SLOTS", "1.5"),
        ("MAX_TOKENS", "many"),
        ("WEB_SEARCH_USES", "0"),
        ("LEASE_SECONDS", "nan"),
        ("LEASE_SECONDS", "inf"),
        ("ANSWER_SECONDS", "0"),
        ("DRAIN_SECONDS", "a minute"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_malformed_value_is_one_sentence_that_names_the_setting(name: str, value: str) -> None:
    with pytest.raises(SettingError) as raised:
        load(**{name: value})
    sentence = str(raised.value)
    assert sentence.startswith(f"{name} is malformed: it must be ")
    assert sentence.endswith("Correct it in .env.")
    assert "\n" not in sentence


@pytest.mark.parametrize("name", [field.name.upper() for field in dataclasses.fields(Settings)])
@given(value=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40))
def test_whatever_is_in_the_environment_is_taken_or_told(name: str, value: str) -> None:
    try:
        settings = load(**{name: value})
    except SettingError as error:
        told = str(error)
    else:
        told = name if value.strip() or settings == Settings() else ""
    assert name in told


def test_the_sentence_for_a_secret_never_holds_it() -> None:
    with pytest.raises(SettingError) as raised:
        load(SLACK_BOT_TOKEN="sk-ant-a-key-in-the-wrong-place")
    assert "wrong-place" not in str(raised.value)


def test_secrets_do_not_show_in_the_repr() -> None:
    secrets = {
        "SLACK_BOT_TOKEN": "xoxb-hidden",
        "SLACK_APP_TOKEN": "xapp-hidden",
        "SLACK_SIGNING_SECRET": "hidden",
        "ANTHROPIC_API_KEY": "sk-ant-hidden",
        "ANTHROPIC_AUTH_TOKEN": "hidden",
        "REDIS_URL": "redis://:hidden@localhost/0",
    }
    settings = load(**secrets)
    assert settings.anthropic_api_key == "sk-ant-hidden"
    assert "hidden" not in repr(settings)


@pytest.mark.parametrize(
    "address",
    [
        "redis://localhost",
        "redis://:p%2Fss@localhost:6379/3",
        "redis://:p@ss@localhost",
        "redis://localhost/0?client_name=a@b",
        "rediss://who:word@redis.example:6380?ssl_ca_certs=/etc/ca.pem",
        "unix:///tmp/a@b/redis.sock?db=3",
        "unix://who:word@/tmp/redis.sock",
        "redis+sentinel://one,two:26380,[::1]:26379/parley",
        "redis+sentinel://who:p%2Fss@one:26379,two/parley/3?sentinel_password=x",
        "rediss+sentinel://one/parley?ssl_ca_certs=/etc/ca.pem",
    ],
)
def test_an_address_of_redis_is_taken_as_it_is(address: str) -> None:
    assert load(REDIS_URL=address).redis_url == address


@pytest.mark.parametrize(
    "address",
    [
        "redis+sentinel://one:26379",
        "redis+sentinel://one:26379/",
        "redis+sentinel:///parley",
        "redis+sentinel://one:abc/parley",
        "redis+sentinel://one,,two/parley",
        "redis+sentinel://one/parley/three",
        "redis+sentinel+sentinel://one/parley",
        "rediss://",
        "http://localhost",
    ],
)
def test_what_is_no_address_of_redis_is_told_without_a_word_of_passwords(address: str) -> None:
    with pytest.raises(SettingError) as raised:
        load(REDIS_URL=address)
    assert str(raised.value) == (
        "REDIS_URL is malformed: it must be an address that starts with redis:// or rediss:// or unix:// or "
        "redis+sentinel://. Correct it in .env."
    )


@pytest.mark.parametrize("scheme", ["redis", "rediss", "redis+sentinel"])
@pytest.mark.parametrize("user", ["", "who"])
@pytest.mark.parametrize(
    "password", ["pa/ss", "pa[ss", "12/ss", "pa]ss", "pa?ss", "pa#ss", "12?ss", "12#ss", "/@[", "[x]"]
)
def test_signs_of_a_password_that_end_the_host_get_a_hint(scheme: str, user: str, password: str) -> None:
    with pytest.raises(SettingError, match=r"its password such as / .* are written %2F") as raised:
        load(REDIS_URL=f"{scheme}://{user}:{password}@one.example:6379/name")
    with pytest.raises(SettingError, match=r"its password such as / .* are written %2F"):
        load(REDIS_URL=f"{scheme}://{user}:{password}@one.example:6379")
    assert password not in str(raised.value).replace("/ [ @", "")


@pytest.mark.parametrize(("lease", "call"), [("8", 4.0), ("1", 0.5), ("3", 1.5), ("300", 4.0)])
def test_a_call_to_slack_ends_within_half_a_lease_and_within_4_seconds(lease: str, call: float) -> None:
    assert load(LEASE_SECONDS=lease).slack_call_seconds == call


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "redis://localhost:abc"),
        ("SLACK_API_URL", "http://[::1"),
        ("ANTHROPIC_BASE_URL", "http://[x"),
        ("PORT", "1" * 5000),
    ],
)
def test_what_nothing_can_be_made_of_is_malformed(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=f"^{name} is malformed: it must be an? "):
        load(**{name: value})


def test_what_is_missing_is_told_with_where_it_is_found() -> None:
    with pytest.raises(SettingError, match=r"SLACK_BOT_TOKEN is missing: .*OAuth & Permissions"):
        load().require_slack()
    with pytest.raises(SettingError, match=r"SLACK_SIGNING_SECRET is missing: .*SLACK_APP_TOKEN"):
        load(SLACK_BOT_TOKEN="xoxb-1").require_slack()
    with pytest.raises(SettingError, match=r"ANTHROPIC_API_KEY is missing: .*sk-ant-.*\.env"):
        load().require_claude()


def test_what_is_enough_is_enough() -> None:
    load(SLACK_BOT_TOKEN="xoxb-1", SLACK_APP_TOKEN="xapp-1").require_slack()
    load(SLACK_BOT_TOKEN="xoxb-1", SLACK_SIGNING_SECRET="1").require_slack()
    load(ANTHROPIC_API_KEY="1").require_claude()
    load(ANTHROPIC_AUTH_TOKEN="1").require_claude()


# Settings of earlier versions


@pytest.mark.parametrize("name", sorted(GONE))
def test_what_is_no_longer_a_setting_says_what_holds_now_and_what_to_do(name: str) -> None:
    [sentence] = gone({name: "a secret, perhaps"}, None).values()
    assert "secret" not in sentence
    assert sentence.startswith(f"{name} is no longer a setting: ")
    assert sentence.endswith(". Remove it from the environment.")
    assert "\n" not in sentence
    assert load(**{name: "whatever it was"}) == Settings()


def test_nothing_is_both_a_setting_and_gone() -> None:
    assert not {field.name.upper() for field in dataclasses.fields(Settings)} & GONE.keys()


def test_what_is_gone_is_told_once_with_where_it_stands(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("CLAUDE_IDLE_SECONDS=7\nCLAUDE_ATTEMPTS=7\nSLOTS=7\nUNHEARD_OF=7\n")
    attempts, idle = gone({"CLAUDE_ATTEMPTS": "3", "PATH": "/bin"}, file).values()
    assert attempts.startswith("CLAUDE_ATTEMPTS ")
    assert attempts.endswith(" Remove it from the environment and .env.")
    assert idle.startswith("CLAUDE_IDLE_SECONDS ")
    assert idle.endswith(" Remove it from .env.")


def test_what_is_empty_is_not_set_and_hides_the_files_gone_names_too(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("CLAUDE_ATTEMPTS=7\nCLAUDE_IDLE_SECONDS=\n")
    assert gone({"CLAUDE_ATTEMPTS": ""}, file) == {}


ADDRESSES = ["ANTHROPIC_BASE_URL", "SLACK_API_URL", "CLAUDE_PROXY", "REDIS_URL"]


@pytest.mark.parametrize("name", ADDRESSES)
def test_what_is_secret_in_an_address_is_not_shown(name: str) -> None:
    scheme = "redis" if name == "REDIS_URL" else "https"
    address = f"{scheme}://who-secret:word-secret@host.example:8443/path?key=key-secret&flag-secret#part-secret"
    settings = load(**{name: address})
    assert getattr(settings, name.lower()) == address
    assert "secret" not in repr(settings)
    assert "secret" not in str(settings)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://api.example/v1", "https://api.example/v1"),
        ("https://who:word@[::1]:8443/a", "https://***@[::1]:8443/a"),
        ("https://who@word@host/a", "https://***@host/a"),
        ("https://host/a?key=1&key=2&empty=", "https://host/a?key=***&key=***&empty=***"),
        ("https://host/a?bare", "https://host/a?***"),
        ("https://host/a#part", "https://host/a#***"),
        ("https://[host", "***"),
        ("unix:///tmp/redis.sock?db=3", "unix:///tmp/redis.sock?db=***"),
    ],
)
def test_an_address_is_masked_and_else_stays(address: str, shown: str) -> None:
    assert masked(address) == shown


def test_every_setting_that_is_not_secret_is_shown() -> None:
    shown = repr(load(SLOTS="7", MODEL="claude-x", SLACK_BOT_TOKEN="xoxb-secret"))
    assert "slots=7" in shown
    assert "model='claude-x'" in shown
    assert "secret" not in shown


@pytest.mark.parametrize("name", ["MODEL", "DATA_DIR", "SYSTEM_PROMPT", "HOST", "METRICS_TOKEN", "ANTHROPIC_PROFILE"])
@pytest.mark.parametrize("value", ["a\udcffb", "a\0b"])
def test_bytes_that_are_no_text_are_told_in_one_sentence(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=rf"^{name} has bytes that are no text \(UTF-8\)\. Correct it in \.env\.$"):
        load(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLACK_BOT_TOKEN", "xoxb-…"),
        ("SLACK_APP_TOKEN", "xapp-1 2"),
        ("SLACK_SIGNING_SECRET", "é"),
        ("ANTHROPIC_API_KEY", "sk-ant-\n1"),
        ("ANTHROPIC_AUTH_TOKEN", "“token”"),
        ("ANTHROPIC_BASE_URL", "https://host .example"),
        ("ANTHROPIC_BASE_URL", "https://host\n.example"),
    ],
)
def test_what_no_header_or_address_can_carry_is_malformed(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=f"^{name} is malformed: it must be ") as told:
        load(**{name: value})
    assert value not in str(told.value)


def test_a_file_that_begins_with_a_mark_is_read(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"\xef\xbb\xbfSLOTS=7\n")
    assert Settings.load(environ={}, dotenv=file).slots == 7
