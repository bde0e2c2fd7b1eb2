"""Whatever is not signed by Slack is refused over real sockets, at no cost, and leaves no word of it in the log."""

import asyncio
import gzip
import hashlib
import hmac
import io
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict
from redis.asyncio import Redis

from bot.app import create_app
from bot.front_door import MOST_BYTES, FrontDoor
from bot.http_server import ServerLimits, listening
from bot.ops.health import Health
from bot.sandbox import Sandbox
from bot.services import Services
from bot.settings import Settings
from bot.slack import client as slack
from bot.slack.identity import Identity
from bot.store import connections
from bot.store.metrics import Metrics
from bot.store.threads.inbox import Inbox
from bot.talk.message import Thread

SECRET_WORDS = "words-of-the-body"
JSON = "application/json"
LIMITS = ServerLimits(body_seconds=0.5)


@dataclass
class House:
    """Our Bolt app behind its front door, as bot/serve.py puts them together."""

    url: str
    secret: str
    inbox: Inbox
    redis: Redis
    session: aiohttp.ClientSession

    def signed(self, body: bytes, moment: str | None = None) -> dict[str, str]:
        moment = moment or str(int(time.time()))
        digest = hmac.new(self.secret.encode(), f"v0:{moment}:".encode() + body, hashlib.sha256).hexdigest()
        return {"Content-Type": JSON, "X-Slack-Request-Timestamp": moment, "X-Slack-Signature": f"v0={digest}"}

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, _, port = self.url.removeprefix("http://").partition(":")
        return await asyncio.open_connection(host, int(port))

    async def post(self, body: object, headers: Mapping[str, str] | CIMultiDict[str]) -> int:
        async with self.session.post(f"{self.url}/slack/events", data=body, headers=headers) as answer:
            return answer.status


@pytest.fixture
async def house(redis_url: str) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(Sandbox(with_claude=False, limits=False))
        environ = {**sandbox.environ(), "SLACK_APP_TOKEN": "", "METRICS_TOKEN": "a-token"}
        settings = Settings.load(environ, dotenv=None)
        web_client = await stack.enter_async_context(slack.client(settings))
        redis, producer = connections.shared(redis_url), connections.producer(redis_url)
        stack.push_async_callback(redis.aclose)
        stack.callback(producer.close)
        inbox = Inbox(redis, connections.queue("test", producer), 60.0)
        metrics = Metrics(redis, "T1")
        identity = Identity("T1", "UBOT", "BBOT", "parley", "Team", None)
        app = create_app(Services(settings, redis, web_client, identity, inbox, metrics))
        server = web.Application()
        Health(redis, inbox, settings, "T1", ()).add_routes(server)
        server.router.add_post("/slack/events", FrontDoor(app, sandbox.signing_secret, metrics).slack_events)
        host, port = await stack.enter_async_context(listening(server, "127.0.0.1", 0, LIMITS))
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)))
        yield House(f"http://{host}:{port}", sandbox.signing_secret, inbox, redis, session)


def mention(ts: str, **fields: object) -> bytes:
    event = {"type": "app_mention", "channel": "C1", "user": "U1", "ts": ts, "text": "<@UBOT> grüß dich"}
    outer = {"type": "event_callback", "team_id": "T1", "event_id": f"Ev{ts}", "event": event}
    return json.dumps({**outer, **fields}, ensure_ascii=False).encode()


ZEROS = "v0=" + "0" * 64


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no headers"),
        pytest.param({"X-Slack-Signature": ZEROS}, id="wrong signature"),
        pytest.param({"X-Slack-Signature": ""}, id="empty signature"),
        pytest.param({"X-Slack-Signature": "v0=é"}, id="signature that is not ASCII"),
        pytest.param({"X-Slack-Signature": "v0=" + "٣" * 64}, id="signature of other digits"),
        pytest.param({"X-Slack-Signature": "v0=" + "0" * 7000}, id="long signature"),
        pytest.param({"X-Slack-Request-Timestamp": "9" * 400}, id="timestamp of 400 digits"),
        pytest.param({"X-Slack-Request-Timestamp": "²"}, id="timestamp that is a power"),
        pytest.param({"X-Slack-Request-Timestamp": "1e9"}, id="timestamp that is a float"),
        pytest.param({"X-Slack-Request-Timestamp": "-1"}, id="negative timestamp"),
        pytest.param({"X-Slack-Request-Timestamp": "1700000000"}, id="old timestamp"),
    ],
)
async def test_what_slack_did_not_sign_is_refused_in_one_line(
    house: House, caplog: pytest.LogCaptureFixture, headers: dict[str, str]
) -> None:
    if headers:
        headers = {"X-Slack-Request-Timestamp": str(int(time.time())), "X-Slack-Signature": ZEROS, **headers}
    caplog.clear()
    body = json.dumps({"event_id": f"{SECRET_WORDS}\x1b[31m" * 1000, "event": {"type": "message"}}).encode()
    assert await house.post(body, {"Content-Type": JSON, **headers}) == 401
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 1
    assert len(lines[0]) < 200
    assert SECRET_WORDS not in caplog.text


