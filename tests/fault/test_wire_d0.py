"""D0: what a bad light path costs a meter that sends no checksum. No counter is ever wrong; what arrives whole becomes a reading."""

import random

import pytest

from host_tools.meters.d0 import block
from tests.fault.bench_dongle import Bench


@pytest.fixture(scope="module")
def running(tmp_path_factory, firmware, broker):
    with Bench(tmp_path_factory.mktemp("d0"), firmware, broker, "d0-ebz", meter_protocol="d0") as bench:
        bench.send(bench.telegram()[0])  # the first of all waits for a second
        yield bench
    assert not bench.dongle.crashes, bench.log


@pytest.fixture
def bench(running):
    running.synchronize()
    return running


def test_noise_between_telegrams_costs_nothing(bench):
    draw = random.Random(1)
    for length in (1, 3, 17, 256, 1000, 3000):
        bench.send(draw.randbytes(length) + b"\r\n")
        bench.good()
    bench.send(b"/" * 300 + b"!" * 300 + b"/XXX5" * 50 + b"\x02" * 300 + b")!\r\n" * 300)
    bench.good(2)


def test_noise_inside_a_telegram_costs_that_one(bench):
    draw = random.Random(2)
    for length in (3, 20, 600):
        telegram, _ = bench.telegram()
        at = draw.randrange(20, len(telegram) - 5)
        bench.send(telegram[:at] + draw.randbytes(length) + telegram[at:])
        bench.good(2)


def test_a_telegram_cut_anywhere_costs_that_one(bench):
    telegram, _ = bench.telegram()
    for at in (1, 4, 5, 6, 30, *range(60, len(telegram) - 2, 37), len(telegram) - 3):
        cut, _ = bench.telegram()
        bench.send(cut[:at])
        bench.good()
        bench.send(cut[at + 1 :])
        bench.good()


def test_a_misread_digit_of_a_counter_costs_that_telegram(bench):
    before = bench.counters().get("doubted_telegrams", 0)
    doubted = 0
    for digit in range(6):
        for wrong in b"09":
            telegram, _ = bench.telegram()
            at = telegram.index(b"1.8.0*255(") + 10 + digit
            if telegram[at] == wrong:
                continue
            bench.send(telegram[:at] + bytes([wrong]) + telegram[at + 1 :])
            bench.good()
            doubted += 1
    assert bench.counters()["doubted_telegrams"] == before + doubted
    assert not bench.counters().get("counter_falls")
    counters = [bench.owner.arrived[bench.boot, seq][0][1]["energy_import_wh"] for seq in range(2, bench.next)]
    assert counters == sorted(counters)


def test_a_damaged_letter_is_refused(bench):
    draw = random.Random(3)
    for wrong in (b"\x00", b"\xb5", b"(", b")", b"x", b"\r\n"):
        telegram, _ = bench.telegram()
        at = draw.randrange(telegram.index(b"1.8.0*255(") + 10, telegram.index(b"*kWh"))
        bench.send(telegram[:at] + wrong + telegram[at + 1 :])
        bench.good()


def test_100_kilobytes(bench):
    before = bench.counters()["oversize"]
    telegram, _ = bench.telegram()
    bench.send(telegram[:-3] + b"1-0:1.8.9*255(000001.00*kWh)\r\n" * 4000 + b"!\r\n")
    bench.good(2)
    assert bench.counters()["oversize"] > before


def test_a_readout_with_a_wrong_check_character_is_refused(bench):
    before = bench.counters()["crc_errors"]
    telegram, _ = bench.telegram()
    lines = telegram.decode().split("\r\n")[2:-2]
    whole = telegram[: telegram.index(b"\r\n") + 2] + block(lines)
    bench.send(whole[:-1] + bytes([whole[-1] ^ 1]))
    bench.good()
    assert bench.counters()["crc_errors"] == before + 1
    telegram, truth = bench.telegram()
    bench.send(telegram[: telegram.index(b"\r\n") + 2] + block(telegram.decode().split("\r\n")[2:-2]))
    bench.expect(truth)
