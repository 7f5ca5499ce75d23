"""Who may ask: a request and where it comes from in; nothing, or a Refusal out. Wrong tokens are slowed down by address and written to the log.

Each address that was wrong has a wait of its own, so that one with an old token keeps nobody else out. There is room for a few: who is
wrong when all are taken gets the one that ends first, with its count. So an attack from many addresses slows all that are unknown, and
the owner, whose token was right a moment ago, is not among them.
"""

import time
from binascii import a2b_base64

from micropython import const

from bridge.config.access import digest_of
from bridge.serve.http_request import Refusal

_ROWS = const(4)
_FREE = const(2)  # wrong tries without a wait: typing errors
_FIRST_MS, _LAST_MS = const(1000), const(30000)
_FORGET_MS = const(600000)  # after the wait
# Between two lines of the log: a flood must not fill it, nor the serial line. Who is new is told sooner than who is known.
_LINE_MS, _SAME_MS = const(1000), const(60000)
_ASK = b'WWW-Authenticate: Basic realm="meterbridge: any name, the token as password", charset="UTF-8"\r\n'


def check(door, request, address: str) -> None:
    """Refuses what has no token, the wrong one, or comes too soon after a wrong one."""
    now = time.ticks_ms()
    row = _row(door, address, now)
    if row and time.ticks_diff(row[2], now) > 0:
        _tell(door, address, "too many wrong tokens", now)
        wait = time.ticks_diff(row[2], now) // 1000 + 1
        raise Refusal(429, "too many wrong tokens: try again in %d s" % wait, b"Retry-After: %d\r\n" % wait)
    given = _token(request.header(b"authorization"))
    if given is None:
        _tell(door, address, "no token", now)
        raise Refusal(401, "the token is missing: send Authorization: Bearer TOKEN", _ASK)
    wrong = 0
    for ours, theirs in zip(door.digest, digest_of(given)):  # all of it, so that the time tells nothing
        wrong |= ours ^ theirs
    if wrong:
        _failed(door, row, address, now)
        _tell(door, address, "wrong token", now)
        raise Refusal(401, "the token is wrong: 'access new' on the serial console makes another", _ASK)
    if row and row[0] == address:
        door.held.remove(row)
    door.friend = address


def _row(door, address: str, now: int):
    """The row that counts for an address, or None."""
    held = door.held
    first = None
    for row in held:
        if time.ticks_diff(now, row[2]) > _FORGET_MS:
            held.remove(row)
            return _row(door, address, now)
        if row[0] == address:
            return row
        if first is None or time.ticks_diff(row[2], first[2]) < 0:
            first = row
    return first if len(held) == _ROWS and address != door.friend else None


def _failed(door, row, address: str, now: int) -> None:
    if row is None:
        row = [address, 0, now]
        if len(door.held) == _ROWS:
            door.held.pop(0)
        door.held.append(row)
    row[0] = address
    row[1] += 1
    over = row[1] - _FREE - 1
    row[2] = now if over < 0 else time.ticks_add(now, min(_LAST_MS, _FIRST_MS << min(over, 5)))


def _tell(door, address: str, why: str, now: int) -> None:
    """A line of the log; those that come too fast are counted in the next one."""
    door.refused += 1
    if door.told and time.ticks_diff(now, door.told[1]) < (_SAME_MS if door.told[0] == address else _LINE_MS):
        door.silent += 1
        return
    more = " (%d more before)" % door.silent if door.silent else ""
    door.log.info("access", "refused %s: %s%s" % (address, why, more))
    door.told = (address, now)
    door.silent = 0


def _token(header: bytes):
    """The token in an Authorization header, None where there is none."""
    kind, _, value = header.partition(b" ")
    kind = kind.lower()
    value = value.strip()
    if kind == b"basic":
        try:
            value = a2b_base64(value).partition(b":")[2]
        except ValueError:
            return b""
    elif kind != b"bearer":
        return None
    return value
