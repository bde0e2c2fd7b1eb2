"""The command line: `parley demo | up | serve | check | manifest | sandbox`."""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn
from urllib.parse import urlsplit

from bot import logs, manifest
from bot.ops import own_redis, redis_check
from bot.ops.private_folder import PRIVATE_UMASK
from bot.settings import SettingError, Settings, warn_of_gone

EVENTS_PATH = "/slack/events"
# What pip calls Parley, as in pyproject.toml.
DISTRIBUTION = "parley-slack"


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status: 0 done, 1 failed with a sentence on standard error, 130 interrupted."""
    arguments = _parser().parse_args(argv)
    os.umask(PRIVATE_UMASK)
    try:
        return int(arguments.run(arguments))
    except SettingError as error:
        print(f"parley: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="parley", description="Claude in Slack threads.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="try everything on this machine, without any account")
    demo.add_argument("question", nargs="?", help="what to ask")
    demo.add_argument("--once", action="store_true", help="ask one question, then exit 0, or 1 if it is not answered")
    demo.add_argument("--json", action="store_true", help="with --once: print one JSON object and nothing else")
    demo.set_defaults(run=_demo)
    up = commands.add_parser("up", help="run bot and worker, and Redis if REDIS_URL is not set")
    up.set_defaults(run=_up)
    serve = commands.add_parser("serve", help="listen to Slack (the `web` process)")
    serve.set_defaults(run=_serve)
    check = commands.add_parser("check", help="try every credential and service")
    check.set_defaults(run=_check)
    paste = commands.add_parser("manifest", help="print the Slack app's manifest")
    paste.add_argument("--http", type=_events_url, metavar="URL", help="for events over HTTP at this https:// address")
    paste.add_argument("--least", action="store_true", help="only what answering mentions takes")
    paste.set_defaults(run=_manifest)
    sandbox = commands.add_parser("sandbox", help="run the sandbox alone, for any Slack bot and any Claude client")
    sandbox.add_argument("--slack-port", type=int, default=0, metavar="N", help="default: any free one")
    sandbox.add_argument("--claude-port", type=int, default=0, metavar="N", help="default: any free one")
    sandbox.add_argument("--transport", choices=("socket", "http"), default="socket", help="how the bot gets events")
    sandbox.add_argument("--events-url", metavar="URL", help="with http: where the bot listens")
    sandbox.add_argument("--json", action="store_true", help="print what a bot needs as one JSON line first")
    sandbox.set_defaults(run=_sandbox)
    return parser


class _Version(argparse.Action):
    """argparse has one of its own, for which the version would be looked up at every start."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        print(f"parley {version(DISTRIBUTION)}")
        parser.exit()


def _demo(arguments: argparse.Namespace) -> int:
    from bot.ops.demo import DemoFailed, demo

    if arguments.json and not arguments.once:
        raise SettingError("--json goes with --once.")
    settings = Settings.load()
    logs.configure("ERROR")
    try:
        return asyncio.run(demo(settings, arguments.question, once=arguments.once, as_json=arguments.json))
    except DemoFailed as error:
        print(f"parley: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        print(file=sys.stderr)
        return 130 if arguments.once else 0


def _up(arguments: argparse.Namespace) -> int:
    from bot.ops.up import up

    settings = Settings.load()
    logs.configure(settings.log_level)
    warn_of_gone()
    asyncio.run(up(settings))
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from bot.ops.check import check

    logs.configure("ERROR")
    return 0 if asyncio.run(check(Settings.load())) else 1


def _events_url(value: str) -> str:
    """The address, with the path at which Parley listens if it has none."""
    parts = urlsplit(value)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
        raise argparse.ArgumentTypeError("an address that starts with https://")
    return value if parts.path.strip("/") else f"https://{parts.netloc}{EVENTS_PATH}"


def _manifest(arguments: argparse.Namespace) -> int:
    print(manifest.as_yaml(url=arguments.http, least=arguments.least), end="")
    return 0


def _sandbox(arguments: argparse.Namespace) -> int:
    return asyncio.run(_run_sandbox(arguments))


async def _run_sandbox(arguments: argparse.Namespace) -> int:
    """Run it until Ctrl-C or SIGTERM."""
    from bot.sandbox import Ports, Sandbox

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        ports = Ports(slack=arguments.slack_port, claude=arguments.claude_port)
        async with Sandbox(transport=arguments.transport, ports=ports) as sandbox:
            sandbox.events_url = arguments.events_url
            if arguments.json:
                print(json.dumps(sandbox.describe()), flush=True)
            else:
                settings = "".join(f"  {name}={value}\n" for name, value in sandbox.environ().items())
                print(f"The sandbox's page is at {sandbox.page_url}\n\nA bot needs:\n{settings}", flush=True)
            await stop.wait()
    except OSError as error:
        raise SettingError(f"The sandbox cannot listen: {error.strerror}. Choose other ports.") from None
    return 0


def _serve(arguments: argparse.Namespace) -> int:
    from bot.serve import serve

    settings = Settings.load()
    logs.configure(settings.log_level)
    warn_of_gone()
    settings.require_slack()
    with own_redis.provided(settings) as redis_url:
        redis_check.warn(redis_url, is_own=settings.redis_url is None, replicas=settings.redis_wait_replicas)
        asyncio.run(serve(settings, redis_url))
    return 0
