"""SML meters with ways of their own: a home's state in, values at the resolution of the file out; one table and one row per meter.

A table's row is `code name [unit scaler type [extras]]`. Types: `i5` signed in five octets, `u8` unsigned in eight, `i` and `u` in as
few as it takes, `a4` the amount without its sign, signed in four. Extras: `s2` the status word in two octets, `t4` a bare time in
four, `t3` a time that is a list of three. Without a unit the value is octets, `_none` an empty one. All ids are invented.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from host_tools.meters.d0_meters import read_fine
from host_tools.meters.house import House, german_tariff
from host_tools.meters.kinds import Kind
from host_tools.meters.line import INFRARED
from host_tools.meters.sml import (
    AMPERE, DEGREE, HERTZ, NOTHING, VOLT, WATT, WATT_HOUR, Entry, Style, file, listing, octets, seconds_index, signed, unsigned,
)

_UNITS = {"Wh": (WATT_HOUR, 0), "W": (WATT, 0), "V": (VOLT, 3), "A": (AMPERE, 3), "Hz": (HERTZ, 3), "deg": (DEGREE, 0), "-": (0, 0)}
_OLD_STATUS = 0x182  # current flows; bit 5 and, beside it, bit 4 say export
_OLD_EXPORT = 0x1B0
_NEW = """
1-0:96.50.1*1 _maker
1-0:96.1.0 _id
"""
_OLD = """
129-129:199.130.3 _maker
1-0:0.0.9 _id
"""
_KEY = """
129-129:199.130.5 _key
"""

# EMH eHZ-HW8, ED300L: the power has no sign, the status word has the direction.
ED300L = _OLD + """
1-0:1.8.0 energy_import_wh Wh -1 i5 s2
1-0:2.8.0 energy_export_wh Wh -1 i5 s2
1-0:1.8.1 energy_import_t1_wh Wh -1 i5
1-0:1.8.2 energy_import_t2_wh Wh -1 i5
1-0:15.7.0 power_w W -1 a4
""" + _KEY
EMH_IW8 = _OLD + """
1-0:1.8.0 energy_import_wh Wh -1 i5 s2
1-0:1.8.1 energy_import_t1_wh Wh -1 i5
1-0:1.8.2 energy_import_t2_wh Wh -1 i5
1-0:2.8.0 energy_export_wh Wh -1 i5 s2
1-0:16.7.0 power_w W -1 i4
""" + _KEY
# EMH eHZ-GW8: no total; ids of its own.
EMH_GW8 = """
129-129:199.130.3 _maker
1-0:0.0.0 _number
1-0:1.8.1 energy_import_t1_wh Wh -1 i5 s2
1-0:1.8.2 energy_import_t2_wh Wh -1 i5 s2
0-0:96.1.255 _plate
1-0:1.7.0 power_w W -1 i4
"""
EMH_MME40 = _NEW + """
1-0:1.8.0 energy_import_wh Wh -1 u8 s4
1-0:2.8.0 energy_export_wh Wh -1 u8
1-0:16.7.0 power_w W 0 i4
1-0:36.7.0 power_l1_w W 0 i4
1-0:56.7.0 power_l2_w W 0 i4
1-0:76.7.0 power_l3_w W 0 i4
"""
# Hager eHZ361: the first tariff is all it has, and its power is net, in ten thousandths.
HAGER = _OLD + """
1-0:1.8.1 energy_import_t1_wh Wh -1 i5 s2
1-0:2.8.1 energy_export_t1_wh Wh -1 i5
1-0:1.7.1 power_w W -4 i4
"""
Q3A = _OLD + """
1-0:1.8.0 energy_import_wh Wh -4 i8 s1
1-0:2.8.0 energy_export_wh Wh -4 i8 s1
1-0:16.7.0 power_w W -2 i8
1-0:36.7.0 power_l1_w W -2 i8
1-0:56.7.0 power_l2_w W -2 i8
1-0:76.7.0 power_l3_w W -2 i8
1-0:32.7.0 voltage_l1_mv V -1 u2
1-0:52.7.0 voltage_l2_mv V -1 u2
1-0:72.7.0 voltage_l3_mv V -1 u2
129-129:199.240.6 _type
"""
ZDBA = _NEW + """
1-0:1.8.1 energy_import_t1_wh Wh -1 u5 s4 t4
1-0:1.8.2 energy_import_t2_wh Wh -1 u5 t4
1-0:2.8.1 energy_export_t1_wh Wh -1 u5 t4
1-0:2.8.2 energy_export_t2_wh Wh -1 u5 t4
1-0:16.7.0 power_w W 0 i4
1-0:32.7.0 voltage_l1_mv V -1 u2
1-0:52.7.0 voltage_l2_mv V -1 u2
1-0:72.7.0 voltage_l3_mv V -1 u2
1-0:31.7.0 current_l1_ma A -2 u2
1-0:51.7.0 current_l2_ma A -2 u2
1-0:71.7.0 current_l3_ma A -2 u2
1-0:81.7.1 angle_u2_u1_deg deg 0 i2
1-0:81.7.2 angle_u3_u1_deg deg 0 i2
1-0:14.7.0 frequency_mhz Hz -1 i2
1-0:96.90.2*1 _check
1-0:96.5.0 _status - 0 u4
"""
FROETEC = _NEW + """
1-0:1.8.0 energy_import_wh Wh -1 u5 s4 t3
1-0:2.8.0 energy_export_wh Wh -1 u5 t3
1-0:16.7.0 power_w W -1 i4
"""
MT175 = _OLD + """
1-0:1.8.0 energy_import_wh Wh -1 i8 s4
1-0:1.8.1 energy_import_t1_wh Wh -1 i8
1-0:1.8.2 energy_import_t2_wh Wh -1 i8
1-0:2.8.0 energy_export_wh Wh -1 i8
1-0:2.8.1 energy_export_t1_wh Wh -1 i8
1-0:2.8.2 energy_export_t2_wh Wh -1 i8
1-0:16.7.0 power_w W 0 i4
1-0:36.7.0 power_l1_w W 0 i4
1-0:56.7.0 power_l2_w W 0 i4
1-0:76.7.0 power_l3_w W 0 i4
""" + _KEY
# Iskra MT681-D4A51 of 2012: amounts, of all and of each phase; the home only takes.
MT681 = _NEW + """
1-0:1.8.0 energy_import_wh Wh -1 u5 s4
1-0:15.7.0 power_w W 0 a4
1-0:21.7.0 power_l1_w W 0 a4
1-0:41.7.0 power_l2_w W 0 a4
1-0:61.7.0 power_l3_w W 0 a4
"""
ITRON = _NEW + """
1-0:1.8.0 energy_import_wh Wh -1 u8 s4
1-0:2.8.0 energy_export_wh Wh -1 u8
1-0:16.7.0 power_w W 0 i4
"""
LOGAREX = _NEW + """
1-0:1.8.0 energy_import_wh Wh -1 u5 s4
1-0:1.8.0*96 _history_96 Wh -1 u
1-0:1.8.0*97 _history_97 Wh -1 u
1-0:1.8.0*98 _history_98 Wh -1 u
1-0:1.8.0*99 _history_99 Wh -1 u
1-0:1.8.0*100 _history_100 Wh -1 u
1-0:2.8.0 energy_export_wh Wh -1 u5
1-0:16.7.0 power_w W 0 i
"""
EBZ = _OLD + """
1-0:1.8.0 energy_import_wh Wh -5 u8 s4
1-0:1.8.1 energy_import_t1_wh Wh -5 u8
1-0:1.8.2 energy_import_t2_wh Wh -5 u8
1-0:2.8.0 energy_export_wh Wh -5 u8 s4
1-0:16.7.0 power_w W -2 i4
1-0:36.7.0 power_l1_w W -2 i4
1-0:56.7.0 power_l2_w W -2 i4
1-0:76.7.0 power_l3_w W -2 i4
"""
SAGEMCOM = _OLD + """
1-0:1.8.0 energy_import_wh Wh -1 u5 s4
1-0:2.8.0 energy_export_wh Wh -1 u5 s4
1-0:15.7.0 power_w W 0 a4
"""


def rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.splitlines() if line]


def code_octets(code: str) -> str:
    """`1-0:1.8.0*255` as its six octets in hex; without *F it is 255."""
    medium, _, rest = code.partition(":")
    rest, _, f = rest.partition("*")
    return bytes(int(part) for part in (*medium.split("-"), *rest.split("."), f or "255")).hex()


def _number(value: int | Decimal, scaler: int, kind: str) -> bytes:
    count = Decimal(value).scaleb(-scaler)
    if count != int(count):
        raise ValueError(f"{value} has more digits than 10^{scaler}")
    width = int(kind[1:] or 0)
    if kind[0] == "u":
        return unsigned(int(count), width)
    return signed(abs(int(count)) if kind[0] == "a" else int(count), width)


def entries(values: dict, table: str) -> list[Entry]:
    """The list entries of a table."""
    found = []
    for code, name, *measured in rows(table):
        if not measured:
            found.append(Entry(code_octets(code), octets(values[name])))
            continue
        unit, shift = _UNITS[measured[0]]
        scaler = int(measured[1])
        status = time = NOTHING
        for extra in measured[3:]:
            width = int(extra[1:])
            if extra[0] == "s":
                status = unsigned(values["_word"] if width > 1 else values["_word"] & 0x80 | 0x20 * values["_away"], width)
            else:
                time = unsigned(values["_seconds"], 4) if width == 4 else local_time(values["_time"])
        found.append(Entry(code_octets(code), _number(values[name], scaler + shift, measured[2]), unit, scaler, status, time))
    return found


def local_time(unix: int) -> bytes:
    """A time as three numbers, UTC with the minutes of zone and summer, in a place where one belongs."""
    return listing([unsigned(3), listing([unsigned(unix, 4), signed(60, 2), signed(60, 2)])])


def read(house: House, unix: int, *, table: str, who: dict, energy: int = 1, power: int = 0, absolute: bool = False) -> dict:
    """The registers of a table, exact to so many decimals of Wh and W, and the file's own values; `absolute`: its clock tells the time."""
    values = read_fine(house, unix, energy_decimals=energy, power_decimals=power, frequency_step_mhz=100) | who
    away = values["power_w"] < 0
    old = "129-129:199.130.3" in table
    values["_word"] = (_OLD_EXPORT if away else _OLD_STATUS) if old else values["_status"]
    values |= {"time": unix} if absolute else {}
    shown = {row[1] for row in rows(table)} | {"_word", "_seconds", "_time", "time"}
    return {name: value for name, value in values.items() if name in shown} | {"_away": int(away), "_transaction": 3 * values["_seconds"] % (1 << 32)}


