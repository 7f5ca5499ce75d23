"""DLMS decoding: notifications written by a small encoder here, registers out; expected values are written down, not computed."""

from bridge.core.civil import seconds
from bridge.core.errors import DecodeError, SecurityError
from bridge.decoding import dlms_walk
from bridge.decoding.dlms import DlmsDecoder
from bridge.decoding.obis import text, unit_name
from bridge.framing.frame import Frame
from bridge.reading.builder import Builder

NOON = b"\x07\xe9\x07\x0f\x02\x0c\x22\x37\xff\xff\x88\x80"  # 2025-07-15 12:34:55, UTC+2
NOON_UTC = seconds(2025, 7, 15, 10, 34, 55)
CLOCK = ("0-0:1.0.0", NOON_UTC, 0, "", NOON_UTC, False)
KEY = b"\xdb\x08LGZ\x00\x00\x00\x00\x01"  # how an encrypted APDU begins: with the system title


def octets(value):
    return b"\x09" + bytes([len(value)]) + value


def obis(code):
    medium, rest = code.split(":")
    return octets(bytes([int(part) for part in medium.split("-") + rest.split(".")] + [255]))


def number(tag, size, value):
    if value < 0:
        value += 1 << 8 * size
    return bytes([tag] + [value >> 8 * place & 255 for place in range(size - 1, -1, -1)])


def u32(value):
    return number(6, 4, value)


def u16(value):
    return number(18, 2, value)


def scaled(scaler, unit):
    return bytes([2, 2, 15, scaler & 255, 22, unit])


def structure(*members, tag=2):
    return bytes([tag, len(members)]) + b"".join(members)


def triple(code, value, scaler, unit):
    return structure(obis(code), value, scaled(scaler, unit))


def notification(body, time=b"\x0c" + NOON):
    return b"\x0f\x00\x00\x01\x23" + time + body


class Lock:
    """Stands for the Security: takes the head off and says what the test wants; `title`: what stands before the plaintext."""

    def __init__(self, security="authenticated", reason=""):
        self.security = security
        self.reason = reason
        self.accepted = 0

    def open(self, frame):
        if self.reason:
            raise SecurityError(self.reason)
        frame.start += len(KEY)
        frame.security = self.security

    def accept(self):
        self.accepted += 1


def frame_of(apdu):
    frame = Frame("hdlc", bytearray(b"xxxx" + apdu + b"\x09\x06\x01\x00\x01\x08"))  # what is behind the end is not read
    frame.start = 4
    frame.end = 4 + len(apdu)
    return frame


def decode(apdu, security=None, inner=None):
    found = []

    def emit(register):
        value = register.value if isinstance(register.value, int) else bytes(register.value)
        code = text(register.ab, register.cde, register.f)
        found.append((code, value, register.scaler, unit_name(register.unit), register.time, bool(register.implied)))

    DlmsDecoder(security, inner).decode(frame_of(apdu), emit)
    return found


def attempt(apdu, security=None):
    """What decodes, or the kind of error; both ways of reading must say the same."""
    answers = []
    fast = dlms_walk.run
    for way in (fast, None):
        dlms_walk.run = way
        try:
            answers.append(decode(apdu, security))
        except SecurityError as error:
            answers.append(error.reason)
        except DecodeError:
            answers.append(None)
        finally:
            dlms_walk.run = fast
    assert answers[0] == answers[1]
    return answers[0]


def registers(body, **options):
    """The registers of a notification's body, without the head's clock."""
    found = attempt(notification(body, **options))
    return found[:-1] if found and found[-1] == CLOCK else found


