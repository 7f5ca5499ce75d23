"""The serial console's answers, on files and parts made for it; the bytes that come in, on a stream made for it (MicroPython's asyncio)."""

import asyncio
import json
import os
import sys
from binascii import a2b_base64, crc32

from bridge.push.sink import Identity
from bridge.reading.quantities import COUNT, quantity
from bridge.reading.reading import Meter, Reading, Schema
from bridge.serve.console import Console
from bridge.store.journal import Journal
from bridge.store.store import Store

ON_MICROPYTHON = sys.implementation.name == "micropython"
FOLDER = "test_console_data"
DATA = bytes([at * 7 % 256 for at in range(1000)])


def _remove(path):
    try:
        for name in os.listdir(path):
            _remove(path + "/" + name)
        os.rmdir(path)
    except OSError:
        try:
            os.remove(path)
        except OSError:
            pass


class _Bench:
    """A console with `files` (path: bytes) below its folder; what it says in `said`, what it did in `done`."""

    def __init__(self, files):
        _remove(FOLDER)
        os.mkdir(FOLDER)
        for path in files:
            folder = FOLDER + "/" + path.split("/")[0]
            try:
                os.mkdir(folder)
            except OSError:
                pass
            with open(FOLDER + "/" + path, "wb") as file:
                file.write(files[path])
        with open(FOLDER + "/config.json", "w") as file:
            file.write('{"wifi_password":"secret"}')
        self.said = []
        self.done = []
        store = Store(Journal(4096))
        store.wait = self._wait
        self.console = Console(FOLDER, Identity("mb-a1b2c3", "0.1.0", "sim", 7), store, self._document, self._save, self._erasers(), self.said.append)

    async def _wait(self, seq):
        self.done.append("waited for %d" % seq)

    def _document(self):
        yield b'{"a":1'
        yield b',"b":[2]}'

    def _save(self):
        self.done.append("saved")

    def _erasers(self):
        def eraser(kind, count):
            def erase():
                self.done.append(kind)
                return count, count * 4096

            return erase

        return {"readings": eraser("readings", 3), "profiles": eraser("profiles", 2), "logs": eraser("logs", 1)}

    def ask(self, line):
        """The rows of the answer; its end is checked."""
        del self.said[:]
        asyncio.run(self.console.take(line.encode()))
        rows = [row[1:] for row in self.said if row[0] == "\x1e"]
        assert json.loads(rows[-1]) == {"done": line}
        return [row if row[0] == "+" else json.loads(row) for row in rows[:-1]]

    def refused(self, line):
        rows = self.ask(line)
        assert [list(row) for row in rows] == [["error"]], rows
        return rows[0]["error"]


def _with(files, check):
    bench = _Bench(files)
    try:
        check(bench)
    finally:
        _remove(FOLDER)


def _pieces(rows):
    """The bytes that rows carry, each checked."""
    data, at = b"", rows[0]["at"]
    for row in rows:
        piece = a2b_base64(row["data"])
        assert row["at"] == at + len(data) and row["crc"] == crc32(piece, row["at"]) and len(json.dumps(row)) < 600
        data += piece
    return data


def test_files_are_listed_and_sent():
    files = {"journal/00000001": DATA, "journal/00000200": b"", "profile/q-1": b"abc", "log/log": b"x" * 384}

    def check(bench):
        assert bench.ask("files") == [{"path": path, "size": len(files[path])} for path in ("journal/00000001", "journal/00000200", "profile/q-1", "log/log")]
        assert _pieces(bench.ask("send journal/00000001")) == DATA
        assert _pieces(bench.ask("send journal/00000001 384")) == DATA[384:]
        assert _pieces(bench.ask("send journal/00000001 390 20")) == DATA[390:410]
        assert _pieces(bench.ask("send  journal/00000001  0  5000")) == DATA
        assert bench.ask("send journal/00000001 1000") == bench.ask("send journal/00000001 99999999999999999999") == []
        assert bench.ask("send journal/00000200") == []
        assert len(bench.ask("send log/log")) == 1

    _with(files, check)


def test_nothing_else_is_sent():
    def check(bench):
        escapes = ("config.json", "journal/../config.json", "../config.json", "/etc/passwd", "journal//etc/passwd", "journal/", "journal", "",
                   "journal/..", "journal/.", "journal/.hidden", "log/../../main.py", "./journal/00000001", "JOURNAL/00000001",
                   "journal/00000009", "journal/00000001 -1", "journal/00000001 x", "journal/00000001 0 -5", "journal/00000001 1.5", "journal/folder")  # fmt: skip
        os.mkdir(FOLDER + "/journal/folder")
        for escape in escapes:
            assert "nothing can be sent there" in bench.refused(("send " + escape).strip()), escape
            assert "secret" not in str(bench.said)

    _with({"journal/00000001": DATA, "journal/.hidden": b"?"}, check)


def test_a_dongle_that_keeps_nothing_on_flash():
    def check(bench):
        assert bench.ask("files") == []
        assert bench.ask("save") == [{"saved": True, "next": 1}]

    _with({}, check)


