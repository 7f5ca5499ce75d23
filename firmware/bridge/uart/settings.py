"""Line settings: text such as "115200 8N1 inverted" in, LineSettings (baud, data bits, parity, stop bits, inversion) out, and back."""

from micropython import const

_BAUD_MIN = const(300)  # the slowest meter speaks D0 at 300
_BAUD_MAX = const(2000000)  # the Belgian S1 port, the fastest of all
_TEXT_MAX = const(32)  # the longest valid text has 21 characters
_BITS = "5678"
_PARITY = "NEO"  # none, even, odd
_STOP = "12"
_INVERTED = "inverted"


class LineSettings:
    """`baud` in bit/s; `bits` 5..8; `parity` None, 0 (even) or 1 (odd), as machine.UART takes it; `stop` 1 or 2; `inverted` bool."""

    def __init__(self, baud: int = 115200, bits: int = 8, parity=None, stop: int = 1, inverted: bool = False):
        self.baud = baud
        self.bits = bits
        self.parity = parity
        self.stop = stop
        self.inverted = inverted

    def text(self) -> str:
        """The form that `parse` takes: "9600 7E1", "115200 8N1 inverted"."""
        letter = "N" if self.parity is None else _PARITY[1 + self.parity]
        return "%d %d%s%d%s" % (self.baud, self.bits, letter, self.stop, " " + _INVERTED if self.inverted else "")

    def __eq__(self, other):
        return isinstance(other, LineSettings) and self.text() == other.text()

    def __hash__(self):
        return hash(self.text())


def parse(text: str) -> LineSettings:
    """Reads "<baud> <bits><N|E|O><stop>[ inverted]"; case and further spaces do not matter. ValueError says what is wrong."""
    words = text.split() if len(text) <= _TEXT_MAX else ()
    if not 2 <= len(words) <= 3:
        raise ValueError('a line is written like "115200 8N1" or "115200 8N1 inverted"')
    if not _digits(words[0]) or not _BAUD_MIN <= int(words[0]) <= _BAUD_MAX:
        raise ValueError("the baud rate is a number from %d to %d" % (_BAUD_MIN, _BAUD_MAX))
    form = words[1].upper()
    if len(form) != 3 or form[0] not in _BITS or form[1] not in _PARITY or form[2] not in _STOP:
        raise ValueError("the second word is data bits 5-8, parity N, E or O, stop bits 1-2, such as 8N1")
    if len(words) == 3 and words[2].lower() != _INVERTED:
        raise ValueError('the third word can only be "inverted"')
    parity = _PARITY.find(form[1]) - 1
    return LineSettings(int(words[0]), int(form[0]), None if parity < 0 else parity, int(form[2]), len(words) == 3)


def _digits(word: str) -> bool:
    for letter in word:
        if letter not in "0123456789":
            return False
    return True
