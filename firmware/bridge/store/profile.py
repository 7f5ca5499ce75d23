"""Readings in, what operators keep out, from the meter's counters: quarter hours (60 days), days (400), month peaks (15), gas by the hour.

Times are UTC in seconds since 2000, days and months those of the owner's zone; Wh, W, litres. A row is the counters at its end: those
of the first reading at or after it. What was not seen has no row; flags of the next one say so (history.py reads the rows back).
"""

from binascii import crc32

from micropython import const

from bridge.core.civil import iso
from bridge.core.unload import unload
from bridge.core.zone import midnight
from bridge.reading.reading import UPTIME
from bridge.store.peaks import MONTHS, OF_METER, Peaks
from bridge.store.rows import ABSENT, QUARTER_S, Rows

# Flags of a row, about the time that ends with it. Without any of them all is known and right; _NO_PEAK are those that make an energy wrong.
_START = const(1)  # the counters at its beginning are not known, or came late
_LATE = const(2)  # those at its end came more than _LATE_S after it
_GAP = const(4)  # readings are missing within it
_STEP = const(8)  # the clock was set within it
_METER = const(16)  # another meter, or one whose counters began anew: no difference to the row before means anything
_NO_PEAK = const(27)
_LATE_S = const(60)
_GAS_LATE_S = const(300)  # gas meters are heard every five minutes
_STEP_S = const(10)  # clocks are put right by less again and again, and some meters' stamps come and go by some seconds
_GAP_S = const(60)  # or three times as long as readings are apart
# Files of 256, 80 and 372 rows; all but the newest are full.
_QUARTER_FILES = const(24)  # 5888 rows: 61 days
_DAY_FILES = const(6)  # 400 rows
_GAS_FILES = const(5)  # 1488 rows: 62 days
# Quantities
_IMPORT, _EXPORT, _GAS, _WATER, _PEAK, _PEAK_TIME, _GAS_TIME = const(0), const(5), const(12), const(13), const(48), const(54), const(55)


