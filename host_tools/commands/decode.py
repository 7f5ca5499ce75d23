"""`meterbridge decode`: a capture of a meter's port in, its telegrams out, by the firmware's own code.

It runs on MicroPython; where there is none (Windows, Linux on arm64), this Python runs the same code, and finds the same.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

from host_tools import runtime
from host_tools.errors import FAILED, OK, USAGE, UserError

HELP = "Decode a captured byte stream with the firmware's own framing and decoding."
EXAMPLES = """
meterbridge decode capture.bin              a table per telegram
meterbridge decode --json capture.bin       one JSON object per telegram, a summary last
cat /dev/ttyUSB0 | meterbridge decode -     what arrives on standard input
meterbridge decode --protocol sml head.bin  only this protocol
meterbridge decode --key 0001..0f port.bin  of a meter that encrypts, with the key that the grid operator gave
"""
PROTOCOLS = {
    "auto": "finds out",
    "p1": "P1 port, text",
    "sml": "German meters, binary",
    "d0": "IEC 62056-21, text",
    "hdlc": "DLMS in HDLC frames",
    "mbus": "DLMS in M-Bus frames",
    "dlms": "DLMS without frames, encrypted P1",
    "amis": "Siemens AMIS of Netz Oberösterreich",
}
TEXT_PROTOCOLS = ("p1", "d0")  # whose values without a unit are text; those of others are octets in hex
REFUSALS = {
    "key_missing": "they are encrypted: give the key with --key, 32 hex digits that the grid operator hands out",
    "key_wrong": "they are encrypted and the key of --key does not open them: compare it with what the grid operator gave; a new meter has a new key",
    "tag_wrong": "the key of --key opens them, but the key of --auth-key does not prove them genuine: correct it, or leave --auth-key away",
    "length": "encrypted telegrams are cut: bytes were lost",
    "cipher_unknown": "they are encrypted in a way that is not known",
    "s1": "this is what the Belgian S1 port sends, raw waveforms at 2 Mbaud: read the port marked P1 instead",
}
CHUNK_BYTES = 65536
SLOW_BYTES = 1 << 20  # a file from this size on shows its progress
SCRIPT = runtime.TOOLS / "on_micropython" / "decode.py"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="captured bytes; - for standard input")
    parser.add_argument("--json", action="store_true", help="one JSON object per telegram, then a summary")
    # Not `choices`: a protocol of a later version gets a sentence of its own.
    parser.add_argument("--protocol", default="auto", metavar="NAME", help="; ".join(f"{name}: {what}" for name, what in PROTOCOLS.items()))
    parser.add_argument("--key", metavar="HEX", help="encryption key of the meter, 32 hex digits, spaces and colons allowed")
    parser.add_argument("--auth-key", metavar="HEX", help="authentication key, where the operator gave two: telegrams are then proved genuine")


def run(args: argparse.Namespace) -> int:
    """Decodes; OK when there was a telegram, FAILED when there was none."""
    if args.protocol not in PROTOCOLS:
        raise UserError(f"--protocol {args.protocol}: there are {', '.join(PROTOCOLS)}", USAGE)
    keys = [key.hex() if key else "" for key in both_keys(args)]
    size = check_file(args.file)
    with open_source(args.file) as source:
        return decode(source, size, args.protocol, args.json, keys)


def both_keys(args: argparse.Namespace) -> tuple[bytes | None, bytes | None]:
    """The keys of --key and --auth-key as a person pastes them. Raises UserError for what cannot be one."""
    runtime.firmware_importable()
    from bridge.config.rules import parse_key

    found: list[bytes | None] = []
    for option, value in (("--key", args.key), ("--auth-key", args.auth_key)):
        try:
            found.append(None if value is None else parse_key(value))
        except ValueError as error:
            raise UserError(f"{option}: {error}", USAGE) from error
    if found[1] and not found[0]:
        raise UserError("--auth-key proves what --key opens: give both", USAGE)
    return found[0], found[1]


def check_file(name: str) -> int:
    """Size of the file in bytes, 0 when it is a stream; UserError when there is nothing to read."""
    if name == "-":
        return 0
    path = Path(name)
    if path.is_dir():
        raise UserError(f"{name} is a folder: name a file of captured bytes", USAGE)
    if not path.exists():
        raise UserError(f"{name}: no such file", USAGE)
    if not os.access(path, os.R_OK):
        raise UserError(f"{name}: no permission to read it", USAGE)
    if path.is_file() and not path.stat().st_size:
        raise UserError(f"{name} is empty: nothing was captured", FAILED)
    return path.stat().st_size if path.is_file() else 0


def open_source(name: str):
    """The bytes, as a file object that gives what is there without waiting for more."""
    return open(0 if name == "-" else name, "rb", buffering=0, closefd=name != "-")


def decode(source, size: int, protocol: str, as_json: bool, keys: list) -> int:
    """Runs the firmware's code over `source` and prints what it finds."""
    if runtime.has_micropython():
        interpreter = [runtime.find_micropython(), "-X", "heapsize=4m"]
        environment = {"MICROPYPATH": f"{runtime.FIRMWARE}:.frozen"}
    else:
        interpreter = [sys.executable, "-u"]
        environment = {"PYTHONPATH": os.pathsep.join(map(str, (runtime.TOOLS / "cpython_shim", runtime.FIRMWARE))), "PYTHONUTF8": "1"}
    command = [*interpreter, str(SCRIPT), "-", protocol, *keys]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **environment})
    feeder = Feeder(source, size, child.stdin)
    feeder.start()
    printer = print_json if as_json else Table()
    summary = None
    unexpected = []
    try:
        for raw in child.stdout:
            line = raw.decode("utf-8", "replace").rstrip("\r\n")
            if not line.startswith("{"):
                unexpected.append(line)  # a traceback: MicroPython prints it here
                continue
            if line.startswith('{"summary"'):
                feeder.clear_progress()
                summary = json.loads(line)["summary"]
            printer(line)
    finally:
        child.stdout.close()
        if summary is None:
            child.kill()
        child.wait()
    if summary is None:
        raise UserError(f"decoding stopped: {unexpected[-1] if unexpected else 'it ended with code %d' % child.returncode}", FAILED)
    if not summary["telegrams"]:
        print("meterbridge: " + hint(feeder.fed, summary), file=sys.stderr)
        return FAILED
    return OK


