"""What a dongle kept, copied from it: a folder with journal/, profile/, log/ and ram.json in; readings, profile rows and log lines out, as tables.

The bytes are read by the firmware's own `bridge.store`. Times are seconds since 2000 in UTC.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from host_tools import runtime
from host_tools.export_formats import Table
from host_tools.time_words import iso, local

FOLDERS = {"readings": "journal", "quarters": "profile", "days": "profile", "peaks": "profile", "gas": "profile", "log": "log"}
RAM = "ram.json"  # the start of the dongle, its UTC offset, the journal's blocks that were in its RAM
_AT_ONCE = 1000  # readings
_LARGEST = 1 << 40  # bytes of flash, for the journal's own bound: here nothing is deleted
_NO_START = 1 << 31  # of the device: none of those that made these readings
_LOGS = ("log.old", "log", "access.old", "access")
_LINE = re.compile(r"(\S+) (debug|info|warning|error) (\S+): (.*)")
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
_UNITS = {"wh": "Wh", "varh": "varh", "l": "l", "kj": "kJ", "w": "W", "var": "var", "mv": "mV", "ma": "mA", "mhz": "mHz", "permille": "1/1000", "deg": "degree"}
_KINDS = ("counter", "gauge", "state", "time")
_QUARTER_S, _HOUR_S, _DAY_S = 900, 3600, 86400


class Kept:
    """`folder` holds the files as they lie on the dongle; [first, last) limits what is given out, None: no limit. Only whole spans count."""

    def __init__(self, folder: Path, first: int | None = None, last: int | None = None):
        runtime.firmware_importable()
        self.folder = folder
        self.first, self.last = first, last

    def tables(self, names: Iterable[str]) -> list[Table]:
        """The tables asked for, in this order."""
        make = {"readings": self._readings_table, "log": self._log_table}
        return [make[name]() if name in make else self._profile_table(name) for name in names]

    def within(self, time: int | None) -> bool:
        if time is None:
            return self.first is None and self.last is None
        return (self.first is None or time >= self.first) and (self.last is None or time < self.last)

    # readings ---------------------------------------------------------------------------------------------------------

    def readings(self) -> Iterator[tuple]:
        """(UTC or None, Reading) of all that can be read, in order of their numbers."""
        from bridge.store.segments import Segments

        flash = Segments(str(self.folder / "journal"), _LARGEST, _NO_START)
        yield from _read(flash, flash.oldest)
        try:
            ram = _Ram(json.loads((self.folder / RAM).read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            return  # not copied
        yield from _read(ram, max(ram.oldest, flash.next))

    def first_time(self) -> int | None:
        """UTC of the oldest reading that has one."""
        return next((time for time, _ in self.readings() if time is not None), None)

    def damaged(self) -> list[str]:
        """Names of journal files in which something cannot be read."""
        from bridge.store.chunks import Chunks

        found = []
        for path in sorted((self.folder / "journal").glob("*")):
            with open(path, "rb") as file:
                reader = Chunks(file)
                while reader.next():
                    reader.used = 0
                if reader.damaged:
                    found.append(path.name)
        return found

    def _readings_table(self) -> Table:
        from bridge.reading.quantities import COUNT, QUANTITIES

        present: set[int] = set()
        about = {"count": 0, "first": None, "last": None, "undated": 0, "left_out_undated": 0, "missing": [], "damaged_files": self.damaged()}
        times, before = [], None
        for time, reading in self.readings():
            if before is not None and reading.seq > before + 1:
                about["missing"].append({"from": before + 1, "to": reading.seq - 1, "count": reading.seq - before - 1})
            before = reading.seq
            if self.within(time):
                about["count"] += 1
                about["undated"] += time is None
                present.update(reading.schema.ids)
                if time is not None:
                    times = [min([time, *times]), max([time, *times])]
            elif time is None:
                about["left_out_undated"] += 1
        if times:
            about["first"], about["last"] = iso(times[0]), iso(times[1])
        rows = [QUANTITIES[id] for id in range(COUNT) if id in present]
        about["quantities"] = {name: {"unit": "UTC" if _KINDS[kind] == "time" else unit(name), "kind": _KINDS[kind]} for name, kind in rows}
        names = [name for name, _ in rows]
        columns = ["time", "time_source", "boot", "seq", "uptime_s", "meter_id", *names]
        return Table("readings", "reading", columns, self._reading_rows, ("time", *(name for name, kind in rows if _KINDS[kind] == "time")), about)

    def _reading_rows(self) -> Iterator[dict]:
        from bridge.reading.quantities import QUANTITIES
        from bridge.reading.reading import TIME_SOURCE_NAMES, UPTIME

        names = {id: QUANTITIES[id][0] for id in range(len(QUANTITIES))}
        for time, reading in self.readings():
            if self.within(time):
                row = {"time": time, "time_source": TIME_SOURCE_NAMES[reading.time_source], "boot": reading.boot, "seq": reading.seq}
                if reading.time_source == UPTIME:
                    row["uptime_s"] = reading.time
                if reading.meter.id:
                    row["meter_id"] = reading.meter.id
                for id in reading.schema.ids:
                    row[names[id]] = reading.get(id)
                yield row

    # profile ----------------------------------------------------------------------------------------------------------

    def _profile_table(self, name: str) -> Table:
        from bridge.store import history

        folder = str(self.folder / "profile")
        make = {"quarters": _quarters, "days": _days, "gas": _plain, "peaks": _peaks}[name]
        kind, span = {"quarters": ("quarter", _QUARTER_S), "days": ("day", _DAY_S), "gas": ("gas_hour", _HOUR_S), "peaks": ("month_peak", _QUARTER_S)}[name]
        columns, found = make(history, folder, name)
        rows = []
        for row in found:
            if self.within(row["end"] - span // 2):
                row["flags"] = " ".join(word for bit, word in enumerate(history.FLAG_NAMES) if row["flags"] >> bit & 1)
                rows.append(row)
        about = {"count": len(rows), "flags": list(history.FLAG_NAMES), "damaged_rows": self._damaged_rows(name)}
        return Table(name, kind, [*columns, "flags"], lambda: rows, ("end",), about)

    def _damaged_rows(self, name: str) -> int:
        """Rows that the checksum refuses."""
        from bridge.store.history import KINDS
        from bridge.store.rows import unpack

        letter, values = KINDS.get(name, ("peaks", 1))
        size, count = 6 + 5 * values, 0
        for path in (self.folder / "profile").glob("peaks" if letter == "peaks" else f"{letter}??????"):
            data = path.read_bytes()
            count += sum(unpack(data[at : at + size]) is None for at in range(0, len(data), size))
        return count

    # log --------------------------------------------------------------------------------------------------------------

    def _log_table(self) -> Table:
        from bridge.core.civil import seconds

        rows = []
        for name in _LOGS:
            path = self.folder / "log" / name
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else ():
                match = _LINE.match(line)
                stamp, level, area, text = match.groups() if match else ("", "", "", line)
                numbers = [int(part) for part in re.findall(r"\d+", stamp)]
                time = seconds(*numbers) if _STAMP.match(stamp) else None
                uptime = numbers[0] if stamp.startswith("+") and numbers else None
                if self.within(time):
                    rows.append({"time": time, "uptime_s": uptime, "level": level, "area": area, "text": text})
        return Table("log", "log", ["time", "uptime_s", "level", "area", "text"], lambda: rows, ("time",), {"count": len(rows)})


def unit(name: str) -> str:
    """The unit in a quantity's name, "" for a number without one."""
    return _UNITS.get(name.rpartition("_")[2], "")


