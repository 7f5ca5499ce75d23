"""D0 (IEC 62056-21) text: lines in; a pushed telegram or the data block of a request, with its check character, out (bytes, 7 bits each)."""

from __future__ import annotations

from functools import reduce

STX, ETX = b"\x02", b"\x03"
END = "\r\n"
REQUEST = b"/?!\r\n"
SPEEDS = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19200}


def push(identification: str, lines: list[str]) -> bytes:
    """Mode D: identification, empty line, data, `!`; nothing to check it by."""
    return END.join([f"/{identification}", "", *lines, "!", ""]).encode("ascii")


def block(lines: list[str]) -> bytes:
    """What follows a request: STX, data, `!`, ETX and the exclusive or of all between STX and ETX, ETX included."""
    body = END.join([*lines, "!", ""]).encode("ascii") + ETX
    return STX + body + bytes([reduce(lambda a, b: a ^ b, body)])


def acknowledgement(speed: str) -> bytes:
    """What the reader answers to the identification: normal protocol, that speed, data readout."""
    return b"\x060" + speed.encode("ascii") + b"0\r\n"
