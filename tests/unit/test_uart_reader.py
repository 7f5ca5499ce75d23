"""The receiving task on streams made for it. Needs MicroPython's asyncio: under CPython there is nothing to run here."""

import sys

ON_MICROPYTHON = sys.implementation.name == "micropython"

if ON_MICROPYTHON:
    import asyncio
    import io
    import time

    from bridge.uart.reader import Reader

    _POLL = 3
    _EINVAL = 22

    class Stream(io.IOBase):
        """Hands out `pieces` one by one, each `gap_ms` after the one before; then is silent, ends, or fails."""

        def __init__(self, pieces, gap_ms=0, then="silence"):
            self.pieces = list(pieces)
            self.gap_ms = gap_ms
            self.then = then
            self.at = time.ticks_ms()
            self.reads = 0

        def _ready(self):
            if not self.pieces:
                return self.then != "silence"
            return time.ticks_diff(time.ticks_ms(), self.at) >= 0

        def any(self):
            return len(self.pieces[0] or b"") if self.pieces and self._ready() else 0

        def ioctl(self, request, argument):
            return argument & 1 if request == _POLL and self._ready() else 0 if request == _POLL else -_EINVAL

        def readinto(self, buffer):
            self.reads += 1
            if not self.pieces:
                if self.then == "failure":
                    raise OSError(5)
                return 0 if self.then == "end" else None
            piece = self.pieces.pop(0)
            if piece is None:
                return None  # woken for nothing
            n = min(len(piece), len(buffer))
            buffer[:n] = piece[:n]
            if n < len(piece):
                self.pieces.insert(0, piece[n:])
            self.at = time.ticks_ms() + self.gap_ms
            return n

    class Sink:
        def __init__(self):
            self.data = b""
            self.ticks = []
            self.sizes = []
            self.beats = 0

        def feed(self, chunk, tick):
            self.data += bytes(chunk)
            self.sizes.append(len(chunk))
            self.ticks.append(tick)

        def beat(self):
            self.beats += 1

    async def _for(reader, ms):
        task = asyncio.create_task(reader.run())
        await asyncio.sleep_ms(ms)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass

    def _run(pieces, gap_ms=0, then="end"):
        sink = Sink()
        reader = Reader(Stream(pieces, gap_ms, then), sink.feed, sink.beat)
        asyncio.run(reader.run())
        return sink, reader

    def test_all_bytes_arrive_in_order_with_their_time():
        start = time.ticks_ms()
        sink, reader = _run([b"abc", b"d", bytes(range(256)) * 5, b"end"])
        assert sink.data == b"abcd" + bytes(range(256)) * 5 + b"end"
        assert reader.received_bytes == len(sink.data)
        assert reader.chunks == len(sink.sizes)
        assert max(sink.sizes) <= 512  # the buffer's size
        assert all(0 <= time.ticks_diff(tick, start) < 5000 for tick in sink.ticks)

    def test_buffer_is_the_same_for_every_chunk():
        seen = []

        def feed(chunk, tick):
            seen.append(chunk)

        reader = Reader(Stream([b"aaaa", b"bb"], 0, "end"), feed, Sink().beat)
        asyncio.run(reader.run())
        assert bytes(seen[0]) == b"bbaa"  # the view of the first chunk shows what came later: nobody may keep it

    def test_end_of_stream_ends_the_task():
        sink, reader = _run([])
        assert reader.received_bytes == 0 and sink.sizes == []

    def test_failure_of_the_stream_is_raised():
        sink = Sink()
        try:
            asyncio.run(Reader(Stream([b"x"], 0, "failure"), sink.feed, sink.beat).run())
        except OSError:
            assert sink.data == b"x"
        else:
            assert False

    def test_woken_for_nothing_does_no_harm():
        sink, _ = _run([None, b"a", None, None, b"b"])
        assert sink.data == b"ab"

    def test_silent_line_is_alive_and_does_not_spin():
        sink = Sink()
        stream = Stream([b"hello"])
        asyncio.run(_for(Reader(stream, sink.feed, sink.beat), 2300))
        assert sink.beats == 3  # at once, after one second, after two
        assert stream.reads == 1

    def test_bytes_that_nobody_fetches_are_no_sign_of_life():
        class Deaf(Stream):
            def ioctl(self, request, argument):
                return 0 if request == _POLL else -_EINVAL

        sink = Sink()
        asyncio.run(_for(Reader(Deaf([b"waiting"]), sink.feed, sink.beat), 4300))
        assert 1 <= sink.beats <= 3, sink.beats

    def test_others_get_their_turn_while_the_line_is_busy():
        turns = []

        async def other():
            while True:
                turns.append(1)
                await asyncio.sleep_ms(0)

        async def main():
            task = asyncio.create_task(other())
            await Reader(Stream([b"x" * 512] * 50, 0, "end"), sink.feed, sink.beat).run()
            task.cancel()

        sink = Sink()
        asyncio.run(main())
        assert len(sink.data) == 50 * 512 and len(turns) >= 50

    def test_cancelled_reader_can_be_started_again():
        sink = Sink()
        stream = Stream([b"one"])
        reader = Reader(stream, sink.feed, sink.beat)
        asyncio.run(_for(reader, 50))
        stream.pieces.append(b"two")
        asyncio.run(_for(reader, 50))
        assert sink.data == b"onetwo"
