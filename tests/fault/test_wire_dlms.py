"""DLMS over HDLC: what a bad line costs, of a telegram in segments and of one in authenticated blocks. Nothing is read that was not sent."""

import random

import pytest

from host_tools import meters
from host_tools.meters import hdlc
from host_tools.ntp_server import NtpServer
from tests.fault.bench_dongle import PATIENCE_S, Bench

METERS = ("ch-am550-units", "at-steiermark-e450")
FLAG = b"\x7e"


@pytest.fixture(scope="module", params=METERS)
def running(request, tmp_path_factory, firmware, broker):
    server = NtpServer().start()
    keys = meters.make(request.param).keys
    settings = {"meter_key": keys.get("key"), "meter_auth_key": keys.get("auth_key")}
    folder = tmp_path_factory.mktemp("dlms")
    with Bench(folder, firmware, broker, request.param, meter_protocol="hdlc", ntp_server=server.address, **settings) as bench:
        bench.dongle.wait_for("clock set", PATIENCE_S)
        yield bench
    server.stop()
    assert not bench.dongle.crashes, bench.log


@pytest.fixture
def bench(running):
    running.synchronize()
    return running


def frames(data: bytes) -> list[bytes]:
    """The frames of a telegram, by their lengths."""
    found = []
    while data:
        size = ((data[1] & 7) << 8 | data[2]) + 2
        found.append(data[:size])
        data = data[size:]
    return found


def test_noise_between_telegrams_costs_nothing(bench):
    draw = random.Random(1)
    for length in (1, 3, 17, 256, 3000):
        bench.send(draw.randbytes(length))
        bench.good()
    bench.send(FLAG * 501 + b"\x7e\xa7\xff" * 300 + b"\x7e\xa0" * 20)
    bench.good(2)


def test_a_telegram_cut_anywhere_costs_that_one(bench):
    data, _ = bench.telegram()
    for at in sorted({*range(2, 13), *range(20, len(data) - 1, 41), len(data) - 2}):
        bench.send(bench.telegram()[0][:at])
        bench.good()
        bench.send(bench.telegram()[0][at:])
        bench.good()


def test_telegrams_without_a_pause(bench):
    pairs = [bench.telegram() for _ in range(4)]
    bench.send(b"".join(data for data, _ in pairs))
    for _, truth in pairs:
        bench.expect(truth)


def test_flags_between_frames_may_be_one_or_many(bench):
    for between in (b"", FLAG * 2, FLAG * 300):
        data, truth = bench.telegram()
        bench.send(FLAG + between.join([frame[1:] for frame in frames(data)]))
        bench.expect(truth)


def test_flipped_bits_are_refused(bench):
    draw = random.Random(3)
    before = bench.counters()
    for _ in range(40):
        data = bytearray(bench.telegram()[0])
        data[draw.randrange(len(data) - 1)] ^= 1 << draw.randrange(8)
        bench.send(bytes(data))
        bench.good()
    after = bench.counters()
    assert 25 < after["crc_errors"] - before["crc_errors"] <= 40
    assert after["undecodable"] == before["undecodable"]


def test_a_piece_that_is_lost_doubled_or_late_costs_that_one(bench):
    count = len(frames(bench.telegram()[0]))
    for at in range(count):
        pieces = frames(bench.telegram()[0])
        del pieces[at]
        bench.send(b"".join(pieces))
        bench.good()
    pieces = frames(bench.telegram()[0])
    bench.send(b"".join(pieces[:1] + pieces[:0:-1]))
    bench.good(2)


def test_a_block_sent_twice_costs_nothing(bench):
    data, truth = bench.telegram()
    pieces = frames(data)
    if pieces[0][1] & 8:
        return  # segments have no numbers
    bench.send(b"".join(pieces[:2] + pieces[1:]))
    bench.expect(truth)


def test_frames_that_hold_nothing_to_read(bench):
    address = bytes.fromhex("cf0223")
    before = bench.counters()
    for info in (b"", b"\xe6\xe7\x00", bytes(200), b"\xe6\xe7\x00\x42" * 30, b"\xe0\x40\x00\x01\x00\x00\x7f" * 9, b"\xe6\xe7\x00\x0f" + b"\x02\x01" * 900):
        bench.send(hdlc.frame(address, 0x13, info))
        bench.good()
    bench.send(b"".join(hdlc.frame(address, 0x13, b"\xe6\xe7\x00\x0f" + bytes(900), segmented=True) for _ in range(5)))
    bench.send(hdlc.frame(address, 0x13, b"\xe6\xe7\x00\x0f" + bytes(900), segmented=True) + hdlc.frame(address, 3, bytes(1000), segmented=True) * 3)
    bench.good(2)
    assert bench.counters()["oversize"] > before["oversize"]
