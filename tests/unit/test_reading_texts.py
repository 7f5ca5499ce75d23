"""Time stamps, month peaks, ids and messages: expected values from the calendar, the grammar and the published examples."""

from bridge.core.civil import seconds
from bridge.reading import month_peaks
from bridge.reading.builder import Builder
from bridge.reading.reading import decimal, whole
from bridge.reading.texts import Texts, printed
from bridge.reading.timestamp import Clockwork, utc

try:
    from registers import NOON, Frame, read, register, sml
except ImportError:
    from tests.unit.registers import NOON, Frame, read, register, sml


def test_season_letters():
    assert utc(b"250330030100S") == seconds(2025, 3, 30, 1, 1)
    assert utc(b"250115101500W") == seconds(2025, 1, 15, 9, 15)
    assert utc(memoryview(b"240229000000W")) == seconds(2024, 2, 28, 23)
    unset = (b"632525252525W", b"000101000001W", b"")
    for bad in unset + (b"250229120000W", b"250115101500X", b"2501151015", b"25011510150:W", b"250115240000W"):
        assert utc(bad) is None, bad


def test_without_a_letter_the_eu_rule_decides():
    for text, expected in (
        (b"250115100000", (2025, 1, 15, 9)),
        (b"250715100000", (2025, 7, 15, 8)),
        (b"250330015959", (2025, 3, 30, 0, 59, 59)),
        (b"250330030000", (2025, 3, 30, 1)),
        (b"251026015959", (2025, 10, 25, 23, 59, 59)),
        (b"251026023000", (2025, 10, 26, 0, 30)),  # twice: the first is taken
        (b"251026030000", (2025, 10, 26, 2)),
        (b"240331030000", (2024, 3, 31, 1)),
        (b"201231235959", (2020, 12, 31, 22, 59, 59)),
        (b"210101000000", (2020, 12, 31, 23)),
    ):
        assert utc(text) == seconds(*expected), text


def test_clock_reads_as_the_function_does():
    clock = Clockwork()
    for stamp in (
        b"250115101500W", b"250115101501W", b"250115105959W", b"250115110000W", b"250115116000W", b"25011511 000W", b"250115110061W",
        b"251026025959S", b"251026025959W", b"251026020000S", b"632525252525W", b"251026020001S", b"250115101500", b"2510260200:1S",
    ):  # fmt: skip
        assert clock.utc(stamp) == utc(stamp), stamp


def peaks(months):
    return b"(%d)(1-0:1.6.0)(1-0:1.6.0)" % len(months) + b"".join(months)


OCTOBER = b"(241101000000W)(241020181500S)(03.995*kW)"
NOVEMBER = b"(241201000000W)(241111174500W)(04.420*kW)"
UNSET = b"(250101000000W)(632525252525W)(00.000*kW)"
EXPECTED = (
    ("2024-10", seconds(2024, 10, 20, 16, 15), 3995),
    ("2024-11", seconds(2024, 11, 11, 16, 45), 4420),
    ("2024-12", None, 0),
)


def test_month_peaks_in_either_order():
    assert month_peaks.parse(peaks((OCTOBER, NOVEMBER, UNSET))) == EXPECTED
    assert month_peaks.parse(memoryview(peaks((UNSET, NOVEMBER, OCTOBER)))) == EXPECTED


def test_month_peaks_of_0_to_13_months():
    for empty in (b"()", b"(0)", b"(0)()", b"(0)()()", b"(0)(1-0:1.6.0)(1-0:1.6.0)"):
        assert month_peaks.parse(empty) == (), empty
    months = [b"(24%02d01000000W)(24%02d01101500W)(0%d.000*kW)" % (n, n, n % 10) for n in range(1, 13)]
    months.append(b"(250101000000W)(241231101500W)(1.5*kW)")
    found = month_peaks.parse(peaks(months))
    assert len(found) == 13 and found[0] == ("2023-12", seconds(2024, 1, 1, 9, 15), 1000) and found[12][2] == 1500


def test_wrong_letter_of_a_month_close_does_no_harm():
    close = b"(200301000000S)(200210035421W)(04.318*kW)"
    assert month_peaks.parse(peaks((close,))) == (("2020-02", seconds(2020, 2, 10, 2, 54, 21), 4318),)


def test_malformed_month_peaks():
    good = peaks((OCTOBER, NOVEMBER))
    for bad in (
        good[:-1], good[1:], b"", b"x", b"(14)" + good[3:], b"(3)" + good[3:], b"(1)" + good[3:], good + b"x",
        good.replace(b"kW", b"kX"), good.replace(b"03.995", b"03,995"), good.replace(b"03.995", b"3.9951"),
        good.replace(b"241201", b"241301"), good.replace(b"(03.995*kW)", b"(*kW)"), b"(-1)" + good[3:], good + b" " * 700,
    ):  # fmt: skip
        try:
            month_peaks.parse(bad)
        except ValueError:
            continue
        assert False, bad


def test_malformed_month_peaks_are_counted_and_the_old_kept():
    b = Builder()
    row = ("1-0:1.8.0", 1, 0, 30)
    assert read(b, (row, ("0-0:98.1.0", peaks((UNSET, NOVEMBER, OCTOBER))))).meter.month_peaks == EXPECTED
    assert read(b, (row, ("0-0:98.1.0", b"(2)(1-0:1.6.0"))).meter.month_peaks == EXPECTED
    assert b.counters.get("malformed_peaks") == 1


