"""Checked pieces ("chunks") of a journal's segment: a file in; type and payload of each whole one out, what is damaged passed over.

    chunk    type (1 byte), length of the payload (2), crc32 (4), payload; numbers little-endian
             crc32 goes over type, length and payload and goes on from the chunk before, so that none is taken for another's successor;
             a BLOCK's begins anew
    HEAD     count of cursors; each: length of its key, key, number (4); then each known start of the device: its count (4), its UTC offset (4)
    BLOCK    MAGIC, start of the device (4), number of the first reading (4), crc32 of its METERS' payload (4), that payload or nothing: then it is
             the same as that of a block before in this segment
    METERS   the meters of the block from here on: see `meter_texts`
    RECORDS  more of the block's records, as in RAM; numbers of the cursors in HEAD's order (4 each); readings, and how many cursors times 4096 (2):
             none where they are as far behind the last reading as they were

After damage all up to the next BLOCK is passed over. Nothing that a file holds raises an error; what the file system says (OSError) does.
"""

from binascii import crc32
from struct import pack

from micropython import const

HEAD = 1
BLOCK = 2
METERS = 3
RECORDS = 4
MAGIC = 0x314A424D  # b"MBJ1"
BLOCK_BYTES = 1024  # most records of a block
CURSORS = 6  # most places of destinations that are kept: there are three kinds
_TRAILER = const(26)  # RECORDS: 6 cursors of 4 bytes, 2 more
_HEADER = const(7)
_LONGEST = const(6000)  # bytes: three meters of such texts, each character of four bytes
_STRIDE = const(256)  # bytes looked through at a time for the next BLOCK


class Chunks:
    """Reads one file from `at` on, which is 0 or a BLOCK. `start`: where the chunk just read begins; `end`: where it ends; `payload`: what it holds.

    Records are read to `room` from `used` on, both the caller's to set. `damaged`: something had to be passed over.
    """

    def __init__(self, file, at: int = 0):
        self._file = file
        self.start = self.end = at
        self.crc = 0
        self.payload = b""
        self.room = bytearray(BLOCK_BYTES + _TRAILER)
        self.used = 0
        self.damaged = False
        if at:
            file.seek(at)

    def next(self) -> int:
        """The type of the next whole chunk, 0 at the end."""
        while True:
            self.start = self.end
            header = self._file.read(_HEADER)
            if not header:
                return 0
            if len(header) == _HEADER and self._whole(header):
                return header[0]
            self.damaged = True
            if not self._resume():
                return 0

    def _whole(self, header: bytes) -> bool:
        kind, length = header[0], number(header, 1, 3)
        if kind == RECORDS:
            if not 2 <= length <= len(self.room) - self.used:
                return False
            payload = memoryview(self.room)[self.used : self.used + length]
            if self._file.readinto(payload) != length:
                return False
        else:
            if not HEAD <= kind < RECORDS or length > _LONGEST:
                return False
            payload = self._file.read(length)
        if len(payload) != length or crc32(payload, crc32(header[:3], 0 if kind == BLOCK else self.crc)) != number(header, 3, 7):
            return False
        self.payload = payload
        self.crc = number(header, 3, 7)
        self.end = self.start + _HEADER + length
        return True

    def _resume(self) -> bool:
        """Goes to where the next BLOCK may begin."""
        at = self.start + _HEADER + 1
        while True:
            self._file.seek(at)
            piece = self._file.read(_STRIDE)
            found = piece.find(pack("<I", MAGIC))
            if found >= 0:
                self.end = at + found - _HEADER
                self._file.seek(self.end)
                return True
            if len(piece) < _STRIDE:
                return False
            at += _STRIDE - 3  # the mark may begin in the last three


def parse_tail(payload) -> tuple:
    """(bytes of records, readings, count of cursors) of RECORDS' payload."""
    end = len(payload) - 2
    count = number(payload, end, end + 2)
    cursors = count >> 12
    return max(0, end - 4 * cursors), count & 4095, cursors


def number(payload, begin: int, end: int) -> int:
    """The number in these bytes."""
    return int.from_bytes(payload[begin:end], "little")