class Profile:
    """In `folder` (made at the first write); `zone` as in core/zone.py; `uptime()`: seconds since the start, by which a clock that is set is told."""

    def __init__(self, folder: str, zone: str, uptime):
        self._folder = folder
        self._zone = zone
        self._uptime = uptime
        self.problem = ""
        self._begin()

    def _begin(self) -> None:
        from bridge.store.rows_files import recall, recall_peaks

        folder = self._folder
        self._quarters = Rows("q", 2, _QUARTER_FILES)
        self._days = Rows("d", 9, _DAY_FILES)
        self._gas = Rows("g", 1, _GAS_FILES)
        for rows in (self._quarters, self._days, self._gas):
            recall(folder, rows)
        self._peaks = Peaks(self._zone, recall_peaks(folder, MONTHS))
        recall = recall_peaks = None
        unload("bridge.store.rows_files", "bridge.store.folder")
        self._flags = self._day_flags = _GAP  # of the running quarter and day: what was before the start, nobody read
        self._newest = self._meter = self._schema = self._offset = None
        self._time = self._step = 0
        self._limit = _GAP_S
        self._gas_at = -1  # where a reading of this schema has the gas meter's time
        self._gas_time = 0
        day = self._days.last
        self._id = day[9] if day else None  # CRC-32 of the meter's id

    def take(self, reading) -> None:
        """Called for each reading: nothing but comparisons while no quarter ends and nothing is odd."""
        if reading.time_source == UPTIME:
            return
        time = reading.time
        step = time - self._time
        if not 0 <= step <= self._limit or time >= self._quarters.due or reading.meter is not self._meter:
            self._look(reading, step)
        self._newest = reading
        self._time = time
        # Readings come every `least` seconds: two steps in a row must say so.
        least = step if step < self._step else self._step
        self._limit = least * 3 if least > _GAP_S // 3 else _GAP_S
        self._step = step
        if reading.schema is not self._schema:
            self._schema = reading.schema
            form = self._schema.form
            self._gas_at = self._schema.slots[_GAS_TIME] if form[_GAS_TIME] and form[_GAS] else -1
        if self._gas_at >= 0 and reading.values[self._gas_at] != self._gas_time:
            self._hour(reading)

    def _look(self, reading, step: int) -> None:
        """Something is odd, or a quarter has ended."""
        flags = 0
        before = self._offset
        self._offset = reading.time - self._uptime()
        if before is not None and abs(self._offset - before) > _STEP_S:
            flags = _STEP
        elif step > self._limit:
            flags = _GAP
        if reading.meter is not self._meter:
            self._meter = reading.meter
            if self._meter.id:
                id = crc32(self._meter.id.encode())
                if self._id not in (None, id):
                    flags |= _METER
                self._id = id
        self._flags |= flags
        self._day_flags |= flags
        counters = (_counter(reading, _IMPORT), _counter(reading, _EXPORT))
        if counters != (None, None):  # some telegrams have only powers
            self._quarter(reading, counters)
            self._day(reading, counters)

    def _quarter(self, reading, counters: tuple) -> None:
        rows = self._quarters
        end = reading.time // QUARTER_S * QUARTER_S
        if not rows.passed(end, end + QUARTER_S):
            return
        last = rows.last
        flags = self._flags | _edges(last, counters, end - QUARTER_S, reading.time - end > _LATE_S)
        self._flags = 0
        self._day_flags |= flags & _METER
        rows.add((end,) + counters + (flags,))
        peak = reading.get(_PEAK)
        when = reading.get(_PEAK_TIME)
        if peak is not None and when is not None:
            self._peaks.take((when // QUARTER_S * QUARTER_S, peak, OF_METER))
        elif not flags & _NO_PEAK and None not in (last[1], counters[0]):
            self._peaks.take((end, 4 * (counters[0] - last[1]), flags))

    def _day(self, reading, counters: tuple) -> None:
        rows = self._days
        if rows.last and rows.last[0] <= reading.time < rows.due:
            return
        zone = self._zone
        end = midnight(reading.time, zone)
        if rows.passed(end, midnight(end + 93600, zone)):
            flags = self._day_flags | _edges(rows.last, counters, midnight(end - 1, zone), reading.time - end > _LATE_S)
            self._day_flags = 0
            more = tuple([_counter(reading, id) for id in (_IMPORT + 1, _IMPORT + 2, _EXPORT + 1, _EXPORT + 2, _GAS, _WATER)])
            rows.add((end,) + counters + more + (self._id, flags))

    def _hour(self, reading) -> None:
        """The gas meter has told a new value."""
        time = self._gas_time = reading.values[self._gas_at]
        end = time // 3600 * 3600
        value = _counter(reading, _GAS)
        if value is not None and self._gas.passed(end, end + 3600):
            self._gas.add((end, value, _edges(self._gas.last, (value,), end - 3600, time - end > _GAS_LATE_S)))

    def save(self) -> None:
        """Puts on flash what waits for it. What the flash does not take is tried again next time, a bounded number of rows."""
        peaks = self._peaks
        kinds = [rows for rows in (self._quarters, self._days, self._gas) if rows.waiting]
        if not kinds and peaks.saved:
            return
        self.problem = ""
        try:
            from bridge.store.rows_files import write, write_peaks

            for rows in kinds:
                try:
                    write(self._folder, rows)
                except OSError as error:
                    self.problem = str(error)
            if not peaks.saved:
                write_peaks(self._folder, peaks.rows)
                peaks.saved = True
        except (OSError, MemoryError) as error:
            self.problem = str(error)
        finally:
            write = write_peaks = None
            unload("bridge.store.rows_files", "bridge.store.folder")

    def running(self) -> dict:
        """The quarter hour so far, the last one, the month's peak: ready for JSON, {} before the first reading."""
        newest = self._newest
        if not newest:
            return {}
        counters = (_counter(newest, _IMPORT), _counter(newest, _EXPORT))
        try:
            from bridge.store.running import document

            return document(newest, counters, self._quarters, self._flags, self._peaks.of(newest.time))
        finally:
            document = None
            unload("bridge.store.running")

    def erase(self) -> tuple:
        """Forgets all, on flash and in RAM: (files, bytes) removed."""
        from bridge.store.folder import erase

        done = erase(self._folder)
        erase = None
        unload("bridge.store.folder")
        self._begin()
        return done

    def status(self) -> dict:
        """For the status document. `lost`: rows that the flash did not take in time."""
        last = self._quarters.last
        lost = self._quarters.lost + self._days.lost + self._gas.lost
        return {"last_quarter": iso(last[0]) if last else None, "lost": lost, "problem": self.problem}


def _counter(reading, id: int):
    """A counter of `reading` in whole units, a total also as the sum of its tariffs; None when there is none or it is beyond all reason."""
    value = reading.get(id)
    if value is None and id in (_IMPORT, _EXPORT):
        for tariff in range(id + 1, id + 5):
            part = reading.get(tariff)
            if part is not None:
                value = part + (value or 0)
    return value if value is None or 0 <= value < ABSENT else None


def _edges(last, values: tuple, start: int, late: bool) -> int:
    """Flags of a row of `values` that follows the row `last` and has to begin at `start`."""
    flags = _LATE if late else 0
    if not last or last[0] != start or last[-1] & _LATE:
        flags |= _START
    if last:
        for at, value in enumerate(values):
            before = last[at + 1]
            if None not in (before, value) and value < before:
                flags |= _METER
    return flags
