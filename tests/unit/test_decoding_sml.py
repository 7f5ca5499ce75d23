"""SML decoding: bodies in, registers out; expected values are written down, not computed."""

import json

from bridge.core.errors import DecodeError
from bridge.decoding import sml, sml_plain
from bridge.decoding.obis import text, unit_name
from bridge.framing.frame import Frame
from bridge.framing.sml import SmlFramer

IMPORT = bytes.fromhex("070100010800ff")
POWER = bytes.fromhex("070100100700ff")
OPEN = bytes.fromhex("76 05 00000001 6200 6200 72 6301 01 76 01 01 05 00000001 0b 0a0153494d0000000001 01 01 63 1234 00".replace(" ", ""))
CLOSE = bytes.fromhex("760500000003620062007263020171016312340 0".replace(" ", ""))
SERVER = bytes.fromhex("0b0a0153494d0000000001")
ENTRY = b"\x77" + IMPORT + bytes.fromhex("01 01 62 1e 52 ff 65 00000929 01".replace(" ", ""))
INDEX = bytes.fromhex("72620165 00015180".replace(" ", ""))


def listing(entries, server=SERVER, time=INDEX, count=None, tag=b"\x63\x07\x01"):
    """A GetListResponse message."""
    count = len(entries) if count is None else count
    size = bytes([0x70 | count]) if count < 16 else bytes([0xF0 | count >> 8 & 15, count >> 4 & 15, count & 15])
    if 16 <= count < 256:
        size = bytes([0xF0 | count >> 4, count & 15])
    head = bytes.fromhex("76 05 00000002 6200 6200 72".replace(" ", "")) + tag
    return head + b"\x77\x01" + server + b"\x07\x01\x00\x62\x0a\xff\xff" + time + size + b"".join(entries) + b"\x01\x01\x63\x12\x34\x00"


def frame_of(body):
    frame = Frame("sml", bytearray(b"xxxx" + body + bytes(8)))
    frame.start = 4
    frame.end = 4 + len(body)
    return frame


def registers(frame):
    """[(code, value, scaler, unit, time, status)], or None for a DecodeError; all ways of reading must say the same."""
    found = []

    def emit(register):
        value = register.value if isinstance(register.value, int) else bytes(register.value)
        code = text(register.ab, register.cde, register.f)
        found.append((code, value, register.scaler, unit_name(register.unit), register.time, register.status))

    def attempt():
        found.clear()
        try:
            sml.decode(frame, emit)
        except DecodeError:
            return None
        return list(found)

    fast = sml.run, sml.skip, sml.payload
    quick = attempt()
    try:
        sml.run, sml.skip, sml.payload = sml_plain.run, sml_plain.skip, sml_plain.payload
        assert attempt() == quick
        sml.run, sml.skip, sml.payload = lambda buffer, at, *_: at, lambda *_: 0, lambda *_: 0  # element by element
        assert attempt() == quick
    finally:
        sml.run, sml.skip, sml.payload = fast
    assert attempt() == quick  # with views that are kept
    return quick


def values(*entries, **options):
    return registers(frame_of(OPEN + listing(entries, **options) + CLOSE + bytes(2)))


def entry(value, code=POWER, status="01", time="01", unit="621b", scaler="5200"):
    return b"\x77" + code + bytes.fromhex(status + time + unit + scaler + value + "01")


def test_one_entry():
    assert values(ENTRY) == [("1-0:1.8.0", 2345, -1, "Wh", None, 0)]


def test_integers_of_any_width():
    for hexes, want in (
        ("6200", 0), ("62ff", 255), ("52ff", -1), ("5280", -128), ("527f", 127), ("638b28", 35624), ("538b28", -29912), ("54ffffff", -1),
        ("54800000", -8388608), ("5500000001", 1), ("55ffffffff", -1), ("6540000000", 1 << 30), ("653fffffff", (1 << 30) - 1),
        ("65ffffffff", (1 << 32) - 1), ("5580000000", -(1 << 31)), ("560008d20349", 147981129), ("56ffffffff00", -256),
        ("5900000000000000ff", 255), ("59ffffffffffffff00", -256), ("598000000000000000", -(1 << 63)), ("69ffffffffffffffff", (1 << 64) - 1),
        ("590000001cbe991a14", 123456789012), ("4201", 1), ("4200", 0),
    ):  # fmt: skip
        assert values(entry(hexes)) == [("1-0:16.7.0", want, 0, "W", None, 0)], hexes


