"""The texts of a meter (ids, manufacturer, version, message): bytes of registers in, `str` out, made only when bytes changed.

P1 sends octets as pairs of hex digits; SML sends the octets; both mostly stand for ASCII.
"""

from binascii import hexlify, unhexlify

from micropython import const

from bridge.reading.obis_tables import text_table

_ROWS = text_table()
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
        self.seen = False

    def put(self, raw, is_hex: bool) -> bool:
        """Takes the bytes of this telegram; whether they differ from those before."""
        self.seen = True
        if self.raw == raw or len(raw) > MAX_TEXT:
            return False
        self.raw = bytes(raw)
        self.text = printed(self.raw, is_hex)
        return True

    def clear(self) -> None:
        self.raw = b""
        self.text = ""


class Texts:
    """The texts of the meter itself, by kind; `changed` until somebody lowers it."""

    def __init__(self):
        self._texts = [Interned() for _ in _ROWS]
        self.changed = True
        self.is_hex = False  # P1: octets come as hex digits

    def begin(self) -> None:
        for text in self._texts:
            text.seen = False

    def add(self, register) -> bool:
        """Takes a register when it is one of the texts; whether it was."""
        found = _BY_CDE.get(register.cde)
        if found is None or isinstance(register.value, int):
            return False
        for index in found:
            row = _ROWS[index]
            if row[0] == register.ab and row[2] == register.f:
                is_hex = self.is_hex and row[3] != "version"
                if self._texts[index].put(register.value, is_hex):
                    self.changed = True
                return True
        return False

    def get(self, kind: str) -> str:
        """The first text of this kind that the meter sends, "" when it sends none."""
        for index, row in enumerate(_ROWS):
            if row[3] == kind and self._texts[index].text:
                return self._texts[index].text
        return ""

    def forget_unseen(self) -> None:
        """Another meter speaks: what only the one before has said goes."""
        for text in self._texts:
            if not text.seen:
                text.clear()


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
