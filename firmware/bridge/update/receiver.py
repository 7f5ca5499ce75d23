"""Takes an update: a bundle's bytes in pieces of any size in, the files of the other slot and its trial at the next start out.

    meterbridge-update 1 BYTES\\n      of the manifest
    version 0.2.0\\n  mpy 6\\n  boards * | NAME NAME\\n  file SIZE SHA256 bridge/...\\n    the manifest, a line each
    384 bytes of signature of the manifest, then the files in its order

Nothing is touched before the signature is known to be right, and never anything of the slot that runs. The next start is told to try the
new files with one write, after all of them were read back from flash and had the right hash.
"""

import asyncio
import os
from binascii import hexlify
from hashlib import sha256

from micropython import const

from bridge.core.errors import BridgeError
from bridge.core.unload import unload
from bridge.update.slots import choose, read, running, try_next

KEY_FILE = "update.pub"
_LIST_FILE = "update.txt"  # the manifest while it is worked on: it is too long for the RAM
_HEAD = b"meterbridge-update 1 "
_MAX_HEAD = const(32)
_MAX_LIST = const(40000)  # bytes of a manifest: 300 files
_TELEGRAM_S = const(2)  # meters that speak each second are the ones whose telegrams writing could hit
_BLOCK = const(4096)
_SLACK = const(32)  # blocks: two for each folder, and some for what the running firmware writes meanwhile
_PIECE = const(512)