def test_scalers_units_and_status():
    assert values(entry("6205", scaler="5203"))[0][2] == 3
    assert values(entry("6205", scaler="52fc"))[0][2] == -4
    assert values(entry("6205", scaler="01", unit="01"))[0][2:4] == (0, "")
    assert values(entry("6205", unit="62ff"))[0][3] == ""
    for unit, name in (("6223", "V"), ("6221", "A"), ("622c", "Hz"), ("6208", "deg"), ("6220", "varh")):
        assert values(entry("6205", unit=unit))[0][3] == name
    for status, want in (("6203", 3), ("630182", 386), ("641c0104", 0x1C0104), ("65001c6904", 0x1C6904), ("65ffffffff", 0xFFFFFFFF), ("0311ff", 0)):
        assert values(entry("6205", status=status))[0][5] == want, status


def test_no_unit_and_no_scaler_is_wider_than_an_octet():
    assert values(entry("6205", scaler="55ff676981")) is None
    assert values(entry("6205", scaler="597fffffffffffffff")) is None
    assert values(entry("6205", unit="630100")) is None
    assert values(entry("6205", unit="63001b")) == values(entry("6205"))


def test_octets_and_absent_values():
    assert values(entry("04445a47")) == [("1-0:16.7.0", b"DZG", 0, "W", None, 0)]
    assert values(entry("01"), ENTRY) == [("1-0:1.8.0", 2345, -1, "Wh", None, 0)]
    long = bytes(range(40))
    assert values(entry("820a" + "".join(["%02x" % octet for octet in long]))) [0][1] == long  # two length octets
    assert values(entry("7262016203"), ENTRY)[0][0] == "1-0:1.8.0"  # a list as value: passed over


def test_signature_is_passed_over():
    signed = ENTRY[:-1] + b"\x83\x02" + bytes(48)
    assert len(values(signed, signed)) == 2


def test_many_entries_in_a_long_list():
    assert len(values(*[ENTRY] * 15)) == 15 and len(values(*[ENTRY] * 16)) == 16 and len(values(*[ENTRY] * 60)) == 60


def test_times():
    # 1743296460 is 2025-03-30T01:01:00Z, 796611660 seconds after 2000
    clock = ("0-0:1.0.0", 796611660, 0, "", None, 0)
    for time in ("72620265 67e897cc", "72620373 65 67e897cc 530078 530000", "73620265 67e897cc 01", "7462036567e897cc 530078 530000"):
        found = values(ENTRY, time=bytes.fromhex(time.replace(" ", "")))
        assert found[0] == clock and len(found) == 2, time
    for time in ("01", "6567e897cc", "72620165 67e897cc", "72620162 05", "73620165 00000001 01", "70"):
        assert len(values(ENTRY, time=bytes.fromhex(time.replace(" ", "")))) == 1, time
    found = values(entry("6205", time="7262026567e897cc"), entry("6206"), entry("6207", time="6500000001"), entry("6208", time="726201620 5".replace(" ", "")))
    assert [(row[1], row[4]) for row in found] == [(5, 796611660), (6, None), (7, None), (8, None)]


def test_list_response_wherever():
    body = listing([ENTRY], tag=b"\x65\0\0\x07\x01")
    assert registers(frame_of(body)) == registers(frame_of(CLOSE + body + OPEN)) == values(ENTRY)
    assert len(registers(frame_of(OPEN + body + body + CLOSE))) == 2
    assert registers(frame_of(OPEN + CLOSE)) is None
    assert registers(frame_of(b"")) is None and registers(frame_of(bytes(9))) is None


def test_unsigned_power_of_some_meters():
    odd = bytes.fromhex("0b0a01445a470002887fa0")  # serial 42500000
    assert values(entry("538b28", scaler="52fe"), server=odd)[0][1:3] == (35624, -2)
    assert values(entry("52ff"), server=odd)[0][1] == 255
    assert values(entry("55ffffff00"), server=odd)[0][1] == -256
    assert values(entry("538b28", code=IMPORT), server=odd)[0][1] == -29912
    for serial, want in (("0280de80", 35624), ("0280de7f", -29912), ("02ebae3f", 35624), ("02ebae40", -29912), ("03473bc0", 35624), ("038444c0", -29912)):
        server = bytes.fromhex("0b0a01445a4700" + serial)
        assert values(entry("538b28"), server=server)[0][1] == want, serial
    assert values(entry("538b28"), server=bytes.fromhex("0b0a0149534b0002887fa0"))[0][1] == -29912


