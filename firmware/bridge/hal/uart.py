"""The meter's UART: board data and line settings in, an open machine.UART out (bytes)."""

from machine import UART, Pin
from micropython import const

_RXBUF = const(4096)  # 355 ms at 115200 baud, and a TLS handshake blocks the loop in pieces of about that; the default is 22 ms
# Where the sending side goes on a board that has none: MicroPython would otherwise take GPIO 10 for UART 1, which is the flash on an
# ESP32 and an input on some boards. The C3, S2 and S3 drive this pin themselves at each start.
_IDLE_TX = {"esp32": 17, "esp32c3": 21, "esp32s2": 43, "esp32s3": 43}


def open_uart(board, line) -> UART:
    """Opens the board's UART with `line` (baud, bits, parity, stop, inverted). OSError when the board data names none."""
    wired = board.uart
    if wired is None:
        raise OSError("the board's data names no UART: " + "; ".join(board.problems))
    tx = wired["tx"] if wired["tx"] is not None else _IDLE_TX.get(board.chip)
    if tx is None:
        raise OSError("the board's data names neither a tx pin nor a known chip")
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


def set_line(uart, line) -> None:
    """Changes the settings of an open UART; bytes that wait in it are lost."""
    invert = UART.INV_RX if line.inverted else 0
    uart.init(line.baud, bits=line.bits, parity=line.parity, stop=line.stop, timeout=0, invert=invert)


def request_data(board, on: bool = True) -> None:
    """Drives a P1 port's Data Request through the board's transistor, where the board has one."""
    if board.request_pin is not None:
        Pin(board.request_pin, Pin.OUT, value=1 if on else 0)
