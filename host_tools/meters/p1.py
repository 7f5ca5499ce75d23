"""P1 text, the part all versions share: numbers, objects and lines in; a whole telegram with its CRC out (bytes, ASCII)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from host_tools.meters import crc
from host_tools.meters.localtime import stamp

END = "\r\n"


@dataclass(frozen=True)
class Identity:
    """What stays the same in every telegram of a meter; ids as printed on the devices. `channels` are (number, "gas" or "water")."""

    header: str  # after the slash
    meter_id: str
    version: str = ""
    phases: int = 3
    gas_id: str = ""
    water_id: str = ""
    channels: tuple[tuple[int, str], ...] = ((1, "gas"),)
    peaks_newest_first: bool = False


def fixed(value: int, digits: int, decimals: int, scale: int = 3) -> str:
    """`value` in 10^-scale of the unit as `digits` digits, `decimals` of them after the point, zeros in front: the standard's Fn(d,d).

    Raises ValueError when it does not fit or would lose a digit.
    """
    kept, lost = divmod(value, 10 ** (scale - decimals))
    text = f"{kept:0{digits}d}"
    if lost or value < 0 or len(text) > digits:
        raise ValueError(f"{value}e-{scale} is no F{digits}({decimals},{decimals})")
    return f"{text[:-decimals]}.{text[-decimals:]}" if decimals else text


def hexed(text: str) -> str:
    """Characters as the hexadecimal pairs of an Sn value."""
    return text.encode("ascii").hex().upper()


def obj(code: str, *values: str) -> str:
    """One line: `1-0:1.7.0(00.512*kW)`."""
    return code + "".join(f"({value})" for value in values)


def energy(code: str, wh: int, digits: int = 9) -> str:
    return obj(code, fixed(wh, digits, 3) + "*kWh")


def power(code: str, watts: int, digits: int = 5, decimals: int = 3) -> str:
    return obj(code, fixed(watts, digits, decimals) + "*kW")


def volume(litres: int) -> str:
    return fixed(litres, 8, 3)


def per_phase(identity: Identity, code: str, values: dict, name: str, form: Callable[[str, int], str]) -> list[str]:
    """The lines of one quantity over the phases: `code` is that of L1 (L2 and L3 add 20 each), `name` has {} for the phase."""
    first = int(code[0])
    return [form(f"1-0:{first + 2 * n}{code[1:]}", values[name.format(n + 1)]) for n in range(identity.phases)]


def failures(log: list[tuple[int, int]]) -> str:
    """The log of long power failures: (end in unix seconds, seconds) each."""
    groups = [group for end, seconds in log for group in (stamp(end), f"{seconds:010d}*s")]
    return obj("1-0:99.97.0", str(len(log)), "0-0:96.7.19", *groups)


def telegram(header: str, lines: list[str], checksum: bool = True) -> bytes:
    """Header, empty line, objects, `!` and, from DSMR 4 on, the CRC over everything from `/` to `!`."""
    text = END.join([f"/{header}", "", *lines, "!"]).encode("ascii")
    return text + (b"%04X" % crc.arc(text) if checksum else b"") + END.encode()