def test_unsigned_power_of_other_meters_of_that_maker_by_the_status_word():
    other = "0a01445a470001312d00"  # DZG, serial 20,000,000: in no series that is known
    cases = (
        ("641c0104", "538b28", other, 35624),  # says import: the sign is none
        ("641c0904", "538b28", other, -29912),  # says export
        ("01", "538b28", other, -29912),  # says nothing
        ("630182", "538b28", other, -29912),  # an old meter's word, which has its direction elsewhere
        ("641c0104", "55ffff8b28", other, -29912),  # four octets have room for a sign
        ("641c0104", "538b28", "0a0149534b0001312d00", -29912),  # another maker
    )
    for status, power, server, want in cases:
        first = entry("6401e240", code=IMPORT, status=status, unit="621e")
        for time in ("01", "72620165000001f4", "7262026567c0dead"):  # the last is not read by the quick way
            second = entry(power, time=time)
            assert values(first, second, server=b"\x0b" + bytes.fromhex(server))[-1][1] == want, (status, power, server, time)


def test_depth_and_length_cost_nothing():
    deep = b"\x76\x01\x62\x00\x62\x00\x72\x63\x05\x05" + b"\x71" * 1000 + b"\x01\x63\x12\x34\x00"
    assert registers(frame_of(deep + listing([ENTRY]))) == values(ENTRY)
    assert registers(frame_of(deep[:900] + listing([ENTRY]))) is None
    value = b"\x77" + POWER + bytes.fromhex("0101621b5200") + b"\x71" * 1000 + b"\x01\x01"
    assert len(values(value, ENTRY)) == 1
    assert registers(frame_of(listing([ENTRY], count=3000))) is None
    assert registers(frame_of(b"\x76\x01\x62\x00\x62\x00\x72\x63\x05\x05\xff\x0f\x0f\x0f" + bytes([1]) * 3000)) is None
    wide = b"\x76\x01\x62\x00\x62\x00\x72\x63\x05\x05\xf2\x07\x01\x00" + b"\x01" * 0x271 + b"\x63\x12\x34\x00"
    registers(frame_of(wide))


def test_damaged_bodies_never_do_worse_than_refuse():
    body = OPEN + listing([ENTRY, entry("538b28", status="641c0104"), entry("04445a47"), entry("590000001cbe991a14")]) + CLOSE
    for cut in range(len(body)):
        registers(frame_of(body[:cut]))
    for at in range(0, len(body)):
        for octet in (0, 0x01, 0x0F, 0x71, 0x7F, 0x80, 0x8F, 0xFF):
            registers(frame_of(body[:at] + bytes([octet]) + body[at + 1 :]))


def test_vectors():
    try:
        with open("../shared/vectors.json") as file:
            vectors = {row["name"]: row for row in json.load(file)}
    except OSError:
        return  # not on this machine
    wants = {
        "sml_without_pin": {"1-0:1.8.0": (1234, 3, "Wh"), "1-0:2.8.0": (56, 3, "Wh")},
        "sml_with_pin_export": {"1-0:16.7.0": (-2345, 0, "W")},
        "sml_kermit_trailer": {},
        "sml_escaped_1b": {"1-0:1.8.0": (0x1B1B1B1B, -1, "Wh")},
        "sml_dzg_unsigned_bug": {"1-0:16.7.0": (35624, -2, "W")},
        "sml_with_pin_import": {"1-0:1.8.0": (12345678, -1, "Wh"), "1-0:2.8.0": (567890, -1, "Wh"), "1-0:16.7.0": (613, 0, "W")},
    }
    framer = SmlFramer()
    for name in wants:
        framer.feed(bytes.fromhex(vectors[name]["hex"]))
        found = {row[0]: row[1:4] for row in registers(framer.take())}
        for code in wants[name]:
            assert found[code] == wants[name][code], (name, code, found)
