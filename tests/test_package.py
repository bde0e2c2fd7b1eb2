"""What pip installs: complete, under a name that is ours."""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import urllib.request
import zipfile
from pathlib import Path

import pytest

from bot.cli import DISTRIBUTION

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# What a build of the wheel reads.
SOURCES = ("bot", "workers", "pyproject.toml", "README.md", "LICENSE")
# A command that installs somebody else's package from the index.
OF_OTHERS = re.compile(r"\b(?:pip|pipx|uv) (?:install|run|add)\b(?:(?!--spec).)*?(?<![\w./-])parley(?![\w./@-])")


def run(*command: object, folder: Path) -> str:
    done = subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: a build leaves folders beside its sources."""
    folder = tmp_path_factory.mktemp("package")
    sources = folder / "sources"
    sources.mkdir()
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, sources)
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder)
    run(sys.executable, "-m", "pip", "wheel", *options, sources, folder=folder)
    [wheel] = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel and the packages that it needs, but without the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", folder, folder=folder)
    programs = folder / "bin"
    options = ("--quiet", "--no-deps", "--no-index")
    run(sys.executable, "-m", "pip", "--python", programs / "python", "install", *options, wheel, folder=folder)
    [packages] = folder.glob("lib/python*/site-packages")
    # The path is only added: the link to the checkout in there is not followed.
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib"))
    return programs


def test_the_wheel_has_every_file_of_the_packages(wheel: Path) -> None:
    files = [path for name in ("bot", "workers") for path in (ROOT / name).rglob("*") if path.is_file()]
    expected = {str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts}
    others = {name for name in expected if not name.endswith(".py")}
    assert {"bot/models.toml", "bot/sandbox/page/index.html"} <= others
    assert expected - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_the_wheel_has_nothing_else(wheel: Path) -> None:
    folders = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    about = f"{DISTRIBUTION.replace('-', '_')}-{PROJECT['version']}.dist-info"
    assert folders == {"bot", "workers", about}


def test_an_installed_parley_says_its_version(installed: Path, tmp_path: Path) -> None:
    where = run(installed / "python", "-c", "import bot; print(bot.__file__)", folder=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)
    assert run(installed / "parley", "--version", folder=tmp_path) == f"parley {PROJECT['version']}\n"


def test_an_installed_parley_finds_its_models_and_its_page(installed: Path, tmp_path: Path) -> None:
    models = "from bot import models; from bot.settings import Settings; print(models.find(Settings().model).name)"
    assert run(installed / "python", "-c", models, folder=tmp_path).startswith("Claude")
    command = [str(installed / "parley"), "sandbox", "--json"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as sandbox:
        try:
            assert sandbox.stdout
            page_url = json.loads(sandbox.stdout.readline())["page_url"]
            with urllib.request.urlopen(page_url, timeout=30) as page:
                assert b"<html" in page.read()
        finally:
            sandbox.terminate()


def test_the_distribution_is_not_called_like_the_package_of_others() -> None:
    assert PROJECT["name"] == DISTRIBUTION != "parley"
    assert list(PROJECT["scripts"]) == ["parley"]


def test_nobody_is_told_to_install_the_package_of_others() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("this is no checkout of git")
    told = []
    for name in tracked.stdout.splitlines():
        lines = (ROOT / name).read_bytes().decode(errors="replace").splitlines()
        told += [f"{name}: {line.strip()}" for line in lines if OF_OTHERS.search(line)]
    assert told == []


@pytest.mark.parametrize("package", ["parley", "'parley[otel]'", "parley==0.3", "-U parley", '"parley"'])
def test_such_advice_would_be_found(package: str) -> None:
    assert OF_OTHERS.search(f"Type pip install {package} to go on.")
    assert not OF_OTHERS.search("pipx run --spec . parley --version")
    assert not OF_OTHERS.search("pip install parley-slack")
