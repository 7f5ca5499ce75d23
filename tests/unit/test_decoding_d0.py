"""D0 decoding: data sets of IEC 62056-21 in, registers out; codes as sent, exact decimals, nothing from what is not well formed."""

from bridge.core.errors import DecodeError
from bridge.decoding.d0 import decode
from bridge.decoding.obis import text, unit_name
from bridge.framing.d0 import D0Framer
from bridge.framing.frame import Frame


def frame(payload, checksum="none"):
    made = Frame("d0", bytearray(payload))
    made.end = len(payload)
    made.checksum = checksum
    return made


def code(register):
    return text(register.ab, register.cde, register.f) if register.code is None else str(bytes(register.code), "ascii")


def registers(payload, checksum="none"):
    """(code as sent, value, scaler, unit's name) of each register; text as bytes."""
    found = []

    def emit(register):
        value = register.value
        found.append((code(register), value if isinstance(value, int) else bytes(value), register.scaler, unit_name(register.unit)))

    decode(frame(payload, checksum), emit)
    return found


def one(data_set, head=b"/ABC5\r\n\r\n"):
    (register,) = registers(head + data_set + b"\r\n!")
    return register


def names(payload):
    """(A-B, C.D.E, F) as the reading stage sees them."""
    found = []
    decode(frame(payload), lambda r: found.append((r.ab, r.cde, r.f)))
    return found


def refused(payload, checksum="none"):
    try:
        registers(payload, checksum)
    except DecodeError:
        return True
    return False


def test_numbers_are_exact():
    assert one(b"1-0:1.8.0*255(005087.48789958*kWh)") == ("1-0:1.8.0", 508748789958, -8, "kWh")
    assert one(b"1-0:2.8.0*255(00007041.2292533*kWh)") == ("1-0:2.8.0", 70412292533, -7, "kWh")
    assert one(b"1-0:16.7.0*255(-000142.30*W)") == ("1-0:16.7.0", -14230, -2, "W")
    assert one(b"1-0:41.7.0*255(+00026*W)") == ("1-0:41.7.0", 26, 0, "W")
    assert one(b"6.8(0029.055*MWh)") == ("6.8", 29055, -3, "MWh")
    assert one(b"14.7(49.96*Hz)") == ("14.7", 4996, -2, "Hz")
    assert one(b"3.8.1(68.340*kvarh)") == one(b"3.8.1(68.340*kVArh)") == ("3.8.1", 68340, -3, "kvarh")
    assert one(b"81.7.4(-80.7*Deg)") == ("81.7.4", -807, -1, "deg")
    assert one(b"1.8.0(0001234,5*kWh)") == one(b"1.8.0(0001234.5* kWh )") == ("1.8.0", 12345, -1, "kWh")
    assert one(b"1-0:1.8.0*255(0001234.5 kWh)") == ("1-0:1.8.0", 12345, -1, "kWh")


def test_text_is_as_sent():
    assert one(b"0.0.0(110002267)") == ("0.0.0", b"110002267", 0, "")
    assert one(b"9.4(088*C&082*C)") == ("9.4", b"088*C&082*C", 0, "")
    assert one(b"6.8.1()") == ("6.8.1", b"", 0, "")
    assert one(b"9.6(000&00010213&0)") == ("9.6", b"000&00010213&0", 0, "")
    assert one(b"C.90(12*34)") == ("C.90", b"12*34", 0, "")
    assert one(b"0-0:96.9.0*255(21.5*degC)") == ("0-0:96.9.0", 215, -1, "")
    assert one(b"6.35(60*m)") == ("6.35", 60, 0, "")  # a unit that no register has


def test_codes_as_sent_and_as_numbers():
    data = b"/ABC5\r\n\r\nF.F(0)C.1(0)C.5.0(0)F(0)6.26*01(0)1.8.0*255(0)1-0:1.7.255*255(0)0-0:96.1.255*255(0)1.8.0&05(0)\r\nFF(0)X.1(0)1.8.0*12(0)!"
    assert [row[0] for row in registers(data)] == [
        "F.F", "C.1", "C.5.0", "F", "6.26*01", "1.8.0", "1-0:1.7.255", "0-0:96.1.255", "1.8.0&05", "FF", "X.1", "1.8.0*12",
    ]  # fmt: skip
    assert names(data) == [
        (0x100, 97 << 16 | 97 << 8, 255), (0x100, 96 << 16 | 256, 255), (0x100, 96 << 16 | 5 << 8, 255), (0x100, 97 << 16, 255),
        (0x100, 6 << 16 | 26 << 8, 1), (0x100, 0x10800, 255), (0x100, 0x10700, 255), (0, 0x6001FF, 255), (0x100, 0x10800, 5),
        (0xFFFF, 0, 255), (0xFFFF, 0, 255), (0x100, 0x10800, 12),
    ]  # fmt: skip


