"""CRC-16 of bytes in a buffer: range and running state in, running state out. Parameters: see protocols' check values in the tests.

ARC (DSMR P1): polynomial 0x8005, start 0. X-25 (SML, HDLC): 0x1021, start 0xFFFF, the sender inverts the result.
KERMIT (some SML meters): as X-25 with start 0, not inverted. All reflected; 256 words of table each for speed.
"""

from array import array

from micropython import const

from bridge.framing.octets import reflected

X25_START = const(0xFFFF)  # running state before the first byte
X25_INVERT = const(0xFFFF)  # exclusive-or of the running state gives the checksum
_ARC = const(0xA001)  # polynomials, reflected
_CCITT = const(0x8408)
_tables = {}  # of the polynomials that were used


def table(polynomial: int) -> array:
    """The 256 words of a reflected polynomial, made when first asked for."""
    words = _tables.get(polynomial)
    if words is None:
        words = _tables[polynomial] = array("H", bytes(512))
        for octet in range(256):
            crc = octet
            for _ in range(8):
                crc = crc >> 1 ^ polynomial if crc & 1 else crc >> 1
            words[octet] = crc
    return words


def crc16_arc(buffer, start: int, end: int, crc: int = 0) -> int:
    """CRC-16/ARC of buffer[start:end]; give the last result as `crc` to go on."""
    return reflected(buffer, start, end, crc, table(_ARC))


def crc16_x25(buffer, start: int, end: int, crc: int = X25_START) -> int:
    """Running state of CRC-16/X-25 over buffer[start:end]: the checksum is the state ^ X25_INVERT.

    With `crc` 0 at the start and no inversion it is CRC-16/KERMIT.
    """
    return reflected(buffer, start, end, crc, table(_CCITT))