class Receiver:
    """`board`: this board's name; `version`: what runs; `told`: a dict for the status, where "busy" keeps others out; `force`: an older version too;
    None: only one that is newer and has not been taken back, else the BridgeError is without words.

    `store`: before each block of flash that is written a telegram is waited for, as writing stops the chip for some 50 ms, and right after a
    telegram the meter's line is quiet. `end()` whatever happens.
    """

    def __init__(self, board: str, version: str, told: dict, store, force=False):
        if told.get("busy"):
            raise BridgeError("another update is on its way")
        self._slot = running()
        if not self._slot:
            raise BridgeError("this firmware lies in no slot: put it on with 'meterbridge deploy' once")
        if read()[1]:
            raise BridgeError("the last update is still on trial: in ten minutes it is known whether it stays")
        self._other = "b" if self._slot == "a" else "a"
        self._board = board
        self._runs = version
        self._told = told
        self._store = store
        self._force = force
        self._step = self._take_head
        self._text = b""  # of what is not complete yet: the head, the signature
        self._left = 0  # bytes of the manifest or of the file that are to come
        self._hash = sha256()
        self._file = self._list = None
        self._path = self._sum = ""
        self._since = _BLOCK  # bytes written since the line was quiet
        self.version = ""
        self.files = 0  # that are complete
        self.done = False
        told["busy"] = True

    async def take(self, data) -> None:
        """The next bytes. BridgeError says what is wrong; then nothing has changed but files that no start uses."""
        view = memoryview(data)
        while len(view):
            if self.done:
                raise BridgeError("there is something behind the update's end")
            view = view[await self._step(view) :]

    def end(self) -> None:
        """Lets go of all files, and lets others try."""
        for file in (self._file, self._list):
            if file:
                file.close()
        self._file = self._list = None
        self._told.pop("busy", None)
        self._told.pop("receiving", None)
        try:
            os.remove(_LIST_FILE)
        except OSError:
            pass  # there is none

    async def _take_head(self, view) -> int:
        for at in range(len(view)):
            if view[at] == 10:
                break
            if at + len(self._text) > _MAX_HEAD:
                raise BridgeError("this is no update of meterbridge")
        else:
            self._text += bytes(view)
            return len(view)
        self._text += bytes(view[:at])
        size = self._text[len(_HEAD) :]
        if self._text[: len(_HEAD)] != _HEAD or not size.isdigit():
            raise BridgeError("this is no update of meterbridge, or one for another time")
        self._left = int(size)
        if not 0 < self._left <= _MAX_LIST:
            raise BridgeError("the list of files is longer than %d bytes" % _MAX_LIST)
        self._text = b""
        self._file = open(_LIST_FILE, "wb")
        self._step = self._take_list
        return at + 1

    async def _take_list(self, view) -> int:
        part = view[: self._left]
        await self._write(part)
        self._hash.update(part)
        self._left -= len(part)
        if not self._left:
            self._file.close()
            self._file = None
            self._step = self._take_signature
        return len(part)

    async def _take_signature(self, view) -> int:
        from bridge.update.signature import BYTES, load, right

        part = bytes(view[: BYTES - len(self._text)])
        self._text += part
        if len(self._text) == BYTES:
            key = load(KEY_FILE)
            if not key:
                raise BridgeError("this dongle has no key for updates (update.pub): 'meterbridge deploy' brings it")
            if not right(key, self._text, self._hash.digest()):
                raise BridgeError("the signature is not by the key that this dongle trusts")
            del load, right, key
            unload("bridge.update.signature")
            self._begin()
            await self._next()
        return len(part)

    def _begin(self) -> None:
        """The list is the owner's own: is it for this device, and is there room? Then the other slot is emptied."""
        from bridge.update.judging import judge
        from bridge.update.room import empty, has_room

        with open(_LIST_FILE, "rb") as lines:
            self.version, blocks = judge(lines, self._board, self._runs, self._force)
        if self._force is None and self._told.get("last", "").startswith("update %s was taken back" % self.version):
            raise BridgeError("")
        if not has_room(self._other, blocks + _SLACK):
            raise BridgeError("the flash has no room for it, %d KB are needed: set journal_flash_kb lower" % (blocks * _BLOCK // 1024))
        if read() != (self._slot, "", ""):
            choose(self._slot, "")  # whatever it says, a start must not meet what is half written
        empty(self._other)
        del judge, empty, has_room
        unload("bridge.update.judging", "bridge.update.room")
        self._text = b""
        self._list = open(_LIST_FILE, "rb")
        self._step = self._take_file

    async def _next(self) -> None:
        """Opens the next file; after the last one the next start is told to try them."""
        while True:
            words = self._list.readline().split()
            if not words:
                self._list.close()
                self._list = None
                try_next(self._other, self._slot, self.version)
                self.done = True
                return
            if words[0] == b"file":
                break
        self._left, self._sum, name = int(words[1]), words[2], words[3].decode()
        self._path = self._other + "/" + name
        at = self._path.find("/")
        while at >= 0:
            try:
                os.mkdir(self._path[:at])
            except OSError:
                pass  # it is there
            at = self._path.find("/", at + 1)
        self._told["receiving"] = "%s: %d files" % (self.version, self.files)
        self._since = _BLOCK
        self._file = open(self._path, "wb")

    async def _take_file(self, view) -> int:
        part = view[: self._left]
        await self._write(part)
        self._left -= len(part)
        if not self._left:
            await self._close()
        return len(part)

    async def _close(self) -> None:
        self._file.close()
        self._file = None
        digest = sha256()
        piece = bytearray(_PIECE)
        with open(self._path, "rb") as file:
            count = file.readinto(piece)
            while count:
                digest.update(memoryview(piece)[:count])
                count = file.readinto(piece)
        if hexlify(digest.digest()) != self._sum:
            raise BridgeError("%s came damaged, or the flash is worn: try again" % self._path)
        self.files += 1
        await self._next()

    async def _write(self, part) -> None:
        self._since += len(part)
        if self._since >= _BLOCK:
            self._since = 0
            try:
                await asyncio.wait_for(self._store.wait(self._store.next), _TELEGRAM_S)
            except asyncio.TimeoutError:
                pass  # a meter that speaks seldom is seldom disturbed
        try:
            self._file.write(part)
        except OSError as error:
            raise BridgeError("the flash does not take it: %s" % error)