EVN = structure(
    octets(NOON),
    obis("1-0:1.8.0"), u32(1234567), scaled(0, 30),
    obis("1-0:2.8.0"), u32(7654), scaled(0, 30),
    obis("1-0:32.7.0"), u16(2301), scaled(-1, 35),
    obis("1-0:31.7.0"), u16(123), scaled(-2, 33),
    obis("1-0:13.7.0"), number(16, 2, -987), scaled(-3, 255),
    octets(b"SIM000000001"),
)  # fmt: skip
EVN_VALUES = [
    ("1-0:1.8.0", 1234567, 0, "Wh", None, False),
    ("1-0:2.8.0", 7654, 0, "Wh", None, False),
    ("1-0:32.7.0", 2301, -1, "V", None, False),
    ("1-0:31.7.0", 123, -2, "A", None, False),
    ("1-0:13.7.0", -987, -3, "", None, False),
    ("0-0:96.1.0", b"SIM000000001", 0, "", None, False),
]


def test_flat_list_with_the_meter_number_at_its_end():
    assert attempt(notification(EVN)) == EVN_VALUES + [CLOCK]


def test_nested_structures():
    body = structure(
        structure(obis("0-0:96.1.0"), octets(b"84895126")),
        structure(obis("0-0:96.1.1"), octets(b"160456")),  # six octets that are no code
        triple("1-1:1.7.0", u32(182), 0, 27),
        triple("1-0:32.7.0", u16(2364), -1, 35),
    )
    want = [
        ("0-0:96.1.0", b"84895126", 0, "", None, False),
        ("0-0:96.1.1", b"160456", 0, "", None, False),
        ("1-1:1.7.0", 182, 0, "W", None, False),
        ("1-0:32.7.0", 2364, -1, "V", None, False),
    ]
    assert registers(body) == want
    assert registers(structure(structure(body, tag=1))) == want


def test_array_with_its_own_clock_and_no_time_in_the_head():
    aidon = structure(
        structure(obis("1-0:0.2.129"), b"\x0a\x0bAIDON_V0001"),
        structure(obis("0-0:1.0.0"), octets(b"\x07\xe9\x07\x0f\x02\x0c\x22\x37\xff\x80\x00\xff")),
        triple("1-0:1.7.0", u32(613), 0, 27),
        tag=1,
    )
    standard = seconds(2025, 7, 15, 11, 34, 55)
    want = [("1-0:0.2.129", b"AIDON_V0001", 0, "", None, False), ("0-0:1.0.0", standard, 0, "", standard, False), ("1-0:1.7.0", 613, 0, "W", None, False)]
    assert attempt(notification(aidon, time=b"\x00")) == want
    assert attempt(notification(aidon)) == want  # the body's clock counts


def test_numbers_of_every_type():
    for tag, size, value in (
        (3, 1, 1), (5, 4, -2), (6, 4, (1 << 32) - 1), (15, 1, -128), (16, 2, -32768), (17, 1, 255), (18, 2, 65535), (22, 1, 7),
        (20, 8, -(1 << 63)), (20, 8, -1), (21, 8, (1 << 64) - 1), (21, 8, 123456789012), (5, 4, -(1 << 31)), (6, 4, 1 << 30), (6, 4, (1 << 30) - 1),
    ):  # fmt: skip
        coded = number(tag, size, value)
        assert registers(structure(triple("1-0:16.7.0", coded, 2, 27))) == [("1-0:16.7.0", value, 2, "W", None, False)], (tag, value)
        assert registers(structure(obis("0-0:96.3.10"), coded)) == [("0-0:96.3.10", value, 0, "", None, True)], (tag, value)


