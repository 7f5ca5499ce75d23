"""Decodes Netz OÖ's AMIS telegrams: a Frame of framing/amis.py and the key in, a call of `emit` with a Register for each value out.

    C A 5B | ID 4, maker 2, version, medium | access number, status, 50 05 | AES-128-CBC: 2F 2F records.. 2F 2F

The IV is maker, ID, version, medium and eight times the access number (M-Bus encryption mode 5). Records are M-Bus: DIF and VIF, each
with extensions, then a number of Wh, W, varh or var, low byte first. Nothing authenticates them: that all starts and ends in 2F 2F
tells the right key.

The access number has one byte and comes round every 256 telegrams, so that an old telegram cannot be told from a loss by it; what is
refused as "replay" is the last telegram once more, as the meter sends it when it did not hear our E5.
"""

from cryptolib import aes
from micropython import const

from bridge.core.civil import seconds
from bridge.core.errors import DecodeError, SecurityError
from bridge.decoding.register import Register

_IV = b"\x07\x08\x03\x04\x05\x06\x09\x0a\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"  # offsets in a frame of the IV's bytes
_ACCESS = const(11)  # offsets in a frame
_MODE = const(13)
_TEXT = const(15)
_BLOCK = const(16)
_MODE_5 = const(5)
_CBC = const(2)
_FILLER = const(0x2F)
_CLOCK = const(1 << 16)  # 0-0:1.0.0 as C.D.E
_HOUR = const(3600)
_MORE = const(0x80)
# Bytes of a value by the DIF's low four bits; 255: as its first byte says, 254: no value that could be passed over.
_SIZES = b"\x00\x01\x02\x03\x04\x04\x06\x08\x00\x01\x02\x03\x04\xff\x06\xfe"
_LONGEST = const(0xBF)  # of a value that says its length
_MAKERS_OWN = const(0x0F)  # DIF (0F or 1F): the rest is the maker's own
# Records in the order that meters send, each: DIF, VIF and their extensions, filled up to six bytes; C, D, E and DLMS unit of a
# register of medium 1-0. The clock is the first.
_HEAD = const(6)
_ROW = const(10)
_END = const(100)
_CLOCK_ROW = const(0)
_RECORDS = (
    b"\x06\x6d\x00\x00\x00\x00\x00\x00\x00\x00"
    b"\x04\x03\x00\x00\x00\x00\x01\x08\x00\x1e"
    b"\x04\x83\x3c\x00\x00\x00\x02\x08\x00\x1e"
    b"\x84\x10\xfb\x82\x73\x00\x03\x08\x01\x20"
    b"\x84\x10\xfb\x82\xf3\x3c\x04\x08\x01\x20"
    b"\x04\x2b\x00\x00\x00\x00\x01\x07\x00\x1b"
    b"\x04\xab\x3c\x00\x00\x00\x02\x07\x00\x1b"
    b"\x04\xfb\x14\x00\x00\x00\x03\x07\x00\x1d"
    b"\x04\xfb\x94\x3c\x00\x00\x04\x07\x00\x1d"
    b"\x04\x83\xff\x04\x00\x00\x01\x80\x00\x1e"
)
_SIGNED = const(0x80)  # D of the balance, the one value that may be negative