class Feeder(threading.Thread):
    """Copies a source into a process and shows how far it is, where somebody watches."""

    def __init__(self, source, size: int, sink):
        super().__init__(daemon=True)
        self._source = source
        self._sink = sink
        self._size = size
        self._shown = False
        self._progress = size >= SLOW_BYTES and sys.stderr.isatty()
        self.fed = 0

    def run(self) -> None:
        try:
            while block := self._source.read(CHUNK_BYTES):
                self._sink.write(block)
                self._sink.flush()
                self.fed += len(block)
                if self._progress:
                    self._shown = True
                    print(f"\r{self.fed * 100 // self._size:3d} % of {self._size / 1e6:.1f} MB", end="", file=sys.stderr, flush=True)
        except BrokenPipeError:
            pass  # the decoder ended; the main thread says why
        finally:
            try:
                self._sink.close()
            except BrokenPipeError:
                pass

    def clear_progress(self) -> None:
        if self._shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
            self._shown = False


def print_json(line: str) -> None:
    print(line, flush=True)


def hint(fed: int, summary: dict) -> str:
    """What to say when no telegram came out."""
    if not fed:
        return "no telegram: the input was empty"
    if summary["problem"] in REFUSALS:
        return "no telegram could be read: " + REFUSALS[summary["problem"]]
    if summary["undecodable"]:
        return f"no telegram could be decoded: {summary['undecodable']} arrived whole but their contents make no sense"
    if summary["crc_errors"]:
        return (
            f"no good telegram: {summary['crc_errors']} with a wrong checksum in {fed} bytes. "
            "Bytes were lost or changed: check the wiring, the line settings, and that the capture is binary"
        )
    if summary["oversize"] and summary["noise_bytes"] < fed // 2:
        return f"no telegram: a start without an end in {fed} bytes"
    return (
        f"no telegram in {fed} bytes: neither text of a P1 or D0 port (/ABC5.. to !), nor SML (1B1B1B1B 01010101 ..), nor DLMS (7E A., 68 .. 68, DB 08 ..). "
        "Wrong baud rate, parity or polarity look like this; a hex dump must be turned into bytes first"
    )


def octets(value: str) -> str:
    """Octets in hex, with what they say behind where that is text."""
    try:
        text = bytes.fromhex(value).decode("ascii")
    except ValueError:
        return value
    return f'{value}  "{text}"' if text.isprintable() and len(text) > 2 else value


class Table:
    """Prints telegrams for people: a heading each, one line per register, then the reading."""

    def __init__(self):
        self._count = 0

    def __call__(self, line: str) -> None:
        row = json.loads(line, parse_float=str, parse_int=str)
        if "summary" in row:
            print(self.summary(row["summary"]))
            return
        self._count += 1
        print(f"telegram {self._count}, {row['protocol'].upper()}" + (f", {row['security']}" if "security" in row else ""))
        registers = row["registers"]
        width = max((len(r["obis"]) for r in registers), default=0)
        digits = max((len(r["value"]) for r in registers if r.get("unit")), default=0)
        for register in registers:
            if row["protocol"] not in TEXT_PROTOCOLS and "unit" not in register:
                register["value"] = octets(register["value"])
            print("  " + self.register(register, width, digits))
        if row["reading"]:
            peaks = row["reading"].pop("month_peaks", ())
            print("  reading: " + ", ".join(f"{name} {value}" for name, value in row["reading"].items() if value is not None))
            if peaks:
                print("  month peaks: " + ", ".join(f"{peak['month']} {peak['power_w']} W" for peak in peaks))
        print(flush=True)

    @staticmethod
    def register(register: dict, width: int, digits: int) -> str:
        value = "".join(letter if letter.isprintable() else "." for letter in register["value"])
        unit = register.get("unit", "")
        text = f"{register['obis']:<{width}}  {value:>{digits}} {unit}" if unit else f"{register['obis']:<{width}}  {value}"
        return f"{text}  at {register['time']}" if "time" in register else text.rstrip()

    @staticmethod
    def summary(summary: dict) -> str:
        rest = [f"{summary[name]} {label}" for name, label in (
            ("crc_errors", "with a wrong checksum"), ("oversize", "too long"), ("undecodable", "undecodable"), ("noise_bytes", "bytes of noise"),
        ) if summary[name] != "0"]  # fmt: skip
        good = summary["telegrams"]
        return f"{good} good telegram{'' if good == '1' else 's'}" + (", " + ", ".join(rest) if rest else "")