def test_what_is_no_number_is_passed_over():
    null = structure(b"\x0a\x03abc", obis("1-0:1.7.0"), u32(5), b"\0", b"\0", obis("1-0:2.7.0"), b"\0", obis("1-0:3.7.0"), u32(6))
    assert [row[:2] for row in registers(null)] == [("1-0:1.7.0", 5), ("1-0:3.7.0", 6)]
    for other in (b"\x17\x43\x66\x19\x9a", b"\x18" + bytes(8), b"\x0d\x12", b"\x04\x0c\xff\xf0", b"\x1a\x07\xe9\x07\x0f\x02", b"\x1b\x0c\x22\x37\xff"):
        found = registers(structure(obis("1-0:14.7.0"), other, obis("1-0:1.7.0"), u32(5)))
        assert found[-1][:2] == ("1-0:1.7.0", 5) and len([row for row in found if isinstance(row[1], int)]) == 1, other
    assert registers(structure(obis("0-0:96.13.0"), octets(b""), obis("1-0:1.7.0"), u32(5)))[0][0] == "1-0:1.7.0"
    long = b"\x09\x81\x90" + bytes(144)
    assert registers(structure(obis("0-0:96.13.0"), long, obis("1-0:1.7.0"), u32(5)))[0][1] == bytes(144)


def entry(kind, code, attribute=2):
    return structure(u16(kind), obis(code), bytes([15, attribute]), u16(0))


PUSH = structure(
    structure(
        entry(40, "0-8:25.9.0"), entry(40, "0-8:25.9.0", 1), entry(1, "0-0:42.0.0"), entry(8, "0-0:1.0.0"), entry(3, "1-1:1.8.0"),
        entry(3, "1-0:1.7.0"), entry(3, "1-0:1.7.0", 3), entry(3, "1-0:32.7.0"), entry(4, "1-0:1.6.0", 5), entry(3, "1-0:31.7.0"),
        tag=1,
    ),
    octets(b"\x00\x08\x19\x09\x00\xff"), octets(b"LGZ1030000000001"), octets(NOON), u32(482939),
    u32(28), scaled(-1, 27), u16(236), octets(NOON), u16(9),
)  # fmt: skip


def test_list_of_push_objects_names_what_follows():
    assert attempt(notification(PUSH)) == [
        ("0-0:42.0.0", b"LGZ1030000000001", 0, "", None, False),
        CLOCK,
        ("1-1:1.8.0", 482939, 0, "Wh", None, True),
        ("1-0:1.7.0", 28, -1, "W", None, False),
        ("1-0:32.7.0", 236, 0, "V", None, True),
        ("1-0:31.7.0", 9, -2, "A", None, True),
    ]


def test_list_of_push_objects_that_does_not_count_itself():
    body = structure(structure(entry(3, "1-0:1.8.0"), entry(3, "1-0:2.8.0"), tag=1), u32(1), u32(2), u32(3))
    assert [row[:2] for row in registers(body)] == [("1-0:1.8.0", 1), ("1-0:2.8.0", 2)]


def test_object_with_its_value():
    body = structure(structure(u16(3), obis("1-0:1.8.0"), b"\x0f\x02", u32(77)), structure(u16(3), obis("1-0:1.8.0"), b"\x0f\x05", u32(78)))
    assert [row[:2] for row in registers(body)] == [("1-0:1.8.0", 77)]


def test_object_with_its_value_scaler_and_unit_or_an_index():
    objects = [u16(3), obis("1-0:32.7.0"), b"\x0f\x02"]
    for behind in ([u16(2301), scaled(-1, 35)], [u16(0), u16(2301), scaled(-1, 35)], [u32(2301), scaled(-1, 35)]):
        rows = registers(structure(structure(*objects, *behind)))
        assert [row[:4] for row in rows] == [("1-0:32.7.0", 2301, -1, "V")]
    rows = registers(structure(structure(*objects, u16(0), u32(77)), structure(u16(3), obis("1-0:1.8.0"), b"\x0f\x05", u16(0), u32(78))))
    assert [row[:2] for row in rows] == [("1-0:32.7.0", 77)]


def late(code, attribute, value, *index):
    """An object whose attribute is an entry of its own."""
    return structure(u16(3), obis(code), bytes([15, attribute]), *index, value)


ENERGY, VOLTS = ("1-0:1.8.0", 1234, 1, "Wh", None, False), ("1-0:32.7.0", 2301, -1, "V", None, False)
BARE = ("1-0:2.8.0", 77, 0, "Wh", None, True)