class AmisDecoder:
    """`security`: has `key` (16 bytes, or None) and `replay` (False: repeated telegrams are decoded again, as of a capture)."""

    def __init__(self, security):
        self._security = security
        self._register = Register()
        self._aes = None
        self._iv = bytearray(_BLOCK)
        self._plain = b""  # text of the last telegram that was believed
        self._access = 0  # its access number
        self._next = 0  # row of _RECORDS that is tried first

    def decode(self, frame, emit, known=None) -> None:
        """Calls emit(register) for the clock and each value, in the telegram's order; SecurityError or DecodeError for what it refuses."""
        frame.security = ""
        self._open(frame)
        frame.security = "unauthenticated"
        plain = self._plain
        at = 2
        end = len(plain) - 2
        while at < end:
            if plain[at] == _FILLER:
                at += 1
                continue
            if plain[at] & 0xEF == _MAKERS_OWN:
                return
            behind = self._head(at, end)
            size = _SIZES[plain[at] & 0x0F]
            if size == 255 and behind < end and plain[behind] <= _LONGEST:
                size = plain[behind] + 1
            if behind + size > end:
                raise DecodeError("AMIS: record ends outside of the telegram")
            row = self._row(at, behind)
            if row == _CLOCK_ROW:
                self._time(behind, emit)
            elif row >= 0:
                self._value(row, behind, emit)
            at = behind + size

    def _open(self, frame) -> None:
        """Decrypts the frame's text to _plain."""
        security = self._security
        if security.key is None:
            raise SecurityError("key_missing")
        buffer = frame.buffer
        start = frame.start
        size = frame.end - start - _TEXT
        if size < _BLOCK:
            raise SecurityError("length")
        if buffer[start + _MODE + 1] & 0x1F != _MODE_5:
            raise SecurityError("cipher_unknown")
        if size != buffer[start + _MODE] & 0xF0:  # blocks of 16 bytes in the high four bits
            raise SecurityError("length")
        iv = self._iv
        for i in range(_BLOCK):
            iv[i] = buffer[start + _IV[i]]
        # The IV goes before the text as a block whose plain text means nothing: so one AES object serves for all telegrams.
        if self._aes is None:
            self._aes = aes(security.key, _CBC, iv)
        self._aes.decrypt(iv, iv)
        plain = buffer[start + _TEXT : frame.end]
        self._aes.decrypt(plain, plain)
        if plain[0] != _FILLER or plain[1] != _FILLER or plain[-1] != _FILLER or plain[-2] != _FILLER:
            raise SecurityError("key_wrong")
        access = buffer[start + _ACCESS]
        if security.replay and access == self._access and plain == self._plain:
            raise SecurityError("replay")
        self._access = access
        self._plain = plain

    def _head(self, at: int, end: int) -> int:
        """Index behind the DIF, the VIF and their extensions of the record at `at`."""
        plain = self._plain
        for _ in range(2):
            while at < end and plain[at] & _MORE:
                at += 1
            at += 1
        return at

    def _row(self, at: int, behind: int) -> int:
        """Where _RECORDS has this record, or -1; looks first behind the one before."""
        plain = self._plain
        records = _RECORDS
        size = behind - at
        row = self._next
        for _ in range(0, _END, _ROW):
            if row == _END:
                row = 0
            i = 0
            while i < size and i < _HEAD and records[row + i] == plain[at + i]:
                i += 1
            if i == size and (i == _HEAD or not records[row + i]):
                self._next = row + _ROW
                return row
            row += _ROW
        return -1

    def _value(self, row: int, at: int, emit) -> None:
        plain = self._plain
        high = plain[at + 3]
        register = self._register
        register.cde = _RECORDS[row + 6] << 16 | _RECORDS[row + 7] << 8 | _RECORDS[row + 8]
        register.unit = _RECORDS[row + 9]
        register.ab = 1 << 8
        register.time = None
        if _RECORDS[row + 7] == _SIGNED and high & 0x80:
            high -= 256
        register.value = high << 24 | plain[at + 2] << 16 | plain[at + 1] << 8 | plain[at]
        emit(register)

    def _time(self, at: int, emit) -> None:
        """Date and time of type I, in Vienna's time, with a bit for summer; a clock that is not set is not emitted."""
        plain = self._plain
        second, minute, hour, day, month = plain[at], plain[at + 1], plain[at + 2], plain[at + 3], plain[at + 4]
        if minute & 0x80:  # invalid
            return
        year = 2000 + (month >> 4 << 3 | day >> 5)
        try:
            time = seconds(year, month & 0x0F, day & 0x1F, hour & 0x1F, minute & 0x3F, second & 0x3F)
        except ValueError:
            return
        register = self._register
        register.ab = register.unit = 0
        register.cde = _CLOCK
        register.time = register.value = time - (2 * _HOUR if second & 0x40 else _HOUR)
        emit(register)