def write(values: dict, server_id: bytes, table: str, style: Style, absolute: bool = False) -> bytes:
    """The file; `absolute`: its clock is the time of day, as three numbers."""
    now = local_time(values["_time"]) if absolute else seconds_index(values["_seconds"])
    return file(entries(values, table), server_id, values["_seconds"], values["_transaction"], style, now)


def one_tariff(_unix: int) -> int:
    return 1


def _kind(name: str, description: str, maker: bytes, server_id: str, meter_id: str, table: str, *, energy: int = 1, power: int = 0, style: Style = Style(),
          absolute: bool = False, who: dict | None = None, cadence_s: int = 1, **house: object) -> Kind:
    octets_of_id = bytes.fromhex(server_id)
    known = {"_maker": maker, "_id": octets_of_id, "_key": bytes(range(0x40, 0x70)), "_type": b"\x01\x00\x3e", "_check": b"\x53\x49\x4d\x01"} | (who or {})
    return Kind(name, description, "sml", INFRARED, cadence_s, partial(read, table=table, who=known, energy=energy, power=power, absolute=absolute),
                partial(write, server_id=octets_of_id, table=table, style=style, absolute=absolute), {"tariff": german_tariff, **house},
                {"meter_id": meter_id})


_HOLLEY = Style(tag_width=4, list_name=b"", version=False)

