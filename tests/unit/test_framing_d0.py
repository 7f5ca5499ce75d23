"""D0 framing: pushed telegrams and readouts, whole, cut, flipped and joined; what comes out must be a telegram that went in."""

from bridge.framing.d0 import D0Framer
from bridge.framing.p1 import P1Framer

try:
    from streams import fed, flipped, vectors
except ImportError:
    from tests.unit.streams import fed, flipped, vectors

LINES = (b"1-0:0.0.0*255(1EBZ0100000001)", b"1-0:1.8.0*255(001234.56780000*kWh)", b"1-0:16.7.0*255(000613.00*W)", b"0-0:96.8.0*255(00000A0B)")
SHORT = (b"F.F(00)", b"0.0.0(12345678)", b"1.8.0(001234.5*kWh)", b"C.7.0(0012)")


def push(lines=LINES, head=b"/EBZ5DD3SIM\r\n\r\n"):
    return head + b"".join([line + b"\r\n" for line in lines]) + b"!\r\n"


def bcc(octets):
    check = 0
    for octet in octets:
        check ^= octet
    return bytes((check,))


def readout(lines=SHORT, head=b"/LGZ5ZMF100\r\n"):
    body = b"".join([line + b"\r\n" for line in lines]) + b"!\r\n\x03"
    return head + b"\x02" + body + bcc(body)


def run(data, size=1 << 20, framer=None):
    """(payload, checksum) of the frames in `data`, fed in chunks of `size`."""
    return [(bytes(frame.payload), frame.checksum) for frame in fed(framer or D0Framer(), data, (size,)) if frame is not None]


PUSHED = (push()[:-2], "none")
READ = (b"/LGZ5ZMF100\r\n\n" + b"".join([line + b"\r\n" for line in SHORT]) + b"!", "bcc")


def test_vectors():
    published = vectors()
    if published is None:
        return  # not on this machine; the telegrams made here remain
    block = bytes.fromhex(published["d0_mode_c_block"]["hex"])
    assert run(block) == [(block[1:-4], "bcc")]
    text = published["d0_push_ebz"]["ascii"].encode()
    assert run(text) == [(text[:-2], "none")]


def test_chunks_of_every_size():
    data = push() + readout() + push() + readout(head=b"") + readout()
    for size in (1, 2, 3, 5, 7, 64, 999):
        framer = D0Framer()
        assert run(data, size, framer) == [PUSHED, READ, PUSHED, (READ[0][14:], "bcc"), READ]
        assert framer.frames == 5 and not framer.noise_bytes and not framer.crc_errors and not framer.resyncs


def test_the_identification_is_noted_when_it_comes_alone():
    framer = D0Framer()
    framer.feed(b"/?!\r\n/ISk5MT174-0001\r")
    assert framer.identified == 0
    framer.feed(b"\n")
    assert framer.identified == ord("k") << 8 | ord("5")
    framer.identified = 0
    framer.feed(b"/LGZ4ZMF100\r\n")  # asked again
    assert framer.identified == ord("Z") << 8 | ord("4")
    assert run(readout(head=b""), framer=framer) == [(READ[0].replace(b"GZ5", b"GZ4"), "bcc")]


def test_every_flipped_bit_of_a_readout_is_refused():
    whole = readout()
    block = whole.find(b"\x02")
    for at in range(block + 1, len(whole)):
        for bit in (0, 3, 6):
            data = flipped(whole, at, 1 << bit)
            framer = D0Framer()
            found = run(bytes(data) + readout(), framer=framer)
            assert found[-1] == READ, (at, bit)
            assert len(found) == 1, (at, bit, found)


def test_a_cut_telegram_costs_itself():
    for whole, good in ((push(), PUSHED), (readout(), READ)):
        for at in range(1, len(whole) - 4):
            framer = D0Framer()
            assert run(whole[:at] + push() + readout(), framer=framer) == [PUSHED, READ], at
            assert run(whole[at:] + whole + whole, framer=D0Framer())[-2:] == [good, good], at
    assert run(readout()[:-1] + push() + readout()) == [PUSHED, READ]


