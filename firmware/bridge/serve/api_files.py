"""GET /api/files: what is kept on flash, a list (and the flash's bytes, and how many are free) or a file's bytes out. GET /api/ram: the readings that are in RAM alone, a row of JSON a block.

A file's `?from=BYTES` leaves out what is known already: files of readings only ever grow. /api/ram ends with {"done": true}: what ends
without it was cut off.
"""

import json
from binascii import b2a_base64

from micropython import const

from bridge.core.unload import unload
from bridge.serve.http_answer import JSON
from bridge.serve.http_request import Refusal

_PIECE = const(512)  # bytes read from flash at a time


async def answer(request, reply, door) -> None:
    """The list, a file or the RAM's blocks."""
    from bridge.serve import kept_files

    path = request.path[11:]
    try:
        if request.path == "/api/ram":
            await _ram(reply, door.console.store.journal)
        elif path:
            await _file(request, reply, door.console.folder, path, kept_files)
        else:
            await _list(reply, door.console.folder, kept_files)
    finally:
        kept_files = None
        unload("bridge.serve.kept_files")


async def _list(reply, folder: str, kept_files) -> None:
    size, free = kept_files.room(folder)
    await reply.start(200, JSON)
    before = b'{"size":%d,"free":%d,"files":[' % (size, free)
    empty = before
    for path, size in kept_files.listed(folder):
        await reply.write(before + json.dumps({"path": path, "size": size}).encode())
        before = b",\n"
    await reply.write((before if before is empty else b"") + b"]}\n")


async def _file(request, reply, folder: str, path: str, kept_files) -> None:
    size = kept_files.size(folder, path)
    begin = request.argument(b"from") or "0"
    if size is None:
        raise Refusal(404, "no such file is kept: /api/files lists them")
    if not begin.isdigit() or len(begin) > 9:
        raise Refusal(400, "from is a number of bytes, such as ?from=4096")
    try:
        file = open(kept_files.at(folder, path), "rb")
    except OSError:
        raise Refusal(404, "the file has just gone: it was the oldest")
    try:
        at = file.seek(min(int(begin), size))
        await reply.start(200, b"application/octet-stream", size - at)
        room = memoryview(bytearray(_PIECE))
        while at < size:
            count = file.readinto(room[: min(_PIECE, size - at)])
            if not count:
                raise OSError  # cut: the length that was promised says so
            await reply.write(room[:count])
            at += count
    finally:
        file.close()


async def _ram(reply, journal) -> None:
    await reply.start(200, b"application/x-ndjson")
    block = journal.first
    while block <= journal.last:
        first = journal.first_seq(block)
        meters = [meter.id for meter in journal.meters(block)]
        data = b2a_base64(journal.view(block)[: journal.length(block)]).decode()[:-1]
        row = json.dumps({"block": first, "count": journal.end(block) - first, "meters": meters})
        await reply.write(('%s,"data":"%s"}\n' % (row[:-1], data)).encode())
        block = max(block + 1, journal.first)
    await reply.write(b'{"done":true}\n')
