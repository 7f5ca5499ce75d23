"""MicroPython images: a file, or a board's name, in; an image that was checked against chip, flash size (bytes) and hash out. boards/images.json pins them."""

import hashlib
import json
import re
import struct
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from host_tools import runtime
from host_tools.errors import FAILED, USAGE, UserError

OFFSETS = {"esp32": 0x1000, "esp32s2": 0x1000, "esp32c3": 0, "esp32s3": 0}  # in flash; where each chip's ROM looks for what it starts
TABLE_AT = 0x8000  # the partition table, in flash
_CHIPS = {0: "esp32", 2: "esp32s2", 5: "esp32c3", 9: "esp32s3", 12: "esp32c2", 13: "esp32c6", 16: "esp32h2", 18: "esp32p4", 23: "esp32c5"}
_MAGIC = 0xE9
_HEAD = 24  # bytes of an image's header; the chip's number is at 12
_SMALLEST = 4096  # bytes; the bootloader alone is more
_LARGEST = 32 << 20  # bytes; the largest flash there is
_DESCRIPTION = struct.Struct("<I12x32s32s")  # of an application: magic, (secure version and spare), version, project
_DESCRIPTION_AT, _DESCRIPTION_MAGIC = 32, 0xABCD5432
_TABLE_ROW = struct.Struct("<2sBBII16sI")
_TIMEOUT_S = 30  # of a server that does not answer
_PIECE = 1 << 16
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Image:
    """`data` goes to `offset` in the flash of a `chip`. `name`: what to call it; `application`: (project, version) of what it starts, or None."""

    name: str
    data: bytes
    chip: str
    offset: int

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def application(self) -> tuple[str, str] | None:
        for kind, begin, _ in partitions(self.data[TABLE_AT - self.offset :]):
            if kind == 0:
                return description(self.data[begin - self.offset :])
        return None

    def constant(self) -> list[tuple[int, bytes]]:
        """(place in flash, bytes) of the parts that a running chip does not change: all but what lies between partition table and application."""
        rows = partitions(self.data[TABLE_AT - self.offset :])
        first = min((begin for kind, begin, _ in rows if kind == 0), default=0)
        if not TABLE_AT < first < self.offset + len(self.data):
            return [(self.offset, self.data)]
        table_end = TABLE_AT + 0x1000
        return [(self.offset, self.data[: table_end - self.offset]), (first, self.data[first - self.offset :])]


def pins(path: Path | None = None) -> dict:
    """The table of images."""
    return json.loads((path or runtime.BOARDS / "images.json").read_text(encoding="utf-8"))


def partitions(table: bytes) -> list[tuple[int, int, int]]:
    """(type, begin, end) of each row of a partition table; type 0 is an application."""
    rows = []
    while len(table) >= _TABLE_ROW.size:
        magic, kind, _, begin, size, _, _ = _TABLE_ROW.unpack_from(table)
        if magic != b"\xaa\x50":
            break
        rows.append((kind, begin, begin + size))
        table = table[_TABLE_ROW.size :]
    return rows


def description(application: bytes) -> tuple[str, str] | None:
    """(project, version) that an application says of itself, None when it does not."""
    if len(application) < _DESCRIPTION_AT + _DESCRIPTION.size:
        return None
    magic, version, project = _DESCRIPTION.unpack_from(application, _DESCRIPTION_AT)
    if magic != _DESCRIPTION_MAGIC:
        return None
    return _text(project), _text(version)


def _text(field: bytes) -> str:
    """What a chip says of itself is shown to people: nothing but plain characters."""
    return re.sub(r"[^ -~]", "?", field.partition(b"\0")[0].decode("latin-1"))