def test_ids_as_printed():
    for raw, is_hex, expected in (
        (b"4530303030303030303030303030303031", True, "E0000000000000001"),
        (b"3153414733313031303231363035", True, "1SAG3101021605"),
        (b"00000000000000", True, "00000000000000"),
        (b"AAAAA1111111111111111111111", True, "AAAAA1111111111111111111111"),
        (b"\x0a\x01ISK\x00\x04\x7a\x55\x44", False, "1ISK0075126084"),
        (b"\x0a\x01HLY\x02\x00\x0d\x6b\xe6", False, "1HLY0200879590"),
        (b"\x09\x01EBZ\x01\x00\x02\xec\x3b", False, "1EBZ0100191547"),
        (b"\x06EMH\x01\x02\x71\x53\xc8\xc6", False, "06454D4801027153C8C6"),
        (b"02280816", False, "02280816"),
        (b"", True, ""),
    ):
        assert printed(raw, is_hex) == expected, raw


def test_which_id_is_taken():
    energy = ("1-0:1.8.1", 1, 0, 30)
    assert sml((("0-0:96.1.255", b"0002280816"), ("1-0:0.0.0", b"02280816"), energy)).meter.id == "02280816"
    assert sml((("129-129:199.130.3", b"EMH"), ("1-0:0.0.9", b"\x09\x01EBZ\x01\x00\x02\xec\x3b"), energy)).meter.manufacturer == "EMH"
    assert sml((("1-0:0.0.9", b"\x09\x01EBZ\x01\x00\x02\xec\x3b"), energy)).meter.id == "1EBZ0100191547"
    assert read(Builder(), (energy, ("0-0:42.0.0", b"53414731"))).meter.id == "SAG1"


def test_message_is_made_into_text_once():
    b = Builder()
    rows = (("1-0:1.8.0", 1, 0, 30), ("0-0:96.13.0", b"48616C6C6F"))
    first, second = read(b, rows), read(b, rows)
    assert first.meter.message == "Hallo" and second.meter is first.meter
    third = read(b, (rows[0], ("0-0:96.13.0", b"")))
    assert third.meter.message == "" and first.meter.message == "Hallo"
    assert len(read(b, (rows[0], ("0-0:96.13.0", b"41" * 1024))).meter.message) == 1024
    assert len(read(b, (rows[0], ("0-0:96.13.0", b"42" * 2000))).meter.message) == 1024, "longer than the standard allows: ignored"


def test_identification_changes_with_the_meter():
    b = Builder()
    row = (("1-0:1.8.0", 1, 0, 30),)
    assert read(b, row, head=b"/ISk5\\2MT382-1004\r\n").meter.identification == "ISk5\\2MT382-1004"
    assert read(b, row, head=b"/FLU5\\X\r\n").meter.identification == "FLU5\\X"
    assert read(b, row, head=b"/\xff\xfe\r\n").meter.identification == ""
    assert read(b, row, head=b"/" + b"A" * 500).meter.identification == ""


def test_builder_without_a_frame():
    b = Builder()
    b.begin()
    b.add(register("1-0:1.8.0", 1, 0, 30))
    assert b.finish(1, NOON, 1).meter.protocol == ""
    b.begin(Frame("sml"))
    b.add(register("1-0:1.8.0", 1, 0, 30))
    assert b.finish(2, NOON, 1).meter.protocol == "sml"


def test_decimals_without_floats():
    for value, exponent, text, down, near in (
        (123456789123, -4, "12345678.9123", 12345678, 12345679),
        (5, -1, "0.5", 0, 1),
        (-5, -3, "-0.005", -1, 0),
        (0, -2, "0.00", 0, 0),
        (0, 3, "0", 0, 0),
        (12, 3, "12000", 12000, 12000),
        (-15, -1, "-1.5", -2, -2),
    ):
        assert decimal(value, exponent) == text
        assert whole(value, exponent, True) == down and whole(value, exponent, False) == near


def test_an_empty_id_names_no_other_meter():
    texts = Texts()
    texts.begin(None)
    texts.put(0, b"E0001")
    texts.make_meter({})
    texts.begin(None)
    assert texts.put(0, b"") is False
    assert not texts.is_other_meter() and texts.get(0, 1) == "E0001"


def test_ids_of_dlms_meters():
    for rows, id in (
        ((("1-1:0.0.5", b"5706567000000001"), ("1-1:96.1.1", b"6841131BN243101040")), "5706567000000001"),  # Kamstrup: the other is its kind
        ((("0-0:42.0.0", b"ISK1030000000001"),), "ISK1030000000001"),
        ((("0-0:42.0.0", b"LGZ1030000000001"), ("0-0:96.1.0", b"1909113")), "1909113"),
        ((("0-0:96.1.0", b"6970631400000000"), ("0-0:96.1.7", b"MA304H3E")), "6970631400000000"),
    ):
        assert read(Builder(), rows + (("1-1:1.8.0", 5, 0, 30),), protocol="hdlc").meter.id == id
    gas = (("1-1:1.8.0", 5, 0, 30), ("0-1:24.1.0", 3), ("0-1:96.1.0", b"24521662"), ("0-1:24.2.1", 30545, -2, 13))
    assert read(Builder(), gas, protocol="hdlc").meter.gas_id == "24521662"  # letters, not pairs of hex digits


def test_security_is_known_when_the_telegram_was_decoded():
    b = Builder()
    frame = Frame("hdlc")
    meters = []
    for security in ("", "unauthenticated", "unauthenticated", "authenticated"):
        b.begin(frame)
        frame.security = security
        b.add(register("1-0:1.8.0", 1, 0, 30))
        meters.append(b.finish(1, NOON, 1).meter)
    assert [meter.security for meter in meters] == ["", "unauthenticated", "unauthenticated", "authenticated"]
    assert meters[1] is meters[2]