def test_scaler_and_unit_as_an_entry_of_their_own():
    value, unit = late("1-0:1.8.0", 2, u32(1234)), late("1-0:1.8.0", 3, scaled(1, 30))
    volts, volt = late("1-0:32.7.0", 2, u16(2301), u16(0)), late("1-0:32.7.0", 3, scaled(-1, 35), u16(0))
    bare = late("1-0:2.8.0", 2, u32(77))
    for members in ((value, unit, volts, volt, bare), (unit, value, bare, volt, volts), (unit, volt, bare, value, volts), (value, volts, bare, unit, volt)):
        found = registers(structure(*members))
        assert len(found) == 3 and ENERGY in found and VOLTS in found and BARE in found, found
    assert registers(structure(value, late("1-0:1.8.1", 3, scaled(1, 30)))) == [("1-0:1.8.0", 1234, 0, "Wh", None, True)]
    assert registers(structure(value, late("1-0:1.8.0", 3, b"\0"))) == [("1-0:1.8.0", 1234, 0, "Wh", None, True)]


def test_scaler_and_unit_as_an_object_of_its_own():
    energy, volts = "1-0:1.8.0", "1-0:32.7.0"
    values = {(energy, 2): u32(1234), (energy, 3): scaled(1, 30), (volts, 2): u16(2301), (volts, 3): scaled(-1, 35), ("1-0:2.8.0", 2): u32(77)}
    values["0-0:99.98.0", 2] = structure(u32(1), structure(u32(2), tag=1))  # what is in a value counts as one
    bare, log = ("1-0:2.8.0", 2), ("0-0:99.98.0", 2)
    for order in (
        ((energy, 2), (energy, 3), (volts, 2), (volts, 3), bare),
        ((energy, 3), (energy, 2), (volts, 3), (volts, 2), bare),
        ((energy, 3), (volts, 3), bare, (volts, 2), (energy, 2)),
        (bare, (energy, 2), (volts, 2), log, (energy, 3), (volts, 3)),
        ((energy, 2), log, bare, (volts, 2), (volts, 3), (energy, 3)),
        (log, (volts, 2), bare, (energy, 2), (energy, 3), (volts, 3)),
    ):
        for setup in ([], [entry(40, "0-8:25.9.0")]):
            objects = structure(*setup, *[entry(3, code, attribute) for code, attribute in order], tag=1)
            found = registers(structure(objects, *[values[row] for row in order]))
            assert len(found) == 3 and ENERGY in found and VOLTS in found and BARE in found, (order, found)


def test_scaler_and_unit_before_the_value_or_with_it_in_a_structure():
    for body in (
        structure(obis("1-0:32.7.0"), scaled(-1, 35), u16(2301)),
        structure(structure(obis("1-0:32.7.0"), scaled(-1, 35), u16(2301))),
        structure(structure(obis("1-0:32.7.0"), structure(u16(2301), scaled(-1, 35)))),
        structure(obis("1-0:32.7.0"), structure(u16(2301), scaled(-1, 35))),
        late("1-0:32.7.0", 2, structure(u16(2301), scaled(-1, 35))),
        structure(late("1-0:32.7.0", 2, structure(u16(2301), scaled(-1, 35)))),
    ):
        bare = structure(obis("1-0:2.8.0"), u32(77))
        assert registers(body) == [VOLTS], body
        assert registers(structure(body, bare)) == [VOLTS, BARE] and registers(structure(bare, body)) == [BARE, VOLTS]
    flat = structure(obis("1-0:32.7.0"), scaled(-1, 35), u16(2301), obis("1-0:2.8.0"), u32(77))
    assert registers(flat) == [VOLTS, BARE]
    assert registers(structure(structure(obis("1-0:32.7.0"), scaled(-1, 35)), obis("1-0:2.8.0"), u32(77))) == [BARE]


