"""P1 decoding: lines in, registers out; expected values are written down, not computed."""

import json

from bridge.core.errors import DecodeError
from bridge.decoding import p1
from bridge.decoding.obis import cde, text, unit_name
from bridge.framing.frame import Frame
from bridge.framing.p1 import P1Framer


def frame_of(lines, checksum="crc16", head=b"/ABC5made\r\n\r\n", end=b"\r\n"):
    data = head + b"".join([line + end for line in lines]) + b"!"
    frame = Frame("p1", bytearray(b"xx" + data + b"0"))
    frame.start = 2
    frame.end = 2 + len(data)
    frame.checksum = checksum
    return frame


def registers(frame):
    """[(code, value, scaler, unit, time)] of a frame; both ways of reading must say the same."""
    found = []

    def emit(register):
        value = register.value if isinstance(register.value, int) else bytes(register.value)
        time = register.time if register.time is None else bytes(register.time)
        assert register.status == 0
        found.append((text(register.ab, register.cde, register.f), value, register.scaler, unit_name(register.unit), time))

    def attempt():
        found.clear()
        try:
            p1.decode(frame, emit)
        except DecodeError:
            return None
        return list(found)

    fast = p1.run
    quick = attempt()
    p1.run = None
    try:
        assert attempt() == quick
    finally:
        p1.run = fast
    assert attempt() == quick  # with views that are kept
    return quick


def one(line, **options):
    return registers(frame_of((line,), **options))


def test_numbers():
    assert one(b"1-0:1.8.1(001234.567*kWh)") == [("1-0:1.8.1", 1234567, -3, "kWh", None)]
    assert one(b"1-0:1.7.0(0000.29*kW)") == [("1-0:1.7.0", 29, -2, "kW", None)]
    assert one(b"1-0:1.8.0(000201282*Wh)") == [("1-0:1.8.0", 201282, 0, "Wh", None)]
    assert one(b"1-0:32.7.0(237.1*V)") == [("1-0:32.7.0", 2371, -1, "V", None)]
    assert one(b"1-0:1.8.0*98(1*Wh)") == [("1-0:1.8.0*98", 1, 0, "Wh", None)]
    assert one(b"1-0:16.7.0(-00.5*kW)") == [("1-0:16.7.0", -5, -1, "kW", None)]
    assert one(b"1-0:1.8.0(999999.999*kWh)") == [("1-0:1.8.0", 999999999, -3, "kWh", None)]
    assert one(b"1-0:1.8.0(12345678901.123*kWh)") == [("1-0:1.8.0", 12345678901123, -3, "kWh", None)]
    assert one(b"1-0:1.8.0(-99999999999999999999*Wh)") == [("1-0:1.8.0", -99999999999999999999, 0, "Wh", None)]
    assert one(b"1-0:1.8.0(12.*Wh)") == [("1-0:1.8.0", 12, 0, "Wh", None)]


def test_units_in_any_case():
    for name, want in ((b"kVArh", "kvarh"), (b"kvarh", "kvarh"), (b"kVAr", "kvar"), (b"KWH", "kWh"), (b"m3", "m3"), (b"M3", "m3"),
                       (b"kVA", "kVA"), (b"MWh", "MWh"), (b"Hz", "Hz"), (b"A", "A"), (b"GJ", "GJ"), (b"s", "s")):  # fmt: skip
        assert one(b"1-0:9.7.0(1.5*" + name + b")") == [("1-0:9.7.0", 15, -1, want, None)], name
    for odd in (b"x", b"7", b"kWhhh", b"kilowatts", b""):
        assert one(b"1-0:9.7.0(1.5*" + odd + b")") == [("1-0:9.7.0", 15, -1, "", None)], odd


def test_texts():
    assert one(b"0-0:96.14.0(0001)") == [("0-0:96.14.0", b"0001", 0, "", None)]
    assert one(b"0-0:96.13.0()") == [("0-0:96.13.0", b"", 0, "", None)]
    assert one(b"0-0:96.13.0(a/b!c*)") == [("0-0:96.13.0", b"a/b!c*", 0, "", None)]
    assert one(b"0-0:1.0.0(250330030100S)") == [("0-0:1.0.0", b"250330030100S", 0, "", None)]
    assert one(b"0-0:96.7.21(00005)") == [("0-0:96.7.21", b"00005", 0, "", None)]
    assert one(b"0-0:17.0.0(-*kW)") == [("0-0:17.0.0", b"-*kW", 0, "", None)]
    assert one(b"0-0:17.0.0(1.2.3*kW)") == [("0-0:17.0.0", b"1.2.3*kW", 0, "", None)]


def test_values_with_their_own_time():
    assert one(b"0-1:24.2.1(161129200000W)(00981.443*m3)") == [("0-1:24.2.1", 981443, -3, "m3", b"161129200000W")]
    assert one(b"1-0:1.6.0(200509134558)(02.589*kW)") == [("1-0:1.6.0", 2589, -3, "kW", b"200509134558")]
    assert one(b"0-2:24.2.1(632525252525S)(00000.000)") == [("0-2:24.2.1", b"00000.000", 0, "", b"632525252525S")]
    # The time does not stick to the next one.
    both = registers(frame_of((b"0-1:24.2.1(161129200000W)(1*m3)", b"1-0:1.7.0(1*W)")))
    assert [row[4] for row in both] == [b"161129200000W", None]


