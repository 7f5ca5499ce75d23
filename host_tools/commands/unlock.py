"""`meterbridge unlock`: a running dongle's serial port or address and the PIN of its meter in; the PIN entered by light, how it goes and what to do next out."""

import argparse
import getpass
import re
import sys

from host_tools import dongle_http, pin_words
from host_tools.errors import FAILED, INTERRUPTED, OK, USAGE, UserError

HELP = "enter a German meter's PIN by the light of a running dongle's head, and switch its InF on"
EXAMPLES = """
meterbridge unlock --port /dev/ttyUSB0
meterbridge unlock --port /dev/ttyUSB0 --status
meterbridge unlock --port /dev/ttyUSB0 --again
meterbridge unlock --port COM3 --pin-file pin.txt --again --yes
meterbridge unlock --port /dev/ttyUSB0 --next
meterbridge unlock --host 192.168.1.20 --token-file token.txt
"""
_ONE = ("status", "cancel", "next", "hold")
_ASKED = 3  # times for a PIN that is none
_READ = 64  # characters of a file: a PIN and the end of its line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `meterbridge unlock`. There is none for the PIN: it would stand in the list of processes and in the shell's history."""
    parser.add_argument("--port", help="serial port of the dongle, such as /dev/ttyUSB0 or COM3; it runs on meanwhile")
    dongle_http.add_arguments(parser)
    parser.add_argument("--pin-file", metavar="FILE", help="read the PIN from this file ('-': standard input, as without a terminal); else it is asked for")
    parser.add_argument("--again", action="store_true", help="although the last PIN failed; some meters lock for a time after several")
    parser.add_argument("--yes", action="store_true", help="ask nothing, and do not go through the meter's menu afterwards")
    parser.add_argument("--status", action="store_true", help="only tell how it stands; exit code 0 when the meter shows all it has")
    parser.add_argument("--cancel", action="store_true", help="only end what is under way")
    parser.add_argument("--next", action="store_true", help="only a short press in the meter's menu, which is open for two minutes after each")
    parser.add_argument("--hold", action="store_true", help=f"only a long press: right if the display says {pin_words.COMPARE}")


def run(args: argparse.Namespace) -> int:
    """Asks, has it done, follows it; OK when the meter shows all it has."""
    from host_tools.dongle_console import Console
    from host_tools.pin_session import Screen, Session

    _check(args)
    pin = _given(args)
    with dongle_http.connect(args) if args.host else Console(args.port) as console:
        session = Session(console, Screen())
        hello = console.hello
        session.screen.say(f"{console.port}: {hello.get('id')}, meterbridge {hello['version']} on {hello.get('board')}")
        for word in _ONE:
            if getattr(args, word):
                return _one(session, word, args)
        try:
            return _whole(session, args, pin)
        except KeyboardInterrupt:
            return _interrupted(session)
        finally:
            session.screen.clear()


def _check(args: argparse.Namespace) -> None:
    if args.port and args.host:
        raise UserError("give --port or --host, not both", USAGE)
    if not args.port and not args.host:
        from host_tools.device import ports

        raise UserError(f"--port is missing (or --host ADDRESS of a dongle in your network); this computer has: {', '.join(ports()) or 'none with a board'}", USAGE)
    if sum(getattr(args, word) for word in _ONE) > 1:
        raise UserError(f"one at a time: {', '.join('--' + word for word in _ONE)}", USAGE)
    if (args.again or args.hold) and not args.yes and not sys.stdin.isatty():
        raise UserError(f"nobody is there to be asked: give --yes too if {'--hold' if args.hold else '--again'} is meant", USAGE)


def _one(session, word: str, args: argparse.Namespace) -> int:
    """One request of a script."""
    pin = session.status()  # where there is no meter, or no light, it ends here
    if word == "status":
        if pin["phase"]:
            left = f" ({pin['left_s']} s)" if pin.get("left_s") else ""
            print(pin_words.PHASES.get(pin["phase"], pin["phase"]) + left)
        _tell(*pin_words.state(pin))
        return OK if pin["state"] == "entered" else FAILED
    question = f"Does the meter's display say {pin_words.COMPARE} ({pin_words.ERASES})?"
    if word == "hold" and not args.yes and not _agreed(question):
        print("nothing was held")
        return FAILED
    said = session.ask(word)
    print(said or "the dongle did not answer: look at --status")
    return FAILED if not said or said.startswith("refused") or "nothing" in said else OK


# the PIN --------------------------------------------------------------------------------------------------------------