def test_values_of_rare_types_are_passed_over():
    types = (b"\xff", b"\x13\x06\x08" + bytes(8), b"\x13\x02\x02\x06\x12\x0c" + bytes(12), b"\x13\x01\0\2\x02\x02\x12\x11\x81\x06" + bytes(6), b"\x13\0\0")
    for rare in types:
        for body in (structure(obis("1-0:1.7.0"), rare, obis("1-0:2.8.0"), u32(77)), structure(rare, obis("1-0:2.8.0"), u32(77)), structure(obis("1-0:2.8.0"), u32(77), rare)):
            assert registers(body) == [BARE], body
    for bad in (b"\x13", b"\x13\x06", b"\x13\x06\x50\0", b"\x13\x02\xff" + bytes(20), b"\x13" + b"\x02\xff" * 60, b"\x13\x06\x85\0\0\0\0\1\0", b"\x07", b"\x1c", b"\x20\1\1"):
        assert attempt(notification(structure(obis("1-0:1.7.0"), u32(5), bad))) is None, bad


def test_lengths_of_up_to_four_octets():
    for size in (b"\x07", b"\x81\x07", b"\x82\0\x07", b"\x83\0\0\x07", b"\x84\0\0\0\x07"):
        assert registers(structure(obis("0-0:96.1.0"), b"\x0a" + size + b"1234567", obis("1-0:2.8.0"), u32(77)))[0][1] == b"1234567"
    assert registers(structure(obis("0-0:96.1.0"), b"\x0a\x85\0\0\0\0\x071234567", obis("1-0:2.8.0"), u32(77))) is None


def test_codes_as_text_are_refused():
    for code in (b"1.0.1.8.0.255", b"1-0:1.8.0"):
        text = b"\x0a" + bytes([len(code)]) + code
        for body in (structure(text, u32(5)), structure(structure(text, u32(5)), structure(text, u32(6))), structure(structure(text, u32(5), scaled(0, 30)))):
            assert registers(body) is None


def test_other_apdus():
    for tag in b"\xdc\xdd\xdf\xcf\xc8\xd2\xcc":
        for apdu in (bytes([tag]) + bytes(60), bytes([tag])):
            assert attempt(apdu) == "cipher_unknown", tag
    for tag in b"\xc0\xc2\xc4\x61\x00\xe0\xd8\xff":
        assert attempt(bytes([tag]) + bytes(60)) is None


def test_heads():
    body = structure(triple("1-0:1.7.0", u32(5), 0, 27))
    value = ("1-0:1.7.0", 5, 0, "W", None, False)
    assert attempt(notification(body, time=b"\0")) == [value]
    assert attempt(notification(body)) == [value, CLOCK]
    assert attempt(notification(body, time=b"\x09\x0c" + NOON)) == attempt(notification(body, time=b"\x19" + NOON)) == [value, CLOCK]
    for time in (b"\x05" + NOON, b"\x0d" + NOON, b"\x09\x0b" + NOON):
        assert attempt(notification(body, time=time)) is None
    for bad in (b"", b"\x0f", b"\x0f\0\0\0\0\0", b"\xc1" + notification(body), body):
        assert attempt(bad) is None


