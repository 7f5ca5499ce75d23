"""The registers of DLMS lists: a home's state in, values at the resolution of the list and the numbers it sends for them out.

Names are the project's quantities; those that begin with _ are measured too but no quantities. Values are whole numbers of the unit
in the name: Wh, W, var, mV, mA, thousandths, degrees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from host_tools.meters.dlms import AMPERE, DEGREE, NO_UNIT, VAR, VAR_HOUR, VOLT, WATT, WATT_HOUR
from host_tools.meters.house import MWS_PER_WH, House
from host_tools.meters.kinds import watts

_PHASES = (1, 2, 3)
_SHARES = (19, 34, 47)  # hundredths of the energy that flow through each phase
_MADE_AT = 1_600_000_000  # unix seconds at which the meters' counters of frames began
_THOUSANDTHS = ("_mv", "_ma", "_permille")
UNIT_NAMES = {DEGREE: "deg", WATT: "W", VAR: "var", WATT_HOUR: "Wh", VAR_HOUR: "varh", AMPERE: "A", VOLT: "V", NO_UNIT: None}


def _known() -> dict[str, tuple[str, int]]:
    """C.D.E of electricity to the value's name and unit."""
    known = {"13.7.0": ("power_factor_permille", NO_UNIT), "1.128.0": ("_prepaid_wh", WATT_HOUR), "0.0.1": ("_meter_number", NO_UNIT)}
    for direction, (active, reactive) in {"import": (1, 3), "export": (2, 4)}.items():
        known |= {
            f"{active}.7.0": (f"power_{direction}_w", WATT), f"{reactive}.7.0": (f"reactive_power_{direction}_var", VAR),
            f"{active}.8.0": (f"energy_{direction}_wh", WATT_HOUR), f"{reactive}.8.0": (f"reactive_energy_{direction}_varh", VAR_HOUR),
        }
        for n in (1, 2):
            known[f"{active}.8.{n}"] = (f"energy_{direction}_t{n}_wh", WATT_HOUR)
            known[f"{reactive}.8.{n}"] = (f"_reactive_energy_{direction}_t{n}_varh", VAR_HOUR)
        for n in _PHASES:
            known |= {
                f"{20 * n + active}.7.0": (f"power_{direction}_l{n}_w", WATT),
                f"{20 * n + reactive}.7.0": (f"_reactive_power_{direction}_l{n}_var", VAR),
                f"{20 * n + active}.8.0": (f"_energy_{direction}_l{n}_wh", WATT_HOUR),
            }
    for n in _PHASES:
        known |= {
            f"{20 * n + 11}.7.0": (f"current_l{n}_ma", AMPERE), f"{20 * n + 12}.7.0": (f"voltage_l{n}_mv", VOLT),
            f"{20 * n + 13}.7.0": (f"_power_factor_l{n}_permille", NO_UNIT),
        }
    return known


_KNOWN = _known()


@dataclass(frozen=True)
class Row:
    """One register of a list: the number is sent in 10^scaler of the unit, encoded by `form`."""

    code: str  # 1-0:1.8.0; empty where nobody has published what the number is
    name: str
    form: Callable[[int], bytes]
    scaler: int
    unit: int

    @property
    def step(self) -> int:
        """How much of the name's unit one is."""
        return 10 ** (self.scaler + (3 if self.name.endswith(_THOUSANDTHS) else 0))

    def number(self, values: dict) -> int:
        """What is sent. Raises ValueError when a digit would be lost."""
        number, lost = divmod(values[self.name], self.step)
        if lost:
            raise ValueError(f"{self.name} = {values[self.name]} is no multiple of {self.step}")
        return number

    def encoded(self, values: dict) -> bytes:
        return self.form(self.number(values))


def rows(codes: str, form: Callable[[int], bytes], scaler: int = 0, medium: str = "1-0") -> tuple[Row, ...]:
    """`codes` are C.D.E, spaces between."""
    return tuple(Row(f"{medium}:{code}", _KNOWN[code][0], form, scaler, _KNOWN[code][1]) for code in codes.split())


def read(house: House, unix: int, listed: tuple[Row, ...]) -> dict:
    """The values of the rows: counters cut off, the rest rounded to what a list can say; `_unix` and the `_counter` of frames besides."""
    everything = _energies(house) | _powers(house)
    values = {"_unix": unix, "_counter": (unix - _MADE_AT) % (1 << 32)}
    for row in listed:
        exact = everything[row.name]
        values[row.name] = exact // row.step * row.step if "energy" in row.name else (exact + row.step // 2) // row.step * row.step
    return values


def _energies(house: House) -> dict:
    """Counters in Wh and varh: a constant share of reactive energy flows with the active."""
    found = {"_prepaid_wh": 0, "_meter_number": 12_345_000 + house.seed}
    for direction, tariffs in (("import", house.imported), ("export", house.exported)):
        total = sum(tariffs.values())
        found[f"energy_{direction}_wh"] = total // MWS_PER_WH
        found[f"reactive_energy_{direction}_varh"] = _reactive(total) // MWS_PER_WH
        for n, counted in tariffs.items():
            found[f"energy_{direction}_t{n}_wh"] = counted // MWS_PER_WH
            found[f"_reactive_energy_{direction}_t{n}_varh"] = _reactive(counted) // MWS_PER_WH
        for n, share in zip(_PHASES, _SHARES, strict=True):
            found[f"_energy_{direction}_l{n}_wh"] = total * share // 100 // MWS_PER_WH
    return found


def _reactive(active: int) -> int:
    return active * 5 // 16


def _powers(house: House) -> dict:
    net = house.net_mw
    found = {"power_factor_permille": 940 + house.time % 7 * 5}
    for number, power in ((0, net), *enumerate(house.phase_mw, 1)):
        part = f"_l{number}" if number else ""
        hidden = "_" if number else ""
        for direction, flow in (("import", max(0, power)), ("export", max(0, -power))):
            found[f"power_{direction}{part}_w"] = watts(flow)
            found[f"{hidden}reactive_power_{direction}{part}_var"] = watts(_reactive(flow))
    for n in _PHASES:
        found |= {
            f"voltage_l{n}_mv": house.voltage_mv(n - 1), f"current_l{n}_ma": house.current_ma(n - 1),
            f"_angle_l{n}_deg": 18 if house.phase_mw[n - 1] >= 0 else 198, f"_power_factor_l{n}_permille": 950,
        }
    return found
