"""A meter, its line and a Detection with the real pipeline in made-up time: a meter's name in, what was tried, found and heard, and when, out.

The time passes in the tasks' own waits; bytes of a meter arrive at its line's pace and are misread as the simulated UART misreads them.
The line's two ends share no code: host_tools/meters speak, firmware/bridge listens.
"""

import sys
from collections import deque

from host_tools import runtime
from host_tools.meters import make

sys.path[:0] = [str(folder) for folder in (runtime.FIRMWARE, runtime.ROOT / "host_tools" / "cpython_shim") if str(folder) not in sys.path]
sys.path.append(str(runtime.BOARDS / "sim"))

import bridge.uart.detection as detection_module  # noqa: E402
from bridge.core.clock import Clock  # noqa: E402
from bridge.core.counters import Counters  # noqa: E402
from bridge.core.log import Log  # noqa: E402
from bridge.pipeline import Pipeline  # noqa: E402
from bridge.reading.builder import Builder  # noqa: E402
from bridge.store.journal import Journal  # noqa: E402
from bridge.store.store import Store  # noqa: E402
from sim_line import Line as SimLine  # noqa: E402
from sim_line import misread  # noqa: E402

NOON = 1_750_500_000  # 2025-06-21 10:00 UTC
BOTH = ("p1", "ir")


class _Clock(Clock):
    """The dongle's, on made-up time."""

    def __init__(self, line):
        self._line = line
        self.source, self._offset, self._tell = "none", 0, None

    def uptime_s(self) -> int:
        return int(self._line.now // 1000)


class _Wait:
    """What a task waits for: it goes on when it is sent to again, `ms` later."""

    def __init__(self, ms):
        self.ms = ms

    def __await__(self):
        yield self.ms


class FastLine:
    """Stands where the tasks have asyncio, and where Detection has its port."""

    mute = False

    def __init__(self, path, meter, usual="115200 8N1 inverted", interfaces=BOTH, protocol="auto", fixed=False, keys=True, phase=0.37, level=None):
        self.now = 0  # ms
        self.phase = phase  # of the meter against the dongle's start, in cadences
        self.level = level
        self.tried = [(0, usual)]
        self.stream = self
        self._task = None
        self.log = Log(200, "debug", lambda text: None)
        clock = _Clock(self)
        self.put(meter)
        known = self.meter.keys if keys and self.meter else {}
        keys = [bytes.fromhex(known[name]) if known.get(name) else None for name in ("key", "auth_key")]
        counters = Counters()
        store = Store(Journal(4096, 60))
        self.pipeline = Pipeline(protocol, Builder(counters, True), store, clock, counters, self.log, keys, self.write)
        self.set_line(_parse(usual))
        self.detection = detection_module.Detection(self.pipeline, self, usual, protocol, fixed, clock, self.log, interfaces, str(path))

    def put(self, meter) -> None:
        """Plugs in another meter: a name, a Meter, or None for nothing."""
        self.meter = make(meter) if isinstance(meter, str) else meter
        self._air = deque()  # (ms, byte, sender's line)
        self._ears = deque()
        self._next = self.now + int(1000 * self.phase * (self.meter.cadence_s if self.meter else 1))
        self._free = 0

    # the port ---------------------------------------------------------------------------------------------------------

    def set_line(self, line) -> None:
        self.line = SimLine(line.baud, line.bits, line.parity, line.stop, line.inverted)
        self.tried.append((self.now, line.text()))

    def at_rest(self):
        return self.level

    def write(self, data) -> int:
        told = self.meter and self.meter.line
        if told and hasattr(self.meter, "receive"):
            heard = SimLine(told.baud, told.bits, told.parity, told.stop, False)
            said = SimLine(self.line.baud, self.line.bits, self.line.parity, self.line.stop, False)
            right = bytes(data) if heard.reads(said) else misread(data, said, heard, True)
            for number, byte in enumerate(right, 1):
                self._ears.append((self.now + number * told.byte_seconds * 1000, byte))
        return len(data)

    # time ---------------------------------------------------------------------------------------------------------------

    async def sleep(self, seconds):
        await _Wait(seconds * 1000)

    async def sleep_ms(self, ms):
        await _Wait(ms)

    def _pass(self, ms) -> None:
        end = self.now + ms
        while self.now < end:
            self.now = min(end, self.now + 50)
            self._speak()
            self._deliver()

    def _speak(self) -> None:
        """The meter makes what is due."""
        meter = self.meter
        if meter is None:
            return
        unix = NOON + self.now / 1000
        heard = bytearray()
        while self._ears and self._ears[0][0] <= self.now:
            heard.append(self._ears.popleft()[1])
        if heard:
            meter.receive(bytes(heard), unix)
        wake = getattr(meter, "wake", None)
        if self.now < self._next and not heard and (wake is None or unix < wake):
            return
        data = meter.telegram(unix if hasattr(meter, "receive") else NOON + self._next // 1000)
        while self._next <= self.now:
            self._next += int(meter.cadence_s * 1000)
        at = max(self.now, self._free)
        for number, byte in enumerate(data, 1):
            self._free = at + number * meter.line.byte_seconds * 1000
            self._air.append((self._free, byte, meter.line))

    def _deliver(self) -> None:
        """What has arrived goes to the pipeline as the line's settings make it."""
        came, sender = bytearray(), None
        while self._air and self._air[0][0] <= self.now:
            _, byte, sender = self._air.popleft()
            came.append(byte)
        if came:
            told = SimLine(sender.baud, sender.bits, sender.parity, sender.stop, sender.inverted)
            data = bytes(came) if self.line.reads(told) else misread(came, told, self.line)
            if data:
                self.pipeline.feed(memoryview(data), self.now)

    # a test -------------------------------------------------------------------------------------------------------------

    def run(self, limit_s, until=lambda: False) -> float:
        """Lets the tasks run until `until()` or so many seconds more; the seconds since the start."""
        import bridge.uart.finding as finding
        import bridge.uart.request as request

        self._task = self._task or self.detection.run()
        kept = [(module, module.asyncio) for module in (detection_module, finding, request)]
        unload, detection_module.unload = detection_module.unload, lambda *names: None  # the modules stay, as their asyncio is this
        for module, _ in kept:
            module.asyncio = self
        end = self.now + limit_s * 1000
        try:
            while self.now < end and not until():
                self._pass(self._task.send(None))
        finally:
            detection_module.unload = unload
            for module, asyncio in kept:
                module.asyncio = asyncio
        return self.now / 1000

    def found(self) -> bool:
        """Whether readings come."""
        return self.pipeline.readings > 0

    def since_tried(self) -> float:
        """Seconds since the present line was tried."""
        return (self.now - self.tried[-1][0]) / 1000


def _parse(text):
    from bridge.uart.settings import parse

    return parse(text)
