"""What a hosting service reads: workflows, forms, and the links between documents."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = {path.name: yaml.safe_load(path.read_text()) for path in sorted((ROOT / ".github/workflows").glob("*.yml"))}
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"(?m)^([a-z-]+):", MAKEFILE))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def steps(workflow: str) -> list[dict[str, Any]]:
    return [step for job in WORKFLOWS[workflow]["jobs"].values() for step in job["steps"]]


def commands() -> list[str]:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    return [step["run"] for step in steps("ci.yml") if "run" in step] + [hook["entry"] for hook in hooks]


@pytest.mark.parametrize("command", commands())
def test_workflows_and_hooks_call_what_everybody_can_call(command: str) -> None:
    program, *words = command.split()
    if program == "bash":
        assert words == [".ci/run"]
        return
    assert program == "make"
    assert {word for word in words if "=" not in word} <= TARGETS


def test_ci_tries_every_python_that_the_package_says_it_runs_on() -> None:
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    said = re.findall(r"Programming Language :: Python :: (3\.\d+)", "\n".join(classifiers))
    assert WORKFLOWS["ci.yml"]["jobs"]["tests"]["strategy"]["matrix"]["python"] == said


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_actions_are_pinned_to_a_commit(workflow: str) -> None:
    text = (ROOT / ".github/workflows" / workflow).read_text()
    used = re.findall(r"(?m)^\s*- uses: (.+)$", text)
    assert used
    assert not [line for line in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)]


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_a_workflow_may_read_and_a_job_may_write_only_what_it_is_for(workflow: str) -> None:
    assert WORKFLOWS[workflow]["permissions"] == {"contents": "read"}
    writing = {
        name: {right for right, level in job["permissions"].items() if level == "write"}
        for name, job in WORKFLOWS[workflow]["jobs"].items()
        if "permissions" in job
    }
    expected = {"ci.yml": {"publish": {"packages"}}, "lock.yml": {"lock": {"contents", "pull-requests"}}}
    assert writing == expected[workflow]


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_nothing_that_others_write_becomes_a_part_of_a_command(workflow: str) -> None:
    assert not [step["run"] for step in steps(workflow) if "${{" in step.get("run", "")]


def test_an_image_is_published_with_a_tag_only_and_with_what_is_in_it() -> None:
    publish = WORKFLOWS["ci.yml"]["jobs"]["publish"]
    assert publish["if"].startswith("startsWith(github.ref, 'refs/tags/v')")
    assert set(publish["needs"]) == set(WORKFLOWS["ci.yml"]["jobs"]) - {"publish"}
    options = publish["steps"][-1]["with"]
    assert (options["push"], options["sbom"], options["provenance"]) == (True, True, "mode=max")


@pytest.mark.parametrize("form", ["bug", "feature"])
def test_a_form_asks_for_what_has_to_be_known(form: str) -> None:
    body = yaml.safe_load((ROOT / f".github/ISSUE_TEMPLATE/{form}.yml").read_text())["body"]
    asked = [item for item in body if item["type"] != "markdown"]
    assert len({item["id"] for item in asked}) == len(asked)
    assert any(item.get("validations", {}).get("required") for item in asked)


def test_who_found_a_hole_is_sent_elsewhere() -> None:
    assert (ROOT / "SECURITY.md").exists()
    assert "SECURITY.md" in (ROOT / ".github/ISSUE_TEMPLATE/bug.yml").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    """Also those to a heading, by the name that renderers give it."""
    text = re.sub(r"(?s)```.*?```", "", page.read_text())
    wrong = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, heading = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (heading and heading not in headings(target)):
            wrong.append(link)
    assert wrong == []


def headings(page: Path) -> set[str]:
    titles = re.findall(r"(?m)^#+ (.+)$", page.read_text())
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
