"""What the commands `simulate` and `replay` share: the words that say where a meter is put in; its wire, and what a person is told, out."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Callable, Iterable

from host_tools.errors import INTERRUPTED, OK
from host_tools.meters.faults import Faults
from host_tools.meters.line import Line
from host_tools.meters.play import Telegram, play
from host_tools.wire import PtyWire, TcpWire, Wire


def add_wire_arguments(parser: argparse.ArgumentParser) -> None:
    """--tcp and --speed."""
    parser.add_argument("--tcp", type=int, metavar="PORT", help="on this TCP port of 127.0.0.1 (0: any free one), not on a pty")
    parser.add_argument("--speed", type=float, default=1.0, metavar="N", help="times as fast as the real line and clock (default 1)")


def open_wire(line: Line, args: argparse.Namespace) -> Wire:
    """A pty, or the TCP port that was asked for. Raises UserError when it cannot be had."""
    return PtyWire(line, args.speed) if args.tcp is None else TcpWire(line, args.tcp, args.speed)


def print_wire(wire: Wire, free: bool = True) -> None:
    """Where the meter is and how to read it with what every machine has; a pty that is not `free` has its reader already."""
    reader, where = f"cat {wire.path}", wire.path
    if isinstance(wire, TcpWire):
        reader = f"nc 127.0.0.1 {wire.port}"
    print(f"line     {wire.line}" + (f", {wire.speed:g} times as fast" if wire.speed != 1 else ""))
    if not free:
        return
    print(f"port     {where}   (plain bytes at the pace of the line)")
    print(f"read it  {reader}")
    print(f"keep it  {reader} > meter.bin   then play it: meterbridge replay meter.bin")


def play_out(source: Iterable[Telegram], wire: Wire, show: Callable[[int, Telegram], None], faults: Faults | None = None) -> int:
    """Plays to the end or to Ctrl-C, `show` getting each telegram with its number from 0, and says what was sent. Returns the exit code."""
    sent = 0

    def count(telegram: Telegram) -> None:
        nonlocal sent
        show(sent, telegram)
        sent += 1

    try:
        play(source, wire, threading.Event(), count, faults)
        wire.drain()
        code = OK
    except KeyboardInterrupt:
        print()
        wire.drain(0)
        code = INTERRUPTED
    lost = f", {wire.dropped} lost as nobody read them" if wire.dropped else ""
    print(f"{sent} telegrams, {wire.sent} bytes read{lost}")
    return code
