"""Sub-meters on M-Bus channels of a P1 meter: registers 0-n:... in, values in the slots of their quantities and ids out.

What a channel carries is told by its device type (0-n:24.1.0), never by its number; lines come in any order, so values wait
until the telegram is whole. Of two meters of one kind the one with the newest time counts: after an exchange the old
channel stays, with a stale value. Where both live they do not take turns: one that stood behind has to be _RETURN_S newer.
A value of 0 before any other is none: a meter that starts sends it until it has heard of the sub-meter.
"""

from micropython import const

from bridge.reading.timestamp import digits, utc
from bridge.reading.plausibility import absurd

CHANNELS = const(4)  # a P1 meter has four
_TYPE = const(24 << 16 | 1 << 8)
_VALUE = const(24 << 16 | 2 << 8 | 1)
_VALUE_BE = const(24 << 16 | 2 << 8 | 3)  # gas in Belgium, not temperature corrected
_VALUE_V3 = const(24 << 16 | 3 << 8)  # DSMR 2 and 3
_VALVE = const(24 << 16 | 4 << 8)
_ID = const(96 << 16 | 1 << 8)
_GAS = const(3)
_MAX_DIGITS = const(3)  # of a device type
_ZERO = const(32)  # EXPONENT_ZERO
_TEXTS = const(16)  # keys of the channels' ids in Texts: two each, from here on
_VALVE_SLOT = const(53)
_GAS_TIME = const(55)  # slot of gas_time: others follow it
_RETURN_S = const(7200)  # meters of gas and water are heard every 5 to 60 minutes


class _Channel:
    """What one telegram says of one channel, and the time and type that were already understood."""

    def __init__(self):
        self.stamp = self.type_text = b""
        self.stamp_utc = None
        self.known_type = self.type = self.unit = self.exponent = 0
        self.value = self.valve = self.time = None
        self.left = 0  # seconds by which it has to be newer than the others


class Submeters:
    """`rows`: the table of obis_tables; `texts`: a Texts that keeps ids; `values`: the builder's Values; `careful`: as there.

    `ids`: the id of the sub-meter that each quantity is of; `changed` until somebody lowers it.
    """

    def __init__(self, rows: dict, texts, values, careful: bool):
        self._rows = rows
        self._texts = texts
        self._values = values
        self._careful = careful
        self.channels = []
        self._valued = 0  # values in this telegram
        self.ids = {}
        self.changed = False

    def begin(self) -> None:
        """A new telegram: what the one before said of the channels is no more, but for what was understood."""
        self._valued = 0
        for channel in self.channels:
            channel.type = 0
            channel.value = channel.valve = channel.time = None

    def add(self, register) -> None:
        """Takes a register with A = 0 and B = 1..CHANNELS."""
        number = register.ab
        while len(self.channels) < number:
            self.channels.append(_Channel())
        channel = self.channels[number - 1]
        cde = register.cde
        value = register.value
        if cde == _VALUE or cde == _VALUE_BE or cde == _VALUE_V3:
            if isinstance(value, int):
                self._take_value(channel, register)
            elif len(value):  # an empty value is none, not a wrong one
                self._values.ignored += 1
        elif cde == _TYPE:
            if channel.type_text != value:
                channel.type_text = value if isinstance(value, int) else bytes(value)
                channel.known_type = self._number(value)
            channel.type = channel.known_type
        elif cde == _VALVE:
            channel.valve = self._number(value)
        elif cde | 1 == _ID | 1 and not isinstance(value, int):
            self._texts.put(_TEXTS + 2 * number + (cde & 1), value)

    def forget(self) -> None:
        """Another meter speaks: its sub-meters need not be those of the one before."""
        self.ids.clear()
        self.changed = True

    def resolve(self) -> None:
        """The telegram is whole: puts what the channels have into the values."""
        values = self._values
        number = 0
        for channel in self.channels:
            number += 1
            row = self._rows.get(5 << 24 | channel.type)
            if channel.valve is not None and channel.type == _GAS:
                values.put(_VALVE_SLOT, channel.valve, _ZERO)
            if channel.value is None:
                continue
            if row is None or channel.unit != row >> 16:
                values.ignored += 1
                continue
            channel.left = _RETURN_S if self._valued > 1 and self._is_stale(channel, row) else 0
            if not channel.left:
                self._put(channel, row, self._texts.get(_TEXTS + 2 * number, _TEXTS + 2 * number + 2))

    def _put(self, channel: _Channel, row: int, id: str) -> None:
        values = self._values
        quantity = row & 255
        exponent = channel.exponent + (row >> 8 & 15)
        if absurd(quantity, channel.value, exponent):
            values.ignored += 1
            return
        if self._careful and not channel.value and not values.exponent[quantity]:
            return
        values.put(quantity, channel.value, exponent)
        if channel.time is not None:
            values.put(_GAS_TIME + (row >> 12 & 15), channel.time, _ZERO)
        if id and self.ids.get(quantity) != id:
            if quantity in self.ids:
                values.accept(quantity)
            self.ids[quantity] = id
            self.changed = True

    def _is_stale(self, channel: _Channel, row: int) -> bool:
        """Whether another channel of the same kind has a newer value, or an equal one further up."""
        before = True
        for other in self.channels:
            if other is channel:
                before = False
            elif other.value is not None and self._rows.get(5 << 24 | other.type) == row:
                newer = (other.time or 0) - other.left - (channel.time or 0) + channel.left
                if newer > 0 or before and not newer:
                    return True
        return False

    def _take_value(self, channel: _Channel, register) -> None:
        time = register.time
        if time is not None:
            if channel.stamp != time:
                channel.stamp = time if isinstance(time, int) else bytes(time)
                channel.stamp_utc = utc(time)
            channel.time = channel.stamp_utc
            if channel.time is None:
                return  # stamp unset: the meter has not heard of this sub-meter yet
        self._valued += 1
        channel.value = register.value
        channel.unit = register.unit & 0xFEFF
        channel.exponent = register.scaler + _ZERO + (3 if register.unit & 0x100 else 0)
        if register.cde == _VALUE_BE and not channel.type:
            channel.type = _GAS

    def _number(self, value) -> int:
        """A device type or a valve's state, 0 when it is none."""
        if isinstance(value, int):
            return value
        try:
            return digits(value, 0, len(value)) if 0 < len(value) <= _MAX_DIGITS else 0
        except ValueError:
            self._values.ignored += 1
            return 0
