"""Readings in, InfluxDB line protocol out (bytes, one point a line): measurement `meter`, tags device and meter_id, UTC times.

A field keeps one type for ever, as InfluxDB refuses a point whose type changed: everything measured is a plain number with exactly the
digits that the reading has (live "12345678.9", from the history "12345678"; databases keep both as 64-bit floats), states such as the
tariff are integers with suffix `i`. A sub-meter's value that has a time of its own (gas, water, heat) is a point of its own at that
time in the same measurement, so it is drawn when it was measured, and is sent once per change of that time, not with each reading.
"""

from bridge.core.civil import unix_text
from bridge.core.errors import SettingsError
from bridge.push.http_url import Url
from bridge.push.payload import time_of
from bridge.reading.quantities import QUANTITIES, STATE, TIME

# The URL's precision= to the digits after the seconds; InfluxDB's names, v1 and v2. Coarser ones would change times.
_DIGITS = {"": "000000000", "ns": "000000000", "n": "000000000", "us": "000000", "u": "000000", "ms": "000", "s": ""}
# Which value has which time: by the vocabulary's names, "gas_time" is the time of "gas_l".
_TIMED = {"gas_time": "gas_l", "water_time": "water_l", "hot_water_time": "hot_water_l", "heat_time": "heat_kj",
          "cold_time": "cold_kj", "submeter_time": "submeter_energy_wh"}  # fmt: skip


def _pairs() -> dict:
    """Quantity id of a sub-meter's time -> id of its value."""
    ids = {}
    for quantity in range(len(QUANTITIES)):
        ids[QUANTITIES[quantity][0]] = quantity
    return {ids[time]: ids[value] for time, value in _TIMED.items() if time in ids and value in ids}


_VALUE_OF = _pairs()
_TIME_OF = {value: time for time, value in _VALUE_OF.items()}


def precision_digits(url: Url) -> str:
    """The zeros that turn whole seconds into the unit which the URL's precision= names. SettingsError for one that cannot hold them."""
    name = url.query("precision")
    if name not in _DIGITS:
        raise SettingsError("has a precision other than ns, us, ms or s, which would change the readings' times")
    return _DIGITS[name]


def escape(text: str) -> str:
    """`text` as a tag's value: comma, space and equals sign escaped, control characters left out.

    A backslash becomes "_": databases disagree on whether one at the end of a value escapes what follows.
    """
    out = []
    for char in text:
        if char in ", =":
            out.append("\\" + char)
        elif char == "\\":
            out.append("_")
        elif char >= " " and char != "\x7f":
            out.append(char)
    return "".join(out)


class LineFormat:
    """The format of the sink "influx": points of the device that `context` names. Use: `use(url)`, then per request `begin()`,
    `piece(reading)` for each, `body(..)`, and `accepted()` once the server has it.
    """

    content_type = "text/plain; charset=utf-8"
    scheme = "Token"

    def __init__(self, context):
        self._device = escape(context.identity.device)
        self._clock = context.clock
        self._tail = (_DIGITS[""] + "\n").encode()
        self._names = {}
        self._meter = None
        self._head = b""
        self._accepted = {}
        self._pending = {}

    def use(self, url: Url) -> None:
        """Writes times in the unit that `url` names. SettingsError when that cannot be."""
        self._tail = (precision_digits(url) + "\n").encode()

    def begin(self) -> None:
        """A new request: what an earlier one that failed held is written again."""
        self._pending = dict(self._accepted)

    def accepted(self) -> None:
        """The request since `begin()` is stored: its sub-meter values need not be sent again."""
        self._accepted = self._pending

    def body(self, pieces: list, backlog: bool, missing) -> list:
        """The body's parts: the points alone, for the protocol has no place for more."""
        return pieces

    def piece(self, reading) -> bytes:
        """The points of one reading, each line with its end; b"" when it has nothing that was not sent yet. Its time must be known."""
        # In bytes: MicroPython compares each new str with all the names that it knows, which here costs more than all else.
        self._enter(reading.meter)
        fields = []
        out = []
        for quantity in reading.items():
            kind = QUANTITIES[quantity][1]
            if kind == TIME:
                value = _VALUE_OF.get(quantity)
                if value is None:
                    self._field(fields, quantity, unix_text(reading.get(quantity)), b"i")
                elif reading.get(value) is not None:
                    self._timed(out, reading, quantity, value)
            elif quantity not in _TIME_OF or reading.get(_TIME_OF[quantity]) is None:
                self._field(fields, quantity, reading.text(quantity), b"i" if kind == STATE else b"")
        if fields:
            self._point(out, fields, time_of(reading, self._clock))
        return b"".join(out)

    def _enter(self, meter) -> None:
        if meter is not self._meter:
            self._meter = meter
            self._head = ("meter,device=" + self._device + (",meter_id=" + escape(meter.id) if meter.id else "")).encode()

    def _field(self, fields: list, quantity: int, text: str, suffix: bytes) -> None:
        name = self._names.get(quantity)
        if name is None:
            name = self._names[quantity] = (QUANTITIES[quantity][0] + "=").encode()
        fields.append(b"," if fields else b" ")
        fields.append(name)
        fields.append(text.encode())
        if suffix:
            fields.append(suffix)

    def _timed(self, out: list, reading, time_id: int, value_id: int) -> None:
        seen = (self._head, reading.get(time_id))
        if self._pending.get(value_id) == seen:
            return
        self._pending[value_id] = seen
        fields = []
        self._field(fields, value_id, reading.text(value_id), b"")
        self._point(out, fields, seen[1])

    def _point(self, out: list, fields: list, utc: int) -> None:
        out.append(self._head)
        out.extend(fields)
        out.append(b" ")
        out.append(unix_text(utc).encode())
        out.append(self._tail)
