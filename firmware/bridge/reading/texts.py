"""What a meter says in words (ids, manufacturer, version, message, month peaks): bytes of registers in, a Meter out, made anew only
when bytes changed.

P1 sends octets as pairs of hex digits; SML sends the octets; both mostly stand for ASCII.
"""

from binascii import hexlify, unhexlify

from micropython import const

from bridge.reading import month_peaks
from bridge.reading.obis_tables import text_table
from bridge.reading.reading import Meter

_ROWS = text_table()
_LONGEST_IDENTIFICATION = const(64)  # bytes of P1's first line; IEC 62056-21 allows 21
_SLASH = const(47)
MAX_TEXT = const(2048)  # bytes of one text: a DSMR message is 1024 characters, sent as hex


def _by_cde() -> dict:
    found = {}
    for index, row in enumerate(_ROWS):
        found[row[1]] = found.get(row[1], ()) + (index,)
    return found


_BY_CDE = _by_cde()


class Interned:
    """One text, remembered with the bytes it was made of."""

    def __init__(self):
        self.raw = b""
        self.text = ""
        self.telegram = 0

    def put(self, raw, is_hex: bool, telegram: int = 0) -> bool:
        """Takes the bytes of telegram number `telegram`; whether they differ from those before."""
        self.telegram = telegram
        if self.raw == raw or len(raw) > MAX_TEXT:
            return False
        self.raw = bytes(raw)
        self.text = printed(self.raw, is_hex).strip()  # some fill an id with blanks
        return True

    def clear(self) -> None:
        self.raw = b""
        self.text = ""


class Texts:
    """The meter's texts. `changed`: `meter` (a Meter, None before the first telegram) is to be made anew."""

    def __init__(self):
        self._texts = [Interned() for _ in _ROWS]
        self.changed = True
        self.meter = None
        self._telegram = 0
        self._is_hex = False  # P1: octets come as hex digits
        self._protocol = ""
        self._head = b""
        self._peaks_raw = b""
        self._peaks_telegram = 0
        self._peaks = ()

    def begin(self, frame) -> None:
        """A new telegram. A `frame` (or None) names the protocol and has P1's identification line."""
        self._telegram = self._telegram + 1 & 0xFFFFFFF
        if frame is None:
            return
        if frame.protocol != self._protocol:
            self._protocol = frame.protocol
            self._is_hex = frame.protocol == "p1"
            self.changed = True
        start = frame.start + 1
        head = self._head
        if frame.buffer[frame.start] == _SLASH and (not head or frame.buffer.find(head, start, start + len(head)) != start):
            end = frame.buffer.find(b"\n", start, start + _LONGEST_IDENTIFICATION)
            self._head = bytes(frame.buffer[start : end + 1]) if end > 0 else b""
            self.changed = True

    def add(self, register) -> bool:
        """Takes a register when it is one of the texts; whether it was."""
        found = _BY_CDE.get(register.cde)
        if found is None or isinstance(register.value, int):
            return False
        for index in found:
            row = _ROWS[index]
            if row[0] == register.ab and row[2] == register.f:
                if row[3] == "id" and not len(register.value):
                    return True  # an empty id names nobody: no other meter speaks
                is_hex = self._is_hex and row[3] != "version"
                if self._texts[index].put(register.value, is_hex, self._telegram):
                    self.changed = True
                return True
        return False

    def add_peaks(self, register) -> bool:
        """Takes the list of month peaks; False when it is malformed (said once)."""
        raw = register.value
        if register.ab or isinstance(raw, int):
            return True
        self._peaks_telegram = self._telegram
        if self._peaks_raw == raw:
            return True
        self._peaks_raw = bytes(raw[:MAX_TEXT])
        try:
            self._peaks = month_peaks.parse(raw)
        except ValueError:
            return False
        self.changed = True
        return True

    def get(self, kind: str) -> str:
        """The first text of this kind that the meter sends, "" when it sends none."""
        for index, row in enumerate(_ROWS):
            if row[3] == kind and self._texts[index].text:
                return self._texts[index].text
        return ""

    def is_other_meter(self) -> bool:
        """Whether another meter speaks now; what only the one before has said is then forgotten."""
        if self.meter is None or not self.meter.id or self.meter.id == self.get("id"):
            return False
        for text in self._texts:
            if text.telegram != self._telegram:
                text.clear()
        if self._peaks_telegram != self._telegram:
            self._peaks_raw = b""
            self._peaks = ()
        return True

    def make_meter(self, submeter_ids: dict) -> None:
        """Makes `meter` anew; `submeter_ids` by the names of its fields."""
        self.changed = False
        head = self._head.strip()
        identification = str(head, "ascii") if _printable(head) else ""
        manufacturer = self.get("manufacturer") or identification[:3]
        meter = Meter(self.get("id"), self._protocol, identification, self.get("version"), manufacturer, self.get("message"), self._peaks)
        meter.gas_id = submeter_ids.get("gas_id", "")
        meter.water_id = submeter_ids.get("water_id", "")
        meter.heat_id = submeter_ids.get("heat_id", "")
        self.meter = meter


def printed(raw: bytes, is_hex: bool) -> str:
    """What people read on the meter: (b"4530", True) is "E0"; SML's 0A 01 "ISK" 00 + 4 octets is "1ISK0012345678"."""
    if is_hex:
        octets = _unhex(raw)
        if octets is not None and _printable(octets):
            return str(octets, "ascii")
    elif len(raw) == 10 and raw[0] in (9, 10) and raw[1] == 1 and raw[2:5].isalpha() and _printable(raw[2:5]):
        # DIN 43863-5: medium 1, manufacturer, block, number; server ids of FNN (0A) and older (09) meters
        return "1%s%02X%08d" % (str(raw[2:5], "ascii"), raw[5], int.from_bytes(raw[6:10], "big"))
    if _printable(raw):
        return str(raw, "ascii")
    if is_hex:
        return str(bytes([octet if 32 <= octet < 127 else 63 for octet in raw]), "ascii")
    return str(hexlify(raw), "ascii").upper()


def _unhex(raw: bytes):
    try:
        return unhexlify(raw)
    except ValueError:
        return None


def _printable(octets: bytes) -> bool:
    for octet in octets:
        if not 32 <= octet < 127:
            return False
    return True