SML_QUIRK_METERS = (
    _kind("sml-emh-ed300l", "EMH ED300L: power without sign, direction in the status word, old ids", b"EMH", "06454d48010000000101",
          "06454D48010000000101", ED300L, power=1),
    _kind("sml-emh-iw8", "EMH eHZ-IW8: old ids, power in tenths of a watt", b"EMH", "01a80000000000000201", "01A80000000000000201", EMH_IW8, power=1),
    _kind("sml-emh-gw8", "EMH eHZ-GW8: two tariffs without a total, ids of its own, no solar in the home", b"EMH", "30303030303030333031", "00000301",
          EMH_GW8, power=1, who={"_number": b"00000301", "_plate": b"0000000301"}, solar_w=0, battery=False),
    _kind("sml-emh-mme40", "EMH mME4.0: powers of the phases, energies in eight octets", b"EMH", "0a01454d480000000401", "1EMH0000001025", EMH_MME40),
    _kind("sml-hager", "Hager eHZ361: registers of tariff 1 only, net power in ten thousandths of a watt", b"HAG", "09014841470000000501",
          "1HAG0000001281", HAGER, power=4, tariff=one_tariff),
    _kind("sml-easymeter", "EasyMeter Q3A: energies in ten thousandths of a Wh, powers and voltages of the phases", b"ESY", "09014553591100000601",
          "1ESY1100001537", Q3A, energy=4, power=2),
    _kind("sml-holley-zdba", "Holley DTZ541-ZDBA: tariffs without a total, bare times, a list without name, status as a value", b"HLY",
          "0a01484c590000000701", "1HLY0000001793", ZDBA, style=_HOLLEY),
    _kind("sml-froetec", "Froetec: times of three numbers", b"FRO", "0a0146524f0000000801", "1FRO0000002049", FROETEC, power=1, absolute=True),
    _kind("sml-iskra-mt175", "Iskra MT175: old ids, all energies in eight octets, powers of the phases", b"ISK", "090149534b0000000901",
          "1ISK0000002305", MT175),
    _kind("sml-iskra-mt681", "Iskra MT681 of 2012: amounts of power, of all and of each phase, no solar in the home", b"ISK", "0a0149534b0000000a01",
          "1ISK0000002561", MT681, solar_w=0, battery=False),
    _kind("sml-itron", "Itron OpenWay 3.HZ: energies and transaction ids in eight octets", b"ITR", "0a014954520000000b01", "1ITR0000002817", ITRON,
          style=Style(transaction_width=8)),
    _kind("sml-logarex", "Logarex LK13BE904639: consumption of past days beside the total", b"LOG", "0a014c4f470000000c01", "1LOG0000003073", LOGAREX),
    _kind("sml-ebz", "eBZ DD3 SM: old ids, energies in hundred thousandths of a Wh, powers of the phases", b"EBZ", "090145425a0000000d01",
          "1EBZ0000003329", EBZ, energy=5, power=2),
    _kind("sml-sagemcom", "Sagemcom SMARTY (ix-130): power without sign, direction in the status word", b"DNT", "0901444e540000000e01",
          "1DNT0000003585", SAGEMCOM),
)
