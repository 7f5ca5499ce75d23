"""A flash chip in a file: programs and erases in, bytes out. As on the real one a program only clears bits and an erase takes a whole sector."""

from pathlib import Path

SECTOR = 4096  # bytes


class NorFlash:
    """`megabytes` of flash in the file `path`, which is made, erased, when it is not there. Counts `erases` and `programs`."""

    def __init__(self, path: Path, megabytes: int = 4):
        self.path = Path(path)
        self.size = megabytes << 20
        self.erases = self.programs = 0
        if not self.path.is_file() or self.path.stat().st_size != self.size:
            self.path.write_bytes(b"\xff" * self.size)
        self._file = self.path.open("r+b", buffering=0)

    def close(self) -> None:
        """Takes the power away; what was written stays."""
        self._file.close()

    @property
    def identity(self) -> int:
        """What the command 0x9F answers: maker (0x20), kind (0x40), log2 of the size."""
        return 0x20 | 0x40 << 8 | (self.size.bit_length() - 1) << 16

    def read(self, at: int, count: int) -> bytes:
        """`count` bytes; beyond the end is nothing."""
        self._file.seek(at)
        return self._file.read(max(0, min(count, self.size - at)))

    def program(self, at: int, data: bytes) -> None:
        """Clears the bits that are 0 in `data`; none is ever set."""
        there = self.read(at, len(data))
        new = int.from_bytes(there, "little") & int.from_bytes(data[: len(there)], "little")
        self._file.seek(at)
        self._file.write(new.to_bytes(len(there), "little"))
        self.programs += 1

    def erase(self, at: int, count: int) -> None:
        """Erases all sectors that the region touches."""
        first, last = at // SECTOR, min((at + count + SECTOR - 1) // SECTOR, self.size // SECTOR)
        self._file.seek(first * SECTOR)
        self._file.write(b"\xff" * (max(0, last - first) * SECTOR))
        self.erases += max(0, last - first)
