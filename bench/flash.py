"""Figures of the journal on flash: hours held, erases, years, the ESP32's milliseconds; beside it JSON lines and 16-byte records on the same data.

The flash is a LittleFS2 in RAM whose erases are counted; days of 1 s readings of a household are written to it as the keeper does,
until files are deleted, and then for days on. Nothing else writes there, but for "flash": the journal and the profile together.
"""

import pathlib
import tempfile
from collections.abc import Iterator

from bench import callgrind, days, samples
from bench.journal import runs
from host_tools import build, runtime

KB = 1024
FLASH_KB = 2048
ERASES = 100_000  # that a block of the flash stands
HOUR_S, DAY_S, YEAR_DAYS = 3600, 86_400, 365.25
# way of keeping: (what its names begin with, days: enough to fill the capacity, and then some)
WAYS = {"segments": ("journal", 14), "whole": ("flash", 14), "json": ("journal.baseline.json", 4), "fixed16": ("journal.baseline.fixed16", 6)}
EVERY = 55  # readings from one write to the next, as in on_micropython/journal_cost.py
IN_QUARTER = 90  # readings there in a quarter hour


def figures() -> Iterator[tuple]:
    """(name, value, unit) of each figure."""
    runtime.firmware_importable()
    from bridge.config.table import SETTINGS

    capacity_kb = next(row[1] for row in SETTINGS if row[0] == "journal_flash_kb")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        records = days.write(folder / "records")
        for way, (called, length) in WAYS.items():
            held, each, seconds, erases, most = map(float, runs("flash_wear.py", way, str(records), str(length), str(capacity_kb), str(FLASH_KB)))
            lasting, blocks = seconds / DAY_S, FLASH_KB * KB // 4096
            yield f"{called}{'.flash' if way == 'segments' else ''}.bytes_per_reading", round(each, 2), "byte"
            yield f"{called}.hours_2mb_flash", round(held / HOUR_S, 1), "h"
            yield f"{called}.erases_per_day", round(erases / lasting), "erases of all blocks"
            yield f"{called}.worst_block_erases_per_day", round(most / lasting, 2), "erases"
            yield f"{called}.years", round(ERASES / (most / lasting) / YEAR_DAYS, 1), "years of the worst block"
            yield f"{called}.years_mean", round(ERASES / (erases / lasting / blocks) / YEAR_DAYS, 1), "years if all blocks wear alike"
        build.build("sim", folder / "firmware", own_names=True)
        yield from costs(records, samples.write("p1-nl", folder / "p1", 96), folder / "firmware")


def costs(records: pathlib.Path, telegrams: pathlib.Path, firmware: pathlib.Path) -> Iterator[tuple]:
    """What the processor has to do, without the flash's own time."""

    def count(what: str, repetitions: int, path: pathlib.Path = records) -> float:
        return callgrind.instructions("journal_cost.py", repetitions, what, str(path), firmware=firmware)

    append = callgrind.esp32_ms(count("append", 32, telegrams))
    made, kept = count("make", 400), count("four", 400)
    write = callgrind.esp32_ms(count("minute", 8) - EVERY * kept)
    out = callgrind.esp32_ms(count("out", 600))
    quarter = callgrind.esp32_ms(count("quarter", 12) - IN_QUARTER * count("take", 200))
    yield "journal.append.esp32_ms", round(append, 2), "ms"
    yield "journal.append.four.esp32_ms", round(callgrind.esp32_ms(kept - made), 2), "ms"
    yield "journal.write.esp32_ms", round(write, 2), "ms"
    yield "journal.quarter.esp32_ms", round(quarter, 2), "ms"
    yield "journal.readings_per_s_in", round(1000 / (append + write / EVERY)), "1/s"
    yield "journal.readings_per_s_out", round(1000 / out), "1/s"
