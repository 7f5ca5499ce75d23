"""P1 framing: whole, cut, flipped and joined telegrams; what comes out must be a telegram that went in."""

from bridge.framing.p1 import P1Framer

try:
    from streams import WHOLE, counters, crc16, flipped, octets, payloads, vectors
except ImportError:
    from tests.unit.streams import WHOLE, counters, crc16, flipped, octets, payloads, vectors

LINES = (
    b"1-3:0.2.8(50)", b"0-0:1.0.0(250330030100S)", b"0-0:96.1.1(4530303031)", b"1-0:1.8.1(001234.567*kWh)",
    b"1-0:2.7.0(00.193*kW)", b"0-1:24.2.1(250330030000S)(00042.125*m3)",
)  # fmt: skip


def crc(data):
    return crc16(data, 0, 0xA001)


def telegram(lines=LINES, head=b"/ABC5\\made"):
    body = head + b"\r\n\r\n" + b"".join([line + b"\r\n" for line in lines]) + b"!"
    return body + b"%04X\r\n" % crc(body)


def plain(lines=LINES[2:], head=b"/XYZ3made"):
    return head + b"\r\n\r\n" + b"".join([line + b"\r\n" for line in lines]) + b"!\r\n"


def run(data, sizes=WHOLE, framer=None):
    """Payloads of the frames in `data`, fed in chunks of these sizes by turns."""
    return payloads(framer or P1Framer(), data, sizes)


def payload(whole):
    return whole[: whole.rfind(b"!") + 1]


GOOD = telegram()
OTHER = telegram(LINES[:4], b"/DEF5other")


def test_vectors():
    published = vectors()
    if published is None:
        return  # not on this machine; the telegrams made here remain
    for name in ("p1_nl_dsmr50", "p1_be_emucs171", "p1_nl_dsmr30"):
        data = published[name]["ascii"].encode()
        assert run(data) == [payload(data)] == run(data, (1,)) == run(data, (7, 1, 64)), name


def test_chunks_of_any_kind_and_size():
    data = GOOD + OTHER + GOOD
    want = [payload(GOOD), payload(OTHER), payload(GOOD)]
    for sizes in ((1,), (2,), (3, 50), (100,), (len(GOOD),), (len(GOOD) - 1, 1), (len(GOOD) - 2,)):
        assert run(data, sizes) == want
    for kind in (bytes, bytearray, memoryview):
        framer = P1Framer()
        used = framer.feed(kind(data))
        assert used == len(GOOD) - 2  # right behind the fourth digit
        assert framer.take().checksum == "crc16"
        assert framer.feed(kind(data), used) == 2 + len(OTHER) - 2
    framer = P1Framer()
    assert run(data, framer=framer) == want
    assert framer.frames == 3 and counters(framer) == (0, 0, 0, 0)


def test_a_frame_is_there_without_the_end_of_the_line():
    framer = P1Framer()
    assert framer.feed(GOOD[:-3]) == len(GOOD) - 3 and framer.take() is None
    assert framer.feed(GOOD[-3:-2]) == 1 and framer.take() is not None


def test_every_cut_before_a_good_one():
    for cut in range(len(GOOD)):
        for sizes in ((1 << 20,), (1,)) if cut % 7 == 0 else ((1 << 20,),):
            found = run(GOOD[:cut] + OTHER, sizes)
            assert found[-1:] == [payload(OTHER)] and len(found) <= 1 + (cut > len(GOOD) - 3), cut


def test_every_cut_at_the_front():
    for cut in range(1, len(GOOD)):
        assert run(GOOD[cut:] + OTHER) == [payload(OTHER)], cut


def test_every_flipped_bit_is_refused_and_the_next_comes_out():
    for at in range(len(GOOD)):
        for bit in range(8):
            data = flipped(GOOD, at, 1 << bit)
            found = run(data + OTHER)
            # What still comes out is unharmed: line ends behind the checksum, the case of its digits.
            assert found in ([payload(OTHER)], [payload(GOOD), payload(OTHER)]), (at, bit)
            assert len(found) == 1 or at > GOOD.rfind(b"!"), (at, bit)


def test_every_flipped_bit_alone_in_the_stream():
    for at in range(0, len(GOOD) - 6):
        data = flipped(GOOD, at, 1 << at % 8)
        assert run(data) == [], at


