"""Read this first: how bytes of the meter become readings in the store. Chunks of the UART in, readings in the store out.

    chunk -> frame (framing) -> registers (decoding) -> reading (reading) -> store

`feed` is called by the UART's reader for each chunk and returns at once: it awaits nothing and no destination can hold it
up. With protocol "auto" every framer listens until one of them gives a telegram that decodes; the others then go.
A protocol is a row of PROTOCOLS: a framer and a decoder in files of their own, imported when first needed.
"""

from bridge.core.errors import DecodeError
from bridge.core.unload import unload
from bridge.reading.reading import METER, UPTIME, BRIDGE

PROTOCOLS = {
    "p1": ("bridge.framing.p1", "P1Framer", "bridge.decoding.p1"),
    "sml": ("bridge.framing.sml", "SmlFramer", "bridge.decoding.sml"),
}
_FRAMER_COUNTERS = ("frames", "crc_errors", "noise_bytes", "oversize", "resyncs")


def load(protocol: str) -> tuple:
    """(framer object, decode function) of a row of PROTOCOLS."""
    framing, name, decoding = PROTOCOLS[protocol]
    framer = getattr(__import__(framing, None, None, (name,)), name)()
    return framer, __import__(decoding, None, None, ("decode",)).decode


class Pipeline:
    """`protocol`: a name of PROTOCOLS or "auto"; `builder` makes readings, `store` keeps them, `clock` dates what the meter does not."""

    def __init__(self, protocol: str, builder, store, clock, counters, log):
        self._links = [load(name) for name in (PROTOCOLS if protocol == "auto" else (protocol,))]
        self._settled = protocol != "auto"
        self._builder = builder
        self._store = store
        self._clock = clock
        self._counters = counters
        self._log = log
        self.last_reading = None  # the clock's uptime in seconds at the newest reading
        self.received_bytes = 0

    def feed(self, chunk, tick: int) -> None:
        """Takes all bytes of `chunk` (a memoryview, valid only now); `tick`: when they came, in ticks_ms."""
        self.received_bytes += len(chunk)
        for link in self._links:
            framer, decode = link
            used = 0
            while used < len(chunk):
                used += framer.feed(chunk, used)
                frame = framer.take()
                if frame is not None:
                    frame.tick = tick
                    if self._telegram(frame, decode) and not self._settled:
                        self._settle(link)

    def _settle(self, link: tuple) -> None:
        self._settled = True
        self._links = [link]
        for name, row in PROTOCOLS.items():
            if name != link[0].PROTOCOL:
                unload(row[0], row[2], row[2] + "_viper")
        self._log.info("meter", "protocol found: " + link[0].PROTOCOL)

    def _telegram(self, frame, decode) -> bool:
        builder = self._builder
        builder.begin(frame)
        try:
            decode(frame, builder.add, builder.values)
        except DecodeError as error:
            self._counters.add("undecodable")
            self._log.debug("meter", "telegram not understood: %s" % error)
            return False
        clock = self._clock
        reading = builder.finish(self._store.next, clock.now(), BRIDGE if clock.synced else UPTIME)
        if reading is None:
            self._counters.add("empty_telegrams")
            return False
        if reading.time_source == METER and not clock.synced:
            clock.set(reading.time, "meter")
        self._store.append(reading)
        self.last_reading = clock.uptime_s()
        return True

    def status(self) -> dict:
        """For the status document: what was heard, how much of it was good, seconds since the last reading."""
        link = self._links[0] if self._settled else max(self._links, key=lambda one: one[0].frames)
        found = {name: getattr(link[0], name) for name in _FRAMER_COUNTERS}
        found["protocol"] = link[0].PROTOCOL if self._settled else "searching"
        found["received_bytes"] = self.received_bytes
        found["undecodable"] = self._counters.get("undecodable")
        found["age_s"] = None if self.last_reading is None else self._clock.uptime_s() - self.last_reading
        return found
