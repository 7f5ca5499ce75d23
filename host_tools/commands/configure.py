"""`meterbridge configure`: a dongle's serial port or address and settings from words, files, a QR code or answers in; the settings on the dongle out."""

import argparse
import os
import sys
from pathlib import Path

from host_tools import dongle_http
from host_tools.errors import FAILED, INTERRUPTED, OK, USAGE, UserError
from host_tools.settings import table

HELP = "set up a dongle: its Wi-Fi, its meter's key, where readings go; save its settings to a file and bring them back"
EXAMPLES = """
meterbridge configure --port /dev/ttyUSB0                      asks for the few things that it needs
meterbridge configure --port COM3 --show                       what is set; of a secret only whether
meterbridge configure --set mqtt_url=mqtt://192.168.1.10 --set mqtt_user=meter --set mqtt_password
meterbridge configure --set wifi_password=@password.txt        a secret from a file; without =, it is asked for
meterbridge configure --qr 'WIFI:S:my network;T:WPA;P:my password;;'
meterbridge configure --config my-config.json                  all that the file names
meterbridge configure --export kept.json --with-secrets        asks for a passphrase
meterbridge configure --import kept.json
meterbridge configure --undo                                   back to the settings with which it last ran well
meterbridge configure --host 192.168.1.20 --token-file token.txt --set device_name=Cellar
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `meterbridge configure`."""
    parser.add_argument("--port", help="serial port of the dongle, such as /dev/ttyUSB0 or COM3 (default: the only one)")
    dongle_http.add_arguments(parser)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="words", help="one setting; a secret as NAME (asked for, unseen), NAME=@FILE or NAME=- (a line of standard input)")
    parser.add_argument("--unset", action="append", default=[], metavar="NAME", help="back to the default")
    parser.add_argument("--config", metavar="FILE", help="settings as JSON; what it does not name stays as it is")
    parser.add_argument("--qr", metavar="TEXT", help="the text of a Wi-Fi QR code; - for a line of standard input")
    parser.add_argument("--import", metavar="FILE", dest="imported", help="settings that --export wrote; secrets that it leaves out stay as they are")
    parser.add_argument("--export", metavar="FILE", help="write the settings to a file, - for standard output; secrets are left out and named")
    parser.add_argument("--with-secrets", action="store_true", help="with --export: secrets too, encrypted with a passphrase that is asked for")
    parser.add_argument("--plain-secrets", action="store_true", help="with --export: secrets too, as plain text")
    parser.add_argument("--passphrase-file", metavar="FILE", help="the passphrase is the first line of this file")
    parser.add_argument("--undo", action="store_true", help="back to the settings with which the dongle last ran well")
    parser.add_argument("--show", action="store_true", help="say what is set")
    parser.add_argument("--dry-run", action="store_true", help="say what would change, change nothing")
    parser.add_argument("--words-are-safe", action="store_true", help="take NAME=VALUE of a secret too, which other programs on this computer may see")
    parser.add_argument("--force", action="store_true", help="overwrite the file of --export")


def run(args: argparse.Namespace) -> int:
    """Collects what shall change, asks the dongle what it has, changes it."""
    given = [name for name in ("words", "unset", "config", "qr", "imported") if getattr(args, name) not in (None, [])]
    _check(args, given)
    if not (given or args.show or args.export or args.undo):
        return _ask(args)
    if args.qr is not None and not args.qr.strip():
        raise UserError("--qr is empty: give the QR code's text, such as WIFI:S:my network;T:WPA;P:my password;;")
    changes, files = _collect(args) if given else ({}, {})
    passphrase = _passphrase(args, new=True) if args.export and args.with_secrets else ""
    with _open(args) as dongle:
        _say(dongle.notes)
        if args.show:
            show(dongle.values)
        elif args.export:
            _export(dongle, args, passphrase)
        else:
            return _change(dongle, _undo(dongle) if args.undo else changes, files, args.dry_run)
    return OK


