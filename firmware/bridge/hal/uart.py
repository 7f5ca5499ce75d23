"""The meter's UART: board data and line settings in, an open machine.UART out (bytes), its settings changed while it is open.

Where the board's data names no usable UART, a line that is silent for ever: the rest of the device starts and can say so.
"""

import io

from machine import UART, Pin
from micropython import const

_RXBUF = const(4096)  # 355 ms at 115200 baud, and a TLS handshake blocks the loop in pieces of about that; the default is 22 ms
_POLL = const(3)  # MP_STREAM_POLL
_EINVAL = const(22)
# Where the sending side goes on a board that has none: MicroPython would otherwise take GPIO 10 for UART 1, which is the flash on an
# ESP32 and an input on some boards. The C3, S2 and S3 drive this pin themselves at each start.
_IDLE_TX = {"esp32": 17, "esp32c3": 21, "esp32s2": 43, "esp32s3": 43}


class NoLine(io.IOBase):
    """A stream on which nothing ever comes."""

    def any(self) -> int:
        return 0

    def init(self, *settings, **options) -> None:
        pass

    def write(self, data) -> int:
        return len(data)

    def readinto(self, buffer, n: int = -1):
        return None

    def ioctl(self, request: int, argument: int) -> int:
        return 0 if request == _POLL else -_EINVAL


class Port:
    """The open line of a board: `stream`, and what can be done with it while it is open. `mute`: a meter cannot be asked."""

    def __init__(self, board, line):
        self.stream = open_uart(board, line)
        self.line = line
        self.wired = wired = board.uart
        self.mute = wired is None or wired["tx"] is None
        self.light = light = board.light
        if light:  # dark
            Pin(light["pin"], Pin.OUT, value=1 if light.get("active_low") else 0)

    def set_line(self, line) -> None:
        """Other line settings; the pins and the buffer stay."""
        self.line = line
        self.stream.init(line.baud, bits=line.bits, parity=line.parity, stop=line.stop, timeout=0, invert=UART.INV_RX if line.inverted else 0)

    def shine(self, pulses, stop):
        """Plays pulses of light (a coroutine); False when `stop` (an Event) was set meanwhile."""
        from bridge.hal.lamp import shine

        return shine(self, pulses, stop)

    def at_rest(self):
        """Whether the line is as between telegrams (True), or held (False); None where there is none, or nobody knows which way round it is."""
        wired = self.wired
        if wired is None or wired.get("inverted") is None:
            return None
        return Pin(wired["rx"]).value() != wired["inverted"]


def open_uart(board, line):
    """Opens the board's UART with `line` (baud, bits, parity, stop, inverted); what prevents that becomes one of board.problems."""
    wired = board.uart
    if wired is None:
        return NoLine()
    tx = wired["tx"] if wired["tx"] is not None else _IDLE_TX.get(board.chip)
    if tx is None:
        board.problems.append("board.json: uart.tx must be known where the chip is not")
        return NoLine()
    try:
        return UART(
            wired["id"],
            line.baud,
            bits=line.bits,
            parity=line.parity,
            stop=line.stop,
            rx=wired["rx"],
            tx=tx,
            rxbuf=_RXBUF,
            timeout=0,
            invert=UART.INV_RX if line.inverted else 0,
        )
    except (ValueError, OSError) as error:
        board.problems.append("board.json: uart cannot be used: %s" % error)
        return NoLine()


def request_data(board, on: bool = True) -> None:
    """Drives a P1 port's Data Request through the board's transistor, where the board has one."""
    if board.request_pin is None:
        return
    try:
        Pin(board.request_pin, Pin.OUT, value=1 if on else 0)
    except ValueError as error:
        board.problems.append("board.json: request_pin cannot be used: %s" % error)