def test_checksum_in_lower_case_or_short():
    small = GOOD[:-6] + GOOD[-6:-2].lower() + b"\r\n"
    assert run(small + OTHER) == [payload(GOOD), payload(OTHER)]
    for number in range(5000):
        made = telegram((b"0-0:96.1.1(%d)" % number,))
        if made[-6:-2] < b"0100":
            break
    short = payload(made) + made[-6:-2].lstrip(b"0")
    assert run(short + b"\r\n" + OTHER) == run(short + OTHER, (1,)) == [payload(made), payload(OTHER)]


def test_line_end_lost_before_the_end():
    body = payload(GOOD)[:-3] + b"!"
    data = body + b"%04x\r\n" % crc(body)
    assert run(data + OTHER) == run(data + OTHER, (1,)) == [body, payload(OTHER)]
    assert run(b"/ABC5cut\r\n\r\n1-0:1.8" + data) == [body]


def test_line_ends_of_one_character():
    for end in (b"\n", b"\r"):
        body = payload(GOOD).replace(b"\r\n", end)
        assert run(body + b"%04X" % crc(body) + end + OTHER) == [body, payload(OTHER)]


def test_slash_and_bang_in_values():
    made = telegram((b"0-0:96.13.0(a/ABC5!1234b)", b"0-0:96.13.1(!)", b"0-0:96.13.2(!AB12)"), b"/ABC5a/b!1")
    assert run(made + made) == run(made + made, (1,)) == [payload(made)] * 2


def test_line_ends_and_nulls_between_are_no_noise():
    framer = P1Framer()
    assert len(run(b"\r\n\0\0" + GOOD + b"\0\r\n\n" + GOOD + b"\0", framer=framer)) == 2
    assert framer.noise_bytes == 0
    run(b"abc\r\n", framer=framer)
    assert framer.noise_bytes == 3


def test_noise():
    noise = octets(6000)
    framer = P1Framer()
    assert run(noise + GOOD + noise + OTHER, (997, 13), framer) == [payload(GOOD), payload(OTHER)]
    assert framer.noise_bytes > 10000
    for junk in (b"/" * 9000, b"!" * 9000, b"\n!" * 4500, b"/ABC5" * 2000, b"\n!0000" * 1500, b"/ABC5)!0000" * 1000, b"/ABC5\n" + b")!0000" * 2000):
        assert run(junk + GOOD + OTHER)[-1] == payload(OTHER)


def test_too_long():
    framer = P1Framer()
    line = b"0-0:96.13.0(%s)\r\n" % (b"30" * 40)
    framer.feed(b"/ABC5long\r\n\r\n")
    for _ in range(1150):  # 100 kB
        assert framer.feed(line) == len(line) and framer.take() is None
    assert run(b"!1234\r\n" + GOOD, framer=framer) == [payload(GOOD)]
    assert framer.oversize == 1
    endless = b"/ABC5endless\r\n\r\n" + b"1-0:1.8.0(000001.000*kWh)\r\n" * 800
    assert run(endless + GOOD, (500,)) == [payload(GOOD)]
    longest = telegram([b"0-0:96.13.0(%s)" % (b"30" * 1024)] + [b"1-0:1.8.0(000001.000*kWh)"] * 68)
    assert 3900 < len(longest) < 4090
    assert run(longest + longest) == [payload(longest)] * 2
    assert run(longest[:3000] + GOOD + longest[:3800] + GOOD, (777,)) == [payload(GOOD)] * 2


def test_without_checksum():
    old = plain()
    framer = P1Framer()
    data = old + GOOD + old
    want = [payload(old), payload(GOOD), payload(old)]
    assert run(data, framer=framer) == run(data, (1,)) == want
    assert framer.crc_errors == 0
    framer = P1Framer()
    framer.feed(old)
    assert framer.take().checksum == "none"
    assert run(old[:60] + old) == [payload(old)]


def test_without_checksum_refused():
    for version in LINES[0], b"0-0:96.1.4(50217)":  # meters of these versions send one
        framer = P1Framer()
        assert run(plain((version,) + LINES[1:]) + GOOD, framer=framer) == [payload(GOOD)]
        assert framer.crc_errors == 1
    assert run(plain((b"0-0:96.13.0(\xb0)",))) == []  # not 7-bit
    assert run(plain()[:-2] + GOOD) == [payload(GOOD)]  # no end of line
    assert run(plain()[:-2] + b"g\r\n" + GOOD) == [payload(GOOD)]
