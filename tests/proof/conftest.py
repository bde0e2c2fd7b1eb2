"""The packages of others, at exact versions, in a folder that git ignores and that the next run finds again."""

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

PACKAGES = (
    "@anthropic-ai/sdk@1.14.0",
    "@slack/bolt@5.1.0",
    "@slack/types@3.2.0",
    "@slack/web-api@8.2.0",
    "@types/node@20.19.9",
    "anthropic-older@npm:@anthropic-ai/sdk@0.60.0",
    "bolt-older@npm:@slack/bolt@4.4.0",
    "typescript@7.0.2",
)
CACHE = Path(__file__).parents[2] / ".cache"
PROGRAMS = Path(__file__).parent / "programs"
OLDEST_NODE = 20


def _node_is_new_enough() -> bool:
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    major = said.strip().removeprefix("v").partition(".")[0]
    return major.isdigit() and int(major) >= OLDEST_NODE


@pytest.fixture(scope="session")
def node_folder() -> Path:
    """A folder with `node_modules` and the programs beside it, so that these find what they import."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    if not _node_is_new_enough():
        pytest.skip(f"Node is older than version {OLDEST_NODE}")
    folder = CACHE / f"node-{hashlib.sha256(' '.join(PACKAGES).encode()).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    # Test processes share the folder; the first one fills it.
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            _install(folder)
            (folder / "complete").touch()
        shutil.copytree(PROGRAMS, folder / "programs", dirs_exist_ok=True)
    return folder


def _install(folder: Path) -> None:
    command = ["npm", "install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(
        [*command, "--prefix", str(folder), *PACKAGES], capture_output=True, text=True, timeout=100, check=False
    )
    if done.returncode:
        pytest.skip(f"npm could not install the packages: {done.stderr.strip()[-500:]}")
