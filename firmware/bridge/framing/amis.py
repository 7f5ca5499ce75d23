"""Netz OÖ's AMIS meters (Siemens TD-351x): bytes of the IR head in, Frames from the C field to the last data byte out, sum8 verified.

    10 40 F0 30 16                            is somebody there? each minute; wants E5 within half a second
    68 L L 68 C A 5B ID.. data.. sum 16       values, each second; ten of them without E5 and the meter asks again

The meter is an M-Bus master that speaks to us. `reply` is what it waits for: E5, after a question or a good telegram and at no other time.
"""

from micropython import const

from bridge.framing.mbus import MbusFramer

_ASKS = b"\x10\x40\xf0\x30\x16"  # SND_NKE, a short frame: its sum is in it
_ASKS_LENGTH = const(5)


class AmisFramer(MbusFramer):
    """See Framer and its `reply`. A frame's payload is C, A, CI and the data: decoding/amis.py says which."""

    PROTOCOL = "amis"
    _IDLE = b"\xe5"  # a head may hear its own light
    _MASK = 0xFF
    _CI = 0x5B
    _KEEP = 4

    def _start_joining(self) -> None:
        """Nothing is joined: each telegram is one link frame."""

    def _search(self) -> int:
        # A telegram that was cut must not swallow the question: that comes once a minute, the rest only after its answer.
        count = self._count
        while True:
            at = self._buffer.find(_ASKS, self._origin, count)
            if at < 0:
                return super()._search()
            self._count = at
            end = super()._search()
            self._count = count
            if end >= 0:
                return end
            self._drop(at)
            self._origin = self._scan = at + _ASKS_LENGTH
            self.reply = b"\xe5"

    def _link(self, at: int, end: int) -> bool:
        self._give(at + 4, end - 2, "sum8")
        self.reply = b"\xe5"
        return True
