"""What is wrong with a Redis: for `parley check`, and for a warning at the start."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
    RedisError,
    ResponseError,
)
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError

from bot.settings import PERCENT
from bot.store import connections

log = logging.getLogger("parley.redis")

Releases = tuple[tuple[int, int, int], ...]

SECONDS = 5.0
OLDEST_REDIS = (6, 2)
# Scripts in the releases before can run code in the server, or as another user of it: CVE-2025-49844, -46817, -46818,
# -46819. https://redis.io/blog/security-advisory-cve-2025-49844/ and https://github.com/valkey-io/valkey/releases
MENDED_REDIS: Releases = ((6, 2, 20), (7, 2, 11), (7, 4, 6), (8, 0, 4), (8, 2, 2))
MENDED_VALKEY: Releases = ((7, 2, 11), (8, 0, 6), (8, 1, 4))


@dataclass(frozen=True)
class RedisFinding:
    """`warn`: Parley works, but something is not as it should be."""

    level: Literal["ok", "warn", "FAIL"]
    what: str
    sentence: str


def findings(url: str, *, is_own: bool, replicas: int = 0) -> list[RedisFinding]:
    """Ask the Redis about itself. `is_own`: Parley started it. `replicas`: so many must have every message."""
    try:
        retry = Retry(NoBackoff(), 1)
        with connections.client(url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS, retry=retry) as client:
            client.ping()
            return read(client.info(), is_own=is_own, replicas=replicas)
    except NoPermissionError as error:
        return [_not_permitted(error)]
    except (RedisError, OSError, ValueError) as error:
        return [RedisFinding("FAIL", "Redis", _unusable(error))]


def warn(url: str, *, is_own: bool, replicas: int = 0) -> None:
    """Log a warning for each finding that costs messages. What cannot be asked is left to `parley check`."""
    for finding in findings(url, is_own=is_own, replicas=replicas):
        if finding.level == "FAIL" and finding.what != "Redis":
            log.warning("%s: %s", finding.what, finding.sentence)


def read(info: Mapping[str, Any], *, is_own: bool, replicas: int = 0) -> list[RedisFinding]:
    """What is found in the server's INFO. Services that are managed for others leave out some of it."""
    found = [*_version(info, is_own=is_own), _eviction(info.get("maxmemory_policy")), _persistence(info)]
    if info.get("role") in ("slave", "replica"):
        sentence = "it is a replica, which takes no writes: set REDIS_URL to the primary's address."
        found.append(RedisFinding("FAIL", "Redis role", sentence))
    if info.get("redis_mode") == "cluster" or info.get("cluster_enabled") == 1:
        sentence = "Parley's transactions span keys of several slots: set REDIS_URL to a Redis that is no cluster."
        found.append(RedisFinding("FAIL", "Redis cluster", sentence))
    there = info.get("connected_slaves", replicas)
    if there < replicas:
        sentence = (
            f"{there} of the {replicas} in REDIS_WAIT_REPLICAS are there: Slack gets no acknowledgement meanwhile."
        )
        found.append(RedisFinding("FAIL", "Redis replicas", sentence))
    return found


def _version(info: Mapping[str, Any], *, is_own: bool) -> list[RedisFinding]:
    version = str(info.get("redis_version") or "")
    numbers = _numbers(version)
    if not numbers:
        return [RedisFinding("warn", "Redis", "it does not tell its version: Parley needs 6.2 or newer.")]
    if numbers[:2] < OLDEST_REDIS:
        return [RedisFinding("FAIL", "Redis", f"{version} is too old: Parley needs 6.2 or newer.")]
    product, mended = "Redis", MENDED_REDIS
    if info.get("valkey_version"):
        # Valkey gives the version of the Redis that it is compatible with as `redis_version`.
        product, mended, version = "Valkey", MENDED_VALKEY, str(info["valkey_version"])
        numbers = _numbers(version)
    needed = _mended_in(numbers, mended)
    if needed is None:
        return [RedisFinding("ok", "Redis", version if product == "Redis" else f"{product} {version}")]
    cure = f"upgrade to {product} {needed} or newer"
    if is_own:
        cure = f"install a redis-server of {needed} or newer, which Parley then takes instead"
    sentence = f"{version} has known holes in its scripts, through which whoever may run one can take it over: {cure}."
    return [RedisFinding("warn", "Redis", sentence)]


def _numbers(version: str) -> tuple[int, ...]:
    """`7.4.0-rc1` is (7, 4, 0); empty if it is no version."""
    match = re.match(r"(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?", version)
    return tuple(int(part or 0) for part in match.groups()) if match else ()


def _mended_in(version: tuple[int, ...], mended: Releases) -> str | None:
    """The first release without known holes, of the version's own line or the next; None if it is without them."""
    for release in mended:
        if version[:2] == release[:2] and version >= release:
            return None
        if version < release:
            return ".".join(str(part) for part in release)
    return None


def _eviction(policy: object) -> RedisFinding:
    if policy is None:
        return RedisFinding("warn", "Redis eviction", "Redis does not tell: maxmemory-policy must be noeviction.")
    if policy != "noeviction":
        sentence = f"{policy} drops waiting messages: set maxmemory-policy noeviction."
        return RedisFinding("FAIL", "Redis eviction", sentence)
    return RedisFinding("ok", "Redis eviction", "noeviction")


def _persistence(info: Mapping[str, Any]) -> RedisFinding:
    if "aof_enabled" not in info:
        return RedisFinding("warn", "Redis persistence", "Redis does not tell: appendonly must be yes.")
    if not info["aof_enabled"]:
        return RedisFinding("FAIL", "Redis persistence", "a restart loses what waits: set appendonly yes.")
    return RedisFinding("ok", "Redis persistence", "append-only file")


def _not_permitted(error: NoPermissionError) -> RedisFinding:
    """Redis names the command that its user may not run."""
    if "'info'" in str(error).lower():
        sentence = (
            "its user may not run INFO, so version, eviction and persistence are not known: allow it (ACL SETUSER NAME "
            "+info), or see yourself that maxmemory-policy is noeviction and appendonly is yes."
        )
        return RedisFinding("warn", "Redis", sentence)
    sentence = (
        "its user may not even run PING: give it the rights that Parley needs (ACL SETUSER NAME +@all -@dangerous)."
    )
    return RedisFinding("FAIL", "Redis", sentence)


def _unusable(error: Exception) -> str:
    """What to do about a Redis that cannot be asked."""
    name = type(error).__name__
    if isinstance(error, AuthenticationError) or str(error).startswith(("NOAUTH", "WRONGPASS")):
        return f"refuses user or password ({name}): correct them in REDIS_URL in .env. {PERCENT}."
    if isinstance(error, MasterNotFoundError):
        return (
            f"no Sentinel names a primary ({name}): check hosts and name in REDIS_URL in .env, or wait for a failover."
        )
    if isinstance(error, BusyLoadingError):
        return "is still loading its data: try again in a minute."
    if isinstance(error, ResponseError):
        return f"answers with an error ({name}): look at its log."
    return f"does not answer ({name}): check REDIS_URL in .env."
