"""The command line as its user meets it: real processes, what they print where, and with which exit code they end."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from host_tools import cli

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("rich", "paho", "amqtt", "serial", "esptool", "mpremote")  # packages that --help must not wait for


def call(*words, env=None, stdin=subprocess.DEVNULL, timeout=20):
    """Run the command line as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "host_tools", *words], cwd=ROOT, env={**os.environ, **(env or {})}, stdin=stdin,
        capture_output=True, text=True, timeout=timeout)


def one_line(done, code):
    """What a failed call said: exactly one line, and no traceback."""
    assert done.returncode == code, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("meterbridge: "), done.stderr
    return lines[0]


def test_help_lists_every_command_with_a_line_and_the_exit_codes():
    done = call("--help")
    assert done.returncode == 0 and not done.stderr
    for name in cli.COMMANDS:
        assert re.search(rf"^  {name} +\w.{{15,}}$", done.stdout, re.MULTILINE), name
    for code in ("0", "1", "2", "3", "130"):
        assert re.search(rf"^  {code} +\w", done.stdout, re.MULTILINE), code


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_help_of_a_command_has_examples_and_exit_codes(name):
    done = call(name, "--help")
    assert done.returncode == 0
    examples = done.stdout.split("examples:")[1].split("exit codes:")[0]
    assert f"  meterbridge {name}" in examples
    assert re.search(r"^  130 ", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("words", [["--help"], *([name, "--help"] for name in cli.COMMANDS)])
def test_help_imports_nothing_heavy(words):
    probe = f"import sys; from host_tools.cli import main; main({words!r}); print('|', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, timeout=20)
    loaded = {name.partition(".")[0] for name in done.stdout.partition("|")[2].split()}
    assert "host_tools" in loaded and not loaded & set(HEAVY)


def test_version_is_the_projects():
    done = call("--version")
    written = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE).group(1)
    assert (done.returncode, done.stdout) == (0, f"meterbridge {written}\n")


def test_no_words_give_the_overview_and_a_usage_error():
    done = call()
    assert done.returncode == 2 and "commands:" in done.stderr and not done.stdout


def test_a_mistyped_command_is_answered_with_the_closest():
    assert "'lisen'; did you mean 'listen'?" in one_line(call("lisen"), 2)


def test_a_word_that_is_no_command_is_answered_with_all():
    assert ", ".join(cli.COMMANDS) in one_line(call("xyzzy"), 2)


def test_wrong_options_are_one_line():
    assert "--bogus" in one_line(call("listen", "mqtt://localhost", "--bogus"), 2)
    assert "--seconds" in one_line(call("run", "--seconds", "soon"), 2)


def test_a_reader_that_leaves_early_is_no_error():
    command = f"{sys.executable} -m host_tools run --help | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert done.stdout.splitlines()[-1] == "0" and not done.stderr


def test_a_missing_package_is_one_line_that_says_what_to_run(tmp_path):
    (tmp_path / "paho").mkdir()
    (tmp_path / "paho" / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'paho'\", name='paho')\n")
    done = call("listen", "mqtt://127.0.0.1", env={"PYTHONPATH": str(tmp_path)})
    assert "'paho' is missing; run 'make setup'" in one_line(done, 3)