def _given(args: argparse.Namespace) -> str | None:
    """The PIN of a file or of standard input, None when it is to be asked for or not needed."""
    if any(getattr(args, word) for word in _ONE) or (not args.pin_file and sys.stdin.isatty()):
        return None
    if args.pin_file in (None, "-"):
        where, text = "standard input", sys.stdin.readline(_READ)
    else:
        with open(args.pin_file, encoding="utf-8", errors="replace") as file:
            where, text = args.pin_file, file.read(_READ)
    if not _is_pin(text.strip()):
        raise UserError(f"{where} gives no PIN: it must be four digits on a line, as 0123", USAGE)
    return text.strip()


def _is_pin(text: str) -> bool:
    return re.fullmatch("[0-9]{4}", text) is not None


def _asked() -> str:
    for _ in range(_ASKED):
        try:
            text = getpass.getpass("PIN of the meter, four digits (they are not shown): ").strip()
        except EOFError:
            print()
            break
        if _is_pin(text):
            return text
        print("That is no PIN: four digits, as in the letter of the meter's operator.")
    raise UserError("no PIN, nothing was done", USAGE)


def _agreed(question: str) -> bool:
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False


# the whole way --------------------------------------------------------------------------------------------------------


def _whole(session, args: argparse.Namespace, given: str | None) -> int:
    pin = session.status()
    if pin["phase"]:
        session.screen.say("A session is under way at the dongle already; this follows it. Ctrl-C cancels it.")
    elif pin["state"] == "entered":
        return _tell(*pin_words.result("installation?" if pin["reason"] == "installation?" else "already_unlocked"))
    else:
        _enter(session, args, pin, given)
    pin = session.follow()
    if pin["phase"] == "keeping":
        return _tell(True, pin_words.TAKEN, "The dongle keeps it unlocked by a flash each 100 s, and the PIN in its memory for that; --cancel ends it.")
    if pin["phase"] != "open":
        return _tell(*pin_words.result(pin["result"]))
    if not sys.stdin.isatty() or args.yes:
        return _tell(True, pin_words.TAKEN, pin_words.FALLS + " To switch that: --next and --hold.")
    session.screen.say(pin_words.TAKEN + "\n" + pin_words.FALLS)
    from host_tools.terminal_keys import Keys

    with Keys() as keys:
        session.steps(keys)
    return _tell(*pin_words.result(session.prove()["result"]))


def _enter(session, args: argparse.Namespace, pin: dict, given: str | None) -> None:
    """Has a PIN entered, after the questions that it takes."""
    _tell(*pin_words.state(pin))
    again = args.again
    if again or pin["state"] == "failed":
        _make_sure(args)
        again = True
    entered = given or _asked()
    said = session.ask(entered + (" again" if again else ""))
    if "'again'" in said:  # pulses were broken off earlier, which the state does not say
        _make_sure(args)
        said = session.ask(entered + " again")
    while rest := re.search(r"rest first \((\d+) s\)", said):
        session.rest(int(rest[1]) + 1)
        said = session.ask(entered + " again")
    if said.startswith("refused"):
        raise UserError(f"{session.console.port}: {said}", FAILED)
    if not said and not session.status()["phase"]:
        raise UserError(f"{session.console.port}: the dongle did not take the PIN; run the same command again", FAILED)
    session.screen.say("The dongle has the PIN. Leave the head where it is; Ctrl-C cancels.")


def _make_sure(args: argparse.Namespace) -> None:
    """A second try is the owner's choice."""
    if args.again and args.yes:
        return
    if not sys.stdin.isatty():
        raise UserError(f"{pin_words.AGAIN}; then give --again --yes", FAILED)
    print(pin_words.AGAIN[0].upper() + pin_words.AGAIN[1:] + ".")
    if not _agreed("Try once more?"):
        raise UserError("nothing was done", FAILED)


def _interrupted(session) -> int:
    session.screen.clear()
    print()
    try:
        if not session.status()["phase"]:
            print("nothing is under way at the dongle")
            return INTERRUPTED
        done = session.cancel()
    except UserError as error:
        done = False
        print(f"meterbridge: {error}", file=sys.stderr)
    print("cancelled at the dongle, its light is dark" if done else "the dongle did not confirm that it is cancelled: pull its plug if its light still shines")
    return INTERRUPTED


def _tell(well: bool, what: str, todo: str) -> int:
    print(what)
    if todo:
        print(todo)
    return OK if well else FAILED
