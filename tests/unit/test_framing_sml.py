"""SML transport: whole, cut, flipped and joined files; what comes out must be a body that went in."""

from bridge.framing.sml import SmlFramer

try:
    from streams import WHOLE, counters, crc16, flipped, octets, payloads, vectors
except ImportError:
    from tests.unit.streams import WHOLE, counters, crc16, flipped, octets, payloads, vectors

ESCAPE = b"\x1b\x1b\x1b\x1b"
START = ESCAPE + b"\x01\x01\x01\x01"
BODY = bytes.fromhex("7605000000016200620072630201710163e6ba00") + bytes(range(0x20, 0x60)) + b"\x1b\x1b\x1b\x00"


def file(body=BODY, kermit=False, fill=0):
    """A file and the body that must come out."""
    body = body + bytes(fill)
    wire = START + body.replace(ESCAPE, ESCAPE * 2) + ESCAPE + b"\x1a" + bytes([fill])
    if kermit:
        value = crc16(wire, 0)
        return wire + bytes([value >> 8, value & 255])
    value = crc16(wire, 0xFFFF) ^ 0xFFFF
    return wire + bytes([value & 255, value >> 8])


def run(data, sizes=WHOLE, framer=None):
    """Payloads of the frames in `data`, fed in chunks of these sizes by turns."""
    return payloads(framer or SmlFramer(), data, sizes)


GOOD = file()
OTHER_BODY = b"\x76\x05\x1b\x1b\x1a\x01" + bytes(30)
OTHER = file(OTHER_BODY)


def test_vectors():
    published = vectors()
    if published is None:
        return  # not on this machine; the files made here remain
    names = 0
    for row in published.values():
        if row["name"].startswith("sml_"):
            names += 1
            data = bytes.fromhex(row["hex"])
            whole = run(data)
            assert len(whole) == 1 and run(data, (1,)) == whole and run(data + data, (5, 90)) == whole * 2, row["name"]
            assert whole[0] == data[8:-8].replace(ESCAPE * 2, ESCAPE), row["name"]
    assert names >= 6


def test_chunks_of_any_size():
    data = GOOD + OTHER + GOOD
    for sizes in ((1,), (2,), (3, 50), (len(GOOD),), (len(GOOD) - 1, 1)):
        assert run(data, sizes) == [BODY, OTHER_BODY, BODY]
    framer = SmlFramer()
    assert framer.feed(data) == len(GOOD)
    frame = framer.take()
    assert frame.checksum == "crc16" and frame.protocol == "sml" and framer.take() is None
    assert framer.feed(data, len(GOOD)) == len(OTHER)
    assert counters(framer) == (0, 0, 0, 0)


def test_kermit_high_byte_first():
    assert run(file(kermit=True) + GOOD) == [BODY, BODY]


def test_fill_bytes_and_odd_lengths():
    for length in range(1, 9):
        for fill in range(5):
            assert run(file(b"\x76" * length, fill=fill) + OTHER) == [b"\x76" * length + bytes(fill), OTHER_BODY]


def test_escapes_in_the_body():
    ones = b"\x01\x01\x01\x01"
    for body in (
        ESCAPE + b"\0", b"\x76" + ESCAPE + b"\0", b"ab" + ESCAPE * 2 + b"c", ESCAPE + ones + b"\0", ESCAPE + b"\x1a\0\0\0", b"\x1b" * 9 + b"\0",
        b"ab" + ESCAPE + b"cd" + ESCAPE + b"\0", ESCAPE + b"\x02\x02\x02\x02\0", b"\x1b" * 3 + b"\0", ESCAPE * 20 + b"\0",
    ):  # fmt: skip
        assert run(file(body) + OTHER) == run(file(body) + OTHER, (1,)) == [body, OTHER_BODY], body


def test_every_cut_before_a_good_one():
    for cut in range(len(GOOD)):
        assert run(GOOD[:cut] + OTHER) == [OTHER_BODY], cut
        assert run(GOOD[:cut] + OTHER, (1,)) == [OTHER_BODY], cut
    escaped = file(b"ab" + ESCAPE + b"cd" + ESCAPE + b"\0")
    for cut in range(len(escaped)):
        assert run(escaped[:cut] + OTHER) == [OTHER_BODY], cut
    for cut in range(1, len(GOOD)):
        assert run(GOOD[cut:] + OTHER) == [OTHER_BODY], cut


def test_every_lost_stretch():
    for at in range(0, len(GOOD), 3):
        for length in (1, 4, 9):
            assert run(GOOD[:at] + GOOD[at + length :] + OTHER)[-1] == OTHER_BODY, (at, length)


def test_every_flipped_bit_is_refused_and_the_next_comes_out():
    for at in range(len(GOOD)):
        for bit in range(8):
            data = flipped(GOOD, at, 1 << bit)
            assert run(data + OTHER) == [OTHER_BODY], (at, bit)


def test_start_after_a_run_of_escape_bytes():
    for count in range(1, 14):
        assert run(b"\x1b" * count + GOOD) == [BODY], count
        assert run(START + b"abcd" + b"\x1b" * count + GOOD) == [BODY], count
    assert run(START * 6 + GOOD[8:] + OTHER) == [BODY, OTHER_BODY]


def test_version_2_is_counted():
    framer = SmlFramer()
    second = ESCAPE + b"\x02\x02\x02\x02" + bytes(40)
    assert run(second + GOOD + second + second + OTHER, framer=framer) == [BODY, OTHER_BODY]
    assert framer.version2 == 3


def test_noise_and_length():
    noise = octets(5000)
    framer = SmlFramer()
    assert run(noise + GOOD + noise + OTHER, (997, 13), framer) == [BODY, OTHER_BODY]
    assert framer.noise_bytes == 10000 and framer.crc_errors == 0
    framer = SmlFramer()
    framer.feed(START)
    for _ in range(1000):  # 100 kB
        assert framer.feed(bytes(100)) == 100 and framer.take() is None
    assert run(ESCAPE + b"\x1a\0\x12\x34" + GOOD, framer=framer) == [BODY]
    assert framer.oversize == 1
    for junk in (ESCAPE * 2000, START * 1000, (ESCAPE + b"\x1a\0\0\0") * 1000, (START + ESCAPE + b"\x1a\0\0\0") * 500, ESCAPE * 3 + b"\x01" * 5000):
        assert run(junk + GOOD + OTHER)[-1] == OTHER_BODY
    assert run(START + bytes(2000) + GOOD, (300,)) == [BODY]
