"""The documentation tells everything: commands, settings, words, decisions; and the project speaks of itself alone."""

from __future__ import annotations

import importlib
import re
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from mlreef.cli.app import application

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ["forge", "management", "registry", "runner"]


def commands() -> list[str]:
    found = []

    def walk(command: object, path: tuple[str, ...]) -> None:
        children = getattr(command, "commands", None)
        if children is None:
            found.append(" ".join(path))
            return
        for name, child in children.items():
            walk(child, (*path, name))

    walk(get_command(application()), ("mlreef",))
    return found


@pytest.mark.parametrize("command", commands())
def test_every_command_is_documented(command: str) -> None:
    assert f"`{command}" in (ROOT / "docs/cli.md").read_text()


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_is_documented(service: str) -> None:
    settings = importlib.import_module(f"mlreef.{service}").Settings
    text = (ROOT / "docs/settings.md").read_text()
    prefix = settings.model_config["env_prefix"]
    missing = [name for name in settings.model_fields if f"`{prefix}{name.upper()}`" not in text]
    assert not missing


def test_every_command_explains_itself() -> None:
    walked = [get_command(application())]
    while walked:
        command = walked.pop()
        assert command.help or command.short_help, command.name
        walked += list(getattr(command, "commands", {}).values())


def test_relative_links_in_the_documentation_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    links = [(page, target) for page in pages for target in re.findall(r"\]\(([^)#\s]+)", page.read_text())]
    broken = [link for link in links if "://" not in link[1] and not (link[0].parent / link[1]).exists()]
    assert not broken


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs/decisions").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_no_file_tells_of_its_making() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    words = re.compile(r"/work/(main|shared|brief)|\bTODO\b|\bFIXME\b", re.IGNORECASE)
    mine = {"tests/meta/test_docs.py", "uv.lock"}
    texts = (name for name in tracked if name.endswith((".py", ".md", ".ts", ".tsx", ".toml", ".yaml", ".yml", ".sh")))
    assert not [name for name in texts if name not in mine and words.search((ROOT / name).read_text())]
