"""A dongle in virtual time before a locked meter in a cellar: the owner's lines in; log, state of the PIN, light and eye out."""

import json

from host_tools import meters
from host_tools.simulation.light import VirtualLight
from host_tools.simulation.virtual_run import VirtualDongle

START = 1_767_261_600  # 2026-01-01 10:00 UTC
SETTINGS = {"wifi_ssid": "home", "wifi_password": "secret word", "meter_line": "9600 8N1", "meter_protocol": "sml", "status_interval_s": 10}
RESTS_S = 125  # since the start: what was before, the dongle does not know
FAR_S = 0.02  # what a pulse may be off


class Cellar:
    """A dongle at a locked meter that sends each second. `between(lit, at, shine)`: what lies between head and eye; it calls `shine(lit, at)`."""

    def __init__(self, folder, firmware, meter="sml-locked", pin="0110", coarse_ms=0, between=None, board=None, wired=None, **settings):
        self.meter = meters.make(meter)
        self.meter.pin = pin
        self.eye = self.meter.eye
        shine = (lambda lit, at: between(lit, at, self.eye.light)) if between else self.eye.light
        self.light = VirtualLight(folder / "light", shine, **(wired or {})).start()
        self.dongle = VirtualDongle(folder / "dongle", firmware, {**SETTINGS, **settings}, START, (), light=self.light, coarse_ms=coarse_ms)
        if board:  # other data than the simulated board's
            path = self.dongle.flash / "board.json"
            path.write_text(json.dumps(json.loads(path.read_text()) | board))
        self.end = START

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.dongle.__exit__()
        self.light.stop()

    def _telegram(self, unix):
        if self.dongle.on:
            self.light.look(unix)
        return self.meter.telegram(unix)

    def run(self, seconds, *lines):
        """Types the lines, then lets so many seconds pass; what the console and the log said."""
        begun = len(self.dongle.log)
        for index, line in enumerate(lines):
            self.dongle.at(self.end + 0.5 + 2 * index, lambda line=line: self.dongle.type(line))
        for unix in range(self.end + 1, self.end + seconds + 1):
            self.dongle.at(unix, lambda unix=unix: self._telegram(unix))
        self.end += seconds
        self.dongle.run(self.end + 0.25)
        self.light.look(self.end + 0.25)
        self.eye.tick(self.end + 0.25)
        return list(self.dongle.log)[begun:]

    def pin(self):
        """The state of the PIN as the console tells it."""
        rows = [line for line in self.run(2, "unlock status") if line.startswith("\x1e")]
        assert json.loads(rows[1][1:]) == {"done": "unlock"}
        return json.loads(rows[0][1:])["pin"]

    def happened(self, kind):
        return [one for one in self.eye.log if one.kind == kind]

    def pulses(self):
        """Seconds of each time that the light was on."""
        edges = list(self.light.seen)
        assert [lit for lit, _ in edges] == [True, False] * (len(edges) // 2)
        return [end - begin for (_, begin), (_, end) in zip(edges[::2], edges[1::2])]
