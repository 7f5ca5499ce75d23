"""DLMS lists of bare values, and values without scaler and unit: registers as the makers' and operators' papers say."""

from bridge.core.civil import seconds
from bridge.core.errors import DecodeError
from bridge.decoding import dlms_lists, dlms_scales
from bridge.decoding.dlms import DlmsDecoder

try:
    from test_decoding_dlms import KEY, NOON, NOON_UTC, Lock, attempt, frame_of, notification, number, obis, octets, structure, u16, u32
except ImportError:
    from tests.unit.test_decoding_dlms import KEY, NOON, NOON_UTC, Lock, attempt, frame_of, notification, number, obis, octets, structure, u16, u32


def values(*members, **options):
    """{code: "value scaler unit"} of a list; its head has a time."""
    apdu = notification(structure(*members), time=options.get("time", b"\x0c" + NOON))
    title = options.get("title")
    found = attempt(b"\xdb\x08" + title + KEY[5:] + apdu, Lock()) if title else attempt(apdu)
    if found is None:
        return None
    assert bool([row for row in found if row[5]]) == options.get("implied", False)
    return {row[0]: bytes(row[1]).decode() if not isinstance(row[1], int) else "%d %d %s" % row[1:4] for row in found if row[0] != "0-0:1.0.0"}


def numbers(first, count, make=u32):
    return [make(value) for value in range(first, first + count)]


def test_kaifa_of_norway():
    assert values(u32(1316), time=b"\x09\x0c" + NOON) == {"1-0:1.7.0": "1316 0 W"}
    texts = [octets(b"KFM_001"), octets(b"6970631400000000"), octets(b"MA304H3E")]
    short = {
        "0-0:96.1.0": "6970631400000000", "0-0:96.1.7": "MA304H3E",
        "1-0:1.7.0": "100 0 W", "1-0:2.7.0": "101 0 W", "1-0:3.7.0": "102 0 var", "1-0:4.7.0": "103 0 var",
        "1-0:31.7.0": "104 -3 A", "1-0:51.7.0": "105 -3 A", "1-0:71.7.0": "106 -3 A",
        "1-0:32.7.0": "107 -1 V", "1-0:52.7.0": "108 -1 V", "1-0:72.7.0": "109 -1 V",
    }  # fmt: skip
    assert values(*texts + numbers(100, 10)) == short
    long = dict(short)
    long.update({"1-0:1.8.0": "110 0 Wh", "1-0:2.8.0": "111 0 Wh", "1-0:3.8.0": "112 0 varh", "1-0:4.8.0": "113 0 varh"})
    assert values(*texts + numbers(100, 10) + [octets(NOON)] + numbers(110, 4)) == long
    big = [number(21, 8, value) for value in range(110, 114)]  # with current transformers
    assert values(*texts + numbers(100, 10) + [octets(NOON)] + big) == long
    one = {key: short[key] for key in ("0-0:96.1.0", "0-0:96.1.7", "1-0:1.7.0", "1-0:2.7.0", "1-0:3.7.0", "1-0:4.7.0", "1-0:31.7.0")}
    one["1-0:32.7.0"] = "105 -1 V"
    assert values(*texts + numbers(100, 6)) == one
    assert len(values(*texts + numbers(100, 6) + [octets(NOON)] + numbers(110, 4))) == 12


def test_octets_like_a_push_object_in_a_list_of_bare_values():
    texts = [octets(b"KFM_001"), octets(b"6970631400000000")]
    for code in ("1-0:31.7.0", "1-0:51.7.0", "1-0:71.7.0"):
        for more in range(20):  # values that a wrong place would be in
            body = structure(*texts + [octets(obis(code)[2:] + b"\x0f\x03" + bytes(more))] + numbers(100, 10))
            found = attempt(notification(body))
            assert [row[1:4] for row in found if row[0] in ("1-0:31.7.0", "1-0:32.7.0")] == [(104, -3, "A"), (107, -1, "V")], (code, more)


