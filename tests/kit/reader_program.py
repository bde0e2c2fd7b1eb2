"""The program that opens files, as it is when a file has taken it over: the file's bytes say what it does.

Everything else is the real one: how it starts, what it is confined to, and who waits for its answers.
"""

import json
import os
import socket
import sys
import time
from pathlib import Path

from workers.reader import child, program
from workers.reader.contents import Contents, NotRead, Order, Picture, Text

PROGRAM = child.PROGRAM.replace("from workers.reader import program", "from tests.kit import reader_program as program")
ACTS = b"act:"

opened_as_usual = program.opened
kept: list[bytes] = []


def opened(data: bytes, order: Order) -> Contents:
    if not data.startswith(ACTS):
        return opened_as_usual(data, order)
    act, _, argument = data.removeprefix(ACTS).decode().partition(" ")
    match act:
        case "die":
            os.kill(os.getpid(), int(argument))
        case "spin":
            while True:
                pass
        case "burn":
            until = time.process_time() + float(argument)
            while time.process_time() < until:
                pass
        case "sleep":
            time.sleep(float(argument))
        case "eat":
            bytearray(int(argument))
        case "keep":
            kept.append(b"x" * int(argument))
        case "try":
            return Text(_tried(argument), is_cut=False)
        case "write":
            os.write(0, bytes.fromhex(argument))
            time.sleep(60)
        case "leave":
            raise NotRead(argument)
        case "picture":
            return Picture(b"<html>", "image/png", 5, 5, is_first_frame=False)
    return Text("done", is_cut=False)


def _tried(what: str) -> str:
    """What came of something that the program must not be able to do: the error's name, or what it gave."""
    try:
        match what:
            case "environ":
                return json.dumps(dict(os.environ))
            case "descriptors":
                return " ".join(str(number) for number in range(100) if _is_open(number))
            case "read":
                return Path("/etc/hosts").read_text()
            case "write":
                Path("/tmp/parley-was-here").write_text("x")
            case "network":
                socket.socket()
            case "fork":
                if os.fork() == 0:
                    os._exit(0)
            case "modules":
                return " ".join(sorted(sys.modules))
    except OSError as error:
        return type(error).__name__
    return "done"


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def main() -> None:
    program.opened = opened
    program.main()
