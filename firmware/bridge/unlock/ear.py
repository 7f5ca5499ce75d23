"""What the verdict is told of each telegram: registers on their way to a Builder in; the scaler of 1.8.0, whether there is a power, octets out."""

from micropython import const

_ELECTRICITY = const(0x100)  # A-B of 1-0
_COUNTER = const(0x10800)  # 1.8.0; its tariffs follow
_TARIFFS = const(4)
_POWERS = b"\x01\x0f\x10\x24"  # C of the powers that a locked meter does not send
_NOW = const(7)  # D of a momentary value


class Ear:
    """In the place of `builder`, to which all goes on; `tell(scaler, power, length)` is called for each good telegram."""

    def __init__(self, builder, tell):
        self.builder = builder
        self.values = builder.values
        self._tell = tell
        self._scaler = None
        self._power = False
        self._length = 0

    def begin(self, frame=None) -> None:
        """A new telegram."""
        self._scaler = None
        self._power = False
        self._length = frame.end - frame.start if frame else 0
        self.builder.begin(frame)

    def add(self, register) -> None:
        """A register of it."""
        cde = register.cde
        if register.ab == _ELECTRICITY and register.value is not None:
            if 0 <= cde - _COUNTER <= _TARIFFS:
                self._scaler = register.scaler
            elif cde >> 8 & 255 == _NOW and cde >> 16 in _POWERS:
                self._power = True
        self.builder.add(register)

    def finish(self, seq: int, now: int, source: int):
        """Its end."""
        self._tell(self._scaler, self._power, self._length)
        return self.builder.finish(seq, now, source)
