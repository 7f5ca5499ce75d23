"""The README's commands are run as they stand there; what they print holds the lines that the README shows."""

import json
import os
import pathlib
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.guards.sources import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [line.strip() for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.split("\n") if line.strip()]
# What cannot run inside a test: itself, and what needs a board at a serial port. Their words are checked below.
NOT_HERE = ("make test", "make bench", "make flash", "make deploy", "git clone", "cd ", "apt ", "sudo apt ")
RUNNABLE = [command for command in COMMANDS if not command.startswith(NOT_HERE)]
AT_ONCE = 4  # most of a run's time is waiting for a meter


def run(command: str, timeout: float = 180) -> subprocess.CompletedProcess:
    """One line of the README in a shell, as an owner would type it; a live screen ends by itself after some seconds."""
    binaries = str(ROOT / ".venv" / "bin")
    environment = dict(os.environ, RUN_ARGS="--plain --seconds 15", PATH=f"{binaries}{os.pathsep}{os.environ['PATH']}")
    environment.pop("MAKEFLAGS", None)
    environment.pop("MAKELEVEL", None)
    return subprocess.run(command, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout)


def test_readme_has_its_two_commands_on_the_first_screen():
    first = "\n".join(README.split("\n")[:40])
    assert "make run" in first and "make test" in first


@pytest.fixture(scope="module")
def runs():
    """command: the future of its end. All are under way at once, a few at a time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {command: pool.submit(run, command) for command in RUNNABLE}


@pytest.mark.parametrize("command", RUNNABLE)
def test_command_of_the_readme_runs(command, runs):
    done = runs[command].result()
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert done.stdout.strip()


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make ")])
def test_make_targets_of_the_readme_exist(command):
    done = subprocess.run(["make", "--dry-run", *command.split()[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_files_named_in_the_documents_exist():
    for document in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / pathlib.Path(target)).exists(), f"{document.name} links to {target}"


def test_settings_document_has_every_setting_with_its_default():
    from bridge.config.help import HELP
    from bridge.config.table import SETTINGS

    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = {row[1].strip(" `"): row[2].strip(" `") for row in (line.split("|") for line in text.split("\n")) if len(row) > 5}
    assert set(rows) - {"setting", "---"} == set(HELP) == {row[0] for row in SETTINGS}
    for row in SETTINGS:
        assert rows[row[0]] == json.dumps(row[1]), row[0]
        assert HELP[row[0]] in text, row[0]
