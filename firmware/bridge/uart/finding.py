"""Finds a meter's line settings by listening: settings to try in, the ones at which telegrams decode out, remembered in a file.

A setting is left as soon as a whole burst of bytes came in which there was no mark of a protocol, or when nothing came for
longer than the slowest meter of that setting takes; the round then goes on, for ever. It is kept when a telegram decodes,
or is only refused for want of a key. A meter that does not speak of itself is asked, if all was silent until then.
"""

import asyncio
import json
import os

from micropython import const

# Line settings, seconds to wait for a burst (the cadence of the slowest such meter, and a margin), what is there (protocols 1.8, 9).
_LINES = (
    ("115200 8N1 inverted", 11),  # P1: DSMR 4 and 5, eMUCs, Luxembourg, Styria, Carinthia, Switzerland
    ("115200 8N1", 11),  # the same behind an inverting board
    ("9600 8N1", 5),  # SML; Vienna
    ("9600 7E1 inverted", 11),  # DSMR 2 and 3
    ("9600 7E1", 11),  # the same behind an inverting board; D0 push
    ("9600 8E1", 62),  # AMIS calls once a minute
    ("2400 8E1", 12),  # M-Bus: Tyrol, Salzburg, Vorarlberg, Lower Austria, Burgenland, Nordic
    ("2400 8N1", 12),
    ("300 7E1", 0),  # 0: D0 that has to be asked
    ("9600 7E1", 0),
    ("2400 7E1", 11),  # D0 push as the standard has it
    ("115200 7E1 inverted", 11),  # Slovenia
    ("115200 8E1 inverted", 11),  # Denmark
    ("38400 8N1 inverted", 11),
    ("9600 8N1 inverted", 11),  # Switzerland, E360
    ("2000000 8N1", 1),  # the S1 port, to say that it is the wrong one
)
_PROTOCOLS = ("p1", "sml", "d0", "hdlc", "mbus", "dlms", "amis")
_STEP_MS = const(50)
_GAP_MS = const(250)  # a pause of this length ends a burst; M-Bus meters pause up to 160 ms between two frames
_BURST_MS = const(8000)  # so does its length: 1.5 KB at 2400 baud take 7 s, noise may never pause
_ENOUGH = const(16)  # bytes of a burst that says something
_BURSTS = const(4)  # without a good telegram, where there was a mark of a protocol
_BURSTS_CHOSEN = const(2)  # where the owner chose the protocol: there may be no mark in what comes
_USUAL_S = const(11)  # at a line of a board that is not in the list
_PUSHED_S = const(20)  # silence at a line that the owner fixed, until the meter is asked
_SLOWEST_S = const(1)  # at 300 baud nothing is pushed
_REQUESTS = const(3)  # the first answer of another meter is only believed with the next
_MOST_FILE = const(200)


async def find(of, patience: int) -> None:
    """Searches until the Detection `of` is at the line of its meter, or of what can be said about it; remembers what was found.

    `patience`: seconds of silence at the line that is remembered, until others are tried as well.
    """
    known = _remembered(of)
    of.searching = True
    while True:
        silent = True
        for line, wait_s, protocol in _round(of, known, patience):
            if wait_s:
                size = await _listen(of, line, wait_s, protocol)
                silent = silent and size < _ENOUGH
                if size < 0:
                    return _remember(of, known)
            elif (silent or known and line == known[0]) and await _ask(of, line):
                return _remember(of, known)
        of.searching = False