def test_without_identification():
    stripped = b"".join([line + b"\r\n" for line in SHORT]) + b"!\r\n"
    assert run(stripped[9:]) == [(stripped[9:-2], "none")]  # from 0.0.0 on
    assert run(stripped) == [(stripped[:-2], "none")]
    assert run(b"xyz\r\n" + stripped) == []  # the end of something, and this may be too
    assert run(stripped[stripped.find(b"1.8.0") :]) == []
    lines = push()[len(b"/EBZ5DD3SIM\r\n\r\n") :]
    assert run(lines) == run(lines, 1) == [(lines[:-2], "none")]  # begins with the meter's id
    assert run(lines[1:]) == run(lines[32:]) == []


def test_line_ends():
    assert run(b"/HAG5eHZ\r\n1-0:1.8.0*255(000001.2963)\r\n!\n") == [(b"/HAG5eHZ\r\n1-0:1.8.0*255(000001.2963)\r\n!", "none")]
    assert len(run(b"/SIE32WR5\r\n6.8(0029.055*MWh)F(0)!\r\n")) == 1
    assert run(push()[:-2]) == []  # what follows decides
    assert len(run(push()[:-2] + b"\n")) == 1


def test_a_block_whose_checksum_was_not_captured():
    block = readout()[:-2]
    assert run(block + b"\n") == [(READ[0], "none")]
    assert run(block + readout()) == [(READ[0], "none"), READ]
    framer = D0Framer()
    assert run(block + b"\x13z" + readout(), framer=framer) == [READ] and framer.crc_errors == 1


def test_exclamation_marks_and_slashes_in_values():
    lines = LINES + (b"0-0:96.13.0*255(a!b/c/ABc?/)!/x)", b"0-0:97.0.0*255(01/02/2024!)")
    assert run(push(lines)) == [(push(lines)[:-2], "none")]
    assert run(readout(lines)) == [(b"/LGZ5ZMF100\r\n\n" + push(lines, b"")[:-2], "bcc")]


def test_p1_is_not_taken_and_leaves_this():
    dsmr2 = b"/ISk5\\2ME382-1003\r\n\r\n0-0:96.1.1(4B41)\r\n1-0:1.8.1(00123.456*kWh)\r\n!\r\n"
    dsmr5 = b"/ISk5\\2MT382\r\n\r\n1-3:0.2.8(50)\r\n1-0:1.8.1(00123.456*kWh)\r\n!1234\r\n"
    assert run(dsmr2 + dsmr5 + dsmr2) == []
    assert len(run(dsmr2, framer=P1Framer())) == 1
    assert run(push() * 3, framer=P1Framer()) == []
    assert run(readout() * 3, framer=P1Framer()) == []


def test_noise_and_limits():
    framer = D0Framer()
    assert run(bytes(range(256)) * 40 + b"\r\n" + push(), 100, framer) == [PUSHED]
    assert framer.noise_bytes > 2000 and framer.oversize
    for junk in (b"\x02" + b"1.8.0(1*kWh)\r\n" * 400, b"/LGZ5" + b"x" * 9000, b")!\r" * 3000, b"/" * 9000, b"\x02" * 9000, b"!" * 9000):
        framer = D0Framer()
        assert run(junk + push() + readout(), 97, framer)[-2:] == [PUSHED, READ]
    framer = D0Framer()
    run(b"/LGZ5ZMD\r\n\x02" + b"1.8.0(1*kWh)\r\n" * 700, framer=framer)
    assert framer.oversize >= 1


def test_bits_above_seven_are_not_text():
    octets = bytearray(push())
    octets[40] |= 128
    assert run(bytes(octets) + push()) == [PUSHED]