def test_times():
    for time, want in (
        ((2025, 1, 15, 255, 10, 0, 0, 255, -60, 0), (2025, 1, 15, 9)),
        ((2025, 7, 15, 255, 10, 0, 0, 255, -120, 128), (2025, 7, 15, 8)),
        ((2025, 7, 15, 255, 10, 0, 255, 255, 0, 255), (2025, 7, 15, 10)),
        ((2025, 7, 15, 255, 10, 0, 0, 255, 330, 0), (2025, 7, 15, 15, 30)),
        ((2025, 7, 15, 255, 10, 0, 0, 255, -32768, 0), (2025, 7, 15, 8)),  # the rule decides
        ((2025, 1, 15, 255, 10, 0, 0, 255, -32768, 0), (2025, 1, 15, 9)),
        ((2025, 10, 26, 255, 2, 30, 0, 255, -32768, 128), (2025, 10, 26, 0, 30)),
        ((2025, 7, 15, 255, 10, 0, 0, 255, -32768, 255), (2025, 7, 15, 9)),  # nothing is known: standard time
        ((2025, 7, 15, 255, 10, 0, 0, 255, -120, 1), None),  # said to be wrong
        ((2025, 7, 15, 255, 10, 0, 0, 255, -120, 2), (2025, 7, 15, 8)),  # doubtful
        ((2025, 2, 29, 255, 10, 0, 0, 255, -60, 0), None),
        ((2025, 7, 15, 255, 255, 0, 0, 255, -60, 0), None),
        ((2000, 1, 1, 255, 10, 0, 0, 255, -60, 0), None),
        ((2025, 7, 15, 255, 10, 0, 0, 255, 900, 0), None),
    ):
        year, month, day, week, hour, minute, second, hundredths, deviation, status = time
        deviation &= 0xFFFF
        date = bytes([year >> 8, year & 255, month, day, week, hour, minute, second, hundredths, deviation >> 8, deviation & 255, status])
        body = structure(triple("1-0:1.7.0", u32(5), 0, 27))
        found = [row[1] for row in attempt(notification(body, time=b"\x0c" + date)) if row[0] == "0-0:1.0.0"]
        assert found == ([seconds(*want)] if want else []), time
        inside = structure(obis("0-0:1.0.0"), b"\x19" + date, obis("1-0:1.7.0"), u32(5))
        assert [row[1] for row in attempt(notification(inside, time=b"\0")) if row[0] == "0-0:1.0.0"] == found


def test_one_decoder_reads_every_hour_anew():
    """The clock of the telegram before must not show: the same decoder, dates that differ in one octet each."""
    decoder = DlmsDecoder(Lock(), None)
    one = bytearray(NOON)
    for place, octet, wants in (
        (6, 35, (15, 10, 35, 55)), (7, 56, (15, 10, 35, 56)), (6, 0, (15, 10, 0, 56)), (5, 13, (15, 11, 0, 56)), (4, 3, (15, 11, 0, 56)),
        (3, 16, (16, 11, 0, 56)), (10, 0xC4, (16, 12, 0, 56)), (7, 255, (16, 12, 0, 0)), (6, 60, None), (6, 59, (16, 12, 59, 0)),
        (7, 60, None), (7, 59, (16, 12, 59, 59)), (11, 0x81, None), (11, 0, (16, 12, 59, 59)), (5, 24, None), (5, 0, (15, 23, 59, 59)),
    ):  # fmt: skip
        one[place] = octet
        found = []
        body = structure(obis("1-0:1.8.0"), u32(5))
        decoder.decode(frame_of(notification(body, b"\x0c" + bytes(one))), lambda register: found.append(register.time))
        assert found[1:] == ([] if wants is None else [seconds(2025, 7, *wants)]), (place, octet)


def test_encrypted():
    lock = Lock()
    assert attempt(KEY + notification(EVN), lock) == EVN_VALUES + [CLOCK]
    assert lock.accepted == 2
    for reason in ("tag_wrong", "key_missing", "replay"):
        assert attempt(KEY + notification(EVN), Lock(reason=reason)) == reason
    assert attempt(KEY + b"\x4d" + bytes(40), lock) == "key_wrong" and lock.accepted == 2


def test_what_is_not_authenticated_must_prove_itself():
    whole = KEY + notification(EVN)
    lock = Lock("unauthenticated")
    assert attempt(whole, lock) == EVN_VALUES + [CLOCK] and lock.accepted == 2
    assert attempt(whole + b"\0", lock) == "key_wrong"
    for length in range(len(KEY) + 1, len(whole)):
        assert attempt(whole[:length], lock) == "key_wrong", length
    assert lock.accepted == 2
    assert attempt(whole + b"\0", Lock()) == EVN_VALUES + [CLOCK]
    frame = frame_of(whole)
    DlmsDecoder(lock, None).decode(frame, len_of)
    assert frame.security == "unauthenticated"
    plain = frame_of(notification(EVN))
    DlmsDecoder(None, None).decode(plain, len_of)
    assert plain.security == "plain"


