"""The profile's files read back: a folder in, rows out as tuples, oldest first; times in seconds since 2000 (UTC), Wh, W, litres.

Damaged rows are passed over. Rows of a clock that was ahead are none: of rows not in order what was written last holds.
"""

from bridge.store.rows import unpack
from bridge.store.rows_files import PEAK_ROW, files, path
from bridge.store.running import LATE, START, STEP, energies

# Kind: letter of its files, values in a row.
KINDS = {"quarters": ("q", 2), "days": ("d", 9), "gas": ("g", 1)}
# What a row of each kind is: `end` first, flags last.
COLUMNS = {
    "quarters": ("energy_import_wh", "energy_export_wh"),
    "days": (
        "energy_import_wh", "energy_export_wh", "energy_import_t1_wh", "energy_import_t2_wh", "energy_export_t1_wh", "energy_export_t2_wh",
        "gas_l", "water_l", "meter",  # the meter: CRC-32 of its id
    ),
    "gas": ("gas_l",),
    "peaks": ("power_w",),
}  # fmt: skip
FLAG_NAMES = ("start", "late", "gap", "step", "meter", "of_meter")  # of bit 0, bit 1, ...


def rows(folder: str, kind: str):
    """The rows of one of KINDS, or the month peaks ("peaks"), one by one: (end, values.., flags); a value that there is not is None."""
    if kind == "peaks":
        yield from _read(folder + "/peaks", PEAK_ROW)
        return
    letter, values = KINDS[kind]
    names = [(path(folder, letter, file), 6 + 5 * values) for file in files(folder, letter)]
    limits = []  # of each file, last one first: the lowest end in those after it
    limit = 1 << 40
    for name in reversed(names):
        limits.append(limit)
        for row in _read(*name):
            limit = min(limit, row[0])
    for name in names:
        limit = limits.pop()
        found = []
        for row in _read(*name):
            while found and found[-1][0] >= row[0]:
                found.pop()
            found.append(row)
        for row in found:
            if row[0] < limit:
                yield row


def _read(name: str, size: int):
    try:
        with open(name, "rb") as file:
            data = file.read(size)
            while len(data) == size:
                row = unpack(data)
                if row:
                    yield row
                data = file.read(size)
    except OSError:
        pass  # none yet, or a flash that cannot be read


def quarters(folder: str):
    """Of each quarter hour (end, import counter Wh, export counter Wh, imported Wh, exported Wh, mean power of the import W, flags).

    What is not known is None: energies need both counters of one meter, and a mean power those at the right times by one clock.
    """
    last = None
    for row in rows(folder, "quarters"):
        bought, sold = energies(last, row)
        known = bought is not None and not row[3] & (START | LATE | STEP)
        yield row[0], row[1], row[2], bought, sold, bought * 4 if known else None, row[3]
        last = row
