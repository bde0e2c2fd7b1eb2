"""Every setting, from the environment and `.env`, as one frozen object."""

import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values

log = logging.getLogger("parley.settings")

MASK = "***"


class SettingError(Exception):
    """A setting is missing or malformed; the message names it and says what to do."""


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        starts = " or ".join(f"{scheme}://" for scheme in schemes)
        if not _is_url(value, schemes):
            raise ValueError(f"an address that starts with {starts}")
        return value

    return parse


def _is_url(value: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(value)
        has_host = bool(parts.hostname) or parts.scheme == "unix"
        # urlsplit leaves out line breaks and tabs, which clients then stumble over.
        has_blanks = bool(re.search(r"\s", value)) or not value.isprintable()
        return not has_blanks and parts.scheme in schemes and has_host and parts.port != 0
    except ValueError:
        return False


PERCENT = "Signs in its password such as / [ @ # ? % are written %2F %5B %40 %23 %3F %25"


def _redis_address(value: str) -> str:
    expected = "an address that starts with redis:// or rediss:// or unix:// or redis+sentinel://"
    if "+sentinel://" in value:
        is_address = _is_sentinel_address(value)
    else:
        is_address = _is_url(value, ("redis", "rediss", "unix")) and not _is_cut(value)
    if is_address:
        return value
    raise ValueError(f"{expected}. {PERCENT}" if "@" in value else expected)


def _is_cut(value: str) -> bool:
    """Whether a sign of a password ended the host, so that its rest, and the @ behind it, are in what follows."""
    parts = urlsplit(value)
    behind = parts.path + parts.fragment + parts.query.partition("=")[0]
    return "@" in behind and parts.scheme != "unix"


def _is_sentinel_address(value: str) -> bool:
    """`redis+sentinel://user:password@host:port,host:port/name/db`, perhaps without user, password, ports and db."""
    # `urlsplit` knows one host only.
    address = re.fullmatch(r"rediss?\+sentinel://([^/?#]*)/([^/?#@]+)/?([0-9]*)(\?[^#]*)?", value)
    if address is None:
        return False
    login, at, hosts = address[1].rpartition("@")
    return all(_is_url(f"redis://{login}{at}{host}{address[4] or ''}", ("redis",)) for host in hosts.split(","))


def masked(address: str) -> str:
    """The address without what may be secret in it: user, password, the values of its query, its fragment."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return MASK
    _, at, host = parts.netloc.rpartition("@")
    shown = f"{parts.scheme}://{MASK}@{host}{parts.path}" if at else f"{parts.scheme}://{host}{parts.path}"
    if parts.query:
        shown += "?" + "&".join(_masked_pair(pair) for pair in parts.query.split("&"))
    return f"{shown}#{MASK}" if parts.fragment else shown


def _masked_pair(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    return f"{name}={MASK}" if equals else MASK


def _prefixed(prefix: str, name: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if not value.startswith(prefix):
            raise ValueError(f"{name}, which starts with {prefix}")
        return _credential(value)

    return parse


def _credential(value: str) -> str:
    """It goes into a header, which takes nothing else."""
    if not re.fullmatch(r"[!-~]+", value):
        raise ValueError("of letters, digits and signs, without blanks; copy it anew")
    return value


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", value) or not least <= int(value) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(value)

    return parse


def _seconds(least: float, most: float) -> Callable[[str], float]:
    def parse(value: str) -> float:
        expected = f"a number of seconds from {least:g} to {most:g}"
        try:
            number = float(value)
        except ValueError:
            raise ValueError(expected) from None
        if not least <= number <= most:
            raise ValueError(expected)
        return number

    return parse


def _ids(letters: str, what: str) -> Callable[[str], frozenset[str]]:
    def parse(value: str) -> frozenset[str]:
        ids = [id.strip() for id in value.split(",")]
        if not all(re.fullmatch(rf"[{letters}][A-Z0-9]{{2,20}}", id) for id in ids):
            raise ValueError(f"{what}, with commas between them")
        return frozenset(ids)

    return parse


def _team_users(value: str) -> frozenset[str]:
    ids = [id.strip() for id in value.split(",")]
    if not all(re.fullmatch(r"[TE][A-Z0-9]{2,20}:[UW][A-Z0-9]{2,20}", id) for id in ids):
        raise ValueError("team and user ids (T...:U...), with commas between them")
    return frozenset(ids)


def _channel(value: str) -> str:
    if not re.fullmatch(r"[CG][A-Z0-9]{2,20}", value):
        raise ValueError("a channel id (C...)")
    return value


def _group(value: str) -> str:
    if not re.fullmatch(r"S[A-Z0-9]{2,20}", value):
        raise ValueError("the id of a user group (S...)")
    return value


def _one_of(*allowed: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value.lower() not in allowed:
            raise ValueError(f"one of {', '.join(allowed)}")
        return value.lower()

    return parse


def _switch(value: str) -> bool:
    word = value.lower()
    if word in ("on", "true", "yes", "1"):
        return True
    if word in ("off", "false", "no", "0"):
        return False
    raise ValueError("on or off")


def _level(value: str) -> str:
    if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError("one of DEBUG, INFO, WARNING, ERROR")
    return value.upper()


def _headers(value: str) -> str:
    lines = [line for line in value.replace("\\n", "\n").split("\n") if line.strip()]
    if not all(re.fullmatch(r"\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+\s*:[^\r]*", line) for line in lines):
        raise ValueError("lines of the form `Name: value`")
    return "\n".join(lines)


def _setting(default: Any, parse: Callable[[str], Any] = str, *, secret: bool = False, is_address: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"parse": parse, "is_address": is_address})


SLACK_CALL_SECONDS = 4.0
DATA_DIR = Path("~/.local/share/parley")
PERSONA = (
    "You are Parley, an assistant that answers people in Slack threads. Be helpful, accurate and brief: lead with the "
    "answer, then only what helps. Write standard Markdown. Say so when you do not know or cannot do something."
)


def _in_file(dotenv: Path | None) -> dict[str, str | None]:
    """What the file sets; nothing if there is no such file."""
    try:
        # Some editors begin a file with a mark (BOM), which would become a part of the first name.
        return dict(dotenv_values(dotenv, encoding="utf-8-sig")) if dotenv else {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{dotenv} cannot be read ({type(error).__name__}): save it as UTF-8 text.") from None


def _is_text(value: str) -> bool:
    """The environment hands on bytes that are not UTF-8 as surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value


@dataclass(frozen=True)
class Settings:
    """A field's name in capitals is its environment variable. `.env.example` explains each, under the same headings.

    What no operator has a reason to change is not a setting, but a constant of the module that uses it.
    """

    # Slack
    slack_bot_token: str | None = _setting(None, _prefixed("xoxb-", "a Slack bot token"), secret=True)
    slack_app_token: str | None = _setting(None, _prefixed("xapp-", "a Slack app-level token"), secret=True)
    slack_signing_secret: str | None = _setting(None, _credential, secret=True)
    slack_api_url: str = _setting("https://slack.com/api/", _url("https", "http"), is_address=True)

    # Whom it answers
    follow_ups: bool = _setting(True, _switch)
    allowed_channels: frozenset[str] | None = _setting(None, _ids("CG", "channel ids (C...)"))
    allowed_bots: frozenset[str] | None = _setting(None, _ids("AB", "bot ids (B...) or app ids (A...)"))
    allow_guests: bool = _setting(False, _switch)
    allow_external: bool = _setting(False, _switch)

    # Claude
    anthropic_api_key: str | None = _setting(None, _credential, secret=True)
    anthropic_auth_token: str | None = _setting(None, _credential, secret=True)
    anthropic_profile: str | None = _setting(None)
    anthropic_base_url: str | None = _setting(None, _url("https", "http"), is_address=True)
    anthropic_custom_headers: str | None = _setting(None, _headers, secret=True)
    claude_proxy: str | None = _setting(None, _url("https", "http"), secret=True, is_address=True)
    claude_concurrency: int = _setting(100, _whole(0, 100_000))  # calls at the same time

    # Answers
    model: str = _setting("claude-sonnet-5-5")
    fallback_model: str | None = _setting(None)
    system_prompt: str = _setting(PERSONA)
    max_tokens: int = _setting(16_000, _whole(1, 128_000))
    effort: str | None = _setting(None, _one_of("low", "medium", "high", "xhigh", "max"))
    thinking: str = _setting("auto", _one_of("auto", "summarized", "off"))
    answer_seconds: float = _setting(900.0, _seconds(1, 3600))
    streaming: Literal["edit", "native", "auto"] = _setting("edit", _one_of("edit", "native", "auto"))
    answer_note: bool = _setting(False, _switch)

    # What Claude may use
    web_search: bool = _setting(False, _switch)
    web_search_uses: int = _setting(5, _whole(1, 100))  # searches for one answer
    mcp_servers: Path | None = _setting(None, Path)
    image_links: bool = _setting(False, _switch)

    # Memory
    history_tokens: int = _setting(100_000, _whole(1_000, 900_000))
    history_days: int = _setting(30, _whole(1, 400))

    # Costs and admins
    admins: frozenset[str] | None = _setting(None, _team_users)
    admin_group: str | None = _setting(None, _group)
    admin_channel: str | None = _setting(None, _channel)
    usage_days: int = _setting(400, _whole(1, 4_000))

    # Processes
    redis_url: str | None = _setting(None, _redis_address, secret=True, is_address=True)
    redis_wait_replicas: int = _setting(0, _whole(0, 10))
    data_dir: Path = _setting(DATA_DIR, Path)
    host: str = _setting("0.0.0.0")
    port: int | None = _setting(None, _whole(1, 65535))
    slots: int = _setting(50, _whole(1, 1_000))  # answers at the same time
    queue: str = _setting("parley")
    lease_seconds: float = _setting(8.0, _seconds(1, 300))
    drain_seconds: float = _setting(60.0, _seconds(0, 3600))

    # Log and metrics
    log_level: str = _setting("INFO", _level)
    log_prompts: str = _setting("off", _one_of("off", "200chars"))
    metrics_token: str | None = _setting(None, secret=True)

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ, dotenv: Path | None = Path(".env")) -> "Settings":
        """Read the settings; the environment wins over the file, an empty value counts as not set.

        Raises SettingError for the first malformed value.
        """
        variables = {**_in_file(dotenv), **environ}
        values: dict[str, Any] = {}
        for setting in fields(cls):
            name = setting.name.upper()
            value = (variables.get(name) or "").strip()
            if not value:
                continue
            if not _is_text(value):
                raise SettingError(f"{name} has bytes that are no text (UTF-8). Correct it in .env.")
            try:
                values[setting.name] = setting.metadata["parse"](value)
            except ValueError as error:
                raise SettingError(f"{name} is malformed: it must be {error}. Correct it in .env.") from None
        return cls(**values)

    def __repr__(self) -> str:
        """Without secrets, also those in addresses: it is what logs and tracebacks would show."""
        shown = []
        for setting in fields(self):
            if not setting.repr:
                continue
            value = getattr(self, setting.name)
            if setting.metadata["is_address"] and value is not None:
                value = masked(value)
            shown.append(f"{setting.name}={value!r}")
        return f"Settings({', '.join(shown)})"

    @property
    def slack_call_seconds(self) -> float:
        """How long one call to Slack may take: no edit may outlive the lease of its thread (invariant 5)."""
        return min(SLACK_CALL_SECONDS, self.lease_seconds / 2)

    def require(self, *names: str) -> None:
        """Raise SettingError for the first of these settings that is not set."""
        for name in names:
            if getattr(self, name) is None:
                raise SettingError(f"{name.upper()} is missing: {MISSING[name]} Put it into .env or the environment.")

    def require_claude(self) -> None:
        if self.anthropic_auth_token is None and self.anthropic_profile is None:
            self.require("anthropic_api_key")

    def require_slack(self) -> None:
        self.require("slack_bot_token")
        if self.slack_app_token is None:
            self.require("slack_signing_secret")


