"""What is wrong with a dongle: facts about it in; findings (what, how sure, what to do), worst first, and a figure for each area out. Pure.

`facts`: "way" ("serial", "network" or ""), "status" (the status document, {} when there is none), "later" (another, some seconds on, or {}), "starts"
(see `starts`), "port", "log" (lines kept on flash), "settings" (without secrets), "room" ({"size", "free"} in bytes), "access" (what the console says of the
token), "contact" (codes and values of `findings` for why nobody answers), "computer" (what this computer sees, see `gather`), "tool" (its version).
What is not known is empty.
"""

from dataclasses import dataclass, field, replace

from host_tools.doctor.findings import AREAS, CERTAIN, FINDINGS, NOTE, SEVERITIES, WELL

__all__ = ["AREAS", "Area", "Finding", "examine", "found", "to_do", "verdict"]


@dataclass(frozen=True)
class Finding:
    """One thing that was seen: `code` ("wifi.weak"), `text`, `advice` in words for the owner."""

    code: str
    text: str
    severity: str
    sure: str
    advice: str

    @property
    def area(self) -> str:
        return self.code.partition(".")[0]


@dataclass
class Area:
    """One row of the overview: its `figure`, and what was found."""

    name: str
    figure: str = ""
    findings: list[Finding] = field(default_factory=list)

    @property
    def state(self) -> str:
        """Its worst severity; "" where nothing is known of it."""
        worst = min((SEVERITIES.index(one.severity) for one in self.findings), default=SEVERITIES.index(WELL))
        return SEVERITIES[worst] if self.figure or self.findings else ""


def found(code: str, **values: object) -> Finding:
    """The finding of that code with its words filled in."""
    row = FINDINGS[code]
    return Finding(code, row.text.format(**values), row.severity, row.sure or CERTAIN, row.advice.format(**values))


def examine(facts: dict) -> list[Area]:
    """All areas, in the order of the overview."""
    from host_tools.doctor import device, house, meter, storage

    looks = {
        "contact": device.contact, "power": device.power, "wifi": house.wifi, "line": meter.line, "pin": meter.pin, "clock": house.clock,
        "sinks": house.sinks, "memory": storage.memory, "flash": storage.flash, "tasks": device.tasks, "firmware": device.firmware, "config": device.config,
    }  # fmt: skip
    areas, odd = [], []
    for name in AREAS:
        try:
            figure, findings = looks[name](facts)
            areas.append(Area(name, figure, [_named(one, facts) for one in findings]))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError):  # another version's status
            areas.append(Area(name))
            odd.append(name)
    if odd:
        areas[0].findings.append(found("contact.odd", areas=", ".join(odd)))
    return areas


def _named(one: Finding, facts: dict) -> Finding:
    """With the port and the board in the commands that it advises."""
    advice = one.advice.replace("--port PORT", f"--port {facts.get('port') or 'PORT'}")
    return replace(one, advice=advice.replace("--board BOARD", f"--board {facts.get('status', {}).get('device', {}).get('board') or 'BOARD'}"))


def findings_of(areas: list[Area]) -> list[Finding]:
    """Worst first; of the same weight, causes before what they cause."""
    return sorted((one for area in areas for one in area.findings), key=lambda one: (SEVERITIES.index(one.severity), AREAS.index(one.area)))


def to_do(areas: list[Area]) -> int:
    """How many findings ask for something."""
    return sum(one.severity not in (NOTE, WELL) for area in areas for one in area.findings)


def verdict(areas: list[Area]) -> str:
    """The last line."""
    count = to_do(areas)
    return "all is well" if not count else f"{count} thing{'s' * (count != 1)} to do"