def test_gas_of_the_first_versions():
    lines = (b"0-1:24.3.0(161107190000)(00)(60)(1)(0-1:24.2.1)(m3)", b"(00001.001)", b"0-1:24.4.0(1)")
    want = [("0-1:24.3.0", 1001, -3, "m3", b"161107190000"), ("0-1:24.4.0", b"1", 0, "", None)]
    for checksum in ("crc16", "none"):
        for end in (b"\r\n", b"\n"):
            assert registers(frame_of(lines, checksum, end=end)) == want


def test_two_values():
    assert one(b"1-1:31.4.0(100*A)(-063*A)") == [("1-1:31.4.0", 100, 0, "A", None), ("1-1:31.4.0", -63, 0, "A", None)]


def test_lists_as_they_stand():
    peaks = b"(2)(1-0:1.6.0)(1-0:1.6.0)(200501000000S)(200423192538S)(03.695*kW)(200401000000S)(632525252525W)(00.000*kW)"
    assert one(b"0-0:98.1.0" + peaks) == [("0-0:98.1.0", peaks, 0, "", None)]
    log = b"(1)(0-0:96.7.19)(180417201458S)(0000000236*s)"
    assert one(b"1-0:99.97.0" + log) == [("1-0:99.97.0", log, 0, "", None)]
    assert one(b"1-0:99.97.0()") == [("1-0:99.97.0", b"()", 0, "", None)]


def test_unknown_codes_pass_and_odd_lines_are_skipped():
    good = b"1-0:1.7.0(1*W)"
    want = [("1-0:1.7.0", 1, 0, "W", None)] * 2
    assert one(b"255-255:255.255.255*0(x)") == [("255-255:255.255.255*0", b"x", 0, "", None)]
    for odd in (
        b"1-0:4:24.7.0(1*W)", b"1-0:1.7(1*W)", b"256-0:1.7.0(1*W)", b"1-0:1.7.0", b"1-0:1.7.0(1*W", b"1-0:1.7.0)", b"1", b"-", b"(", b"(x", b")",
        b"1-0:1.7.0.1(1*W)", b"1-0:00001.7.0(1*W)", b"1-0:1.7.0*(1*W)", b"hello", b"1-0:99.97.0(", b"\xff\xfe",
    ):  # fmt: skip
        assert registers(frame_of((good, odd, good))) == want, odd
        assert registers(frame_of((good, odd, b"1-0:2.7.0(2*W)"), "none")) is None, odd
    assert registers(frame_of((b"1-0:1.8.0(1*Wh)1-0:2.8.0(2*Wh)",)))[1][:2] == ("1-0:2.8.0", 2)


def test_line_end_lost_before_the_end():
    frame = frame_of((b"1-0:1.7.0(1*W)", b"1-0:2.7.0(2*W)"))
    frame.buffer[frame.end - 3 : frame.end] = b"!"
    frame.end -= 2
    assert [row[1] for row in registers(frame)] == [1, 2]


def test_without_checksum_nothing_may_be_odd():
    good = (b"1-0:1.7.0(1*W)", b"1-0:2.7.0(2*W)")
    assert len(registers(frame_of(good, "none"))) == 2
    assert registers(frame_of(good, "none", head=b"/ABC5made\r\n")) is None
    assert registers(frame_of(good + good[:1], "none")) is None
    assert len(registers(frame_of(good + good[:1]))) == 3
    for odd in (b"1-0:3.7.0(1.x*W)", b"1-0:3.7.0(*W)", b"1-0:3.7.0(1*?)", b"1-0:3.7.0(1*W)x", b"1-0:3.7.0(1*W)(", b"1-0:3.7.0(1*W)1-0:4.7.0(1*W)"):
        assert registers(frame_of(good + (odd,), "none")) is None, odd
    many = [b"1-0:%d.7.0(1*W)" % i for i in range(41)]
    assert len(registers(frame_of(many[:40], "none"))) == 40
    assert registers(frame_of(many, "none")) is None


def test_no_lines():
    assert registers(frame_of((), head=b"/ABC5")) is None
    assert registers(frame_of(())) == []


def test_codes_as_integers():
    assert cde(96, 13, 1) == 96 << 16 | 13 << 8 | 1
    assert text(0x0101, cde(31, 4, 0)) == "1-1:31.4.0" and text(0x0100, cde(96, 50, 1), 1) == "1-0:96.50.1*1"
    assert unit_name(0x100 | 30) == "kWh" and unit_name(0) == unit_name(255) == "" and unit_name(35) == "V"


def test_vectors():
    try:
        with open("../shared/vectors.json") as file:
            vectors = {row["name"]: row for row in json.load(file)}
    except OSError:
        return  # not on this machine
    framer = P1Framer()
    framer.feed(vectors["p1_nl_dsmr50"]["ascii"].encode())
    found = {row[0]: row for row in registers(framer.take())}
    assert found["1-0:1.8.1"][1:4] == (1234567, -3, "kWh") and found["1-0:1.8.2"][1:4] == (2345678, -3, "kWh")
    assert found["1-0:2.8.1"][1:4] == (12345, -3, "kWh") and found["0-0:1.0.0"][1] == b"250330030100S"
    framer.feed(vectors["p1_nl_dsmr30"]["ascii"].encode())
    found = {row[0]: row for row in registers(framer.take())}
    assert found["1-0:1.8.1"][1:4] == (123456, -3, "kWh") and "0-1:24.3.0" in found