def test_several_brackets():
    assert registers(b"/LGZ5\r\n\r\n1.6.0*01(00.123*kW)(24-03-01 10:15)\r\n!") == [
        ("1.6.0*01", 123, -3, "kW"), ("1.6.0*01", b"24-03-01 10:15", 0, ""),
    ]  # fmt: skip
    profile = b"/LGZ5\r\n\r\nP.01(240301001500)(00)(15)(2)(1.5)(kW)(2.5)(kW)\r\n(0.1)(0.2)\r\n(0.3)(0.4)\r\nF.F(0)\r\n!"
    found = registers(profile, "bcc")
    assert found[0][:2] == ("P.01", b"240301001500") and found[-1][0] == "F.F" and len(found) == 9


def test_date_and_time_are_a_clock():
    for date, time in ((b"24-03-21", b"21:10:29"), (b"240321", b"211029"), (b"2024-03-21", b"211029"), (b"20240321", b"21:10:29")):
        found = registers(b"0.0.0(1)\r\n0.9.1(%s)\r\n0.9.2(%s)\r\n!" % (time, date))
        assert found[-1] == ("0-0:1.0.0", b"240321211029", 0, "") and len(found) == 4
    for date, time in ((b"24-03-21", b""), (b"", b"211029"), (b"1240321", b"211029"), (b"24.03.21", b"211029"), (b"24-03-21", b"21:10")):
        assert len(registers(b"0.0.0(1)\r\n0.9.1(%s)\r\n0.9.2(%s)\r\n!" % (time, date))) == 3
    assert len(registers(b"0.0.0(1)\r\n1.8.0(1*kWh)\r\n!")) == 2  # nothing is left of the one before


def test_makers():
    for head in (b"/HAG5eHZ\r\n\r\n", b"/HAg5eHZ\r\n"):
        assert one(b"1-0:1.8.0*255(000001.2963)", head) == ("1-0:1.8.0", 12963, -4, "kWh")
        assert one(b"1-0:1.7.0*255(000001.2963)", head) == ("1-0:1.7.0", b"000001.2963", 0, "")
    assert one(b"1-0:1.8.0*255(000001.2963)") == ("1-0:1.8.0", b"000001.2963", 0, "")


def test_what_is_odd_is_refused_without_checksum():
    good = b"/EBZ5DD3\r\n\r\n1-0:1.8.0*255(001234.56*kWh)\r\n1-0:16.7.0*255(000613.00*W)\r\n!"
    assert len(registers(good)) == 2
    for old, new in (
        (b"234", b"2x4"), (b"kWh", b"kUh"), (b")\r\n1-0:16", b"\r\n1-0:16"), (b"(00", b"00"), (b"1.8.0", b"1.8"[:2] + b"/0"), (b"1-0:1.8", b"1-01.8"),
        (b"1-0:1.8", b"1-0:1x8"), (b"*255(000613", b"*255(0006(13"), (b"1.8.0*255", b"1.8.0*255*1"), (b"16.7.0", b"16.7.0.1"), (b"1-0", b"1-0-0"),
        (b"1234.56", b"1234.5.6"), (b"1-0:16", b"1-0\r\n16"), (b"1-0:1.8.0*255", b""),
    ):  # fmt: skip
        assert old in good
        assert refused(good.replace(old, new, 1)), new


def test_what_is_odd_costs_itself_with_a_checksum():
    data = b"1.8.0(1*kWh)\r\n#!?(1)\r\nno brackets\r\n2.8.0(2*kWh)\r\n9.9(x*kWh)\r\n0.0.0(7\r\n"
    assert [row[0] for row in registers(data + b"!", "bcc")] == ["1.8.0", "2.8.0", "9.9"]
    assert refused(b"no data set\r\n!", "bcc") and refused(b"/ABC5x!", "bcc") and refused(b"!", "bcc") and refused(b"/ABC5\r\n!")


def test_captures():
    """Every complete telegram of the captures, in order, with the values that others found."""
    try:
        import json
        import os

        folder = "../shared/corpus/open/"
        captures = sorted(os.listdir(folder + "d0"))
    except OSError:
        return
    for name in captures:
        if not name.endswith(".txt"):
            continue
        framer = D0Framer()
        found = []
        with open(folder + "d0/" + name, "rb") as file:
            data = file.read() + b"\n"
        used = 0
        while used < len(data):
            used += framer.feed(data, used)
            made = framer.take()
            if made is not None:
                rows = {}

                def emit(register):
                    rows.setdefault(code(register), register.value if isinstance(register.value, int) else None)
                    if isinstance(register.value, int):
                        rows[code(register)] = decimal(register.value, register.scaler)

                decode(made, emit)
                found.append(rows)
        with open(folder + "expected/d0/" + name[:-4] + ".json") as file:
            telegrams = json.load(file)["telegrams"]
        assert len(found) == len(telegrams), name
        for rows, telegram in zip(found, telegrams):
            for obis, entry in telegram.items():
                obis = obis[:-4] if obis.endswith("*255") else obis
                assert obis in rows, (name, obis)
                if entry["type"] == "num":
                    assert rows[obis] == entry["value"], (name, obis, rows[obis])


def decimal(value, scaler):
    digits = str(abs(value))
    if scaler:
        digits = "0" * (1 - scaler - len(digits)) + digits
        digits = digits[:scaler] + "." + digits[scaler:]
    return "-" + digits if value < 0 else digits
