"""The serial loader in an ESP32's ROM, and the program that esptool loads over it: bytes from the line in, answers out.

Written from Espressif's description of the serial protocol: SLIP frames; a request is 0, command, size, checksum, data; an answer
1, command, size, value, data and a status of four bytes from the ROM, two from the loaded program ("stub").
"""

import hashlib
import struct
import zlib
from collections.abc import Iterator

from host_tools.simulation.nor_flash import SECTOR, NorFlash
from host_tools.simulation.rom_chips import CHIPS, SFDP

_END, _ESCAPE = b"\xc0", b"\xdb"
_LONGEST = 0x4000 + 4096  # bytes in a frame: the largest block that a tool sends, and its head
_SYNC = b"\x07\x07\x12\x20" + b"\x55" * 32
_SYNC_ANSWERS = 8
_ROM_VALUE = 0x2012_0707  # of a SYNC's answer; the loaded program says 0, which tells the two apart
_OK, _UNKNOWN, _FAILED, _CHECKSUM, _INFLATE = b"\0\0", b"\1\5", b"\1\6", b"\1\7", b"\1\x0b"
_SPI_START = 1 << 18
_SEED = 0xEF  # of the checksum of a block

(FLASH_BEGIN, FLASH_DATA, FLASH_END, MEM_BEGIN, MEM_END, MEM_DATA, SYNC, WRITE_REG, READ_REG, SET_PARAMS) = range(0x02, 0x0C)
ATTACH, READ_SLOW, BAUD, DEFL_BEGIN, DEFL_DATA, DEFL_END, MD5, SECURITY = 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x12, 0x13, 0x14
ERASE_ALL, ERASE_REGION, READ_FAST = 0xD0, 0xD1, 0xD2
_STUB_ONLY = (ERASE_ALL, ERASE_REGION, READ_FAST)


def frame(data: bytes) -> bytes:
    """A packet as it goes over the line."""
    return _END + data.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + _END


