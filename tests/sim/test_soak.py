"""Thirty days of the whole firmware in virtual time, with outages, resets and power cuts: what each destination got, reading by reading.

The days are 5 October to 4 November 2026: the clocks go back on the 25th, a month ends. In CI a telegram comes twice in a quarter hour, and the
clock goes in coarse steps; SOAK_S=10 is the long version (`make soak`): every ten seconds, all steps. Eight hours of that are a test of their own.
"""

import os

import pytest

from host_tools import build
from tests.brokers import available, make_broker
from tests.sim.long_run import DAY, HOUR, START, LongRun, at

SOAK_S = int(os.environ.get("SOAK_S", "450"))
COARSE_MS = 18000 if SOAK_S >= 60 else 0  # the reader's sign of life may be 20 s old
# By which the heap in use may differ, see LongRun.heap: other lines are in the log, code that reads the flash may be in memory, and the names of code
# that is loaded rarely stay for good. Days without troubles differ by 0 to 512 bytes.
HEAP_BYTES = 4096


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    folder = tmp_path_factory.mktemp("firmware")
    build.build("sim", folder)
    return folder


@pytest.fixture
def broker(tmp_path):
    with make_broker(available()[-1], tmp_path) as running:
        yield running


def test_thirty_days(tmp_path, firmware, broker):
    with LongRun(tmp_path, firmware, broker, every=SOAK_S, seconds=30 * DAY, coarse_ms=COARSE_MS) as m:
        first_day(m)
        thirty_days(m)
        m.run(at(30, 1))
        m.check()
    assert m.server.ledger.missing and not m.mqtt.ledger.missing
    wrap = (m.dongle.boots[-3][0] + (1 << 30) / 1000 - START) / DAY
    assert 22.5 < wrap < 22.9
    before, after = m.heap(at(0, 14), at(1)), m.heap(at(29, 14), at(30))
    print("heap in use after a collection:", before, "on the first day,", after, "on the last")
    assert abs(after - before) <= HEAP_BYTES
    before, after = m.heap(at(11), at(13)), m.heap(at(26), at(28))
    print("within one start:", before, "and, fifteen days later,", after)
    assert after - before <= HEAP_BYTES


def first_day(m: LongRun) -> None:
    """What goes wrong most, once: whatever the firmware keeps of it for good is there from then on."""
    m.broker(at(0, 1), at(0, 1, 3))
    m.http(at(0, 2), at(0, 2, 4))
    m.refused(at(0, 3), at(0, 4), 500)
    m.broker(at(0, 5), at(0, 13)), m.http(at(0, 5), at(0, 13)), m.wifi(at(0, 6), at(0, 7))


def thirty_days(m: LongRun) -> None:
    m.http(at(1, 12), at(1, 17))
    m.broker(at(2, 1), at(2, 10))
    m.broker(at(2, 14), at(2, 20)), m.http(at(2, 15), at(2, 21))
    m.wifi(at(3, 1), at(3, 5)), m.wifi(at(3, 9), at(3, 9, 2))
    m.reset(at(4, 2, 1))
    m.cut(at(4, 6, 5, 30), 2 * HOUR)
    m.broker(at(4, 10), at(4, 15)), m.cut(at(4, 12, 33), 61)
    m.broker(at(5, 1), at(5, 12)), m.http(at(5, 1), at(5, 12)), m.reset(at(5, 4, 2)), m.wifi(at(5, 6), at(5, 7)), m.cut(at(5, 9), 600)
    m.refused(at(6, 1), at(6, 2), 503), m.refused(at(6, 4), at(6, 5), 429)
    for hour in (3, 4, 5, 6):  # one after the other
        m.cut(at(10, hour, 4 * hour), 20)
    # For 18 days nothing starts anew: the ticks wrap after 12.4.
    m.refused(at(11, 2), at(19, 2), 503, {"Retry-After": "600"})  # longer than the journal reaches
    m.broker(at(20, 1), at(20, 5)), m.http(at(20, 1, 30), at(20, 6))  # the clocks go back
    m.broker(at(22, 14), at(22, 19)), m.wifi(at(22, 15), at(22, 17))  # where the ticks wrap
    m.wifi(at(26, 22), at(27, 3))  # a month ends
    m.broker(at(28, 3), at(28, 13)), m.http(at(28, 3), at(28, 13)), m.cut(at(28, 8, 0, 20), 3 * HOUR), m.reset(at(28, 12))


def test_eight_hours_of_every_ten_seconds(tmp_path, firmware, broker):
    with LongRun(tmp_path, firmware, broker, every=10, seconds=8 * HOUR) as m:
        m.broker(at(0, 1), at(0, 2)), m.http(at(0, 1, 30), at(0, 2, 30))
        m.cut(at(0, 1, 45, 3), 95)
        m.wifi(at(0, 3), at(0, 3, 20)), m.reset(at(0, 3, 10, 55))
        m.broker(at(0, 4), at(0, 6)), m.cut(at(0, 5, 0, 1), 3), m.cut(at(0, 5, 0, 31), 40), m.cut(at(0, 5, 7, 59), 1)
        m.run(at(0, 8, 10))
        m.check()
