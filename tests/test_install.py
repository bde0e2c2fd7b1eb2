"""Installing Parley runs nobody's code but its own."""

import re
from pathlib import Path

MAKEFILE = Path("Makefile").read_text()


def test_packages_are_installed_from_wheels_only_by_hash() -> None:
    installs = [line for line in MAKEFILE.splitlines() if "pip install" in line and not line.endswith("-e .")]
    assert len(installs) == 5
    assert "\nWHEELS := --only-binary :all:\n" in MAKEFILE
    assert [line for line in installs if " $(WHEELS) " not in line] == []
    assert [line for line in installs if ".lock" in line and " --require-hashes " not in line] == []


def test_every_package_of_the_lock_files_has_its_hashes() -> None:
    for lock, least in (("requirements.lock", 20), ("requirements-dev.lock", 20), ("requirements-redis.lock", 1)):
        entries = re.split(r"\n(?=[a-z0-9])", Path(lock).read_text())
        pinned = [entry for entry in entries if "==" in entry.splitlines()[0]]
        assert len(pinned) >= least
        assert [entry.splitlines()[0] for entry in pinned if "--hash=sha256:" not in entry] == []