def test_who_it_is_and_its_status():
    def check(bench):
        assert bench.ask("hello 4711") == [{"id": "mb-a1b2c3", "version": "0.1.0", "board": "sim", "boot": 7}]
        assert "".join([row[1:] for row in bench.ask("status")]) == '{"a":1,"b":[2]}'

    _with({}, check)


def test_readings_in_ram():
    def check(bench):
        assert bench.ask("ram") == []
        journal = bench.console.store.journal
        form = bytearray(COUNT)
        form[quantity("power_w")] = 32
        schema, meter = Schema(form), Meter("E1")
        for seq in range(1, 1200):
            journal.append(Reading(meter, seq, 700000000 + 7 * seq * seq, 0, schema, [seq * seq % 5000]))
        rows = bench.ask("ram")
        blocks = [row for row in rows if "block" in row]
        assert len(blocks) == 4 and blocks[0]["block"] == journal.oldest > 1 and blocks[0]["meters"] == ["E1"]
        assert [block["block"] + block["count"] for block in blocks] == [block["block"] for block in blocks[1:]] + [1200]
        data = _pieces([row for row in rows if "at" in row])
        assert sum([block["bytes"] for block in blocks]) == len(data) == journal.bytes_used()
        assert data[: blocks[0]["bytes"]] == bytes(journal.view(journal.first))[: blocks[0]["bytes"]]

    _with({}, check)


def test_saves_after_a_telegram():
    def check(bench):
        bench.ask("save")
        assert bench.done == ["waited for 1", "saved"]

    _with({}, check)


def test_erases_what_is_named_and_says_it():
    def check(bench):
        assert bench.ask("erase readings") == [{"erased": "readings", "files": 3, "bytes": 12288}]
        assert bench.done == ["readings"]
        assert sorted([row["erased"] for row in bench.ask("erase all")]) == ["logs", "profiles", "readings"]
        assert sorted(bench.done[1:]) == ["logs", "profiles", "readings"]
        del bench.done[:]
        for line in ("erase", "erase everything", "erase reading", "erase READINGS"):
            assert bench.refused(line) == "erase what? There are: logs, profiles, readings, all"
        assert bench.done == []

    _with({}, check)


def test_helps_who_types():
    def check(bench):
        bench.ask("help")
        text = "\n".join([line for line in bench.said if line[0] != "\x1e"])
        for word in ("hello", "status", "files", "save", "send PATH", "erase WHAT", "meterbridge export"):
            assert word in text, word
        assert bench.ask(" ") == []
        assert bench.refused("dir") == "no command 'dir': 'help' lists them"
        assert "no command" in bench.refused("{}")

    _with({}, check)


def test_the_code_is_given_back():
    def check(bench):
        bench.ask("help")
        assert not [name for name in sys.modules if name in ("bridge.serve.console_commands", "bridge.serve.console_help")]

    _with({}, check)


def test_a_line_that_is_too_long_is_refused_whole():
    def check(bench):
        asyncio.run(bench.console.take(b"erase all" + b" " * 120))
        assert bench.done == [] and json.loads(bench.said[0][1:])["error"]

    _with({}, check)


if ON_MICROPYTHON:
    import io

    from bridge.serve import console as module

    class _Typed(io.IOBase):
        """A stream of bytes that ends after them, or fails."""

        def __init__(self, data, fails):
            self.data = data
            self.fails = fails
            self.buffer = self
            self.reads = 0

        def ioctl(self, request, argument):
            return argument & 1 if request == 3 else -22

        def read(self, count):
            assert count == 1, "more would block on the ESP32"
            self.reads += 1
            if not self.data and self.fails:
                raise OSError(5)
            piece = self.data[:1]
            self.data = self.data[1:]
            return piece

    class _System:
        pass

    def _type(data, fails=False):
        """The lines that are taken of what comes in, and the stream."""
        lines = []
        bench = _Bench({})

        async def take(line):
            lines.append(line)

        bench.console.take = take
        stream = _Typed(data, fails)
        real = module.sys
        module.sys = _System()
        module.sys.stdin = stream

        async def some_time():
            task = asyncio.create_task(bench.console.run())
            count = len(stream.data)
            while stream.reads <= count:
                await asyncio.sleep_ms(1)
            await asyncio.sleep_ms(5)
            assert not task.done(), "it waits for ever"
            task.cancel()

        try:
            asyncio.run(some_time())
        finally:
            module.sys = real
            _remove(FOLDER)
        return lines, stream

    def test_lines_come_out_of_what_is_typed():
        assert _type(b"hello\r\nstatus\rfiles\n\n\r\n")[0] == [b"hello", b"status", b"files"]
        assert _type(b"\b\x7fhelx\blo\x7fo\n")[0] == [b"hello"]

    def test_noise_is_no_line():
        noise = bytes([at for at in range(256) if at not in (10, 13)])
        assert _type(noise + b"\nhello\n\x04\nhello\x04\n\x1e{}\nstatus\n")[0] == [b"hello", b"status"]
        lines, _ = _type(b"x" * 3000 + b"\nhello\n")
        assert len(lines[0]) == 129 and lines[1] == b"hello"

    def test_an_end_is_waited_at():
        for fails in (False, True):
            lines, stream = _type(b"hello\nfil", fails)
            assert lines == [b"hello"] and stream.reads == 10
