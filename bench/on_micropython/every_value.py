"""From bytes to all values, as a library would be used: telegrams in, registers as tuples out. Runs on MicroPython and on CPython.

    every_value.py PROTOCOL FILE ROUNDS     prints the number of values, and microseconds of the processor per telegram, of the fastest round
"""

import sys

from bridge.decoding.security import Security
from bridge.pipeline import PROTOCOLS

TURNS = 200  # over all telegrams in a round: the clock of the processor counts milliseconds here


def _find(module: str, name: str):
    return getattr(__import__(module, None, None, (name,)), name)


class Reader:
    """A framer and a decoder; `read` gives what a telegram says."""

    def __init__(self, protocol: str, keys: tuple):
        framing, framer, decoding, decoder = PROTOCOLS[protocol]
        self._framer = _find(framing, framer)()
        if decoder:
            self._decode = _find(decoding, decoder)(Security(keys[0], keys[1], False), None).decode
        else:
            self._decode = _find(decoding, "decode")
        self._emit = self._take
        self._values = []

    def _take(self, register) -> None:
        value = register.value
        if not isinstance(value, int):
            value = bytes(value)
        self._values.append((register.ab, register.cde, value, register.scaler, register.unit))

    def read(self, telegram) -> list:
        """[(A-B, C.D.E, value, scaler, unit), ..]"""
        self._values = []
        used = 0
        while used < len(telegram):
            used += self._framer.feed(telegram, used)
            frame = self._framer.take()
            if frame is not None:
                self._decode(frame, self._emit)
        return self._values


def main(protocol: str, path: str, rounds: int) -> None:
    import parts
    import time

    telegrams = parts.telegrams(path)
    reader = Reader(protocol, parts.keys(path))
    count = sum([len(reader.read(telegram)) for telegram in telegrams])
    best = 1e9
    for _ in range(rounds):
        begin = time.clock()
        for _ in range(TURNS):
            for telegram in telegrams:
                reader.read(telegram)
        best = min(best, time.clock() - begin)
    print(count, best * 1e6 / len(telegrams) / TURNS)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
