"""P1: what a bad line or an odd meter costs. Every telegram that arrives whole becomes a reading, with the values the meter sent."""

import datetime
import random
import time

import pytest

from host_tools.meters import crc
from tests.fault.bench_dongle import Bench


@pytest.fixture(scope="module")
def running(tmp_path_factory, firmware, broker):
    with Bench(tmp_path_factory.mktemp("p1"), firmware, broker, "p1-nl", meter_protocol="p1") as bench:
        yield bench
    assert not bench.dongle.crashes, bench.log


@pytest.fixture
def bench(running):
    running.synchronize()
    return running


def signed(text: bytes) -> bytes:
    """A telegram up to its '!' with the check sum that belongs to it."""
    return text + b"%04X\r\n" % crc.arc(text)


def body(telegram: bytes) -> bytes:
    """Up to and including the '!'."""
    return telegram[: telegram.rindex(b"!") + 1]


def changed(telegram: bytes, old: bytes, new: bytes) -> bytes:
    """With another text in it and the right check sum."""
    assert old in telegram
    return signed(body(telegram).replace(old, new, 1))


def with_lines(telegram: bytes, *lines: bytes) -> bytes:
    return signed(body(telegram)[:-1] + b"".join(line + b"\r\n" for line in lines) + b"!")


def test_noise_between_telegrams_costs_nothing(bench):
    draw = random.Random(1)
    before = bench.counters()["noise_bytes"]
    for length in (1, 3, 17, 256, 1000, 3000):
        bench.send(draw.randbytes(length))
        bench.good()
    bench.send(b"/" * 300 + b"!" * 300 + b"/XXX5" * 50 + b"\r\n!FFFF\r\n" * 20)
    bench.good(2)
    assert bench.counters()["noise_bytes"] > before + 4000


def test_noise_inside_a_telegram_costs_that_one(bench):
    draw = random.Random(2)
    for length in (1, 20, 600):
        telegram, _ = bench.telegram()
        at = draw.randrange(20, len(telegram) - 20)
        bench.send(telegram[:at] + draw.randbytes(length) + telegram[at:])
        bench.good(2)


def test_a_telegram_cut_anywhere_costs_that_one(bench):
    telegram, _ = bench.telegram()
    end = len(body(telegram))
    places = {1, 4, 5, 6, end - 2, end - 1, end, end + 1, end + 3, *range(10, end, 41)}
    for at in sorted(places):
        cut, _ = bench.telegram()
        bench.send(cut[:at])
        bench.good()


def test_a_telegram_without_its_beginning_costs_that_one(bench):
    for at in (1, 2, 5, 14, 300, 700):
        telegram, _ = bench.telegram()
        bench.send(telegram[at:])
        bench.good()


def test_telegrams_run_together(bench):
    pairs = [bench.telegram() for _ in range(3)]
    bench.send(b"".join(data.rstrip(b"\r\n") for data, _ in pairs))
    for _, truth in pairs:
        bench.expect(truth)
    bench.good()


def test_flipped_bits_are_refused_and_counted(bench):
    draw = random.Random(3)
    before = bench.counters()["crc_errors"]
    flips = 60
    for _ in range(flips):
        telegram = bytearray(bench.telegram()[0])
        telegram[draw.randrange(5, telegram.rindex(b"!") - 2)] ^= 1 << draw.randrange(8)
        bench.send(bytes(telegram))
        bench.good()
    assert bench.counters()["crc_errors"] == before + flips


def test_a_flipped_bit_in_its_ends_is_refused(bench):
    for index in (0, 1, 4, -7, -6, -5, -4, -3):  # slash, maker, '!', check sum
        telegram = bytearray(bench.telegram()[0])
        telegram[index] ^= 1
        bench.send(bytes(telegram))
        bench.good()


def test_100_kilobytes(bench):
    before = bench.counters()["oversize"]
    telegram, _ = bench.telegram()
    lines = [b"1-0:1.8.%d(%09d.000*kWh)" % (n % 250, n) for n in range(4000)]
    bench.send(with_lines(telegram, *lines))
    bench.good(2)
    bench.send(telegram[:100] + b"0" * 100_000)
    bench.good(2)
    assert bench.counters()["oversize"] > before


def test_check_sums_in_lower_case_and_short(bench):
    telegram, truth = bench.telegram()
    while not crc.arc(body(telegram)) > 0x9FFF:
        telegram, truth = bench.telegram()
    text = body(telegram)
    bench.send(text + b"%04x\r\n" % crc.arc(text))
    bench.expect(truth)
    for limit in (0x1000, 0x100):
        telegram, truth = bench.telegram()
        for number in range(20_000):
            text = body(with_lines(telegram, b"0-0:96.50.0(%d)" % number))
            if crc.arc(text) < limit:
                break
        bench.send(text + b"%x\r\n" % crc.arc(text))
        bench.expect(truth)
        bench.send(text + b"%X\r\n" % ((crc.arc(text) + 1) % limit))
        bench.good()


