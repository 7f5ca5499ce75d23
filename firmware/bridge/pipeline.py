"""Read this first: how bytes of the meter become readings in the store. Chunks of the UART in, readings in the store out.

    chunk -> frame (framing) -> registers (decoding) -> reading (reading) -> store

`feed` is called by the UART's reader for each chunk and returns at once: it awaits nothing and no destination can hold it
up. With protocol "auto" the stream is searched for the marks of each protocol (framing/signatures.py); the framers that may
be right listen until one of them gives a telegram that decodes, and the others go. A protocol is a row of PROTOCOLS.
"""

from micropython import const

from bridge.core.errors import DecodeError, SecurityError
from bridge.core.unload import unload
from bridge.reading.reading import METER, UPTIME, BRIDGE

# Name: framer's module and class, decoder's module and class; without a class its function `decode`.
PROTOCOLS = {
    "p1": ("bridge.framing.p1", "P1Framer", "bridge.decoding.p1", ""),
    "sml": ("bridge.framing.sml", "SmlFramer", "bridge.decoding.sml", ""),
    "d0": ("bridge.framing.d0", "D0Framer", "bridge.decoding.d0", ""),
    "hdlc": ("bridge.framing.hdlc", "HdlcFramer", "bridge.decoding.dlms", "DlmsDecoder"),
    "mbus": ("bridge.framing.mbus", "MbusFramer", "bridge.decoding.dlms", "DlmsDecoder"),
    "dlms": ("bridge.framing.apdu", "ApduFramer", "bridge.decoding.dlms", "DlmsDecoder"),
    "amis": ("bridge.framing.amis", "AmisFramer", "bridge.decoding.amis", "AmisDecoder"),
}
_BARE = "dlms"  # was wrong when the marks of a link layer appear
_MOST_LINKS = const(3)  # at a time while searching: noise with many marks must not fill the memory
_PARTS = ("", "_viper", "_plain", "_walk", "_scales", "_quirks", "_rare")  # what a decoder's module may have loaded, by the ends of the names
_FRAMER_COUNTERS = ("frames", "crc_errors", "noise_bytes", "oversize", "resyncs")


def _attribute(module: str, name: str):
    return getattr(__import__(module, None, None, (name,)), name)