def _round(of, known, patience: int) -> list:
    """What is tried, in this order: (line, seconds or 0 to ask, protocol)."""
    protocol = of.protocol
    if of.fixed:
        return [(of.usual, _SLOWEST_S if of.usual[:4] == "300 " else _PUSHED_S, protocol), (of.usual, 0, "d0")]
    rows = list(_LINES)
    if "p1" not in of.interfaces:  # an optical head: what only P1 ports have comes last
        rows = [row for row in rows if row[0][:6] != "115200"] + [row for row in rows if row[0][:6] == "115200"]
    waits = [wait_s for line, wait_s in rows if line == of.usual]
    lines = [(of.usual, max(waits) if waits else _USUAL_S, protocol)]
    for line, wait_s in rows:
        if line != of.usual and wait_s:
            lines.append((line, wait_s, protocol))
        elif not wait_s and of.asks():
            lines.append((line, 0, "d0"))
    if known:
        lines.insert(0, (known[0], 0 if known[2] else max(patience, _USUAL_S), known[1]))
    return lines


async def _listen(of, line: str, wait_s: int, protocol: str) -> int:
    """Listens at `line`: bytes of the largest burst; -1 once a telegram decodes, or two lack only the right key, or it is the S1 port."""
    pipeline = of.pipeline
    if line != of.line:
        of.set_line(line)
        of.log.debug("meter", "listening at " + line)
    pipeline.search(protocol)
    before = pipeline.readings
    received = of.received()
    quiet = lasted = bursts = size = most = 0
    whole = False
    left = wait_s * 1000
    while left > 0 or size:
        await asyncio.sleep_ms(_STEP_MS)
        left -= _STEP_MS
        lasted += _STEP_MS
        if pipeline.readings != before or pipeline.problem and (of.frames() > 1 or pipeline.problem == "s1"):
            return -1
        came = of.received() - received
        if came:
            received += came
            size += came
            quiet = 0
        else:
            quiet += _STEP_MS
        if quiet < _GAP_MS and (not size or lasted < _BURST_MS):
            continue
        most = max(most, size)
        if size >= _ENOUGH and (whole or lasted >= _BURST_MS):
            bursts += 1
            if bursts >= (1 if not pipeline.links else _BURSTS if protocol == "auto" else _BURSTS_CHOSEN):
                break
            left = max(left, wait_s * 1000)
        whole = quiet >= _GAP_MS
        size = lasted = 0
    return most


async def _ask(of, line: str) -> bool:
    """Asks at `line`; whether a telegram came that decodes. It is then asked from time to time."""
    from bridge.uart.request import Request

    pipeline = of.pipeline
    pipeline.search("d0")
    before = pipeline.readings
    baud, form = line.split(" ")
    request = Request(of.port.stream.write, of.set_line, pipeline.links[0][0], of.received, of.poll_s, int(baud), form)
    of.log.debug("meter", "asking at " + line)
    for _ in range(_REQUESTS):
        await request.ask()
        if pipeline.readings != before:
            of.request = request
            return True
        if not request.answers:
            return False
    return False


def _remembered(of):
    """(line, protocol, whether the meter is asked) of the file, None when there is none or the owner fixed the line."""
    if of.fixed:
        return None
    try:
        with open(of.path) as file:
            found = json.loads(file.read(_MOST_FILE))
        line, protocol = found["line"], found["protocol"]
        ask = found.get("ask", False) is True
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if protocol not in _PROTOCOLS or of.protocol not in ("auto", protocol) or ask and not of.asks():
        return None
    if line != of.usual and line not in [row[0] for row in _LINES]:
        return None
    return line, protocol, ask


def _remember(of, known) -> None:
    """Writes down what was found, when it is news."""
    pipeline = of.pipeline
    of.searching = False
    if not pipeline.settled:
        return
    found = of.line, pipeline.links[0][0].PROTOCOL, bool(of.request)
    if found != known and not of.fixed:
        try:
            with open(of.path + ".new", "w") as file:
                file.write(json.dumps({"line": found[0], "protocol": found[1], "ask": found[2]}))
            os.rename(of.path + ".new", of.path)
        except OSError as error:
            of.log.warning("meter", "what was found cannot be remembered: %s" % error)
    of.log.info("meter", "found %s at %s" % (found[1], found[0]))
