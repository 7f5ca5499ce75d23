"""PINs played by the firmware's plan and lamp on MicroPython in virtual time: a PIN and what disturbs it in, the Eye that saw its light out."""

import json
import os
import subprocess
from pathlib import Path

from host_tools import runtime
from host_tools.meters.eye import Eye
from host_tools.meters.eye_profiles import PROFILES
from host_tools.simulation.light import VirtualLight
from host_tools.simulation.virtual_run import PLACE

DRIVER = Path(__file__).parent / "drivers" / "lamp_driver.py"
START_MS = 1_767_261_600_000


class PinBench:
    """One MicroPython with a lamp; `play` as often as is wanted. A context manager."""

    def __init__(self, folder: Path, **wired):
        self._wired = wired
        (folder / "main.py").write_text(DRIVER.read_text())
        self.light = VirtualLight(folder / "light", lambda lit, at: self._see(lit, at), **wired).start()
        chip = folder / "chip.json"
        chip.write_text(json.dumps({**self.light.chip(), "virtual": {"unix_ms": START_MS}}))
        # the chip's own UART, which hears nothing here, before that of virtual time, which wants telegrams
        path = ":".join(str(place) for place in (runtime.BOARDS / "sim", PLACE, folder, runtime.FIRMWARE, ".frozen"))
        self._process = subprocess.Popen([runtime.find_micropython(), "-c", "import start"], env={**os.environ, "MICROPYPATH": path, "MB_SIM": str(chip)},
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._at = START_MS / 1000
        self.eyes: list[Eye] = []
        self.edges: list[tuple[bool, float]] = []

    def _see(self, lit, at):
        self.edges.append((lit, at))
        for eye in self.eyes:
            eye.light(lit, at)

    def play(self, pin, *profiles, right=None, **how):
        """Enters `pin` before an eye of each profile (whose PIN is `right`, else the same); they and what the lamp said."""
        self.eyes = [Eye(PROFILES[name], right or pin) for name in profiles]
        self.edges = []
        for eye in self.eyes:
            eye.tick(self._at)
        self._process.stdin.write(json.dumps({"pin": pin, **how}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line.startswith("{"), line + self._process.stdout.read()
        said = json.loads(line)
        self._at = said["at"] / 1e9
        self.light.look(self._at)
        for eye in self.eyes:
            eye.tick(self._at)
        return self.eyes, said

    def pulses(self):
        """(begin, length) of each time that the light was on, seconds; the first begins at 0."""
        assert [lit for lit, _ in self.edges] == [True, False] * (len(self.edges) // 2)
        begun = [at for lit, at in self.edges if lit]
        return [(begin - begun[0], end - begin) for begin, end in zip(begun, [at for lit, at in self.edges if not lit])]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
        self.light.stop()
