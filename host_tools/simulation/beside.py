"""A whole dongle beside a simulated meter: the meter and its wire in; the firmware that reads it, a serial console and a light over the meter's eye out."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from host_tools import build, runtime
from host_tools.errors import FAILED, UserError
from host_tools.meters.kinds import Meter
from host_tools.simulation.dongle import Dongle
from host_tools.simulation.light import Light
from host_tools.simulation.serial_console import SerialConsole
from host_tools.wire import Wire

_HEAP = "338k"  # of a 64-bit MicroPython: 144 KB of the ESP32 and the stand-ins, in words of twice the size
_BOOT_S = 30.0
_NO_TIME_SERVER = "127.0.0.1:9"  # nothing answers there


def settings(meter: Meter) -> dict:
    """What its owner would have set."""
    told = {"wifi_ssid": "simulated home", "wifi_password": "simulated password", "ntp_server": _NO_TIME_SERVER}
    told |= {"meter_line": str(meter.line), "meter_protocol": meter.protocol}
    return told | {f"meter_{name}": key for name, key in meter.keys.items() if name in ("key", "auth_key")}


@contextlib.contextmanager
def dongle_beside(meter: Meter, wire: Wire) -> Iterator[str]:
    """Runs it meanwhile; what a program opens as its serial port. UserError when it does not start."""
    with contextlib.ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="meterbridge-", ignore_cleanup_errors=True)))
        built = folder / "firmware"
        build.build("sim", built)
        console = SerialConsole()
        ends.callback(console.close)
        eye = getattr(meter, "eye", None)
        light = ends.enter_context(Light(folder / "light", eye.light)) if eye else None
        path = f"{built}:{runtime.BOARDS / 'sim'}:.frozen"
        dongle = Dongle(folder, wire.path, settings(meter), heap=_HEAP, main=built / "main.py", env={"MICROPYPATH": path}, console=console, light=light)
        with dongle:
            try:
                dongle.wait_for("listening at", _BOOT_S)
            except TimeoutError as error:
                raise UserError(f"the simulated dongle did not start: {error}", FAILED) from error
            yield console.path