class RomLoader:
    """A chip that waits for a program. `stub`: whether it starts one that is loaded; `running`: the loader was told to start what is in flash.

    `asked` are the commands that came whole, `refused` counts blocks with a wrong checksum.
    """

    def __init__(self, chip: str, flash: NorFlash, mac: bytes = bytes.fromhex("b0a7d1234567"), stub: bool = True):
        self.chip, self.flash, self.mac, self._starts_stub = CHIPS[chip], flash, mac, stub
        self.asked: list[int] = []
        self.refused = 0
        self.reset()

    def reset(self) -> None:
        """Enters the ROM's loader anew."""
        self.stub = self.running = False
        self._registers = self.chip.registers(self.mac)
        self._line = b""
        self._at = self._end = self._erased = self._next = self._block = 0
        self._inflate = None
        self._reading: Iterator[bytes] | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What it answers to bytes from the line, packet by packet, as they go back over the line."""
        self._line += data
        while _END in self._line:
            packet, _, self._line = self._line.partition(_END)
            if packet:
                yield from self._take(packet.replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb"))
        self._line = self._line[-_LONGEST * 2 :]

    def _take(self, packet: bytes) -> Iterator[bytes]:
        if self._reading is not None and len(packet) == 4:  # says how much of a fast read has arrived
            yield from map(frame, [next(self._reading, b"")])
            return
        if len(packet) < 8 or packet[0] != 0:
            return  # noise
        command, size, checksum = struct.unpack_from("<BHI", packet, 1)
        data = packet[8:]
        if len(data) != size:  # a byte was lost or came too many
            yield self._packet(command, 0, b"", _UNKNOWN)
            return
        self.asked.append(command)
        yield from self._answer(command, data, checksum)

    def _answer(self, command: int, data: bytes, checksum: int) -> Iterator[bytes]:
        value, body, status = 0, b"", _OK
        if command == SYNC and data == _SYNC:
            for _ in range(_SYNC_ANSWERS):
                yield self._packet(SYNC, 0 if self.stub else _ROM_VALUE, b"", _OK)
            return
        if command in _STUB_ONLY and not self.stub:
            status = _UNKNOWN
        elif command == READ_REG:
            value = self._registers.get(struct.unpack_from("<I", data)[0], 0)
        elif command == SECURITY:
            body, status = self.chip.security_info(), _OK if self.chip.security else _UNKNOWN
        elif command == MD5:
            at, count = struct.unpack_from("<II", data)
            digest = hashlib.md5(self.flash.read(at, count))
            body = digest.digest() if self.stub else digest.hexdigest().encode()
        elif command == READ_SLOW:
            at, count = struct.unpack_from("<II", data)
            body = self.flash.read(at, count).ljust(64, b"\xff")
        elif command in (FLASH_DATA, DEFL_DATA, MEM_DATA):
            status = self._data(command, data, checksum)
        else:
            status = self._do(command, data)
        yield self._packet(command, value, body, status)
        if command == MEM_END and self._starts_stub and not self.stub and struct.unpack_from("<II", data)[1]:
            self.stub = True
            yield frame(b"OHAI")
        elif command == READ_FAST and self.stub:
            self._reading = self._fast(*struct.unpack_from("<III", data))
            yield frame(next(self._reading))

    def _packet(self, command: int, value: int, body: bytes, status: bytes) -> bytes:
        body += status if self.stub else status + b"\0\0"
        return frame(struct.pack("<BBHI", 1, command, len(body), value) + body)

    def _do(self, command: int, data: bytes) -> bytes:
        """Commands that answer with nothing but a status."""
        words = struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])
        if command == WRITE_REG:
            self._write_register(words[0], words[1], words[2])
        elif command in (FLASH_BEGIN, DEFL_BEGIN):
            return self._begin(command, *words[:4])
        elif command in (FLASH_END, DEFL_END):
            self.running = words[0] == 0 and not self.stub  # the loaded program goes back to the ROM's loader
            self.stub = self.stub and words[0] != 0
        elif command == ERASE_ALL:
            self.flash.erase(0, self.flash.size)
        elif command == ERASE_REGION:
            self.flash.erase(words[0], words[1])
        elif command not in (MEM_BEGIN, MEM_END, SET_PARAMS, ATTACH, BAUD, READ_FAST):
            return _UNKNOWN
        return _OK

    def _write_register(self, register: int, value: int, mask: int) -> None:
        kept = self._registers.get(register, 0) & ~mask
        self._registers[register] = kept | value & mask
        if register == self.chip.spi and value & _SPI_START:  # a command to the flash chip, which is done at once
            command = self._registers.get(self.chip.spi + self.chip.spi_user2, 0) & 0xFF
            answer = {0x9F: self.flash.identity, 0x5A: SFDP}.get(command, 0)
            self._registers[self.chip.spi + self.chip.spi_word0] = answer
            self._registers[register] &= ~_SPI_START

    def _begin(self, command: int, size: int, blocks: int, block: int, at: int) -> bytes:
        if at + size > self.flash.size:
            return _FAILED
        self._at, self._end, self._block, self._next = at, at + max(size, blocks * block if command == FLASH_BEGIN else size), block, 0
        self._erased = at // SECTOR * SECTOR
        self._inflate = zlib.decompressobj() if command == DEFL_BEGIN else None
        if not self.stub:  # the ROM erases all of it now, the loaded program as it writes
            self.flash.erase(at, size)
            self._erased = self._end
        return _OK

    def _data(self, command: int, data: bytes, checksum: int) -> bytes:
        size, number = struct.unpack_from("<II", data)
        block = data[16:]
        told = _SEED
        for byte in block:
            told ^= byte
        if len(block) != size or told != checksum & 0xFF:
            self.refused += 1
            return _CHECKSUM
        if command == MEM_DATA:
            return _OK
        if number == self._next - 1:
            return _OK  # comes again, as its answer was lost
        if number != self._next or not self._block:
            return _FAILED
        if command == DEFL_DATA:
            try:
                block = self._inflate.decompress(block)
            except (zlib.error, AttributeError):
                return _INFLATE
        self._next += 1
        return self._program(block)

    def _program(self, block: bytes) -> bytes:
        if self._at + len(block) > self._end + self._block:
            return _FAILED
        end = self._at + len(block)
        if self.stub and end > self._erased:
            self.flash.erase(self._erased, end - self._erased)
            self._erased = -(-end // SECTOR) * SECTOR
        self.flash.program(self._at, block)
        self._at = end
        return _OK

    def _fast(self, at: int, count: int, piece: int) -> Iterator[bytes]:
        """Pieces of a fast read, then their MD5; each follows when the one before was acknowledged."""
        digest = hashlib.md5()
        for begin in range(at, at + count, piece):
            data = self.flash.read(begin, min(piece, at + count - begin))
            digest.update(data)
            yield data
        self._reading = None
        yield digest.digest()