def test_missing_line_ends(bench):
    telegram, truth = bench.telegram()
    bench.send(telegram.rstrip(b"\r\n"))
    bench.expect(truth)
    for old, new in ((b"\r\n", b"\n"), (b"\r\n\r\n", b"\r\n"), (b")\r\n1-0:21.7.0", b")1-0:21.7.0")):
        telegram, truth = bench.telegram()
        bench.send(signed(body(telegram).replace(old, new)))
        bench.expect(truth)
    bench.good()


def test_unknown_and_malformed_objects_hide_nothing(bench):
    telegram, truth = bench.telegram()
    odd = (b"1-0:99.99.99(123456.789*kWh)", b"9-9:255.255.255*255(X)", b"1-0:1.7.0.4(1)", b"999-0:1.8.0(1*kWh)", b"1-0:300.8.0(1*kWh)",
           b"0-9:24.2.1(101209112500W)(12785.123*m3)", b"no object at all", b"(orphan)", b"1-0:96.1.1", b"0-0:96.77.1()()", b"1-0:21.77.0(((",
           b"1-0:1.8.9(12.5*furlong)", b"\xff\xfe\x80(\x00)")  # fmt: skip
    bench.send(with_lines(telegram, *odd))
    bench.expect(truth)
    bench.good()


def test_values_that_are_no_numbers_cost_only_themselves(bench):
    telegram, truth = bench.telegram()
    value = telegram.split(b"1-0:1.7.0(")[1].split(b")")[0]
    for wrong in (b"", b"*kW", b"--.-*kW", b"1.2.3*kW", b"9" * 400 + b"*kW", b"NaN*kW", b"00.100*V"):
        telegram, truth = bench.telegram()
        value = telegram.split(b"1-0:1.7.0(")[1].split(b")")[0]
        bench.send(changed(telegram, b"1-0:1.7.0(" + value, b"1-0:1.7.0(" + wrong))
        truth.pop("power_import_w")
        bench.expect(truth)
    bench.good()


def test_a_counter_never_falls_at_the_broker(bench):
    last = bench.good()["energy_import_t1_wh"]
    before = bench.counters().get("counter_falls", 0)
    for lower in (1, 1000, 900_000):
        telegram, truth = bench.telegram()
        now = b"1-0:1.8.1(%010.3f" % (truth["energy_import_t1_wh"] / 1000)
        bench.send(changed(telegram, now, b"1-0:1.8.1(%010.3f" % ((last - lower) / 1000)))
        held = bench.expect(truth, energy_import_t1_wh=last)
        assert held["energy_import_wh"] >= last
        last = bench.good()["energy_import_t1_wh"]
    assert bench.counters()["counter_falls"] >= before + 3
    counters = [bench.owner.arrived[bench.boot, seq][0][1]["energy_import_wh"] for seq in range(2, bench.next)]
    assert counters == sorted(counters)


def test_an_empty_meter_id_is_no_other_meter(bench):
    last = bench.good()["energy_import_t1_wh"]
    telegram, truth = bench.telegram()
    old = telegram.split(b"0-0:96.1.1(")[1].split(b")")[0]
    now = b"1-0:1.8.1(%010.3f" % (truth["energy_import_t1_wh"] / 1000)
    lower = changed(telegram, now, b"1-0:1.8.1(000001.000")
    bench.send(changed(lower, b"96.1.1(" + old, b"96.1.1("))
    bench.expect(truth, energy_import_t1_wh=last)
    bench.good()


@pytest.mark.parametrize("stamp", ["700101000000W", "991231235959W", "000101000001W", "251332256199S", "             "])
def test_a_meter_clock_that_cannot_be_right(bench, stamp):
    telegram, truth = bench.telegram()
    old = telegram.split(b"0-0:1.0.0(")[1].split(b")")[0]
    sent = time.time()
    bench.send(changed(telegram, b"1.0.0(" + old, b"1.0.0(" + stamp.encode()))
    truth.pop("time")
    reading = bench.expect(truth)
    assert reading["time_source"] == "bridge"
    bridge = datetime.datetime.fromisoformat(reading["time"].replace("Z", "+00:00")).timestamp()
    assert abs(bridge - sent) < 10, "the dongle's own clock, which an earlier telegram has set"
    assert bench.good()["time_source"] == "meter"
