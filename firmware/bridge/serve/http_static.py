"""Pages: a path in; a compressed file of the folder `pages` beside this module out, unless the browser has it already (ETag).

A file name.gz answers to /name, index.html.gz to / too. Its checksum and size, which gzip puts at its end, are its tag.
"""

from binascii import hexlify

from micropython import const

from bridge.serve.http_request import Refusal

_FOLDER = __file__.rsplit("/", 1)[0] + "/pages/" if "/" in __file__ else "pages/"
_KINDS = {"html": b"text/html; charset=utf-8", "js": b"text/javascript; charset=utf-8", "css": b"text/css; charset=utf-8",
          "svg": b"image/svg+xml", "ico": b"image/x-icon", "json": b"application/json", "webmanifest": b"application/manifest+json"}  # fmt: skip
_PIECE = const(512)
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-_."


async def answer(request, reply, door) -> None:
    """Sends the file."""
    name = request.path[1:] or "index.html"
    kind = _KINDS.get(name.rsplit(".", 1)[-1])
    if kind is None or name[0] == "." or [letter for letter in name if letter not in _LETTERS]:
        raise Refusal(404, "no such page")
    try:
        file = open(_FOLDER + name + ".gz", "rb")
    except OSError:
        raise Refusal(404, "no such page")
    try:
        size = file.seek(-8, 2) + 8
        tag = b'"' + hexlify(file.read(8)) + b'"'
        header = b"Content-Encoding: gzip\r\nVary: Accept-Encoding\r\nCache-Control: no-cache\r\nETag: " + tag + b"\r\n"
        if tag in request.header(b"if-none-match"):
            return await reply.start(304, kind, -1, header)
        await reply.start(200, kind, size, header)
        file.seek(0)
        room = memoryview(bytearray(_PIECE))
        while not reply.bare:
            count = file.readinto(room)
            if not count:
                break
            await reply.write(room[:count])
    finally:
        file.close()
