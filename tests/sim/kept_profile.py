"""What a dongle kept of its meter's quarter hours, days and months: a flash image in; what is wrong with its rows, by the meter itself, out."""

import subprocess
from pathlib import Path

from bridge.store import history
from host_tools import runtime
from host_tools.meters.localtime import local

Y2K = 946684800  # of unix time
QUARTER = 900

_COPY = """
import os, sys
from sim_flash import FlashImage, volume
image, to, blocks = sys.argv[1:]
os.mount(volume(FlashImage(image, int(blocks))), "/data")
def copy(here, there):
    os.mkdir(there)
    for name, kind, *_ in os.ilistdir(here):
        if kind == 0x4000:
            copy(here + "/" + name, there + "/" + name)
        else:
            with open(here + "/" + name, "rb") as source, open(there + "/" + name, "wb") as target:
                target.write(source.read())
copy("/data", to)
"""


def copy_out(image: Path, kb: int, folder: Path) -> Path:
    """The files on a flash image of `kb`, copied to `folder`, which is made."""
    script = folder.with_name(folder.name + ".py")
    script.write_text(_COPY)
    subprocess.run([runtime.find_micropython(), str(script), str(image), str(folder), str(kb // 4)], env=runtime.environment(), check=True, timeout=60)
    return folder


class Months:
    """The independent computation: what the rows must say, by the readings that the dongle heard. `cuts`: when its RAM was lost."""

    def __init__(self, meter, heard: list[float], cuts: list[float]):
        self.meter, self.cuts = meter, cuts
        self.heard = set(heard)
        self.quarters: dict[int, tuple[int, int]] = {}  # end: counters of the first reading heard at or after it
        self.midnights: dict[int, int] = {}  # end of a day: the first reading's moment
        before = None
        for unix in sorted(heard):
            self.quarters.setdefault(unix // QUARTER * QUARTER, self._counters(unix))
            if before is not None and local(before).date() != local(unix).date():
                self.midnights[self._midnight(unix)] = unix
            before = unix

    def _counters(self, unix: float) -> tuple[int, int]:
        said = self.meter.said(unix)
        return tuple(said[f"energy_{way}_t1_wh"] + said[f"energy_{way}_t2_wh"] for way in ("import", "export"))

    @staticmethod
    def _midnight(unix: float) -> int:
        end = int(unix) // QUARTER * QUARTER
        while local(end - 1).date() == local(unix).date():
            end -= QUARTER
        return end

    def whole(self, end: int, every: int) -> bool:
        """Whether all readings of the quarter hour that ends there were heard, and nothing was cut about then."""
        all_there = all(unix in self.heard for unix in range(end - QUARTER, end + 1, every))
        return all_there and not any(end - 2 * QUARTER <= cut <= end + QUARTER for cut in self.cuts)

    def wrong(self, folder: Path, every: int) -> list[str]:
        """Differences between the rows of `folder` and what must be there."""
        found = []
        rows = {row[0] + Y2K: row for row in history.quarters(str(folder))}
        best: dict[str, tuple[int, int]] = {}
        for end, counters in self.quarters.items():
            row = rows.pop(end, None)
            if not self.whole(end, every):
                continue
            if row is None or row[1:3] != counters or row[6]:
                found.append(f"quarter {local(end)}: {row}, should be {counters}")
                continue
            bought, sold = (now - then for now, then in zip(counters, self.quarters[end - QUARTER]))
            if row[3:6] != (bought, sold, 4 * bought):
                found.append(f"energies of quarter {local(end)}: {row}, should be {bought}, {sold}")
            month = f"{local(end - 1):%Y-%m}"
            if month not in best or 4 * bought > best[month][1]:
                best[month] = end, 4 * bought
        found += [f"invented quarter {local(end)}: {row}" for end, row in rows.items()]
        peaks = {f"{local(end + Y2K - 1):%Y-%m}": (end + Y2K, watts) for end, watts, _ in history.rows(str(folder), "peaks")}
        # A quarter hour with a power cut in it may be the highest too: its counters say so.
        for month, (end, watts) in peaks.items():
            if 4 * (self.quarters[end][0] - self.quarters[end - QUARTER][0]) != watts or watts < best.get(month, (0, 0))[1]:
                found.append(f"peak of {month}: {local(end)} {watts} W, of the whole ones {best.get(month)}")
        if set(best) - set(peaks):
            found.append(f"no peaks of {set(best) - set(peaks)}")
        return found + self._wrong_days(folder)

    def _wrong_days(self, folder: Path) -> list[str]:
        found = []
        rows = {row[0] + Y2K: row for row in history.rows(str(folder), "days")}
        for end, unix in self.midnights.items():
            row, said = rows.pop(end, None), self.meter.said(unix)
            tariffs = tuple(said[f"energy_{way}_t{number}_wh"] for way in ("import", "export") for number in (1, 2))
            if row is None or row[1:8] != (*self._counters(unix), *tariffs, said["gas_l"]):
                found.append(f"day that ends {local(end)}: {row}, should be {self._counters(unix)}, {tariffs}, {said['gas_l']}")
        return found + [f"invented day {local(end)}: {row}" for end, row in list(rows.items())[1:]]  # the first: where it began
