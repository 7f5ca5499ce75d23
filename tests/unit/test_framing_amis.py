"""AMIS framing: telegrams and questions of the meter in, frames and acknowledgements out."""

from bridge.framing.amis import AmisFramer

try:
    from streams import WHOLE, counters, fed, flipped, octets
except ImportError:
    from tests.unit.streams import WHOLE, counters, fed, flipped, octets

ASKS = bytes.fromhex("1040f03016")
E5 = b"\xe5"
# Made for this project (invented key and values), of the layout in Netz OÖ's description of the interface.
TELEGRAM = bytes.fromhex(
    "685f5f6873f05b000000002d4c010e2a00500509b123ff7c1bef689723d17a99a2803f02c3066034c3a147e34a6287f5f21da88dd0e690b125067ada9231d9a4"
    "c72471a46804cbe64b7b02300b42da5ab8d14ee904dbd1b6f70f828a807730ea3ce7872616"
)
BODY = TELEGRAM[4:-2]


def link(body):
    return bytes([0x68, len(body), len(body), 0x68]) + body + bytes([sum(body) & 255, 0x16])


OTHER_BODY = b"\x53" + BODY[1:11] + b"\x2b" + BODY[12:20] + bytes(range(75))
OTHER = link(OTHER_BODY)


def run(data, sizes=WHOLE, framer=None):
    """Payloads of the frames in `data` and "E5" for each acknowledgement, in order, fed in chunks of these sizes by turns."""
    framer = framer or AmisFramer()
    found = []
    for frame in fed(framer, data, sizes):
        if frame is not None:
            assert frame.checksum == "sum8" and frame.protocol == "amis" and framer.reply == E5
            found.append(bytes(frame.payload))
        if framer.reply:
            assert framer.reply == E5
            framer.reply = b""
            found.append("E5")
    return found


def test_telegrams_are_given_and_acknowledged():
    assert len(TELEGRAM) == 101
    data = TELEGRAM + OTHER + TELEGRAM
    for sizes in ((1000,), (1,), (2,), (101,), (100, 1), (37, 5)):
        framer = AmisFramer()
        assert run(data, sizes, framer) == [BODY, "E5", OTHER_BODY, "E5", BODY, "E5"], sizes
        assert framer.frames == 3 and counters(framer) == (0, 0, 0, 0)


def test_questions_are_answered():
    for sizes in ((5, 101), (1,), (3,), (5,), (102, 2)):
        framer = AmisFramer()
        assert run(ASKS + TELEGRAM + ASKS + OTHER, sizes, framer) == ["E5", BODY, "E5", "E5", OTHER_BODY, "E5"], sizes
        assert framer.noise_bytes == 0 and framer.frames == 2
        assert run(ASKS, sizes, framer) == run(E5 + ASKS, sizes, framer) == run(b"\x10" + ASKS, sizes, framer) == ["E5"]
        assert framer.noise_bytes == 1
    assert run(ASKS * 300, (7,))[-1] == "E5"


def test_nothing_else_is_answered():
    for at in range(5):
        for flip in (1, 0x10, 0x80, 0xFF):
            hurt = flipped(ASKS, at, flip)
            assert run(hurt) == run(hurt, (1,)) == [], (at, flip)
    for silent in (E5 * 50, bytes(300), b"\xff" * 300, b"/EST5\r\n", bytes.fromhex("1040004016"), link(b"\x53\xff\x10\x01\x67" + bytes(80))):
        assert run(silent) == run(silent, (1,)) == []


def test_our_own_light_is_no_noise():
    framer = AmisFramer()
    assert run(ASKS + E5 + TELEGRAM + E5 + OTHER + E5, (1,), framer) == ["E5", BODY, "E5", OTHER_BODY, "E5"]
    assert run(E5 + TELEGRAM, framer=framer) == [BODY, "E5"] and framer.noise_bytes == 0


def test_every_cut():
    for cut in range(len(TELEGRAM)):
        for data in (TELEGRAM[:cut], TELEGRAM[cut + 1 :]):
            assert run(data + OTHER) == run(data + OTHER, (1,)) == [OTHER_BODY, "E5"], cut
            assert run(data + ASKS) == run(data + ASKS, (1,)) == ["E5"], cut
            assert run(data + ASKS + OTHER, (1,)) == ["E5", OTHER_BODY, "E5"], cut


def test_every_damaged_byte_is_refused_and_the_next_comes_out():
    for at in range(len(TELEGRAM)):
        for flip in (1, 0x80, 0xFF, 0x0A):
            hurt = flipped(TELEGRAM, at, flip)
            assert run(hurt + OTHER) == [OTHER_BODY, "E5"], (at, flip)
    framer = AmisFramer()
    assert run(TELEGRAM[:50] + b"\0" + TELEGRAM[51:] + OTHER, framer=framer) == [OTHER_BODY, "E5"]
    assert framer.crc_errors == 1 and framer.noise_bytes == len(TELEGRAM)


def test_noise_and_hostile_lengths():
    noise = octets(5000)
    assert run(noise + TELEGRAM + noise + OTHER, (997, 13)) == [BODY, "E5", OTHER_BODY, "E5"]
    for length in range(256):
        head = bytes([0x68, length, length, 0x68, 0x53, 0xF0, 0x5B])
        assert run(head + TELEGRAM * 3)[-2:] == [BODY, "E5"], length
        assert run(head + ASKS) == ["E5"], length
    for junk in (b"\x68" * 3000, b"\x68\xff\xff\x68\x53\xf0\x5b" * 500, b"\x10\x40\xf0\x30" * 700, ASKS[:4] * 9):
        assert run(junk + ASKS + TELEGRAM * 4, (100,))[-2:] == [BODY, "E5"]
    for size in (1, 2, 5, 6, 200, 255):
        body = b"\x73\xf0\x5b" + bytes(size - 3 if size > 3 else 0)
        assert run(link(body[:size]) + TELEGRAM * 3)[-2:] == [BODY, "E5"], size
