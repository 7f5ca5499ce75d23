"""The DLMS part of tests/telegrams: simulated meters in; captures with their keys, and what a decoder must find in them (files), out."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from host_tools.meters.amis import CALL, ROWS, AmisMeter
from host_tools.meters.dlms_meters import DLMS_METERS
from host_tools.meters.dlms_push import IMPLIED, LAID_OUT, Push
from host_tools.meters.dlms_rows import UNIT_NAMES, Row
from host_tools.meters.kinds import Meter

FOLDERS = {"hdlc": "dlms", "mbus": "dlms", "amis": "dlms", "dlms": "p1_encrypted"}  # protocol to folder


def registers(meter: Meter) -> dict:
    """The registers of a list; where nobody's telegram tells scaler and unit, the numbers as they are sent."""
    write = meter.kind.write
    if not isinstance(write, Push):
        return _numbers(ROWS, meter.values, False)
    listing = write.listing(meter.values)
    texts = {} if listing.units == LAID_OUT else {
        f"{code}*255": {"value": text.encode().hex(), "unit": None, "type": "octet"} for code, text in listing.texts}
    return texts | _numbers(listing.rows, meter.values, listing.units == IMPLIED)


def _numbers(listed: tuple[Row, ...], values: dict, raw: bool) -> dict:
    found = {}
    for row in filter(lambda row: row.code, listed):
        number = Decimal(row.number(values))
        value, unit = (number, None) if raw else (number.scaleb(row.scaler), UNIT_NAMES[row.unit])
        signed = row.form.__name__.lstrip("_").startswith(("i", "s"))
        found[f"{row.code}*255"] = {"value": f"{value:f}", "unit": unit, "type": "int" if signed else "uint"}
    return found


def moments(meter: Meter, start: int, step: int, count: int) -> list[int]:
    """When to ask the meter: where it has several lists, so that each is among the telegrams."""
    if isinstance(meter.kind.write, Push) and len(meter.kind.write.listings) > 1:
        return [start, start + 2, start - start % 3600 + 3600 + 10]
    return [start + number * step for number in range(count)]


def telegram(meter: Meter, unix: int) -> bytes:
    """The meter's telegram; one that waits for an answer is answered, and its call goes before the telegram."""
    data = meter.telegram(unix)
    if not isinstance(meter, AmisMeter):
        return data
    meter.receive(b"\xe5", unix)
    return data + meter.telegram(unix + 1) if data == CALL else data


def sidecar(meter: Meter) -> dict:
    """What the capture's own JSON file says, as in the larger collection."""
    return {"framing": "apdu-stream" if meter.protocol == "dlms" else meter.protocol, "meter": meter.description,
            "key": meter.keys.get("key"), "authentication_key": meter.keys.get("auth_key")}


def write(folder: Path, start: int, step: int, count: int, of_text: Callable[[bytes], dict]) -> list[str]:
    """Writes the captures below `folder` and gives their names. `of_text` takes decrypted P1 text apart."""
    names = []
    for kind in DLMS_METERS:
        meter, stream, telegrams = kind(1), b"", []
        for unix in moments(meter, start, step, count):
            stream += telegram(meter, unix)
            telegrams.append(of_text(kind.write.plain(meter.values)) if meter.protocol == "dlms" else registers(meter))
        name = f"{FOLDERS[meter.protocol]}/{meter.name}"
        data, told = folder / f"{name}.bin", folder / "expected" / f"{name}.json"
        for path in (data, told):
            path.parent.mkdir(parents=True, exist_ok=True)
        data.write_bytes(stream)
        data.with_suffix(".json").write_text(json.dumps(sidecar(meter), indent=1) + "\n", encoding="ascii")
        whole = {"complete_valid": len(telegrams), "telegrams": telegrams, "meta": [{}] * len(telegrams), "rejected": []}
        told.write_text(json.dumps(whole, indent=None).replace("}}, {", "}},\n {") + "\n", encoding="ascii")
        names.append(name)
    return names
