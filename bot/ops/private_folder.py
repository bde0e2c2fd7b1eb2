"""A folder for Parley's data that no other user of the machine can read or write."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

# For every process that we start: what it writes is for its own user only.
PRIVATE_UMASK = 0o077


class NotPrivate(Exception):
    """The folder cannot be made private; the message says why, as the end of a sentence."""


def make_private(folder: Path, ours: Sequence[str]) -> None:
    """Create the folder, or close one that is there, so that what `ours` names (patterns) is for our eyes only.

    A folder that holds something else too keeps its mode, and only our files are closed: it may be a home directory.
    Raises NotPrivate, and OSError where the folder cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _trust_way(folder)
    folder = folder.resolve()
    _trust_way(folder)
    found = folder.stat()
    _must_be_ours(found, str(folder))
    if found.st_mode & stat.S_IWOTH and found.st_mode & stat.S_ISVTX:
        raise NotPrivate("it is a folder that all users share")
    entries = list(folder.iterdir())
    files = [entry for entry in entries if any(entry.match(pattern) for pattern in ours)]
    if len(files) == len(entries):
        folder.chmod(0o700)
        found = folder.stat()
        if found.st_mode & 0o077:
            raise NotPrivate("its file system does not let us close it to other users")
    elif found.st_mode & 0o022:
        raise NotPrivate("other users may write to it, and it holds more than Parley's data")
    for file in files:
        _close(file)


def append_to(file: Path) -> BinaryIO:
    """Open a file that only we can read, and never what somebody linked in its place."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(file, flags, 0o600), "ab")


def _trust_way(path: Path) -> None:
    """Who may write to a folder above can put another in the place of ours, unless its sticky bit is set."""
    for step in (path, *path.parents):
        found = step.absolute().lstat()
        if stat.S_ISLNK(found.st_mode) and found.st_uid not in (os.geteuid(), 0):
            raise NotPrivate(f"the link {step} belongs to another user")
        if step == path or not stat.S_ISDIR(found.st_mode):
            continue
        if found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
            raise NotPrivate(f"all users may write to {step}, which has no sticky bit")


def _close(file: Path) -> None:
    """Take all rights of others from a file, a socket, or a folder of files."""
    try:
        found = file.lstat()
    except FileNotFoundError:
        # A Redis that runs there has just renamed its temporary file.
        return
    _must_be_ours(found, file.name)
    if stat.S_ISDIR(found.st_mode):
        file.chmod(0o700)
        for inner in file.iterdir():
            _close(inner)
    elif stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
        file.chmod(found.st_mode & 0o600)
    elif stat.S_ISSOCK(found.st_mode):
        file.chmod(0o700)
    else:
        raise NotPrivate(f"{file.name} in it is a link and no file of its own")


def _must_be_ours(found: os.stat_result, name: str) -> None:
    if found.st_uid != os.geteuid():
        raise NotPrivate(f"{name} belongs to another user (id {found.st_uid})")