def _check(args: argparse.Namespace, given: list[str]) -> None:
    """Refuses a call that makes no sense."""
    doing = [name for name, wanted in (("settings", given), ("--show", args.show), ("--export", args.export), ("--undo", args.undo)) if wanted]
    if len(doing) > 1:
        raise UserError(f"{' and '.join(doing)} do not go together: one after the other", USAGE)
    if (args.with_secrets or args.plain_secrets) and not args.export:
        raise UserError("--with-secrets and --plain-secrets go with --export FILE", USAGE)
    if args.port and args.host:
        raise UserError("give --port or --host, not both", USAGE)
    if args.host:
        dongle_http.address_of(args.host)
    if args.host and (args.with_secrets or args.plain_secrets):
        raise UserError("secrets leave a dongle by its serial port alone: use the cable, and --port instead of --host", USAGE)
    if args.with_secrets and args.plain_secrets:
        raise UserError("--with-secrets encrypts them, --plain-secrets does not: give one", USAGE)
    if args.export and args.export != "-" and Path(args.export).exists() and not args.force:
        raise UserError(f"{args.export} is there already; give --force to overwrite it, or another name", USAGE)
    if args.export == "-" and args.plain_secrets:
        raise UserError("secrets are not written to a screen: give --export a file", USAGE)


def _open(args: argparse.Namespace):
    """The dongle, as settings/on_port.py describes what is asked of it."""
    if args.host:
        from host_tools.settings.on_network import NetworkSettings

        args.reached = getattr(args, "reached", None) or dongle_http.connect(args)  # the token is asked for once
        return NetworkSettings(args.reached)
    from host_tools.device import ports
    from host_tools.settings.on_port import PortSettings

    if args.port:
        return PortSettings(args.port)
    found = ports()
    if len(found) != 1:
        raise UserError(f"--port is missing (or --host ADDRESS of one in your network); this computer has: {', '.join(found) or 'none with a board; is it plugged in?'}")
    print(f"{found[0]} is the only port with a board", file=sys.stderr)
    return PortSettings(found[0])


# what shall change ----------------------------------------------------------------------------------------------------


def _collect(args: argparse.Namespace) -> tuple[dict, dict[str, bytes]]:
    """(changes by name, None: back to the default; files that they name). All is held to the table before a dongle is touched."""
    from host_tools.settings import qr_text

    changes: dict = {}
    files: dict[str, bytes] = {}
    if args.imported:
        changes |= _import(args)
    if args.config:
        path = Path(args.config)
        named = table.must_be_good(table.read_file(path), args.config)
        files = table.certificates(named, path.parent)
        changes |= named
    if args.qr:
        text = sys.stdin.readline() if args.qr == "-" else args.qr
        changes |= table.must_be_good(qr_text.parse(text), "the QR code's text")
    for name in args.unset:
        table.must_exist(name)
        changes[name] = None
    return changes | table.must_be_good(dict(_pair(words, args.words_are_safe) for words in args.words), "--set"), files


def _pair(words: str, safe: bool) -> tuple[str, object]:
    """Name and value of NAME=VALUE; of a secret, from where it does not stand among the words of the call."""
    from host_tools.settings.dialogue import secret
    from host_tools.settings.examples import example

    name, equals, value = words.partition("=")
    name = name.strip()
    table.must_exist(name)
    if not table.is_secret(name):
        if not equals:
            raise UserError(f"--set {name}: the value is missing; a good example: --set '{name}={example(name)}'")
        return name, table.from_words(name, value)
    if not equals:
        return name, secret(name, f"{name} (not shown): ")
    if value == "-":
        return name, secret(name, "")
    if value.startswith("@"):
        return name, _first_line(value[1:], name)
    if value and not safe:
        raise UserError(f"--set {name}=...: other programs on this computer can read the words of a call; give --set {name} and it is asked for, or {name}=@FILE (--words-are-safe takes it so)")
    return name, value