def check(name: str, data: bytes, chip: str, flash_bytes: int) -> Image:
    """The image, if this chip with this flash can start it. Raises UserError that says why not."""
    if len(data) < _SMALLEST or data[0] != _MAGIC:
        what = "is empty" if not data else "is a web page: download the .bin file itself" if data.lstrip()[:1] == b"<" else "is no image for an ESP32"
        raise UserError(f"{name} {what}")
    number = struct.unpack_from("<H", data, 12)[0]
    made_for = _CHIPS.get(number, f"another chip (number {number})")
    if made_for != chip:
        raise UserError(f"{name} is an image for an {made_for.upper()}, and this is an {chip.upper()}: get the one for this chip")
    image = Image(name, data, chip, OFFSETS[chip])
    end = max([image.offset + len(data)] + [end for _, _, end in partitions(data[TABLE_AT - image.offset :])])
    if end > flash_bytes:
        raise UserError(f"{name} needs a flash of {_megabytes(end)} MB, and this chip has {_megabytes(flash_bytes)} MB: get an image for that size")
    if not partitions(data[TABLE_AT - image.offset :]):
        raise UserError(f"{name} has no partition table: it is an application alone (an update), not the whole image")
    return image


def _megabytes(size: int) -> str:
    return f"{size / (1 << 20):.3g}"


def read(path: Path) -> bytes:
    """An image file. Raises UserError."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from error
    if len(data) > _LARGEST:
        raise UserError(f"{path} is larger than any ESP32's flash")
    return data


def choose(board: dict, table: dict) -> str:
    """The name of the download for a board: its own where its hash is known, else the one for its chip, which runs on it too."""
    own, generic = board.get("micropython"), table["generic"][board["chip"]]
    return own if own in table["sha256"] else generic


def address(image: str, table: dict) -> str:
    """Where the pinned version of an image is to be had."""
    return table["url"].format(image=image, date=table["date"], version=table["version"])


def get(image: str, table: dict, sha256: str = "", tell: Callable[[int, int], None] | None = None) -> tuple[str, bytes]:
    """(name, bytes) of an image that has the hash it must have: from the folder of downloads, else from the network."""
    url = address(image, table)
    name = url.rpartition("/")[2]
    wanted = (sha256 or table["sha256"].get(image, "")).lower()
    kept = folder() / name
    if not wanted:
        raise UserError(
            f"nobody has written down the SHA-256 of {name} yet, and without it a download cannot be told from a forgery. "
            f"Download {url} yourself, then give --image FILE; or give --sha256 HASH"
        )
    if not _SHA256.fullmatch(wanted):
        raise UserError(f"--sha256 {wanted}: a SHA-256 has 64 hexadecimal digits", USAGE)
    if kept.is_file() and hashlib.sha256(data := kept.read_bytes()).hexdigest() == wanted:
        return name, data
    data = download(url, kept, tell)
    found = hashlib.sha256(data).hexdigest()
    if found != wanted:
        raise UserError(f"{url}: what came has the SHA-256 {found}, and must have {wanted}. It was thrown away, nothing was written to the board", FAILED)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(data)
    return name, data


def folder() -> Path:
    """Where downloads are kept, and where one that was fetched by hand is looked for."""
    return runtime.cache() / ".cache" / "micropython"


def download(url: str, by_hand: Path, tell: Callable[[int, int], None] | None = None) -> bytes:
    """The bytes at an address; `tell` gets (so far, all). Raises UserError that says how to do it by hand."""
    data = b""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
            total = int(answer.headers.get("Content-Length") or 0)
            while piece := answer.read(_PIECE):
                data += piece
                if len(data) > _LARGEST:
                    raise UserError(f"{url}: what comes is larger than any ESP32's flash", FAILED)
                if tell:
                    tell(len(data), max(total, len(data)))
            if len(data) < total:
                raise OSError("the connection broke off")
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        raise UserError(
            f"MicroPython could not be downloaded ({why}). Nothing was changed. Get {url} on any computer with internet, "
            f"then either put it at {by_hand} or give --image FILE",
            FAILED,
        ) from error
    return data


def pin(image: str) -> str:
    """Downloads an image and writes its hash into boards/images.json, for the project's maintainer; the hash."""
    if not re.fullmatch(r"[A-Z0-9_]+", image):
        raise UserError(f"--pin {image}: a name such as ESP32_GENERIC_C3 is wanted")
    path = runtime.BOARDS / "images.json"
    table = pins(path)
    data = download(address(image, table), folder() / address(image, table).rpartition("/")[2])
    if len(data) < _SMALLEST or data[0] != _MAGIC:
        raise UserError(f"{address(image, table)} is no image for an ESP32", FAILED)
    table["sha256"] = dict(sorted((table["sha256"] | {image: hashlib.sha256(data).hexdigest()}).items()))
    path.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    return table["sha256"][image]

