"""P1 telegrams whose lines alone are encrypted: bytes of the wire in, registers or the reason of a refusal out.

The ciphertexts were made with AESGCM of CPython's package `cryptography` (tags cut to 12 bytes, title of zeros), not with the code under test.
"""

from bridge.core.errors import DecodeError, SecurityError
from bridge.decoding import p1
from bridge.decoding.dlms import DlmsDecoder
from bridge.decoding.obis import text
from bridge.decoding.security import Security
from bridge.framing.apdu import ApduFramer
from bridge.framing.p1_inner import verified
from bridge.framing.signatures import marks

KEY = bytes(range(16))
AUTH = bytes(range(0xD0, 0xE0))
HEAD = b"/EGM5G35\r\n\r\n"
LINES = b"0-0:1.0.0(250115120000W)\r\n1-0:1.8.0(000123.456*kWh)\r\n1-0:1.7.0(00.278*kW)\r\n"
INNER_CRC = b"0F4E"  # of HEAD, LINES and '!'
# By frame counter: LINES and the tag.
SECURED = {
    0: "79fbb769a8b596a2d3a1485d50b081a8889f1b1e045a95115d570773ac8dcd78084d86f73a1ceb81b7217fe6f35ffbd4cceab0846e43ac717a6f0deab12df82be470ce655083c4bde8df237eda3c47967c84e30c551750",
    7: "79be19c855da8de355222b8e7db373e75f3d2306fe28af6379c7872012229075d4130c95695d7b9d77c2df7b92f4af45a00697e7d32285f8cf3d1ac59570cea5d432babff2a4aca430fd0b13a6467773e4eda0fef80935",
}
VALUES = [("1-0:1.8.0", 123456, -3), ("1-0:1.7.0", 278, -3)]


def crc(octets):
    value = 0
    for octet in octets:
        value ^= octet
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return b"%04X" % value


def telegram(counter=0, footer=INNER_CRC, head=HEAD):
    """`footer` None: the CRC of what is on the wire."""
    secured = bytes.fromhex(SECURED[counter])
    size = len(secured) + 5
    wire = head + b"\0\x82" + bytes([size >> 8, size & 255, 0x30, 0, 0, 0, counter]) + secured + b"!"
    return wire + (footer or crc(wire)) + b"\r\n"


def inner(frame, emit, known):
    if not verified(frame):
        raise DecodeError("wrong checksum")
    p1.decode(frame, emit, known)


def run(data, security=None, size=1 << 20):
    """For each frame in `data`: registers, the reason why it is refused, or None; and the framer."""
    security = security or Security(KEY, AUTH)
    framer, decoder, answers = ApduFramer(), DlmsDecoder(security, inner), []
    for start in range(0, len(data), size):
        chunk = memoryview(data)[start : start + size]
        used = 0
        while used < len(chunk):
            used += framer.feed(chunk, used)
            frame = framer.take()
            if frame is None:
                continue
            found = []
            try:
                decoder.decode(frame, lambda r: isinstance(r.value, int) and found.append((text(r.ab, r.cde, r.f), r.value, r.scaler)))
                answers.append((found, frame.security))
            except SecurityError as error:
                answers.append(error.reason)
            except DecodeError:
                answers.append(None)
    return answers


def test_the_encoder():
    assert crc(HEAD + LINES + b"!") == INNER_CRC and telegram().startswith(HEAD + b"\0\x82\0\x5c\x30\0\0\0\0")


def test_with_both_keys():
    good = (VALUES, "authenticated")
    for footer in (INNER_CRC, b"0000", None):  # the tag proves it
        for size in (1 << 20, 1, 7, 50):
            assert run(telegram(0, footer) * 3, size=size) == [good] * 3, (footer, size)
    assert run(telegram(7) + telegram(7)) == [good, "replay"]
    assert run(telegram(head=b"/KFM5KAIFA-METER\r\n\r\n") + telegram(head=b"/ABC5\r\n\r\n")) == [good] * 2


def test_with_the_encryption_key_alone_a_crc_must_be_right():
    good = (VALUES, "unauthenticated")
    assert run(telegram() + telegram(0, None), Security(KEY)) == [good] * 2
    assert run(telegram(0, b"0000") + telegram(), Security(KEY)) == [None, good]


def test_keys_that_are_missing_or_wrong():
    assert run(telegram(), Security()) == ["key_missing"]
    assert run(telegram(), Security(AUTH)) == run(telegram(), Security(AUTH, AUTH)) == ["key_wrong"]
    assert run(telegram(), Security(KEY, KEY)) == ["tag_wrong"]


def test_cut_and_damaged_ones_do_not_cost_the_next():
    wire = telegram()
    good = (VALUES, "authenticated")
    for cut in range(1, len(wire) - 2):
        assert run(wire[:cut] + wire)[-1] == good and run(wire[cut:] + wire)[-1] == good, cut
    for at in range(0, len(wire) - 6, 3):
        damaged = bytearray(wire)
        damaged[at] ^= 0x41
        answers = run(bytes(damaged) + wire + wire)
        assert answers[-1] == good and (answers[0] != good or len(answers) == 2 or at < 12), at


def test_what_is_none():
    for head in (b"/" + b"x" * 60 + b"\r\n\r\n", b"/A\0\r\n\r\n", b"/A\r\n\r\n"):
        assert run(telegram(head=head) * 2) == [], head
    assert run(HEAD + LINES + b"!" + INNER_CRC + b"\r\n") == []


def test_its_mark():
    found = []
    marks(bytearray(telegram()), found)
    assert "dlms" in found and "p1" in found
    found = []
    marks(bytearray(HEAD + LINES), found)
    assert found == ["p1"]
