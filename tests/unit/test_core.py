"""Civil time, clock, log, back-off, counters, status: expected values from the calendar and from arithmetic done by hand."""

import json

from bridge.core.backoff import Backoff
from bridge.core.civil import civil, iso, seconds, weekday
from bridge.core.clock import Clock
from bridge.core.counters import Counters
from bridge.core.log import Log


def test_known_instants():
    for parts, unix, day in (
        ((2000, 1, 1, 0, 0, 0), 946684800, 5),
        ((1970, 1, 1, 0, 0, 0), 0, 3),
        ((2024, 2, 29, 12, 0, 0), 1709208000, 3),
        ((2038, 1, 19, 3, 14, 7), 2147483647, 1),
        ((2025, 3, 30, 1, 1, 0), 1743296460, 6),
    ):
        time = seconds(*parts)
        assert time - seconds(1970, 1, 1) == unix, parts
        assert civil(time) == parts and weekday(time) == day
    assert iso(seconds(2025, 3, 30, 1, 1, 0)) == "2025-03-30T01:01:00Z"


def test_no_such_date():
    bad = ((2025, 2, 29), (2100, 2, 29), (2025, 13, 1), (2025, 0, 1), (2025, 4, 31), (2025, 1, 0), (2025, 1, 1, 24), (2025, 1, 1, 0, 60), (2025, 1, 1, 0, 0, 60))
    for parts in bad:
        try:
            seconds(*parts)
        except ValueError:
            continue
        assert False, parts


class Ticks:
    """A tick counter that a test moves."""

    def __init__(self):
        self.ms = 0

    def __call__(self):
        return self.ms


def _diffable():
    import time

    return hasattr(time, "ticks_diff")


def test_clock_counts_uptime_then_utc():
    if not _diffable():
        return  # the clock needs MicroPython's ticks; this file runs there too
    ticks = Ticks()
    told = []
    clock = Clock(ticks, told.append)
    ticks.ms = 5500
    assert clock.now() == 5 and not clock.synced and clock.resolve(3, True) is None
    utc = seconds(2026, 1, 1)
    assert clock.set(utc, "meter") and clock.source == "meter"
    ticks.ms = 7500
    assert clock.now() == utc + 2 and clock.resolve(3, True) == utc - 2 and clock.resolve(9, False) == 9
    assert clock.set(utc + 100, "ntp") and not clock.set(utc, "meter") and clock.now() == utc + 100
    assert not clock.set(seconds(1970, 1, 1), "ntp")
    assert told == [utc, utc + 100], "the chip's own clock follows what was believed"


def test_log_keeps_the_newest_lines_and_cuts_what_is_long():
    out = []
    log = Log(lines=3, write=out.append)
    log.debug("a", "not shown")
    for n in range(5):
        log.info("a", "line %d" % n)
    assert log.lines() == ["info a: line 2", "info a: line 3", "info a: line 4"] and len(out) == 5
    log.error("b", "x\ny" * 1000)
    assert len(log.lines()[-1]) <= 160 and "\n" not in log.lines()[-1]


def test_backoff_doubles_between_bounds_with_jitter():
    low = Backoff(1000, 8000, lambda n: 0)
    assert [low.next_ms() for _ in range(6)] == [1000, 2000, 4000, 8000, 8000, 8000]
    low.reset()
    assert low.next_ms() == 1000
    high = Backoff(1000, 8000, lambda n: n - 1)
    assert [high.next_ms() for _ in range(5)] == [500, 1000, 2000, 4000, 4000]
    for _ in range(50):
        assert 500 <= Backoff(1000, 2000).next_ms() <= 1000


def test_counters():
    counters = Counters()
    counters.add("a")
    counters.add("a", 5)
    assert counters.get("a") == 6 and counters.get("b") == 0 and counters.as_dict() == {"a": 6}


def test_the_status_document_comes_in_small_pieces():
    from bridge.core.status import Status

    status = Status()
    tasks = {"reader": {"state": "running", "restarts": 0}, "mqtt": {"state": "new", "restarts": 2}}
    lines = ['a "quoted" line', "x" * 150, "\u00e4"]
    status.add("uptime_s", lambda: 12)
    status.add("tasks", lambda: tasks)
    status.add("sinks", {"mqtt": lambda: {"state": "connected"}, "http": lambda: {}})
    status.add("none", {})
    status.add("problems", [])
    status.add("log", lambda: lines)
    pieces = list(status.document())
    assert max([len(piece) for piece in pieces]) < 256
    wanted = {"uptime_s": 12, "tasks": tasks, "sinks": {"mqtt": {"state": "connected"}, "http": {}}, "none": {}, "problems": [], "log": lines}
    assert json.loads(b"".join(pieces).decode()) == wanted
