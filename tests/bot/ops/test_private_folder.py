"""What Parley writes to disk is read by nobody else, and nobody else's is taken for it."""

import os
import stat
from pathlib import Path

import pytest

from bot.ops.own_redis import FILES, running
from bot.ops.private_folder import NotPrivate, append_to, make_private
from tests.kit.other_user import NOBODY, as_nobody, needs_root, shared_folder

READ = "print(open(sys.argv[1]).read())"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def old_data(folder: Path) -> Path:
    """A data folder as an earlier version left it: open, and with open files."""
    folder.mkdir(mode=0o755)
    (folder / "appendonly.aof").write_text("")
    (folder / "redis.log").write_text("")
    (folder / "appendonlydir").mkdir(mode=0o755)
    (folder / "appendonlydir" / "appendonly.aof.1.incr.aof").write_text("")
    for file in folder.rglob("*"):
        file.chmod(0o755 if file.is_dir() else 0o644)
    folder.chmod(0o755)
    return folder


def test_a_folder_that_was_open_is_closed_with_all_that_is_in_it(tmp_path: Path) -> None:
    folder = old_data(tmp_path / "data")
    make_private(folder, FILES)
    assert mode(folder) == 0o700
    for file in folder.rglob("*"):
        assert mode(file) == (0o700 if file.is_dir() else 0o600), file


def test_all_that_our_redis_writes_is_for_us_only(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with running(old_data(tmp_path / "data")):
            files = list((tmp_path / "data").rglob("*"))
    finally:
        os.umask(before)
    assert {file.name for file in files} >= {"redis.log", "redis.lock", "redis.sock", "appendonly.aof"}
    assert [file for file in files if file.exists() and mode(file) & 0o077] == []


def test_a_new_file_of_our_redis_is_for_us_only_in_a_folder_that_stays_open(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "notes.txt").chmod(0o644)
    before = os.umask(0o022)
    try:
        with running(tmp_path):
            open_to_others = {file.name for file in tmp_path.rglob("*") if mode(file) & 0o077}
    finally:
        os.umask(before)
    assert open_to_others == {"notes.txt"}
    assert mode(tmp_path) == 0o755, "it may be a home directory"


@needs_root
def test_another_user_reads_no_conversation() -> None:
    with shared_folder() as folder:
        data = old_data(folder / "data")
        (data / "appendonly.aof").write_text("a conversation")
        assert as_nobody(READ, data / "appendonly.aof").stdout == "a conversation\n"
        make_private(data, FILES)
        assert "Permission denied" in as_nobody(READ, data / "appendonly.aof").stderr


def test_a_folder_with_more_in_it_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    tmp_path.chmod(0o775)
    with pytest.raises(NotPrivate, match="more than Parley's data"):
        make_private(tmp_path, FILES)
    assert mode(tmp_path) == 0o775


def test_a_folder_for_all_users_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    with pytest.raises(NotPrivate, match="all users share"):
        make_private(tmp_path, FILES)
    assert mode(tmp_path) == 0o1777


def test_a_folder_in_one_where_all_may_exchange_it_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(NotPrivate, match="no sticky bit"):
        make_private(tmp_path / "a" / "data", FILES)
    tmp_path.chmod(0o1777)
    make_private(tmp_path / "a" / "data", FILES)


@needs_root
def test_what_belongs_to_another_user_is_refused(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, NOBODY, NOBODY)
    with pytest.raises(NotPrivate, match=f"belongs to another user .id {NOBODY}"):
        make_private(theirs, FILES)
    link = tmp_path / "link"
    link.symlink_to(old_data(tmp_path / "data"))
    make_private(link, FILES)
    os.lchown(link, NOBODY, NOBODY)
    with pytest.raises(NotPrivate, match=r"the link .*link belongs to another user"):
        make_private(link, FILES)
    os.chown(tmp_path / "data" / "appendonly.aof", NOBODY, NOBODY)
    with pytest.raises(NotPrivate, match=r"appendonly\.aof belongs to another user"):
        make_private(tmp_path / "data", FILES)


@pytest.mark.parametrize("name", ["redis.log", "redis.lock", "redis.sock", "appendonly.aof"])
@pytest.mark.parametrize("kind", ["symbolic", "hard"])
def test_a_link_in_the_place_of_a_file_of_ours_is_refused(tmp_path: Path, name: str, kind: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("")
    elsewhere.chmod(0o644)
    (tmp_path / "data").mkdir()
    link = tmp_path / "data" / name
    link.symlink_to(elsewhere) if kind == "symbolic" else link.hardlink_to(elsewhere)
    with pytest.raises(NotPrivate, match="is a link"):
        make_private(tmp_path / "data", FILES)
    assert mode(elsewhere) == 0o644


def test_nothing_is_appended_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        append_to(tmp_path / "link")
    with append_to(tmp_path / "new") as file:
        file.write(b"x")
    assert mode(tmp_path / "new") == 0o600