ENERGY = {"1-0:1.8.0": "1234567 0 Wh", "1-0:2.8.0": "7654 0 Wh", "1-0:3.8.0": "111 0 varh", "1-0:4.8.0": "222 0 varh"}
POWER = {"1-0:1.7.0": "613 0 W", "1-0:2.7.0": "0 0 W"}
EIGHT = [u32(value) for value in (1234567, 7654, 111, 222, 613, 0, 17, 5)]


def both(*parts):
    found = {}
    for part in parts:
        found.update(part)
    return found


def test_vienna_carinthia_wels():
    all_eight = both(ENERGY, POWER, {"1-0:3.7.0": "17 0 var", "1-0:4.7.0": "5 0 var"})
    assert values(octets(NOON), *EIGHT, title=b"ISK") == all_eight
    assert values(octets(b"SIM0000000000001"), octets(NOON), *EIGHT) == both(all_eight, {"0-0:96.1.0": "SIM0000000000001"})
    head = [obis("0-6:25.9.0"), octets(b"SIM0000000001"), octets(b"\x0c\x22\x37\x00"), octets(b"\x07\xe9\x07\x0f\x02")]
    found = values(*head + EIGHT[:6] + [octets(b""), octets(b"")])
    assert found.pop("0-6:25.9.0") and found == both(ENERGY, POWER, {"0-0:96.1.0": "SIM0000000001"})
    assert len(values(*head + EIGHT[:6])) == 8


def test_the_clock_of_a_list_counts():
    found = attempt(notification(structure(octets(b"\x07\xe9\x07\x0f\x02\x0c\x22\x38\xff\xff\x88\x80"), *EIGHT)))
    assert [row[1] for row in found if row[0] == "0-0:1.0.0"] == [NOON_UTC + 1]


def test_landis_gyr():
    burgenland = [u16(value) for value in (231, 232, 233, 110, 120, 130)] + numbers(1, 4) + numbers(1, 3, u16) + [octets(b"12345678")]
    assert values(*burgenland, title=b"LGZ") == {
        "1-0:32.7.0": "231 0 V", "1-0:52.7.0": "232 0 V", "1-0:72.7.0": "233 0 V", "1-0:31.7.0": "110 -2 A", "1-0:51.7.0": "120 -2 A",
        "1-0:71.7.0": "130 -2 A", "1-0:1.7.0": "1 0 W", "1-0:2.7.0": "2 0 W", "1-0:1.8.0": "3 0 Wh", "1-0:2.8.0": "4 0 Wh", "0-0:96.1.0": "12345678",
    }  # fmt: skip
    slovenia = values(octets(b"12345678"), *numbers(1, 8))
    assert slovenia["1-0:1.7.0"] == "1 0 W" and slovenia["1-0:4.8.0"] == "8 0 varh" and slovenia["0-0:96.1.0"] == "12345678"
    phases = values(octets(b"12345678"), *[u16(value) for value in (5001, 12, 13, 14, 231, 232, 233)] + numbers(1, 6))
    assert phases["1-0:14.7.0"] == "5001 -2 Hz" and phases["1-0:31.7.0"] == "12 -2 A" and phases["1-0:72.7.0"] == "233 0 V" and phases["1-0:62.7.0"] == "6 0 W"
    assert values(octets(b"ISK12345"), *numbers(1, 8)) is None


