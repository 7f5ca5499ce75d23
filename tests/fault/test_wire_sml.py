"""SML: what a bad light path or an odd meter costs. Every file that arrives whole becomes a reading, with the values the meter sent."""

import random
from decimal import Decimal

import pytest

from host_tools.meters import sml
from host_tools.ntp_server import NtpServer
from tests.fault.bench_dongle import PATIENCE_S, Bench

SERVER = bytes.fromhex("0a0153494d000000000b")
POWER = sml.Entry("0100100700ff", sml.signed(-1234), sml.WATT, 0)
ESCAPE = sml.ESCAPE


@pytest.fixture(scope="module")
def running(tmp_path_factory, firmware, broker):
    server = NtpServer().start()
    with Bench(tmp_path_factory.mktemp("sml"), firmware, broker, "sml", meter_protocol="sml", ntp_server=server.address) as bench:
        bench.dongle.wait_for("clock set", PATIENCE_S)
        yield bench
    server.stop()
    assert not bench.dongle.crashes, bench.log


@pytest.fixture
def bench(running):
    running.synchronize()
    return running


def energy(tenths: int) -> sml.Entry:
    return sml.Entry("0100010800ff", sml.unsigned(tenths, 8), sml.WATT_HOUR, -1)


def made(*entries: sml.Entry, server: bytes = SERVER) -> bytes:
    """A file with these entries and right check sums."""
    return sml.file([sml.Entry("0100600100ff", sml.octets(server)), *entries], server, 1234)


def test_noise_between_files_costs_nothing(bench):
    draw = random.Random(1)
    for length in (1, 3, 17, 256, 2000):
        bench.send(draw.randbytes(length))
        bench.good()
    bench.send(b"\x1b" * 501 + b"\x01" * 501 + sml.START * 20 + ESCAPE * 3 + b"\x1a\x03\x00\x00")
    bench.good(2)


def test_noise_inside_a_file_costs_that_one(bench):
    draw = random.Random(2)
    for length in (1, 20, 600):
        data, _ = bench.telegram()
        at = draw.randrange(9, len(data) - 9)
        bench.send(data[:at] + draw.randbytes(length) + data[at:])
        bench.good(2)


def test_a_file_cut_anywhere_costs_that_one(bench):
    data, _ = bench.telegram()
    for at in sorted({*range(1, 13), *range(20, len(data) - 9, 17), *range(len(data) - 9, len(data))}):
        bench.send(bench.telegram()[0][:at])
        bench.good()


def test_a_file_without_its_beginning_costs_that_one(bench):
    for at in (1, 4, 7, 8, 9, 100, 200):
        bench.send(bench.telegram()[0][at:])
        bench.good()


def test_files_without_a_pause(bench):
    pairs = [bench.telegram() for _ in range(4)]
    bench.send(b"".join(data for data, _ in pairs))
    for _, truth in pairs:
        bench.expect(truth)


def test_flipped_bits_are_refused_and_counted(bench):
    draw = random.Random(3)
    before = bench.counters()["crc_errors"]
    flips = 40
    for _ in range(flips):
        data = bytearray(bench.telegram()[0])
        data[draw.randrange(8, len(data) - 8)] ^= 1 << draw.randrange(8)
        bench.send(bytes(data))
        bench.good()
    assert bench.counters()["crc_errors"] == before + flips


def test_a_list_of_ten_thousand_entries(bench):
    before = bench.counters()
    bench.send(made(*[POWER] * 10_000))
    bench.good(2)
    short = sml.transport(b"\x76\x02\x01\x62\x00\x62\x00\x72\x63\x07\x01\xf2\x87\x81\x00" + b"\x01" * 500)  # announced, and far from there
    bench.send(short)
    bench.send(sml.transport(b"\xf2\x87\x81\x00" + b"\x01" * 1000))
    bench.good(2)
    after = bench.counters()
    assert after["oversize"] > before["oversize"] and after["undecodable"] >= before["undecodable"] + 1


@pytest.mark.parametrize("head", [b"\x71", b"\x72", b"\xf0\x01", b"\x7f"], ids=bytes.hex)
def test_nested_a_thousand_deep(bench, head):
    before = bench.counters()["undecodable"]
    bench.send(sml.transport(head * (1000 if len(head) == 1 else 900)))
    bench.good()
    assert bench.counters()["undecodable"] == before + 1
    deep = sml.Entry("0100010800ff", head * 800 + b"\x01", sml.WATT_HOUR, -1)
    bench.send(made(deep, POWER))  # where the value stands: the rest of the file may be read
    bench.synchronize()
    bench.good()


def test_lengths_that_lie(bench):
    for item in (b"\x8f\x8f\x8f\x0f", b"\x80\x80\x80\x80\x80\x80\x00", b"\x60", b"\x00", b"\x50", b"\x6f" + b"\xff" * 14, b"\x8f\x0f"):
        bench.send(made(sml.Entry("0100600900ff", item)))
        bench.synchronize()  # whether there is something to read in such a file is not the question
        bench.good()


def test_the_escape_sequence_in_data(bench):
    start = int(bench.good()["energy_import_wh"] * 10)
    assert start < 0x1B1B1B1B1B
    server = b"\x0a\x01SIM" + ESCAPE + b"\x0b"
    key = sml.Entry("8181c78205ff", sml.octets(ESCAPE * 12 + b"\x1a\x00\x00\x00" + sml.START))
    for entries, wh in (((energy(0x1B1B1B1B1B),), Decimal(0x1B1B1B1B1B) / 10), ((key, energy(0x1B1B1B1B1B + 7)), Decimal(0x1B1B1B1B1B + 7) / 10)):
        bench.send(made(*entries, POWER, server=server))
        reading = bench.expect({"power_w": -1234, "energy_import_wh": wh})
        assert reading["meter_id"] != bench.meter.truth()["meter_id"]
    bench.good()


def test_starts_twice_and_more(bench):
    data, truth = bench.telegram()
    for before in (sml.START, sml.START * 7, data[:100] + sml.START, ESCAPE, ESCAPE * 2, sml.START[:6]):
        data, truth = bench.telegram()
        bench.send(before + data)
        bench.expect(truth)
    bench.good()