def _plain(history, folder: str, name: str) -> tuple[list[str], list[dict]]:
    """Columns but the last, and rows, of a table as it lies on flash."""
    columns = ["end", *history.COLUMNS[name]]
    return columns, [dict(zip([*columns, "flags"], row)) for row in history.rows(folder, name)]


def _quarters(history, folder: str, name: str) -> tuple[list[str], list[dict]]:
    columns = ["end", *history.COLUMNS[name], "energy_imported_wh", "energy_exported_wh", "power_import_w"]
    return columns, [dict(zip([*columns, "flags"], row)) for row in history.quarters(folder)]


def _days(history, folder: str, name: str) -> tuple[list[str], list[dict]]:
    """With the day's date, and what was used in it where the day before is known and the meter is the same."""
    columns, rows = _plain(history, folder, name)
    used = {"energy_imported_wh": "energy_import_wh", "energy_exported_wh": "energy_export_wh", "gas_used_l": "gas_l"}
    before: dict = {}
    for row in rows:
        row["day"] = iso(row["end"] - _DAY_S // 2)[:10]  # noon of that day, in whatever zone its midnight is
        next_day = bool(before) and row["end"] - before["end"] <= _DAY_S + _HOUR_S and not row["flags"] & history.METER
        for name, counter in used.items():
            row[name] = row[counter] - before[counter] if next_day and None not in (row[counter], before[counter]) else None
        before = row
    return ["end", "day", *columns[1:], *used], rows


def _peaks(history, folder: str, name: str) -> tuple[list[str], list[dict]]:
    """With the month, by this computer's clock."""
    columns, rows = _plain(history, folder, name)
    for row in rows:
        row["month"] = local(row["end"] - 1)[:7]
    return ["end", "month", *columns[1:]], rows


def _read(archive, first: int) -> Iterator[tuple]:
    """(UTC or None, Reading) of what the journal's archive holds from number `first` on."""
    from bridge.reading.reading import UPTIME
    from bridge.store.journal import Journal

    cursor = Journal(4096, archive=archive).cursor(first)
    while found := cursor.batch(_AT_ONCE):
        for reading in found:
            time = reading.time
            if reading.time_source == UPTIME:
                offset = archive.utc_offset(reading.boot)
                time = None if offset is None else time + offset
            yield time, reading
        cursor.ack(found[-1].seq)


class _Ram:
    """What a journal asks of its archive, with blocks that were in a dongle's RAM."""

    problem = ""

    def __init__(self, copied: dict):
        from bridge.reading.reading import Meter

        self._boot, self._offset = copied["boot"], copied["utc_offset"]
        self.saved: dict = {}
        self._blocks = [
            (base64.b64decode(row["data"]), row["block"], row["block"] + row["count"], row["bytes"], tuple(Meter(id) for id in row["meters"]))
            for row in copied["blocks"]
            if row["count"]
        ]
        self.oldest = self._blocks[0][1] if self._blocks else 1
        self.next = self._blocks[-1][2] if self._blocks else self.oldest

    def utc_offset(self, boot: int) -> int | None:
        return self._offset

    def load(self, seq: int, near: object = None) -> tuple | None:
        """The block that holds `seq` or the next later one, as Segments.load gives it."""
        for data, first, end, length, meters in self._blocks:
            if seq < end:
                return data, first, end, length, self._boot, self._offset, meters, first, 0
        return None
