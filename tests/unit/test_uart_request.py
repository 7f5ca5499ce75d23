"""Asking a meter: who says what at which speed and when, against a meter written from the standard, in made-up time."""

import bridge.uart.request as module
from bridge.framing.d0 import D0Framer
from bridge.uart.request import Request


class Stopped(Exception):
    """The test's time is over; stands for a cancelled task."""


class Meter:
    """Mode C: answers `/?!` at `first` baud after `reaction` ms, then sends at the speed that is chosen, or unasked at the first one."""

    def __init__(self, head, block, first=300, speeds=True, reaction=200):
        self.head = head
        self.block = block
        self.first = first
        self.speeds = speeds
        self.reaction = reaction
        self.now = 0  # ms
        self.line = 0  # the reader's baud
        self.free = 0  # when all that was written is out
        self.out = []  # (when, baud, byte)
        self.lines = []
        self.written = []
        self.received = 0
        self.framer = D0Framer()
        self.frames = []
        self.waits = False

    def set_line(self, text):
        baud, form = text.split(" ")
        assert form == "7E1" and self.now >= self.free, "the line changed while bytes went out"
        self.line = int(baud)
        self.lines.append((self.now, self.line))

    def write(self, data):
        self.written.append((self.now, bytes(data)))
        self.free = self.now + len(data) * 10000 // self.line
        if self.line != self.first:
            return
        if data == b"/?!\r\n":
            self.say(self.free + self.reaction, self.first, self.head)
            self.waits = True
            if not self.speeds:
                self.say(self.out[-1][0] + 2000, self.first, self.block)
        elif self.waits and data[:2] == b"\x060" and data[3:] == b"0\r\n":
            self.waits = False
            assert 0 < self.now - self.out_end < 1500
            self.say(self.free + self.reaction, (300, 600, 1200, 2400, 4800, 9600, 19200)[data[2] - 48], self.block)

    def say(self, at, baud, data):
        for n in range(len(data)):
            self.out.append((at + (n + 1) * 10000 // baud, baud, data[n : n + 1]))
        self.out_end = self.out[-1][0]

    def pass_time(self, ms):
        self.now += ms
        while self.out and self.out[0][0] <= self.now:
            _, baud, byte = self.out.pop(0)
            self.received += 1
            self.framer.feed(byte if baud == self.line else b"\x00\x7f")
            frame = self.framer.take()
            if frame is not None:
                self.frames.append((bytes(frame.payload), frame.checksum))


class Time:
    """Stands where the module has asyncio."""

    def __init__(self, meter, until):
        self.meter = meter
        self.until = until

    async def sleep_ms(self, ms):
        self.meter.pass_time(ms)
        if self.meter.now >= self.until:
            raise Stopped


def run(meter, until_ms, **options):
    request = Request(meter.write, meter.set_line, meter.framer, lambda: meter.received, **options)
    kept = module.asyncio
    module.asyncio = Time(meter, until_ms)
    try:
        request.run().send(None)
    except Stopped:
        pass
    finally:
        module.asyncio = kept
    return request


def block(text=b"0.0.0(12345678)\r\n1.8.0(001234.5*kWh)\r\n!\r\n"):
    check = 0
    for octet in text + b"\x03":
        check ^= octet
    return b"\x02" + text + b"\x03" + bytes((check,))


def test_changes_to_the_speed_that_the_meter_proposes():
    meter = Meter(b"/LGZ5\\2ZMF100AC.M26\r\n", block())
    request = run(meter, 29000)
    assert [data for _, data in meter.written] == [b"/?!\r\n", b"\x06050\r\n"]
    assert meter.frames == [(b"/LGZ5\\2ZMF100AC.M26\r\n\n0.0.0(12345678)\r\n1.8.0(001234.5*kWh)\r\n!", "bcc")]
    assert [line for _, line in meter.lines] == [300, 9600, 300]
    assert request.requests == request.answers == 1


def test_asks_every_poll_and_is_back_at_its_speed():
    meter = Meter(b"/ISk5MT174-0001\r\n", block(), reaction=25)
    request = run(meter, 62000, poll_s=15)
    asked = [at for at, data in meter.written if data[:1] == b"/"]
    assert asked == [0, 15000, 30000, 45000, 60000]
    assert len(meter.frames) == request.answers == 5
    assert meter.lines[-1][1] == 300


def test_a_meter_that_hears_no_choice_sends_slowly():
    meter = Meter(b"/EMH4 LZQJ\r\n".replace(b"4", b" "), block(), speeds=False)
    run(meter, 20000)
    # No speed in the identification: it is none, and the block is taken as it comes.
    assert [data for _, data in meter.written] == [b"/?!\r\n"]
    assert len(meter.frames) == 1 and meter.lines == [(0, 300), (meter.lines[-1][0], 300)]


def test_a_meter_of_mode_b_changes_by_itself():
    meter = Meter(b"/ABCE123\r\n", b"", speeds=True)
    run(meter, 8000)
    assert [data for _, data in meter.written] == [b"/?!\r\n"]
    assert [line for _, line in meter.lines] == [300, 9600, 300]


def test_asks_at_9600():
    meter = Meter(b"/LOG5LK13BD000000\r\n", block(), first=9600)
    request = run(meter, 31000, baud=9600, poll_s=10)
    assert len(meter.frames) == request.answers == 4
    assert {line for _, line in meter.lines} == {9600}


def test_silence_is_asked_again():
    meter = Meter(b"/LGZ5\r\n", block(), first=1)
    request = run(meter, 65000)
    assert request.requests == 3 and not request.answers
    assert [at for at, _ in meter.written] == [0, 30000, 60000]


def test_a_damaged_block_is_not_waited_for():
    bad = bytearray(block())
    bad[10] ^= 1
    meter = Meter(b"/LGZ6\r\n", bytes(bad))
    run(meter, 29000)
    assert not meter.frames and meter.framer.crc_errors == 1
    assert meter.lines[-1][0] < 3000


def test_every_request_starts_anew_after_a_cut():
    meter = Meter(b"/LGZ4ZMD\r\n", block()[:30])
    request = run(meter, 35000, poll_s=10)
    assert request.requests == 4 and request.answers == 4 and not meter.frames
    meter.block = block()
    run(meter, 65000, poll_s=10)
    assert len(meter.frames) >= 2


def test_a_cancelled_task_leaves_the_line_for_requests():
    meter = Meter(b"/LGZ5ZMD\r\n", block() * 20)
    run(meter, 1500)
    assert meter.lines[-1][1] == 300
