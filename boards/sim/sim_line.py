"""What a UART reads when its line settings are not the sender's: bytes and both settings in, the bytes that its sampling makes out.

The sender's bytes become levels on a wire, one list item per bit time; the receiver waits for a falling edge and samples in the
middle of its own bit times. Wrong baud rate, inversion, data bits or parity all follow from that; framing and parity errors
are not reported, as on the ESP32. A meter is stricter: what has such an error it does not take (`strict`).
"""


class Line:
    """Settings of one side: `baud`, `bits` 5..8, `parity` None, 0 (even) or 1 (odd), `stop` 1 or 2, `inverted`."""

    def __init__(self, baud, bits, parity, stop, inverted):
        self.baud = baud
        self.bits = bits
        self.parity = parity
        self.stop = stop
        self.inverted = inverted

    def reads(self, sender) -> bool:
        """True when this side reads every byte of `sender` as it was sent (stop bits do not matter to a reader)."""
        return (self.baud, self.bits, self.parity, self.inverted) == (sender.baud, sender.bits, sender.parity, sender.inverted)


def levels(data, line: Line) -> list:
    """The wire for `data`, 0 or 1 per bit time of the sender, as seen without inversion."""
    wire = []
    for byte in data:
        wire.append(0)
        ones = 0
        for bit in range(line.bits):
            level = byte >> bit & 1
            ones += level
            wire.append(level)
        if line.parity is not None:
            wire.append(ones & 1 ^ line.parity)
        for _ in range(line.stop):
            wire.append(1)
    return wire


def misread(data, sender: Line, reader: Line, strict: bool = False) -> bytes:
    """`data` as `reader` gets it; `strict`: without the bytes whose parity or stop bit is wrong."""
    wire = levels(data, sender)
    idle = 1
    if sender.inverted != reader.inverted:
        idle = 0
        wire = [1 - level for level in wire]
    end = len(wire)
    out = bytearray()
    frame = 1 + reader.bits + (reader.parity is not None)  # bit times of the reader from the edge to its stop bit
    here = 0
    while here < end:
        before = wire[here - 1] if here else idle
        if not (before and not wire[here]):
            here += 1
            continue
        byte = ones = 0
        for bit in range(frame):  # data, then parity if there is one, then stop
            at = here + (2 * bit + 3) * sender.baud // (2 * reader.baud)  # the middle of that bit
            level = wire[at] if at < end else idle
            if bit < reader.bits:
                byte |= level << bit
            if bit < frame - 1:
                ones += level
        if not strict or level and (reader.parity is None or ones & 1 == reader.parity):
            out.append(byte)
        here += max(1, (2 * frame + 1) * sender.baud // (2 * reader.baud))
    return bytes(out)
