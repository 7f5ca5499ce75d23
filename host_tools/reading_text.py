"""A reading as the dongle pushes it (a JSON object) in; short texts for people out: kWh with the meter's digits, m³, local times."""

import json
from datetime import datetime
from decimal import Decimal, InvalidOperation

NOTHING = "-"
TARIFFS = (1, 2, 3, 4)
PHASES = (1, 2, 3)
# What a sub-meter or total is called, the quantity, its thousand's unit, and the quantity that holds its own time.
SUBMETERS = (
    ("gas", "gas_l", "m³", "gas_time"),
    ("water", "water_l", "m³", "water_time"),
    ("hot water", "hot_water_l", "m³", "hot_water_time"),
    ("heat", "heat_kj", "MJ", "heat_time"),
    ("cold", "cold_kj", "MJ", "cold_time"),
    ("sub-meter", "submeter_energy_wh", "kWh", "submeter_time"),
)


def parse(payload: bytes) -> dict | None:
    """The object in a payload with its decimals exact; None when it is no JSON object."""
    try:
        value = json.loads(payload.decode("utf-8"), parse_float=Decimal)
    except (UnicodeDecodeError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def printable(text: str) -> str:
    """A text from outside, with nothing in it that a terminal would obey."""
    return "".join(letter if letter.isprintable() else "." for letter in text)


def number(value: object) -> Decimal | None:
    """A number of a message, or None."""
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return Decimal(value)
    return None


def thousandth(value: object) -> str:
    """Wh as kWh, litres as m³, mV as V: the point moves three places and no digit is lost."""
    exact = number(value)
    if exact is None:
        return NOTHING
    try:
        return f"{exact.scaleb(-3):f}"
    except InvalidOperation:
        return NOTHING


def rounded(value: object, digits: int) -> str:
    """A thousandth with a fixed number of decimals, for tables."""
    exact = number(value)
    return NOTHING if exact is None else f"{exact / 1000:.{digits}f}"


def watts(value: object) -> str:
    """Whole watts; a meter's finer digits belong in the data, not in a live display."""
    exact = number(value)
    return NOTHING if exact is None else f"{exact:.0f}"


def net_power(reading: dict) -> Decimal | None:
    """Watts, positive when the home draws from the grid."""
    net = number(reading.get("power_w"))
    if net is None and "power_import_w" in reading:
        net = number(reading["power_import_w"])
        net = None if net is None else net - (number(reading.get("power_export_w")) or 0)
    return net


def local(utc: object) -> datetime | None:
    """The local time of an ISO text of the firmware, or None."""
    if not isinstance(utc, str):
        return None
    try:
        return datetime.fromisoformat(utc.replace("Z", "+00:00")).astimezone()
    except ValueError:
        return None


def clock_text(utc: object) -> str:
    """"20:45:12" for today, "21 Nov 20:45" for another day, in local time."""
    when = local(utc)
    if when is None:
        return NOTHING
    return when.strftime("%H:%M:%S") if when.date() == datetime.now().date() else day_text(utc)


def day_text(utc: object) -> str:
    """"21 Nov 20:45" in local time."""
    when = local(utc)
    return NOTHING if when is None else f"{when.day} {when:%b %H:%M}"


def energy(reading: dict) -> str:
    """"in 3580.245 kWh, out 12.345 kWh", and gas and water when there."""
    parts = []
    for word, name in (("in", "energy_import_wh"), ("out", "energy_export_wh")):
        if name in reading:
            parts.append(f"{word} {thousandth(reading[name])} kWh")
    for word, name, unit, _ in SUBMETERS:
        if name in reading:
            parts.append(f"{word} {thousandth(reading[name])} {unit}")
    return ", ".join(parts)


def summary(reading: dict) -> str:
    """One line: power with its direction, then the counters."""
    net = net_power(reading)
    power = "power unknown" if net is None else f"{'import' if net >= 0 else 'export'} {watts(abs(net)):>5} W"
    counters = energy(reading)
    return f"{power}  {counters}" if counters else power