def test_iskraemeco():
    names = [octets(b"ISK1030000000001"), octets(b"16820005")]
    fast = values(*names + numbers(1, 4) + [u16(value) for value in (2325, 2321, 2323, 101, 102, 103)] + numbers(11, 6))
    assert fast == {
        "0-0:42.0.0": "ISK1030000000001", "1-0:1.7.0": "1 0 W", "1-0:2.7.0": "2 0 W", "1-0:3.7.0": "3 0 var", "1-0:4.7.0": "4 0 var",
        "1-0:32.7.0": "2325 -1 V", "1-0:52.7.0": "2321 -1 V", "1-0:72.7.0": "2323 -1 V", "1-0:31.7.0": "101 -2 A", "1-0:51.7.0": "102 -2 A",
        "1-0:71.7.0": "103 -2 A", "1-0:21.7.0": "11 0 W", "1-0:41.7.0": "12 0 W", "1-0:61.7.0": "13 0 W", "1-0:22.7.0": "14 0 W",
        "1-0:42.7.0": "15 0 W", "1-0:62.7.0": "16 0 W",
    }  # fmt: skip
    slow = values(*names + [b"\x03\x01", octets(b"\x00\x01")] + numbers(1, 8))
    assert slow["0-0:96.3.10"] == "1 0 " and slow["1-0:1.8.0"] == "1 0 Wh" and slow["1-0:2.8.2"] == "6 0 Wh" and slow["1-0:4.8.0"] == "8 0 varh"
    celje = values(*names + numbers(2301, 3, u16) + numbers(101, 3, u16) + numbers(1, 4))
    assert celje["1-0:52.7.0"] == "2302 -1 V" and celje["1-0:71.7.0"] == "103 -2 A" and celje["1-0:1.7.0"] == "1 0 W" and celje["1-0:4.7.0"] == "4 0 var"
    one = values(*names + numbers(1, 4) + [u16(2301), u16(101)] + numbers(11, 2))
    assert one["1-0:31.7.0"] == "101 -2 A" and one["1-0:22.7.0"] == "12 0 W"
    tariffs = values(*names + numbers(1, 8))
    assert tariffs["1-0:1.8.1"] == "1 0 Wh" and tariffs["1-0:4.8.2"] == "8 0 varh"
    croatia = values(
        octets(b"92029691"), octets(b"\x0c\x22\x37\x00"), octets(b"\x07\xe9\x07\x0f\x02"), *numbers(1, 12) + [u16(987)] + numbers(21, 6) + numbers(2301, 6, u16) + numbers(0, 5)
    )  # fmt: skip
    assert croatia["1-0:8.8.0"] == "10 0 varh" and croatia["1-0:13.7.0"] == "987 -3 " and croatia["1-0:62.7.0"] == "26 0 W"
    assert croatia["1-0:32.7.0"] == "2301 -1 V" and croatia["1-0:71.7.0"] == "2306 -2 A" and len(croatia) == 25


def test_unknown_lists_are_refused():
    for members in ([u32(1), u32(2)], [octets(b"abc")] + numbers(1, 7), [u16(1)], [structure(u32(1)), u32(2)], numbers(1, 60), [b"\x17\0\0\0\0"]):
        assert values(*members) is None
    lock = Lock("unauthenticated")
    try:
        DlmsDecoder(lock, None).decode(frame_of(KEY + notification(structure(u32(1), u32(2)))), print)
        assert False
    except DecodeError as error:
        assert "not known" in str(error)
    assert lock.accepted == 1


def test_rows_are_whole():
    rows = getattr(dlms_lists, "_ROWS")
    assert len({(row[1], row[2]) for row in rows}) == len(rows)
    for row in rows:
        assert len(row[2]) == len(row[3].split(" ")) <= 33 and set(row[2]) <= set("ot1248?"), row
        for code, letter in zip(row[3].split(" "), row[2]):
            assert code == "-" or len(code.split(".")) == 3


def kamstrup(kind=b"6841131BN243101040", volt=231, name=b"Kamstrup_V0001"):
    pairs = [obis("1-1:0.0.5"), b"\x0a\x10" + b"5706567000000001", obis("1-1:96.1.1"), b"\x0a" + bytes([len(kind)]) + kind]
    pairs += [obis("1-1:1.7.0"), u32(1896), obis("1-1:31.7.0"), u32(896), b"\0", b"\0", obis("1-1:32.7.0"), u16(volt), b"\0", b"\0"]
    pairs += [obis("0-1:1.0.0"), octets(NOON[:9] + b"\x80\x00\x80"), obis("1-1:1.8.0"), u32(7745250), obis("1-1:13.7.0"), number(16, 2, -98)]
    return values(b"\x0a" + bytes([len(name)]) + name, *pairs, implied=True)


