"""Sub-meters on M-Bus channels of a P1 meter: registers 0-n:... in, values in the slots of their quantities and ids out.

What a channel carries is told by its device type (0-n:24.1.0), never by its number; lines come in any order, so values wait
until the telegram is whole. Of two meters of one kind the one with the newest time counts: after an exchange the old
channel stays, with a stale value.
"""

from micropython import const

from bridge.reading.obis_tables import slot, submeter_table
from bridge.reading.plausibility import absurd
from bridge.reading.reading import EXPONENT_ZERO
from bridge.reading.texts import Interned
from bridge.reading.timestamp import digits, utc

CHANNELS = const(4)  # a P1 meter has four
_TYPE = const(24 << 16 | 1 << 8)
_VALUE = const(24 << 16 | 2 << 8 | 1)
_VALUE_BE = const(24 << 16 | 2 << 8 | 3)  # gas in Belgium, not temperature corrected
_VALUE_V3 = const(24 << 16 | 3 << 8)  # DSMR 2 and 3
_VALVE = const(24 << 16 | 4 << 8)
_ID = const(96 << 16 | 1 << 8)
_ID_2 = const(96 << 16 | 1 << 8 | 1)
_GAS = const(3)
_MAX_TYPE_DIGITS = const(3)

_TYPES = submeter_table()
_VALVE_SLOT = slot("gas_valve_state")
_SOURCE_KINDS = {slot("gas_l"): "gas_id", slot("water_l"): "water_id", slot("hot_water_l"): "water_id", slot("heat_kj"): "heat_id"}


class _Channel:
    """What one telegram says of one channel, and the texts and times that were already understood."""

    def __init__(self):
        self.ids = (Interned(), Interned())
        self.stamp = b""
        self.stamp_utc = None
        self.known_type = (b"", 0)
        self.unit = 0
        self.exponent = 0
        self.begin()

    def begin(self) -> None:
        self.type = 0
        self.value = None
        self.valve = None
        self.time = None

    def id(self) -> str:
        return self.ids[0].text or self.ids[1].text


class Submeters:
    """`ids`: what each kind of Meter id ("gas_id", ...) is; `changed` until somebody lowers it; `ignored` registers."""

    def __init__(self):
        self._channels = [_Channel() for _ in range(CHANNELS)]
        self._used = 0  # channels up to this one have something in this telegram
        self._valued = 0  # values in this telegram
        self.ids = {}
        self.changed = False
        self.ignored = 0

    def begin(self) -> None:
        if self._used:
            for number in range(self._used):
                self._channels[number].begin()
            self._used = 0
            self._valued = 0

    def add(self, register) -> None:
        """Takes a register with A = 0 and B = 1..CHANNELS."""
        channel = self._channels[register.ab - 1]
        if register.ab > self._used:
            self._used = register.ab
        cde = register.cde
        value = register.value
        if cde == _VALUE or cde == _VALUE_BE or cde == _VALUE_V3:
            self._take_value(channel, register)
        elif cde == _TYPE:
            if channel.known_type[0] != value:
                channel.known_type = (value if isinstance(value, int) else bytes(value), self._number(value))
            channel.type = channel.known_type[1]
        elif cde == _ID:
            channel.ids[0].put(value, True)
        elif cde == _ID_2:
            channel.ids[1].put(value, True)
        elif cde == _VALVE:
            channel.valve = self._number(value)

    def forget(self) -> None:
        """Another meter speaks: its sub-meters need not be those of the one before."""
        self.ids.clear()
        self.changed = True

    def resolve(self, values) -> None:
        """The telegram is whole: puts what the channels have into `values`, a plausibility.Values."""
        for number in range(self._used):
            channel = self._channels[number]
            row = _TYPES.get(channel.type)
            if channel.valve is not None and channel.type == _GAS:
                values.put(_VALVE_SLOT, channel.valve, EXPONENT_ZERO)
            if channel.value is None:
                continue
            if row is None or channel.unit != row[0] >> 16 or self._valued > 1 and self._is_stale(channel):
                self.ignored += row is None or channel.unit != row[0] >> 16
                continue
            self._put(channel, row, values)

    def _put(self, channel: _Channel, row: tuple, values) -> None:
        quantity = row[0] & 255
        exponent = channel.exponent + (row[0] >> 8 & 15)
        if absurd(quantity, channel.value, exponent):
            self.ignored += 1
            return
        values.put(quantity, channel.value, exponent)
        if channel.time is not None:
            values.put(row[1], channel.time, EXPONENT_ZERO)
        kind = _SOURCE_KINDS.get(quantity)
        id = channel.id()
        if kind and id and self.ids.get(kind) != id:
            if kind in self.ids:
                values.accept(quantity)
            self.ids[kind] = id
            self.changed = True

    def _is_stale(self, channel: _Channel) -> bool:
        """Whether another channel of the same kind has a newer value, or an equal one further up."""
        before = True
        for other in self._channels:
            if other is channel:
                before = False
            elif other.value is not None and _TYPES.get(other.type) == _TYPES[channel.type]:
                if (other.time or 0) > (channel.time or 0) or before and other.time == channel.time:
                    return True
        return False

    def _take_value(self, channel: _Channel, register) -> None:
        time = register.time
        if not isinstance(register.value, int):
            self.ignored += len(register.value) > 0  # an empty value is none, not a wrong one
            return
        if time is not None:
            if channel.stamp != time:
                channel.stamp = bytes(time)
                channel.stamp_utc = utc(time)
            channel.time = channel.stamp_utc
            if channel.time is None:
                return  # stamp unset: the meter has not heard of this sub-meter yet
        self._valued += 1
        channel.value = register.value
        channel.unit = register.unit & 0xFEFF
        channel.exponent = register.scaler + EXPONENT_ZERO + (3 if register.unit & 0x100 else 0)
        if register.cde == _VALUE_BE and not channel.type:
            channel.type = _GAS

    def _number(self, value) -> int:
        """A device type or a valve's state, 0 when it is none."""
        if isinstance(value, int):
            return value
        try:
            return digits(value, 0, len(value)) if 0 < len(value) <= _MAX_TYPE_DIGITS else 0
        except ValueError:
            self.ignored += 1
            return 0