def len_of(register):
    return 1


def test_text_that_was_encrypted():
    seen = []

    def inner(frame, emit, known):
        seen.append(bytes(frame.payload))
        if b"!" not in seen[-1]:
            raise DecodeError("no end")

    lock = Lock("unauthenticated")
    assert decode(KEY + b"/EST5\r\n!", lock, inner) == [] and seen == [b"/EST5\r\n!"] and lock.accepted == 1
    try:
        decode(KEY + b"/EST5\r\n", lock, inner)
        assert False
    except DecodeError:
        pass
    assert lock.accepted == 1


def test_hostile():
    deep = b"\x02\x01" * 200 + u32(5)
    assert attempt(notification(deep)) is None
    assert attempt(notification(b"\x02\x01" * 7 + triple("1-0:1.7.0", u32(5), 0, 27)))[0][1] == 5
    for body in (
        b"\x02\xff" + u32(5), b"\x01\x82\xff\xff" + u32(5), b"\x02\x83\x00\x00\x01" + u32(5), b"\x02\x80", b"\x02", b"\x09\x84\xff\xff\xff\xff", b"\x09\x82\xff",
        b"\x09\x05abcd", b"\x13\x00", b"\xff", b"\x07\x00", b"\x02\x01\x09", b"\x04\x82\xff\xff\x00", b"\x06\0\0", b"\x02\x02" + obis("1-0:1.8.0") + b"\x06\0",
    ):  # fmt: skip
        assert attempt(notification(body)) is None, body


def test_cut_anywhere():
    for body in (EVN, PUSH):
        whole = notification(body)
        for length in range(len(whole)):
            assert attempt(whole[:length]) is None, length


def test_any_octet_changed():
    for body in (EVN, PUSH, structure(triple("1-0:1.7.0", u32(182), 0, 27), structure(obis("0-0:96.1.0"), octets(b"84895126")))):
        whole = bytearray(notification(body))
        for place in range(len(whole)):
            kept = whole[place]
            for flip in (1, 4, 16, 128, 255):
                whole[place] = kept ^ flip
                attempt(bytes(whole))
            whole[place] = kept


def readings(way):
    """Values and meter of three telegrams through one decoder and one builder."""
    fast = dlms_walk.run
    dlms_walk.run = way
    try:
        decoder, builder, found = DlmsDecoder(None, None), Builder(), []
        for energy, power, volt in ((1000, 500, 2301), (1001, 700, 2302), (999, 900, 2303), (70000, 1000, 2304), (70001, 1000001, 2305)):
            body = structure(
                triple("1-0:1.8.0", u32(energy), 0, 30), obis("1-0:2.8.0"), u32(energy), triple("1-0:1.7.0", u32(power), 0, 27),
                triple("1-0:32.7.0", u16(volt), -1, 35), obis("1-0:52.7.0"), u16(volt), triple("1-0:13.7.0", number(16, 2, -power), -3, 255),
            )  # fmt: skip
            frame = frame_of(notification(body))
            builder.begin(frame)
            decoder.decode(frame, builder.add, builder.values)
            reading = builder.finish(1, NOON_UTC, 1)
            found.append([(quantity, reading.text(quantity)) for quantity in reading.items()])
        return found, builder.counters
    finally:
        dlms_walk.run = fast


def test_what_the_builder_knows_changes_nothing():
    fast, slow = readings(dlms_walk.run), readings(None)
    assert fast[0] == slow[0] and fast[1].get("counter_falls") == slow[1].get("counter_falls") == 2
    assert len(fast[0][0]) >= 8
