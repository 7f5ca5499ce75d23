"""Notes of readings in, rows of quarter hours, days and gas hours and the month peaks out. Loaded for the moment, once a quarter hour.

What is known between two moments is a tuple: the states of three Rows, the peaks' bytes, whether these are on flash, flags of the running
quarter and of the running day, CRC-32 of the meter's id.
"""

from binascii import crc32

from micropython import const

from bridge.core.unload import unload
from bridge.core.zone import midnight
from bridge.store.peaks import MONTHS, OF_METER, Peaks
from bridge.store.rows import QUARTER_S, Rows, counter

# Flags of a row, about the time that ends with it. Without any of them all is known and right; _NO_PEAK are those that make an energy wrong.
_START = const(1)  # the counters at its beginning are not known, or came late
_LATE = const(2)  # those at its end came more than _LATE_S after it
_GAP = const(4)  # readings are missing within it
# 8: the clock was set within it (profile.py)
_METER = const(16)  # another meter, or one whose counters began anew: no difference to the row before means anything
_NO_PEAK = const(27)
_LATE_S = const(60)
_GAS_LATE_S = const(300)  # gas meters are heard every five minutes
# Files of 256, 80 and 372 rows; all but the newest are full.
_QUARTER_FILES = const(24)  # 5888 rows: 61 days
_DAY_FILES = const(6)  # 400 rows
_GAS_FILES = const(5)  # 1488 rows: 62 days
_DUE = const(5)  # in the state of Rows
# Quantities
_IMPORT, _EXPORT, _GAS, _WATER, _PEAK, _PEAK_TIME, _GAS_TIME = const(0), const(5), const(12), const(13), const(48), const(54), const(55)


def work(profile, task: str):
    """Does what is asked for: "begin", "save", "running" (a document), "erase" ((files, bytes) removed)."""
    try:
        if task == "erase":
            from bridge.store.folder import erase

            return erase(profile.folder)
        if task == "begin":
            profile.known = _begin(profile.folder)
            return None
        _settle(profile)
        if task == "running":
            from bridge.store.running import document

            return document(profile.newest, profile.zone, profile.known, profile.flags | profile.known[5])
        _save(profile)
    finally:
        unload("bridge.store.running", "bridge.store.peaks", "bridge.store.rows", "bridge.core.zone")
        unload("bridge.store.rows_files", "bridge.store.folder")


def _begin(folder: str) -> tuple:
    """What is known after a start."""
    from bridge.store.rows_files import recall, recall_peaks

    kinds = Rows("q", 2, _QUARTER_FILES), Rows("d", 9, _DAY_FILES), Rows("g", 1, _GAS_FILES)
    for rows in kinds:
        recall(folder, rows)
    day = kinds[1].last
    # What was before the start, nobody read.
    return tuple([rows.state() for rows in kinds]) + (recall_peaks(folder, MONTHS), True, _GAP, _GAP, day[9] if day else None)


def _settle(profile) -> None:
    """Works the notes off: all, or none where there is no room for what that takes."""
    if profile.notes:
        books = Books(profile.zone, profile.known)
        for note in profile.notes:
            books.look(note[0], note[1])
        known = profile.known = books.known()
        profile.notes.clear()
        # What was noted in vain, for counters beyond all reason, is noted again.
        profile.end = known[0][_DUE] - QUARTER_S
        profile.gas_end = known[2][_DUE] - 3600


def _save(profile) -> None:
    from bridge.store.rows_files import write, write_peaks

    folder = profile.folder
    problem = ""
    known = list(profile.known)
    for at in range(3):
        rows = Rows(*known[at])
        try:
            write(folder, rows)
        except OSError as error:
            problem = str(error)
        known[at] = rows.state()
    if not known[4]:
        try:
            write_peaks(folder, known[3])
            known[4] = True
        except OSError as error:
            problem = str(error)
    profile.known = tuple(known)
    profile.problem = problem
    profile.unsaved = bool(problem)


class Books:
    """Days and months are those of `zone`."""

    def __init__(self, zone: str, known: tuple):
        self._zone = zone
        self._quarters, self._days, self._gas = [Rows(*state) for state in known[:3]]
        self._peaks = Peaks(zone, known[3], known[4])
        self._flags, self._day_flags, self._id = known[5:]

    def known(self) -> tuple:
        """What makes them anew."""
        states = self._quarters.state(), self._days.state(), self._gas.state()
        return states + (self._peaks.rows, self._peaks.saved, self._flags, self._day_flags, self._id)

    def look(self, reading, flags: int) -> None:
        """A reading with which something ended or began."""
        meter = reading.meter.id
        if meter:
            id = crc32(meter.encode())
            if self._id not in (None, id):
                flags |= _METER
            self._id = id
        self._flags |= flags
        self._day_flags |= flags
        counters = (counter(reading, _IMPORT), counter(reading, _EXPORT))
        if counters != (None, None):  # some telegrams have only powers
            self._quarter(reading, counters)
            self._day(reading, counters)
        time = reading.get(_GAS_TIME)
        value = counter(reading, _GAS)
        if time is not None and value is not None:
            end = time // 3600 * 3600
            if self._gas.passed(end, end + 3600):
                self._gas.add((end, value, _edges(self._gas.last, (value,), end - 3600, time - end > _GAS_LATE_S)))

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
            more = tuple([counter(reading, id) for id in (_IMPORT + 1, _IMPORT + 2, _EXPORT + 1, _EXPORT + 2, _GAS, _WATER)])
            rows.add((end,) + counters + more + (self._id, flags))


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
