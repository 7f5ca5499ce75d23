"""Writes tests/telegrams: nothing in; captures of every simulated meter, some damaged, and what a decoder must find in them, out.

    python -m host_tools.meters.write_telegrams [FOLDER]

<protocol>/<name>.bin is the byte stream, expected/<protocol>/<name>.json the telegrams in it that are whole, in order: OBIS code to
{"value": exact decimal text or octets in hex, "unit", "type"}, in the manner of the larger collection that the project is tried on.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from host_tools.meters import METERS, sml
from host_tools.meters.faults import Faults
from host_tools.meters.kinds import Meter

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "telegrams"
START = 1_761_440_000  # 2025-10-26 00:53:20 UTC: a stamp of summer time, then of winter time
TELEGRAMS = 3
STEP_S = 600  # between them, so that loads change
DAMAGED = ("p1-be", "p1-nl", "sml", "sml-kermit")
_DAMAGED_TELEGRAMS = 12
_OBJECT = re.compile(r"^(\d-\d:\d+\.\d+\.\d+)((?:\([^()]*\))+)\r\n(?:\(([\d.]+)\)\r\n)?", re.MULTILINE)
_UNITS = {sml.DEGREE: "deg", sml.WATT: "W", sml.WATT_HOUR: "Wh", sml.AMPERE: "A", sml.VOLT: "V", sml.HERTZ: "Hz"}


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
    found = {}
    for code, octets in (("1-0:96.50.1*1", told["maker"]), ("1-0:96.1.0*255", told["server_id"])):
        found[code] = {"value": octets.hex(), "unit": None, "type": "octet"}
    for entry in told["entries"](meter.values):
        a, b, c, d, e, f = bytes.fromhex(entry.obis)
        whole, signed = entry.value[1:], entry.value[0] >> 4 == 5
        number = int.from_bytes(whole, "big", signed=signed)
        row = {"value": _decimal(number, entry.scaler), "unit": _UNITS[entry.unit], "type": "int" if signed else "uint"}
        row["width"] = len(whole)
        if meter.name == "sml-dzg" and signed:
            row["quirk_value"] = str(meter.values["power_w"])
        found[f"{a}-{b}:{c}.{d}.{e}*{f}"] = row
    return found


def _decimal(number: int, scaler: int) -> str:
    if scaler >= 0:
        return str(number * 10 ** scaler)
    digits = f"{abs(number):0{1 - scaler}d}"
    return f"{'-' if number < 0 else ''}{digits[:scaler]}.{digits[scaler:]}"


def capture(meter: Meter, count: int, faults: Faults | None = None) -> tuple[bytes, list[dict]]:
    """The byte stream of `count` telegrams, and the registers of those that arrived whole."""
    stream, telegrams = b"", []
    for number in range(count):
        sent = meter.telegram(START + number * STEP_S)
        stream += faults.apply(sent) if faults else sent
        if not (faults and faults.damaged):
            telegrams.append(sml_registers(meter) if meter.protocol == "sml" else p1_registers(sent))
    return stream, telegrams


def write(folder: Path = FOLDER) -> list[str]:
    """Writes all captures below `folder` and gives their names."""
    names = []
    cases = [(name, TELEGRAMS, None) for name in METERS]
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
    return names


if __name__ == "__main__":
    print("\n".join(write(Path(sys.argv[1])) if len(sys.argv) > 1 else write()))