async def test_a_header_given_twice_is_refused(house: House) -> None:
    body = mention("1.5")
    twice = CIMultiDict(house.signed(body))
    twice.add("X-Slack-Signature", ZEROS)
    assert await house.post(body, twice) == 401


async def test_a_signature_of_raw_bytes_that_are_not_ascii_is_refused(house: House) -> None:
    """aiohttp hands such bytes on as surrogates."""
    reader, writer = await house.connect()
    head = f"POST /slack/events HTTP/1.1\r\nHost: x\r\nX-Slack-Request-Timestamp: {int(time.time())}\r\n".encode()
    writer.write(head + b"X-Slack-Signature: v0=\xff\xfe\r\nContent-Length: 2\r\n\r\n{}")
    assert b" 401 " in await asyncio.wait_for(reader.readline(), 30)
    writer.close()


@pytest.mark.parametrize("charset", ["punycode", "utf-7", "idna", "unicode_escape", "no-such-charset", "utf-16", "hex"])
async def test_a_large_body_without_a_signature_costs_nothing_whatever_its_charset(house: House, charset: str) -> None:
    body = b"a" * 500_000 + b"-" + b"b" * 400_000
    headers = {**house.signed(b"another body"), "Content-Type": f"{JSON}; charset={charset}"}
    before = time.process_time()
    assert await house.post(body, headers) == 401
    assert time.process_time() - before < 1.5


@pytest.mark.parametrize("charset", ["punycode", "utf-16", "no-such-charset"])
async def test_what_slack_signed_is_utf_8_whatever_charset_it_names(house: House, charset: str) -> None:
    body = mention("2.1")
    headers = {**house.signed(body), "Content-Type": f"{JSON}; charset={charset}"}
    assert await house.post(body, headers) == 200
    kept = await house.inbox.waiting(Thread("T1", "C1", "2.1"))
    assert ["grüß dich" in message.text for message in kept] == [True]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 200_000, id="deep list"),
        pytest.param(b'{"a":' * 100_000, id="deep object"),
        pytest.param(b"\xff\xfe", id="no UTF-8"),
        pytest.param(b"payload=" + b"[" * 100_000, id="deep form"),
        pytest.param(b"", id="nothing"),
    ],
)
async def test_no_body_is_read_before_its_signature_held(house: House, body: bytes) -> None:
    assert await house.post(body, {**house.signed(b"another body")}) == 401
    assert await house.post(body, {"Content-Type": JSON}) == 401


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(b"0" * 50_000_000)], ids=["bad", "bomb"])
async def test_a_compressed_body_is_refused_as_it_is(house: House, coding: str, body: bytes) -> None:
    headers = {**house.signed(b"another body"), "Content-Encoding": coding}
    before = time.process_time()
    assert await house.post(body, headers) == 401
    assert time.process_time() - before < 1.5


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\xff\xfe", id="no UTF-8"),
        pytest.param(b"[" * 200_000, id="deep"),
        pytest.param(b"{", id="half JSON"),
        pytest.param(b"[]", id="a list"),
    ],
)
async def test_what_is_signed_and_unreadable_is_400_and_not_sent_again(house: House, body: bytes) -> None:
    headers = house.signed(body)
    async with house.session.post(f"{house.url}/slack/events", data=body, headers=headers) as answer:
        assert answer.status == 400
        assert answer.headers["X-Slack-No-Retry"] == "1"


async def test_a_body_that_is_too_long_is_refused_though_it_is_signed(house: House) -> None:
    body = b"x" * (MOST_BYTES + 1)

    async def in_chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65536):
            yield body[start : start + 65536]

    assert await house.post(io.BytesIO(body), house.signed(body)) == 400
    assert await house.post(in_chunks(), house.signed(body)) == 400


async def test_a_body_that_does_not_end_is_refused(house: House, caplog: pytest.LogCaptureFixture) -> None:
    reader, writer = await house.connect()
    lines = [f"{name}: {value}" for name, value in house.signed(b"another body").items()]
    head = "\r\n".join(["POST /slack/events HTTP/1.1", "Host: x", "Content-Length: 500", *lines])
    writer.write(head.encode() + b"\r\n\r\n" + SECRET_WORDS.encode())
    assert b" 408 " in await asyncio.wait_for(reader.readline(), 30)
    assert SECRET_WORDS not in caplog.text
    writer.close()


async def test_an_event_id_that_is_none_is_not_logged_though_it_is_signed(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    await house.redis.config_set("min-replicas-to-write", 1)
    try:
        body = mention("3.1", event_id=f"{SECRET_WORDS} \x1b[31m")
        assert await house.post(body, house.signed(body)) == 500
    finally:
        await house.redis.config_set("min-replicas-to-write", 0)
    assert "not acknowledged" in caplog.text
    assert SECRET_WORDS not in caplog.text


@pytest.mark.parametrize("token", [b"\xff", "é".encode(), b"a-tok\xc3"])
async def test_a_token_for_metrics_of_any_bytes_is_401(house: House, token: bytes) -> None:
    reader, writer = await house.connect()
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + b"\r\n\r\n")
    assert b" 401 " in await asyncio.wait_for(reader.readline(), 30)
    writer.close()
