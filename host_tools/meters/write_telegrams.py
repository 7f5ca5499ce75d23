"""Writes tests/telegrams: nothing in; captures of every simulated meter, some damaged, and what a decoder must find in them, out.

    python -m host_tools.meters.write_telegrams [FOLDER]

<protocol>/<name>.bin is the byte stream, expected/<protocol>/<name>.json the telegrams in it that are whole, in order: OBIS code to
{"value": exact decimal text or octets in hex, "unit", "type"}, in the manner of the larger collection that the project is tried on.
"""

from __future__ import annotations

import json
import re
import sys
from decimal import Decimal
from pathlib import Path

from host_tools.meters import METERS, sml, sml_meters, sml_quirk_meters, write_dlms
from host_tools.meters.faults import Faults
from host_tools.meters.kinds import Meter
from host_tools.meters.request import Requested

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "telegrams"
START = 1_761_440_000  # 2025-10-26 00:53:20 UTC: a stamp of summer time, then of winter time
TELEGRAMS = 3
STEP_S = 600  # between them, so that loads change
PROTOCOLS = ("p1", "sml", "d0")
DAMAGED = ("p1-be", "p1-nl", "sml", "sml-kermit")
_DAMAGED_TELEGRAMS = 12
_OBJECT = re.compile(r"^(\d-\d:\d+\.\d+\.\d+)((?:\([^()]*\))+)\r\n(?:\(([\d.]+)\)\r\n)?", re.MULTILINE)
_DATA_SET = re.compile(r"^\x02?([0-9CF:.*-]+)\(([^()]*)\)\r$", re.MULTILINE)
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_UNITS = {0: None, sml.DEGREE: "deg", sml.WATT: "W", sml.WATT_HOUR: "Wh", sml.AMPERE: "A", sml.VOLT: "V", sml.HERTZ: "Hz"}


def p1_registers(telegram: bytes) -> dict:
    """What the text says, taken apart at its brackets."""
    return {f"{code}*255": _p1_entry(re.findall(r"\(([^()]*)\)", groups), own_line)
            for code, groups, own_line in _OBJECT.findall(telegram.decode("ascii"))}


def _p1_entry(groups: list[str], own_line: str) -> dict:
    if own_line:  # gas of DSMR 2.2: time, status, period, count, code, unit; the value stands alone on the next line
        return {"value": own_line, "unit": groups[5], "type": "num", "timestamp": groups[0]}
    number, _, unit = groups[-1].partition("*")
    if len(groups) > 2:
        return {"value": "".join(f"({group})" for group in groups), "unit": None, "type": "list"}
    if not unit:
        return {"value": number, "unit": None, "type": "text"}
    entry = {"value": number, "unit": unit, "type": "num"}
    return entry | {"timestamp": groups[0]} if len(groups) == 2 else entry


def sml_registers(meter: Meter) -> dict:
    """What the encoder of the meter's last telegram was told."""
    told = meter.kind.write.keywords  # of the function that writes the file: who it is, and which entries it sends
    if "table" in told:
        entries = sml_quirk_meters.entries(meter.values, told["table"])
    else:
        entries = [*sml_meters.identity_entries(told["maker"], told["server_id"]), *told["entries"](meter.values)]
    found = {}
    for entry in entries:
        a, b, c, d, e, f = bytes.fromhex(entry.obis)
        found[f"{a}-{b}:{c}.{d}.{e}*{f}"] = row = _sml_entry(entry)
        if meter.name == "sml-dzg" and row["type"] == "int":
            row["quirk_value"] = str(meter.values["power_w"])
    return found


def _sml_entry(entry: sml.Entry) -> dict:
    if not entry.value[0] & 0x60:
        return {"value": entry.value[2 if entry.value[0] & 0x80 else 1:].hex(), "unit": None, "type": "octet"}
    signed = entry.value[0] >> 4 == 5
    number = _decimal(int.from_bytes(entry.value[1:], "big", signed=signed), entry.scaler)
    return {"value": number, "unit": _UNITS[entry.unit], "type": "int" if signed else "uint", "width": len(entry.value) - 1}


def d0_registers(telegram: bytes) -> dict:
    """What the text says; numbers without their unit are text."""
    found = {}
    for code, inside in _DATA_SET.findall(telegram.decode("ascii")):
        number, star, unit = inside.partition("*")
        if star and _NUMBER.fullmatch(number):
            found[code] = {"value": str(Decimal(number)), "unit": unit, "type": "num"}
        else:
            found[code] = {"value": inside, "unit": None, "type": "text"}
    return found


def _decimal(number: int, scaler: int) -> str:
    if scaler >= 0:
        return str(number * 10 ** scaler)
    digits = f"{abs(number):0{1 - scaler}d}"
    return f"{'-' if number < 0 else ''}{digits[:scaler]}.{digits[scaler:]}"


def registers(meter: Meter, telegram: bytes) -> dict:
    """What a decoder must find in the meter's newest telegram."""
    if meter.protocol == "sml":
        return sml_registers(meter)
    return d0_registers(telegram) if meter.protocol == "d0" else p1_registers(telegram)


def capture(meter: Meter, count: int, faults: Faults | None = None) -> tuple[bytes, list[dict]]:
    """The byte stream of `count` telegrams, and the registers of those that arrived whole; of a meter that is asked, all that it says."""
    stream, telegrams = b"", []
    for number in range(count):
        sent = Meter.telegram(meter, START + number * STEP_S)
        stream += meter.identification if isinstance(meter, Requested) else b""
        stream += faults.apply(sent) if faults else sent
        if not (faults and faults.damaged):
            telegrams.append(registers(meter, sent))
    return stream, telegrams


def write(folder: Path = FOLDER) -> list[str]:
    """Writes all captures below `folder` and gives their names."""
    names = []
    cases = [(name, TELEGRAMS, None) for name, kind in METERS.items() if kind.protocol in PROTOCOLS and not kind.keys]
    cases += [(name, _DAMAGED_TELEGRAMS, Faults(noise=0.3, flip=0.15, lose=0.15, cut=0.2, seed=4)) for name in DAMAGED]
    for name, count, faults in cases:
        meter = METERS[name](seed=1)
        stream, telegrams = capture(meter, count, faults)
        stem = f"{name}-damaged" if faults else name
        for path in (folder / meter.protocol, folder / "expected" / meter.protocol):
            path.mkdir(parents=True, exist_ok=True)
        (folder / meter.protocol / f"{stem}.bin").write_bytes(stream)
        rows = ",\n ".join(json.dumps(telegram) for telegram in telegrams)
        meta = json.dumps([{}] * len(telegrams))
        text = f'{{"complete_valid": {len(telegrams)}, "telegrams": [\n {rows}\n], "meta": {meta}, "rejected": []}}\n'
        (folder / "expected" / meter.protocol / f"{stem}.json").write_text(text, encoding="ascii")
        names.append(f"{meter.protocol}/{stem}")
    return names + write_dlms.write(folder, START, STEP_S, TELEGRAMS, p1_registers)


if __name__ == "__main__":
    print("\n".join(write(Path(sys.argv[1])) if len(sys.argv) > 1 else write()))
