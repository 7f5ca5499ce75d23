"""AMIS decoding: telegrams made here by an encoder of their own in, registers out; one telegram that was made elsewhere."""

from bridge.core.civil import seconds
from bridge.core.errors import DecodeError, SecurityError
from bridge.decoding.amis import AmisDecoder
from bridge.decoding.obis import text, unit_name
from bridge.decoding.security import Security
from bridge.framing.amis import AmisFramer
from bridge.framing.frame import Frame
from cryptolib import aes

KEY = bytes(range(16))
MADE = (  # the project's own vector: key 00 01 .. 0F
    "685f5f6873f05b000000002d4c010e2a00500509b123ff7c1bef689723d17a99a2803f02c3066034c3a147e34a6287f5f21da88dd0e690b125067ada9231d9a4"
    "c72471a46804cbe64b7b02300b42da5ab8d14ee904dbd1b6f70f828a807730ea3ce7872616"
)
SUMMER = "77224c2f371d"  # 2025-07-15 12:34:55, summer
HEADS = "0403 04833c 8410fb8273 8410fb82f33c 042b 04ab3c 04fb14 04fb943c 0483ff04".split(" ")
NAMES = (
    ("1-0:1.8.0", "Wh"), ("1-0:2.8.0", "Wh"), ("1-0:3.8.1", "varh"), ("1-0:4.8.1", "varh"), ("1-0:1.7.0", "W"), ("1-0:2.7.0", "W"),
    ("1-0:3.7.0", "var"), ("1-0:4.7.0", "var"), ("1-0:1.128.0", "Wh"),
)  # fmt: skip


def keys(key=KEY, replay=True):
    return Security(key, replay=replay)


def records(values, time=SUMMER):
    """A telegram's plain text, of 80 bytes."""
    plain = b"\x2f\x2f\x06\x6d" + bytes.fromhex(time)
    for head, value in zip(HEADS, values):
        plain += bytes.fromhex(head) + bytes([value >> shift & 255 for shift in (0, 8, 16, 24)])
    return plain + b"\x2f\x2f"


def body(plain, access=7, key=KEY, c=0x73, who="00000000 2d4c 01 0e", mode=b"\x05", blocks=None):
    """C to the last data byte."""
    who = bytes.fromhex(who.replace(" ", ""))
    iv = who[4:6] + who[:4] + who[6:] + bytes([access]) * 8
    blocks = len(plain) // 16 if blocks is None else blocks
    return bytes([c, 0xF0, 0x5B]) + who + bytes([access, 0, blocks << 4]) + mode + aes(key, 2, iv).encrypt(plain)


def frame_of(octets, before=4):
    frame = Frame("amis", bytearray(b"x" * before + octets + b"xx"))
    frame.start = before
    frame.end = before + len(octets)
    return frame


def decode(decoder, frame):
    found = []

    def emit(register):
        assert register.f == 255 and register.scaler == 0 and register.status == 0 and not register.implied
        found.append((text(register.ab, register.cde, register.f), register.value, unit_name(register.unit), register.time))

    decoder.decode(frame, emit)
    assert frame.security == "unauthenticated"
    return found


def refused(decoder, frame):
    """The reason that it is refused for."""
    try:
        decoder.decode(frame, lambda register: None)
    except SecurityError as error:
        assert not frame.security
        return error.reason
    except DecodeError:
        return "decode"
    return None


def padded(plain):
    return plain[:-2] + b"\x2f" * (-len(plain) % 16) + plain[-2:]


VALUES = (1234567, 7654, 111, 222, 613, 0, 17, 5, 0)
TIME = seconds(2025, 7, 15, 10, 34, 55)


def wanted(values, time=TIME):
    head = [("0-0:1.0.0", time, "", time)] if time else []
    return head + [(name, value, unit, None) for (name, unit), value in zip(NAMES, values)]


def test_a_telegram_made_elsewhere():
    framer = AmisFramer()
    assert framer.feed(bytes.fromhex(MADE)) == 101
    assert decode(AmisDecoder(keys()), framer.take()) == wanted(VALUES)


def test_telegrams_one_after_the_other():
    decoder = AmisDecoder(keys())
    for n in range(600):
        values = [n * 7 + at for at in range(9)]
        assert decode(decoder, frame_of(body(records(values), n & 255))) == wanted(values), n


def test_large_and_negative_numbers():
    decoder = AmisDecoder(keys())
    for access, value in enumerate((0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, 0x3FFFFFFF, 0x40000000, 0x01000000)):
        assert decode(decoder, frame_of(body(records((value,) * 8 + (0,)), access))) == wanted((value,) * 8 + (0,))
    for access, value in enumerate((-1, -256, -(1 << 24), -(1 << 31), (1 << 31) - 1, -0x1000001)):
        assert decode(decoder, frame_of(body(records((1,) * 8 + (value,)), access)))[-1] == ("1-0:1.128.0", value, "Wh", None)


def test_times():
    decoder = AmisDecoder(keys())
    for access, (time, want) in enumerate((
        ("5f0c48c1171b", seconds(2014, 7, 1, 6, 12, 31)),  # the published example: 2014-07-01 08:12:31, summer
        ("3b3b173f3c00", seconds(2025, 12, 31, 22, 59, 59)), ("00000041 31 00", seconds(2025, 12, 31, 23)),
        ("40004041 3100", seconds(2025, 12, 31, 22)), ("000000e1d100", seconds(2110, 12, 31, 23)),
        ("000000000000", None), ("00800041 3100", None), ("3f000041 3100", None), ("000000413d00", None), ("00003f413100", None), ("003c00413100", None),
    )):  # fmt: skip
        found = decode(decoder, frame_of(body(records(VALUES, time.replace(" ", "")), access)))
        assert found == wanted(VALUES, want), time