class Pipeline:
    """`protocol`: a name of PROTOCOLS or "auto"; `builder` makes readings, `store` keeps them, `clock` dates what the meter does not.

    `keys`: (encryption key, authentication key), 16 bytes or None each; `replay`: whether frame counters are judged (not those of
    captures). `send(bytes)`: to the meter, of those that want an answer. `problem`: why the newest telegram was refused, or "".
    `deaf`: what comes is counted and dropped, while the dongle's own light blinds it.
    """

    def __init__(self, protocol: str, builder, store, clock, counters, log, keys=(None, None), send=None, replay: bool = True):
        self.builder = builder
        self._store = store
        self._clock = clock
        self._counters = counters
        self._log = log
        self._keys = keys
        self._send = send
        self._replay = replay
        self.deaf = False
        self._security = None
        self._search = None
        self.readings = 0
        self.last_reading = None  # the clock's uptime in seconds at the newest reading
        self.received_bytes = 0
        self.security = ""  # of the newest telegram: "plain", "authenticated", "unauthenticated", or "" where the protocol knows none
        self.links = []
        self.search(protocol)

    def search(self, protocol: str = "auto") -> None:
        """Listens for `protocol` from now on, without what it heard before."""
        self._forget(self.links)
        self.links = []
        self.problem = ""
        self.settled = protocol != "auto"
        if self.settled:
            self._listen(protocol)
            return
        from bridge.framing.signatures import Search

        self._search = Search()

    def feed(self, chunk, tick: int) -> None:
        """Takes all bytes of `chunk` (a memoryview, valid only now); `tick`: when they came, in ticks_ms."""
        self.received_bytes += len(chunk)
        if self.deaf:
            return
        if not self.settled:
            self._look(chunk, tick)
        for link in self.links:
            self._through(link, chunk, tick)
            if self.settled:  # with this link
                break

    def _through(self, link: tuple, chunk, tick: int) -> None:
        framer, decode = link
        used = 0
        while used < len(chunk):
            used += framer.feed(chunk, used)
            frame = framer.take()
            if frame is not None:
                frame.tick = tick
                if self._telegram(frame, decode) and not self.settled:
                    self._settle(link)
            if framer.reply:
                if self._send:
                    self._send(framer.reply)
                framer.reply = b""

    def _look(self, chunk, tick: int) -> None:
        """Begins to listen for the protocols whose marks came; drops what can then not be right."""
        search = self._search
        known = [framer.PROTOCOL for framer, _ in self.links]
        for name in search.look(chunk, known):
            if _BARE in known and name in search.layers:
                self._forget([self.links.pop(known.index(_BARE))])
            elif len(self.links) == _MOST_LINKS:
                self._forget([self.links.pop(0)])
            known = [framer.PROTOCOL for framer, _ in self.links]
            link = self._listen(name)
            if search.before:
                self._through(link, memoryview(search.window)[: search.before], tick)
        if search.s1:
            self.problem = "s1"

    def _listen(self, protocol: str) -> tuple:
        """Loads a row of PROTOCOLS and adds it to the links: (framer object, decode function)."""
        framing, framer, decoding, decoder = PROTOCOLS[protocol]
        if decoder:
            if self._security is None:
                from bridge.decoding.security import Security

                self._security = Security(self._keys[0], self._keys[1], self._replay)
            made = _attribute(decoding, decoder)
            if protocol == "amis":
                decode = made(self._security).decode
            else:
                self._security.prepare()
                decode = made(self._security, self._text).decode
        else:
            decode = _attribute(decoding, "decode")
        link = (_attribute(framing, framer)(), decode)
        self.links.append(link)
        return link

    def _settle(self, link: tuple) -> None:
        self.settled = True
        self.links.remove(link)
        self._forget(self.links, link[0].PROTOCOL)
        self.links = [link]
        self._search = None
        unload("bridge.framing.signatures", "bridge.framing.s1")
        self._log.info("meter", "protocol found: " + link[0].PROTOCOL)

    def _forget(self, links: list, but: str = "") -> None:
        """Gives the code of `links` back, as far as protocol `but` does not need it."""
        for framer, _ in links:
            row = PROTOCOLS[framer.PROTOCOL]
            unload(row[0])
            if not but or PROTOCOLS[but][2] != row[2]:
                unload(*[row[2] + part for part in _PARTS])

    def _telegram(self, frame, decode) -> bool:
        builder = self.builder
        builder.begin(frame)
        try:
            decode(frame, builder.add, builder.values)
        except SecurityError as error:
            self._refuse(error.reason)
            return False
        except DecodeError as error:
            self._counters.add("undecodable")
            self._log.debug("meter", "telegram not understood: %s" % error)
            return False
        self.problem = ""
        self.security = frame.security
        clock = self._clock
        reading = builder.finish(self._store.next, clock.now(), BRIDGE if clock.synced else UPTIME)
        if reading is None:
            self._counters.add("empty_telegrams")
            return False
        if reading.time_source == METER and not clock.synced:
            clock.set(reading.time, "meter")
        self._store.append(reading)
        self.readings += 1
        self.last_reading = clock.uptime_s()
        return True

    def _text(self, frame, emit, known) -> None:
        """Decodes a P1 telegram that came encrypted; DecodeError when it does not prove itself."""
        from bridge.decoding import p1
        from bridge.framing.p1_inner import verified

        if not verified(frame):
            raise DecodeError("P1: encrypted telegram with a wrong checksum")
        frame.protocol = "p1"
        self.builder.begin(frame)
        p1.decode(frame, emit, known)

    def _refuse(self, reason: str) -> None:
        self._counters.add(reason)
        if self.problem != reason:
            self.problem = reason
            self._log.warning("meter", "telegram refused: " + reason)

    def status(self) -> dict:
        """For the status document: what was heard, how much of it was good, seconds since the last reading."""
        found = {"protocol": "searching"}
        if self.links:
            framer = max([link[0] for link in self.links], key=lambda one: one.frames)
            found = {name: getattr(framer, name) for name in _FRAMER_COUNTERS}
            found["protocol"] = framer.PROTOCOL if self.settled else "searching"
        found["received_bytes"] = self.received_bytes
        found["undecodable"] = self._counters.get("undecodable")
        found["problem"] = self.problem
        found["security"] = self.security
        found["age_s"] = None if self.last_reading is None else self._clock.uptime_s() - self.last_reading
        return found
