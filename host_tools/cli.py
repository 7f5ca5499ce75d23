"""The command line: words of the user in, one command run, an exit code out; trouble becomes one line on standard error."""

import argparse
import difflib
import importlib
import os
import re
import sys
from importlib import metadata
from types import ModuleType

from host_tools import runtime
from host_tools.errors import FAILED, INTERRUPTED, MISSING, OK, USAGE, UserError

PROG = "meterbridge"
# Each is host_tools/commands/<name>.py with HELP, EXAMPLES, add_arguments(parser), run(args) -> int.
COMMANDS = ("run", "simulate", "replay", "decode", "capture", "anonymise", "listen", "flash", "deploy", "configure", "doctor", "export", "erase", "unlock", "release", "update")
PURPOSE = "Bring a smart meter's readings to MQTT and HTTP: try the firmware on this machine, and care for real dongles."
EXIT_CODES = """exit codes:
  0    done
  1    it ran, and did not succeed
  2    the words of the call, or a file named in it, are not right
  3    something it needs is missing on this machine
  130  interrupted (Ctrl-C)"""
# What is part of the project; any other module that cannot be imported is a package that was not installed.
OWN_PACKAGES = ("host_tools", "bridge")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with a call in one line."""

    def error(self, message: str) -> None:
        raise UserError(f"{self.prog.partition(' ')[2]}: {message} (see {self.prog} --help)".lstrip(": "))


def version() -> str:
    """The project's version, from the working copy when there is one."""
    project = runtime.ROOT / "pyproject.toml"
    if runtime.IS_COPY:
        found = re.search(r'^version = "([^"]+)"', project.read_text(encoding="utf-8"), re.MULTILINE)
        if found:
            return found.group(1)
    return metadata.version(PROG)


def load(name: str) -> ModuleType:
    """The module of a command; only it is imported, so that no command waits for another's packages."""
    return importlib.import_module(f"host_tools.commands.{name}")


def overview() -> str:
    """The text of `meterbridge --help`."""
    width = max(len(name) for name in COMMANDS)
    phrases = {name: load(name).HELP.rstrip(".") for name in COMMANDS}
    rows = [f"  {name.ljust(width)}  {phrase[0].lower()}{phrase[1:]}" for name, phrase in phrases.items()]
    return "\n".join([
        f"usage: {PROG} COMMAND [options]", "", PURPOSE, "", "commands:", *rows, "",
        f"  {PROG} COMMAND --help   what it takes, with examples",
        f"  {PROG} --version", "", EXIT_CODES,
    ])


def make_parser(name: str, command: ModuleType) -> argparse.ArgumentParser:
    """The parser of one command, its help with examples and the exit codes."""
    examples = "\n".join("  " + line.strip() for line in command.EXAMPLES.strip().splitlines())
    parser = _Parser(
        prog=f"{PROG} {name}", description=command.HELP, epilog=f"examples:\n{examples}\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )
    command.add_arguments(parser)
    return parser


def unknown(name: str) -> UserError:
    """What to say about a command that does not exist."""
    close = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.5)
    hint = f"did you mean '{close[0]}'?" if close else f"there are: {', '.join(COMMANDS)}"
    return UserError(f"no command '{name}'; {hint}", USAGE)


def dispatch(argv: list[str]) -> int:
    """Run what the words ask for; UserError when they make no sense."""
    if not argv:
        print(overview(), file=sys.stderr)
        return USAGE
    name = argv[0]
    if name in ("-h", "--help", "help"):
        print(overview())
        return OK
    if name in ("-V", "--version"):
        print(f"{PROG} {version()}")
        return OK
    if name not in COMMANDS:
        raise unknown(name)
    command = load(name)
    return command.run(make_parser(name, command).parse_args(argv[1:]))


def _complain(message: str) -> None:
    print(f"{PROG}: {message}", file=sys.stderr, flush=True)


def _os_message(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


def main(argv: list[str] | None = None) -> int:
    """Run one command and give its exit code; set METERBRIDGE_DEBUG=1 to see where an error came from."""
    try:
        code = dispatch(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
        return code
    except SystemExit as stop:  # argparse, after --help
        return stop.code if isinstance(stop.code, int) else OK
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `meterbridge listen | head`: the reader has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except (UserError, OSError, ModuleNotFoundError) as error:
        return _report(error)


def _report(error: Exception) -> int:
    if os.environ.get("METERBRIDGE_DEBUG"):
        raise error
    if isinstance(error, UserError):
        _complain(str(error))
        return error.code
    if isinstance(error, OSError):
        _complain(_os_message(error))
        return FAILED
    if (error.name or "").partition(".")[0] in OWN_PACKAGES:
        raise error
    _complain(f"the Python package '{error.name}' is missing; run 'make setup' or 'pip install -r requirements.txt'")
    return MISSING