# Settings of earlier versions, and what holds now. Whoever still sets one is told, and it has no effect.
GONE = {
    "ANSWER_LENGTH": "from 24,000 characters on the rest of an answer comes as a file",
    "CLAUDE_ATTEMPTS": "a question is tried five times",
    "CLAUDE_BACKOFF_CAP_SECONDS": "the longest wait before another attempt is 60 seconds",
    "CLAUDE_BACKOFF_SECONDS": "the first wait before another attempt is one second at most",
    "CLAUDE_BETAS": "put `anthropic-beta: NAMES` into ANTHROPIC_CUSTOM_HEADERS instead",
    "CLAUDE_CONNECT_SECONDS": "a connection to Claude may take 10 seconds",
    "CLAUDE_IDLE_SECONDS": "Claude may be silent for 90 seconds; ANSWER_SECONDS bounds the whole answer",
    "EDITS_PER_MINUTE": "all processes together make 50 edits a minute in a workspace, what Slack allows",
    "FILES_PER_MESSAGE": "10 files of a message are read, and none without the Slack app's scope files:read",
    "FILES_PER_THREAD": "50 files of a thread are sent along with a question",
    "FILE_MOST_BYTES": "files of up to 20 MB are read",
    "FILE_MOST_PAGES": "PDFs of up to 100 pages are read",
    "FILE_SECONDS": "fetching a file from Slack may take 30 seconds",
    "FILE_TEXT_CHARACTERS": "the first 100,000 characters of a text file are sent",
    "LOG_HASH_KEY": "the key of the hashes in the log comes from SLACK_BOT_TOKEN, so all processes have the same",
    "SLACK_TIMEOUT_SECONDS": "a call to Slack may take 4 seconds, and half of LEASE_SECONDS at most",
    "SUMMARY_MODEL": "claude-haiku-5-5 sums up where a thread's model cannot, and else that model itself",
    "THREAD_FILES_BYTES": "files take 28 MB of a request at most, of the 32 MB that Claude takes in all",
}


