"""What a meter says in words (ids, manufacturer, version, message, month peaks): bytes of registers in, a Meter out, made anew
only when bytes changed.

P1 sends octets as pairs of hex digits; SML and DLMS send the octets; both mostly stand for ASCII.
"""

from binascii import hexlify, unhexlify

from micropython import const

from bridge.core.unload import unload
from bridge.reading.reading import Meter

_LONGEST_IDENTIFICATION = const(64)  # bytes of P1's first line; IEC 62056-21 allows 21
_SLASH = const(47)
_MAX_TEXT = const(2048)  # bytes of one text: a DSMR message is 1024 characters, sent as hex
# Keys of texts: the rows of obis_tables.TEXTS, where the first of a kind that a meter sends counts; ids of sub-meters behind.
_MANUFACTURER, _VERSION, _MESSAGE, _PEAKS = const(8), const(10), const(12), const(13)
_GAS_SLOT = const(12)  # then water, hot water, heat
_RAW, _TEXT, _TELEGRAM = const(0), const(1), const(2)


class Texts:
    """The meter's texts. `changed`: `meter` (a Meter, None before the first telegram) is to be made anew."""

    def __init__(self):
        self.changed = True
        self.meter = None
        self._kept = {}  # key: [bytes, what they say, number of the telegram that had it last]
        self._telegram = 0
        self._protocol = ""
        self._head = b""
        self._frame = None
        self._security = ""

    def begin(self, frame) -> None:
        """A new telegram. A `frame` (or None) names the protocol and has P1's identification line."""
        self._telegram = self._telegram + 1 & 0xFFFFFFF
        self._frame = frame
        if frame is None:
            return
        if frame.protocol != self._protocol:
            self._protocol = frame.protocol
            self.changed = True
        start = frame.start + 1
        if frame.buffer[frame.start] == _SLASH and (not self._head or frame.buffer.find(self._head, start, start + len(self._head)) != start):
            end = frame.buffer.find(b"\n", start, start + _LONGEST_IDENTIFICATION)
            self._head = bytes(frame.buffer[start : end + 1]) if end > 0 else b""
            self.changed = True

    def end(self) -> None:
        """The telegram was decoded: only now its frame says how it was secured."""
        if self._frame is not None and self._frame.security != self._security:
            self._security = self._frame.security
            self.changed = True

    def put(self, key: int, raw) -> bool:
        """Takes the bytes of the text `key`; whether they differ from those before. ValueError for month peaks that are none, once."""
        if key < _MANUFACTURER and not len(raw):
            return False  # an empty id names nobody: no other meter speaks
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = [b"", "", 0]
        kept[_TELEGRAM] = self._telegram
        if kept[_RAW] == raw or len(raw) > _MAX_TEXT:
            return False
        kept[_RAW] = raw = bytes(raw)
        if key == _PEAKS:
            from bridge.reading import month_peaks

            try:
                kept[_TEXT] = month_peaks.parse(raw)
            finally:
                unload("bridge.reading.month_peaks")  # not needed for a month
        else:
            is_hex = self._protocol == "p1" and not _VERSION <= key < _MESSAGE
            kept[_TEXT] = printed(raw, is_hex).strip()  # some fill an id with blanks
        if key <= _PEAKS:
            self.changed = True
        return True

    def get(self, first: int, end: int):
        """The first text of the keys first..end-1 that is not empty, else ""."""
        for key in range(first, end):
            if key in self._kept and self._kept[key][_TEXT]:
                return self._kept[key][_TEXT]
        return ""

    def is_other_meter(self) -> bool:
        """Whether another meter speaks now; what only the one before has said is then forgotten."""
        if self.meter is None or not self.meter.id or self.meter.id == self.get(0, _MANUFACTURER):
            return False
        for key in list(self._kept):
            if key <= _PEAKS and self._kept[key][_TELEGRAM] != self._telegram:
                del self._kept[key]
        return True

    def make_meter(self, submeter_ids: dict) -> None:
        """Makes `meter` anew; `submeter_ids` by quantity."""
        self.changed = False
        head = self._head.strip()
        identification = str(head, "ascii") if _printable(head) else ""
        meter = self.meter = Meter(
            self.get(0, _MANUFACTURER),
            self._protocol,
            identification,
            self.get(_VERSION, _MESSAGE),
            self.get(_MANUFACTURER, _VERSION) or identification[:3],
            self.get(_MESSAGE, _PEAKS),
            self.get(_PEAKS, _PEAKS + 1) or (),
        )
        meter.security = self._security
        ids = submeter_ids.get
        meter.gas_id = ids(_GAS_SLOT, "")
        meter.water_id = ids(_GAS_SLOT + 1) or ids(_GAS_SLOT + 2, "")
        meter.heat_id = ids(_GAS_SLOT + 3, "")


def printed(raw: bytes, is_hex: bool) -> str:
    """What people read on the meter: (b"4530", True) is "E0"; SML's 0A 01 "ISK" 00 + 4 octets is "1ISK0012345678"."""
    if is_hex:
        try:
            octets = unhexlify(raw)
        except ValueError:
            octets = raw
        if _printable(octets):
            return str(octets, "ascii")
    elif len(raw) == 10 and raw[0] in (9, 10) and raw[1] == 1 and raw[2:5].isalpha() and _printable(raw[2:5]):
        # DIN 43863-5: medium 1, manufacturer, block, number; server ids of FNN (0A) and older (09) meters
        return "1%s%02X%08d" % (str(raw[2:5], "ascii"), raw[5], int.from_bytes(raw[6:10], "big"))
    if _printable(raw):
        return str(raw, "ascii")
    if is_hex:
        return str(bytes([octet if 32 <= octet < 127 else 63 for octet in raw]), "ascii")
    return str(hexlify(raw), "ascii").upper()


def _printable(octets: bytes) -> bool:
    return not octets or 32 <= min(octets) and max(octets) < 127
