"""Readings in, what operators keep out, from the meter's counters: quarter hours (60 days), days (400), month peaks (15), gas by the hour.

Times are UTC in seconds since 2000, days and months those of the owner's zone; Wh, W, litres. A row is the counters at its end: those
of the first reading at or after it. What was not seen has no row; flags of the next one say so (history.py reads the rows back).
Readings are only noted here when something ends or begins with them; books.py, loaded for the moment, makes rows of the notes.
"""

from micropython import const

from bridge.core.civil import iso
from bridge.core.unload import unload
from bridge.reading.reading import UPTIME

_QUARTER_S = const(900)
_GAP = const(4)  # flags as in books.py: readings are missing
_STEP = const(8)  # the clock was set
_STEP_S = const(10)  # clocks are put right by less again and again, and some meters' stamps come and go by some seconds
_GAP_S = const(60)  # or three times as long as readings are apart
_NOTES = const(16)  # from one save to the next, a minute later: ends of a quarter, a day, gas hours, and a clock that goes to and fro at one of them
_COUNTERS = const(10)  # the first quantities: import and export, totals and tariffs
_GAS, _GAS_TIME = const(12), const(55)
_LAST, _LOST = const(3), const(7)  # in the state of Rows


class Profile:
    """In `folder` (made at the first write); `zone` as in core/zone.py; `uptime()`: seconds since the start, by which a clock that is set is told."""

    def __init__(self, folder: str, zone: str, uptime):
        self.folder = folder
        self.zone = zone
        self._uptime = uptime
        self.notes = []  # [reading, flags of the time since the note before]
        self.flags = 0  # of the time since the last note
        self.end = self.gas_end = -1  # of the newest quarter and gas hour noted
        self.problem = ""
        self.unsaved = False
        self.newest = self._meter = self._schema = self._offset = None
        self._id = ""  # newest id of a meter
        self._time = self._step = self._lost = 0
        self._limit = _GAP_S
        self._gas_at = -1  # where a reading of this schema has the gas meter's time
        self._do("begin")  # sets `known`

    def take(self, reading) -> None:
        """Called for each reading: nothing but comparisons while no quarter ends and nothing is odd."""
        if reading.time_source == UPTIME:
            return
        if reading.schema is not self._schema:
            self._schema = reading.schema
            form = self._schema.form
            self._gas_at = self._schema.slots[_GAS_TIME] if form[_GAS_TIME] and form[_GAS] else -1
        time = reading.time
        step = time - self._time
        if (
            not 0 <= step <= self._limit
            or not 0 <= time - self.end < _QUARTER_S
            or reading.meter is not self._meter
            or self._gas_at >= 0
            and not 0 <= reading.values[self._gas_at] - self.gas_end < 3600
        ):
            self._look(reading, step)
        self.newest = reading
        self._time = time
        # Readings come every `least` seconds: two steps in a row must say so.
        least = step if step < self._step else self._step
        self._limit = least * 3 if least > _GAP_S // 3 else _GAP_S
        self._step = step

    def _look(self, reading, step: int) -> None:
        """Something is odd, or a quarter has ended: is it to be noted?"""
        offset = reading.time - self._uptime()
        if self._offset is not None and abs(offset - self._offset) > _STEP_S:
            self.flags |= _STEP
        elif step > self._limit:
            self.flags |= _GAP
        self._offset = offset
        noted = False
        if reading.meter is not self._meter:
            self._meter = reading.meter
            if self._meter.id not in ("", self._id):
                self._id = self._meter.id
                noted = True
        end = reading.time // _QUARTER_S * _QUARTER_S
        if end != self.end and reading.schema.ids and reading.schema.ids[0] < _COUNTERS:  # some telegrams have only powers
            self.end = end
            noted = True
        if self._gas_at >= 0:
            end = reading.values[self._gas_at] // 3600 * 3600
            if end != self.gas_end:
                self.gas_end = end
                noted = True
        if not noted:
            return
        notes = self.notes
        if len(notes) == _NOTES:  # the oldest gives way
            notes[1][1] |= notes.pop(0)[1] | _GAP | _STEP
            self._lost += 1
        notes.append([reading, self.flags])
        self.flags = 0
        self.unsaved = True

    def _do(self, task: str):
        try:
            from bridge.store.books import work

            return work(self, task)
        finally:
            work = None
            unload("bridge.store.books")

    def save(self) -> None:
        """Puts on flash what waits for it. What the flash does not take is tried again next time, a bounded number of rows."""
        if self.unsaved:
            try:
                self._do("save")
            except (OSError, MemoryError) as error:
                self.problem = str(error)

    def running(self) -> dict:
        """The quarter hour so far, the last one, the month's peak, for JSON; {} before the first reading. MemoryError: no room for its code."""
        return self._do("running") if self.newest else {}

    def erase(self) -> tuple:
        """Forgets all, on flash and in RAM: (files, bytes) removed."""
        done = self._do("erase")
        self.__init__(self.folder, self.zone, self._uptime)
        return done

    def status(self) -> dict:
        """For the status document. `lost`: rows that the flash did not take in time, and notes that nobody made rows of."""
        last = self.known[0][_LAST]
        lost = self._lost
        for rows in self.known[:3]:
            lost += rows[_LOST]
        return {"last_quarter": iso(last[0]) if last else None, "lost": lost, "problem": self.problem}