def gone(environ: Mapping[str, str] = os.environ, dotenv: Path | None = Path(".env")) -> dict[str, str]:
    """The names that are set and that are no longer settings, each with a sentence that says what to do."""
    in_file = _in_file(dotenv)
    variables = {**in_file, **environ}
    sentences = {}
    for name, now in sorted(GONE.items()):
        if not (variables.get(name) or "").strip():
            continue
        sources = []
        if name in environ:
            sources.append("the environment")
        if name in in_file:
            sources.append(".env")
        sentences[name] = f"{name} is no longer a setting: {now}. Remove it from {' and '.join(sources)}."
    return sentences


def hidden(names: Iterable[str]) -> dict[str, str]:
    """Environment variables for a child process, to which these names then count as not set, though .env has them."""
    return dict.fromkeys(names, "")


def warn_of_gone() -> None:
    """Log one warning for each name of `gone`. Call it once the log is configured."""
    for sentence in gone().values():
        log.warning("%s", sentence)


MISSING = {
    "slack_bot_token": "it is the xoxb- token on your Slack app's page OAuth & Permissions.",
    "slack_signing_secret": (
        "without SLACK_APP_TOKEN Parley listens over HTTP and needs the signing secret on your Slack app's page Basic "
        "Information (or set SLACK_APP_TOKEN for Socket Mode)."
    ),
    "anthropic_api_key": "it is a key from the Claude Console, starting with sk-ant-.",
}
