"""What the user of `meterbridge run` chose: names, ports, seconds and sizes as they were written in; one object for the whole run out."""

from dataclasses import dataclass


@dataclass
class Choices:
    """What the user chose."""

    broker: str = "embedded"
    mqtt_port: int = 0
    http_port: int = 0
    ca: str | None = None
    heap: str = "152k"
    folder: str | None = None
    detect: bool = False  # the dongle is not told the meter's line
    keys: bool = True  # the dongle is told the keys of an encrypted meter
    fault: object = None  # of host_tools.faults
    fault_after_s: float = 10.0  # of readings
    fault_for_s: float | None = None  # None: as the fault has it
    enter: str | None = None  # the PIN that the owner asks the dongle to enter
