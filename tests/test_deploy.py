"""What the ways to deploy Parley say, all of which is written more than once: commands, ports, settings, limits."""

import configparser
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.ops import probe
from bot.serve import DEFAULT_PORT
from bot.settings import Settings
from tests.kit import procfile

ROOT = Path(__file__).parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
PAGE = (ROOT / "docs/deploy.md").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
PARLEYS = [COMPOSE["services"][name] for name in ("web", "worker")]
MANIFESTS = {
    f"{manifest['kind']}/{manifest['metadata']['name']}": manifest
    for block in re.findall(r"(?s)```yaml\n(.*?)```", PAGE)
    for manifest in yaml.safe_load_all(block)
}
UNITS = re.findall(r"(?s)```ini\n(.*?)```", PAGE)
SETTINGS = {setting.name.upper() for setting in fields(Settings)}
DRAIN_SECONDS = Settings().drain_seconds
[USER] = re.findall(r"(?m)^USER (\d+:\d+)$", DOCKERFILE)


def pod(process: str) -> dict[str, Any]:
    spec: dict[str, Any] = MANIFESTS[f"Deployment/parley-{process}"]["spec"]["template"]["spec"]
    return spec


def unit(text: str) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(text)
    return parser["Service"]


def module(words: list[str]) -> list[str]:
    """The command as the Procfile writes it, less `python -m`."""
    program, *arguments = words
    if Path(program).name == "parley":
        return ["bot", *arguments]
    assert Path(program).name == "python"
    assert arguments[0] == "-m"
    return arguments[1:]


def seconds(span: str) -> int:
    assert span.endswith("s")
    return int(span[:-1])


def names() -> Iterator[str]:
    """The environment variables that are set somewhere."""
    [block] = re.findall(r"(?s)\nENV PATH.*?\nWORKDIR", DOCKERFILE)
    yield from re.findall(r"\b([A-Z_]+)=", block)
    for service in PARLEYS:
        yield from service["environment"]
    for process in ("web", "worker"):
        yield from (variable["name"] for variable in pod(process)["containers"][0].get("env", []))


@pytest.mark.parametrize("process", ["web", "worker"])
def test_each_way_runs_what_the_procfile_runs(process: str) -> None:
    command = procfile.commands()[process]
    assert module(COMPOSE["services"][process]["command"]) == command
    assert module(pod(process)["containers"][0]["args"]) == command
    assert command in [module(shlex.split(unit(text)["ExecStart"])) for text in UNITS]


def test_the_image_runs_the_bot_unless_told_otherwise() -> None:
    [command] = re.findall(r"(?m)^CMD (.+)$", DOCKERFILE)
    assert module(yaml.safe_load(command)) == procfile.commands()["web"]


def test_what_is_set_is_a_setting() -> None:
    assert set(names()) - SETTINGS == {"PATH", "HOME", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}


def test_all_speak_of_one_port() -> None:
    assert re.findall(r"PORT=(\d+)", DOCKERFILE) == re.findall(r"EXPOSE (\d+)", DOCKERFILE) == [str(DEFAULT_PORT)]
    assert probe.DEFAULT_PORT == DEFAULT_PORT
    web = COMPOSE["services"]["web"]
    assert web["environment"]["PORT"] == str(DEFAULT_PORT)
    assert web["ports"] == [f"127.0.0.1:{DEFAULT_PORT}:{DEFAULT_PORT}"]
    [container] = pod("web")["containers"]
    assert container["env"] == [{"name": "PORT", "value": str(DEFAULT_PORT)}]
    assert container["ports"] == [{"name": "http", "containerPort": DEFAULT_PORT}]
    assert MANIFESTS["Service/parley"]["spec"]["ports"][0]["targetPort"] == "http"


def test_what_is_asked_for_health_is_there() -> None:
    [container] = pod("web")["containers"]
    asked = {container[kind]["httpGet"]["path"] for kind in ("readinessProbe", "livenessProbe")}
    served = re.findall(r'add_get\("(/\w+)"', (ROOT / "bot/ops/health.py").read_text())
    assert asked == {"/readyz", "/healthz"} <= set(served)
    assert 'CMD ["python", "-m", "bot.ops.probe"]' in DOCKERFILE
    assert COMPOSE["services"]["worker"]["healthcheck"] == {"disable": True}


def test_workers_get_longer_to_end_than_they_take_for_their_answers() -> None:
    [worker] = [unit(text) for text in UNITS if "workers" in unit(text)["ExecStart"]]
    given = [
        seconds(COMPOSE["services"]["worker"]["stop_grace_period"]),
        pod("worker")["terminationGracePeriodSeconds"],
        int(worker["TimeoutStopSec"]),
    ]
    assert min(given) >= DRAIN_SECONDS + 20


def test_all_speak_of_one_image_and_of_its_user() -> None:
    images = [service["image"] for service in PARLEYS]
    images += [pod(process)["containers"][0]["image"] for process in ("web", "worker")]
    images += re.findall(r"\bparley:[\w.]+", PAGE)
    assert set(images) == {f"parley:{VERSION}"}
    for process in ("web", "worker"):
        context = pod(process)["securityContext"]
        assert f"{context['runAsUser']}:{context['runAsGroup']}" == USER
        assert context["runAsNonRoot"]


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_each_service_may_do_as_little_as_it_needs(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert [mount.partition(":")[0] for mount in service["tmpfs"]] == ["/tmp"]


@pytest.mark.parametrize("process", ["web", "worker"])
def test_each_pod_may_do_as_little_as_it_needs(process: str) -> None:
    [container] = pod(process)["containers"]
    assert container["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not pod(process)["automountServiceAccountToken"]
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/tmp"]


def test_redis_keeps_everything_and_is_reached_by_parley_only() -> None:
    redis = COMPOSE["services"]["redis"]
    script = redis["command"][-1]
    assert script.splitlines()[0] == "exec redis-server - <<END"
    assert {"appendonly yes", "maxmemory-policy noeviction", "requirepass $$REDISCLI_AUTH"} <= set(script.splitlines())
    assert "ports" not in redis
    assert COMPOSE["networks"][redis["networks"][0]] == {"internal": True}
    for service in PARLEYS:
        assert service["depends_on"] == {"redis": {"condition": "service_healthy"}}
        assert service["environment"]["REDIS_URL"].endswith("@redis:6379/0")
        assert service["env_file"] == ".env"
    assert COMPOSE["services"]["worker"]["deploy"] == {"replicas": 2}


def test_what_is_secret_is_in_no_image() -> None:
    taken = (ROOT / ".dockerignore").read_text().splitlines()
    assert taken[1] == "*"
    allowed = {line[1:] for line in taken if line.startswith("!")}
    copied = {name for line in re.findall(r"(?m)^COPY (?!--from)(.+)$", DOCKERFILE) for name in line.split()[:-1]}
    assert allowed == copied
    assert "**/.env*" in taken[len(allowed) :]


def test_packages_of_the_image_are_wheels_by_hash() -> None:
    installs = re.findall(r"pip install[^&]*?(?=&&|\n[A-Z#])", DOCKERFILE.replace("\\\n", " "))
    assert len(installs) == 3
    *locked, own = [" ".join(install.split()) for install in installs]
    assert not [install for install in locked if "--only-binary :all: --require-hashes" not in install]
    assert own.endswith("--no-deps --no-build-isolation --no-compile .")