def test_who_sends_and_how_matters_not():
    for c in (0x53, 0x73):
        assert decode(AmisDecoder(keys()), frame_of(body(records(VALUES), c=c), 0)) == wanted(VALUES)
    assert decode(AmisDecoder(keys()), frame_of(body(records(VALUES), who="12345678 2d4c 02 0e"))) == wanted(VALUES)


def test_unknown_records_are_passed_over():
    known = b"\x04\x2b\x65\x02\x00\x00"
    for unknown in (
        "0100ff", "02fd17 0102", "03 05 010203", "07 13 0102030405060708", "0c 13 12345678", "0e 13 123456789012", "09 70 12", "0a 70 1234",
        "0b 70 123456", "05 2b 00000000", "08 13", "00 13", "0d 78 03 414243", "0d 78 00", "84 20 fb 82 73 01020304", "84 10 fb 82 f3 7c 01020304",
        "84 90 90 10 fb 82 f3 bc bc 3c 01020304", "44 03 01020304", "06 03 010203040506", "04 6d 01020304", "2f 2f 2f", "04 83 ff 05 01020304",
    ):  # fmt: skip
        plain = padded(b"\x2f\x2f" + bytes.fromhex(unknown.replace(" ", "")) + known + b"\x2f\x2f")
        assert decode(AmisDecoder(keys()), frame_of(body(plain))) == [("1-0:1.7.0", 613, "W", None)], unknown
    for own in (b"\x0f", b"\x1f"):
        plain = padded(b"\x2f\x2f" + known + own + known + b"\x2f\x2f")
        assert decode(AmisDecoder(keys()), frame_of(body(plain))) == [("1-0:1.7.0", 613, "W", None)]


def test_records_that_end_outside():
    for bad in (b"\x04", b"\x04\x03\x01\x02\x03", b"\x0d\x78\x20", b"\x0d\x78\xc0", b"\x0d\x78", b"\x07\x03", b"\x84" * 9, b"\x04\x83\xff", b"\x3f\x00", b"\x7f"):
        plain = b"\x2f\x2f" + b"\x2f" * (28 - len(bad)) + bad + b"\x2f\x2f"
        assert refused(AmisDecoder(keys()), frame_of(body(plain))) == "decode", bad
    state = 1
    for access in range(300):  # nothing but a refusal or registers, whatever is inside
        plain = bytearray(b"\x2f\x2f")
        while len(plain) < 78:
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
            plain.append(state >> 16 & 255)
        assert refused(AmisDecoder(keys()), frame_of(body(bytes(plain) + b"\x2f\x2f"))) in (None, "decode")


def test_keys():
    frame = frame_of(body(records(VALUES)))
    assert refused(AmisDecoder(keys(None)), frame) == "key_missing"
    decoder = AmisDecoder(keys(bytes(16)))
    assert refused(decoder, frame) == refused(decoder, frame) == "key_wrong"
    assert decode(AmisDecoder(keys()), frame) == wanted(VALUES)
    other = bytes(range(1, 17))
    assert decode(AmisDecoder(keys(other)), frame_of(body(records(VALUES), key=other))) == wanted(VALUES)
    for plain in (b"\x2f" + records(VALUES)[1:-1] + b"\x2e", b"\x2e" + records(VALUES)[1:], b"\x2f\x2e" + records(VALUES)[2:], records(VALUES)[:-2] + b"\x2e\x2f"):
        assert refused(AmisDecoder(keys()), frame_of(body(plain))) == "key_wrong"


def test_lengths_and_ciphers():
    good = body(records(VALUES))
    for cut in range(1, len(good)):
        assert refused(AmisDecoder(keys()), frame_of(good[:cut])) == "length", cut
    assert refused(AmisDecoder(keys()), frame_of(good + bytes(16))) == refused(AmisDecoder(keys()), frame_of(b"")) == "length"
    for blocks in (0, 1, 4, 6, 15):
        assert refused(AmisDecoder(keys()), frame_of(body(records(VALUES), blocks=blocks))) == "length"
    for mode in (b"\x00", b"\x07", b"\x0d", b"\x04"):
        assert refused(AmisDecoder(keys()), frame_of(body(records(VALUES), mode=mode))) == "cipher_unknown"
    small = AmisDecoder(keys())
    for size in (16, 240, 32, 80):
        plain = b"\x2f\x2f" + (b"\x04\x2b\x65\x02\x00\x00" + b"\x2f" * 6) + b"\x2f" * (size - 14)
        assert decode(small, frame_of(body(plain))) == [("1-0:1.7.0", 613, "W", None)]


def test_the_last_telegram_once_more_is_refused():
    decoder = AmisDecoder(keys())
    frame, other = frame_of(body(records(VALUES))), frame_of(body(records(VALUES), 8))
    assert decode(decoder, frame) == wanted(VALUES)
    assert refused(decoder, frame) == refused(decoder, frame) == "replay"
    assert decode(decoder, other) == decode(decoder, frame) == wanted(VALUES)  # another access number is another telegram
    assert decode(decoder, frame_of(body(records((5,) * 9)))) == wanted((5,) * 9)  # and so is another text
    kept = AmisDecoder(keys(replay=False))
    assert decode(kept, frame) == decode(kept, frame) == wanted(VALUES)
