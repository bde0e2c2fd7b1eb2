"""The image, built once from the Dockerfile on a Debian that debootstrap makes: registries of images are not asked."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.container import UNSHARED, Image

ROOT = Path(__file__).parents[2]
SUITE = "trixie"
PACKAGES = "ca-certificates,python3,python3-venv"
BASE = "localhost/parley-base"
IMAGE = "localhost/parley"
# A machine may reach the package index under an authority of its own.
AUTHORITIES = Path("/etc/ssl/certs")


@pytest.fixture(scope="session")
def debian() -> Path:
    """The files of a small Debian with Python. They are kept in a folder that git ignores."""
    for program in ("buildah", "debootstrap", "unshare"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    if os.geteuid() != 0:
        pytest.skip("debootstrap and mounts need root")
    if subprocess.run([*UNSHARED, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine gives no namespaces")
    folder = ROOT / ".cache" / f"debian-{SUITE}"
    complete = folder.with_suffix(".complete")
    if not complete.exists():
        shutil.rmtree(folder, ignore_errors=True)
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"debootstrap failed: {done.stdout.strip()[-500:]}")
        complete.touch()
    return folder


@pytest.fixture(scope="session")
def image(debian: Path) -> Iterator[Image]:
    store = Path(tempfile.mkdtemp(prefix="parley-image-"))

    def buildah(*words: str) -> str:
        command = ["buildah", "--root", str(store / "images"), "--runroot", str(store / "run"), *words]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout.strip()

    try:
        base = buildah("from", "scratch")
        buildah("add", "--quiet", base, str(debian), "/")
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        buildah("config", "--env", f"PATH={path}", base)
        buildah("commit", "--quiet", "--format", "docker", base, BASE)
        options = ["--isolation", "chroot", "--format", "docker", "--pull-never", "--build-arg", f"BASE={BASE}"]
        if AUTHORITIES.exists():
            options += ["--volume", f"{AUTHORITIES}:{AUTHORITIES}:ro"]
        buildah("bud", *options, "--tag", IMAGE, ".")
        container = buildah("from", "--pull-never", IMAGE)
        yield Image.of(Path(buildah("mount", container)), buildah("inspect", container))
    finally:
        buildah("rm", "--all")
        buildah("rmi", "--all", "--force")
        shutil.rmtree(store, ignore_errors=True)
