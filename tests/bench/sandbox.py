"""What an edit costs the sandbox, limits on: it may not be the bottleneck of what is measured on it."""

import argparse
import asyncio
import json
import sys
import time

import aiohttp

from bot.sandbox import Sandbox
from tests.bench.report import Report, Target, Value

SUMMARY = "edits a second of the sandbox itself"
CONNECTIONS = 20
# 2,000 a second on one core.
MS_A_CALL = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--calls", type=int, default=20_000, help="how many (20000)")


async def run(options: argparse.Namespace) -> Report:
    """The calls come from another process; what counts is the processor time of this one, which is the sandbox."""
    async with Sandbox(with_claude=False) as sandbox:
        # The window is kept as always, only larger: all calls fit into a minute.
        sandbox.slack.limits.set("chat.update", options.calls)
        channel = sandbox.channels["general"]
        headers = {"Authorization": f"Bearer {sandbox.bot_token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            url = f"{sandbox.slack_url}chat.postMessage"
            async with session.post(url, json={"channel": channel, "text": "begun"}) as posted:
                ts = (await posted.json())["ts"]
        load = [sandbox.slack_url, sandbox.bot_token, channel, ts, str(options.calls)]
        command = [sys.executable, "-m", "tests.bench.sandbox", *load]
        began, used = time.monotonic(), time.process_time()
        client = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        output, _ = await client.communicate()
        seconds, used = time.monotonic() - began, time.process_time() - used
    answered = json.loads(output)
    row: dict[str, Value] = {
        "calls": options.calls,
        "answered ok": answered,
        "calls a second": options.calls / seconds,
        "calls a second of one core": options.calls / used,
    }
    targets = [
        Target("processor time of a call, ms", used / options.calls * 1000, MS_A_CALL),
        Target("calls not answered ok", options.calls - answered, 0),
    ]
    return Report("sandbox", [row], targets)


async def _load(url: str, token: str, channel: str, ts: str, calls: int) -> int:
    """Edit one message so often, over kept-alive connections; how many edits were answered ok."""
    block = {"type": "markdown", "text": "A sentence of an answer that grows. " * 28}
    edit = {"channel": channel, "ts": ts, "text": "A sentence", "blocks": [block]}
    left = iter(range(calls))
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}, connector=connector) as session:

        async def send() -> int:
            good = 0
            for _ in left:
                async with session.post(f"{url}chat.update", json=edit) as answer:
                    good += bool((await answer.json())["ok"])
            return good

        return sum(await asyncio.gather(*(send() for _ in range(CONNECTIONS))))


if __name__ == "__main__":
    where, key, place, message, number = sys.argv[1:]
    print(json.dumps(asyncio.run(_load(where, key, place, message, int(number)))))