def _first_line(path: str, what: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig").split("\n")[0].rstrip("\r")
    except UnicodeDecodeError as error:
        raise UserError(f"{what}: {path} is no text in UTF-8") from error


def _import(args: argparse.Namespace) -> dict:
    from host_tools.settings import backup

    path = Path(args.imported)
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    document = backup.read(path.read_bytes(), str(path))
    passphrase = _passphrase(args, new=False) if backup.is_sealed(document) else ""
    found = backup.values(document, str(path), passphrase)
    left = [name for name in document.get("left_out", []) if isinstance(name, str) and table.is_secret(name)]
    if left:
        print(f"note: not in the file, so the dongle keeps what it has of: {', '.join(left)}", file=sys.stderr)
    return found


def _passphrase(args: argparse.Namespace, new: bool) -> str:
    from host_tools.settings import backup, dialogue

    if args.passphrase_file:
        found = _first_line(args.passphrase_file, "the passphrase")
        if new and len(found) < backup.MIN_PASSPHRASE:
            raise UserError(f"{args.passphrase_file}: a passphrase has at least {backup.MIN_PASSPHRASE} characters")
        return found
    return dialogue.new_passphrase() if new else dialogue.secret("the passphrase", "passphrase of the file (not shown): ")


def _undo(dongle) -> dict:
    good = dongle.undo()
    if good is None:
        raise UserError(f"{dongle.where}: the dongle keeps no settings with which it ran well", FAILED)
    if not dongle.gives_secrets:
        print("note: passwords and keys come back as they were too; over the network it is not told whether they differ", file=sys.stderr)
    return {name: good.get(name) for name in {**dongle.values, **good}}


# what is done with it -------------------------------------------------------------------------------------------------


def _change(dongle, changes: dict, files: dict[str, bytes], dry: bool) -> int:
    """Saves what differs from what the dongle has, and says what that is."""
    defaults = {name: row[1] for name, row in table.rows().items()}
    now = defaults | dongle.values
    then = {name: defaults.get(name) if value is None else value for name, value in changes.items()}
    differ = {name: None if then[name] == defaults.get(name) else then[name] for name in then if then[name] != now.get(name)}
    for name in sorted(differ):
        before, after = now.get(name), then[name]
        word = (" (another)" if dongle.gives_secrets else " (anew)") if table.is_secret(name) and before and after else ""
        print(f"  {name}: {table.shown(name, before)} -> {table.shown(name, after)}{word}")
    for name in files:
        print(f"  file {name}, {len(files[name])} bytes")
    if not differ and not files and not dongle.damaged:
        print(f"{dongle.where}: all of this is set already; nothing was changed")
        return OK
    if dry:
        print("nothing was changed")
        return OK
    for name, data in files.items():
        dongle.write(name, data)
    if differ or dongle.damaged:
        dongle.save(differ)
    print(f"{dongle.where}: saved; the dongle starts again with it")
    return OK


def _export(dongle, args: argparse.Namespace, passphrase: str) -> None:
    from host_tools.settings import backup

    how = backup.SEALED if args.with_secrets else backup.PLAIN if args.plain_secrets else backup.LEFT_OUT
    text = backup.to_text(dongle.values, dongle.device, how, passphrase)
    if args.export == "-":
        sys.stdout.write(text)
    else:
        passing = Path(f"{args.export}.part")  # nothing half written bears the name
        passing.unlink(missing_ok=True)
        with open(os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        passing.replace(args.export)
    hidden = [name for name in table.secrets() if dongle.values.get(name)]
    told = {backup.LEFT_OUT: "left out, secrets", backup.SEALED: "encrypted", backup.PLAIN: "as PLAIN TEXT, keep the file safe"}[how]
    print(f"{dongle.where}: settings exported" + (f"; {told}: {', '.join(hidden)}" if hidden else "; no secret is set"), file=sys.stderr)


def show(values: dict) -> None:
    """What is set, and how many are at their defaults."""
    table_rows = table.rows()
    named = {name: value for name, value in values.items() if name not in table_rows or value != table_rows[name][1]}
    width = max(map(len, named), default=0)
    for name in sorted(named):
        print(f"{name.ljust(width)}  {table.shown(name, named[name])}")
    print(f"{len(named)} settings are set, {len(set(table_rows) - set(named))} are at their defaults (docs/settings.md lists them)")
    told = {name: value for name, value in named.items() if value is not True or not table.is_secret(name)}  # over the network, of a secret only that it is set
    _say(problem for problem in table.checked(told)[1])


def _say(notes) -> None:
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


def _ask(args: argparse.Namespace) -> int:
    """The dialogue. The dongle runs while somebody thinks."""
    from host_tools.settings import dialogue

    if not sys.stdin.isatty():
        raise UserError("what shall be set? There is no terminal to ask at: give --set NAME=VALUE, --config FILE, --qr TEXT or --import FILE", USAGE)
    with _open(args) as dongle:
        values, where = dongle.values, dongle.where
        print(f"{where}: {dongle.device or 'a board'}")
        _say(dongle.notes)
    show(values)
    try:
        changes = dialogue.Dialogue(values).run()
        print()
        if not changes:
            print("nothing was changed")
            return OK
        for name in changes:
            print(f"  {name}: {table.shown(name, table.rows()[name][1] if changes[name] is None else changes[name])}")
        if not dialogue.confirm("Save this?"):
            print("nothing was changed")
            return FAILED
    except (KeyboardInterrupt, EOFError):
        print("\nnothing was changed")
        return INTERRUPTED
    if not args.host:
        args.port = where
    with _open(args) as dongle:
        return _change(dongle, changes, {}, args.dry_run)