def test_kamstrup():
    want = {
        "1-1:0.0.5": "5706567000000001", "1-1:96.1.1": "6841131BN243101040", "1-1:1.7.0": "1896 0 W", "1-1:31.7.0": "896 -2 A",
        "1-1:32.7.0": "231 0 V", "0-1:1.0.0": "%d 0 " % seconds(2025, 7, 15, 11, 34, 55), "1-1:1.8.0": "7745250 1 Wh", "1-1:13.7.0": "-98 -2 ",
    }  # fmt: skip
    assert kamstrup() == want
    swedish = kamstrup(b"6841131BN245101092")
    assert swedish["1-1:1.8.0"] == "7745250 0 Wh" and swedish["1-1:31.7.0"] == "896 -2 A"
    assert kamstrup(b"6851131BN243101040")["1-1:31.7.0"] == "896 -3 A"
    assert kamstrup(volt=23110)["1-1:32.7.0"] == "23110 -2 V"


def implied(title, code, coded):
    return values(obis(code), coded, obis("1-0:1.7.0"), u32(5), title=title, implied=True)[code]


def test_what_is_not_sent_follows_from_code_and_maker():
    for title, code, value, want in (
        (b"LGZ", "1-0:1.8.1", 5, "5 0 Wh"), (b"LGZ", "1-0:4.8.2", 5, "5 0 varh"), (b"LGZ", "1-0:9.8.0", 5, "5 0 VAh"), (b"LGZ", "1-0:29.7.0", 5, "5 0 VA"),
        (b"LGZ", "1-0:36.7.0", 5, "5 0 W"), (b"LGZ", "1-0:64.7.0", 5, "5 0 var"), (b"LGZ", "1-0:32.7.0", 236, "236 0 V"), (b"LGZ", "1-0:71.7.0", 9, "9 -2 A"),
        (b"ISK", "1-0:32.7.0", 2347, "2347 -1 V"), (b"ISK", "1-0:52.7.0", 0, "0 -1 V"), (b"ISK", "1-0:31.7.0", 12, "12 -2 A"), (b"ISK", "1-0:13.7.0", 987, "987 -3 "),
        (b"KFM", "1-0:51.7.0", 1234, "1234 -3 A"), (b"XYZ", "1-0:32.7.0", 2301, "2301 -1 V"), (b"XYZ", "1-0:32.7.0", 230, "230 0 V"),
        (b"XYZ", "1-0:31.7.0", 12, "12 0 "), (b"XYZ", "1-0:14.7.0", 4999, "4999 -2 Hz"), (b"XYZ", "1-0:81.7.4", 240, "240 0 deg"), (b"XYZ", "1-0:99.7.0", 1, "1 0 "),
        (b"XYZ", "0-0:96.14.0", 2, "2 0 "), (b"XYZ", "1-0:12.8.0", 2, "2 0 "), (b"XYZ", "1-0:1.4.0", 2, "2 0 W"), (b"XYZ", "1-0:1.9.0", 2, "2 0 "),
    ):  # fmt: skip
        assert implied(title, code, u32(value)) == want, (title, code)


def test_scales_have_a_last_resort():
    rows = getattr(dlms_scales, "_ROWS", None)
    assert rows is None or not rows[-1][0] and not rows[-1][2]


def test_one_meter_after_the_other():
    decoder = DlmsDecoder(None, None)
    for first, known in ((b"12345678", True), (b"ISK12345", False), (b"12345678", True)):
        found = []
        try:
            decoder.decode(frame_of(notification(structure(octets(first), *numbers(1, 8)))), lambda register: found.append(register.value))
        except DecodeError:
            pass
        assert bool(found) == known, first
    for number_of_lists in range(1, 30):  # not kept for ever
        for decoded in (structure(*numbers(1, number_of_lists + 1)), b"\x02\x81\x80" + u32(5) * 128, u32(5)):
            try:
                decoder.decode(frame_of(notification(decoded)), print)
                assert False
            except DecodeError:
                pass
