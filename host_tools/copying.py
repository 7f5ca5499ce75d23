"""Copies what a running dongle keeps: its console in; a folder with journal/, profile/, log/ and ram.json out, how far it is on standard error."""

import json
import sys
import time
from pathlib import Path

from host_tools.dongle_console import Console
from host_tools.dongle_http import Dongle
from host_tools.kept import RAM, Kept
from host_tools.time_words import seconds

_BAR = 24  # characters
_TELL_S = 5.0  # between two lines where no terminal shows it live


class Progress:
    """One line that is rewritten on a terminal; elsewhere one every few seconds."""

    def __init__(self, total: int):
        self.total, self.done = total, 0
        self._began = time.monotonic()
        self._told = self._began if not sys.stderr.isatty() else 0.0

    def __call__(self, count: int) -> None:
        self.done += count
        now = time.monotonic()
        if now - self._told < (0.1 if sys.stderr.isatty() else _TELL_S):
            return
        self._told = now
        seconds = max(now - self._began, 0.001)
        rate = self.done / seconds
        left = max(0, self.total - self.done) / rate if rate else 0
        share = min(1.0, self.done / max(self.total, 1))
        bar = "#" * round(share * _BAR)
        text = f"{share:4.0%} [{bar:.<{_BAR}}] {self.done / 1024:.0f} of {self.total / 1024:.0f} KB, {rate / 1024:.1f} KB/s, {left // 60:.0f}:{left % 60:02.0f} left"
        print(f"\r\033[K{text}" if sys.stderr.isatty() else text, end="" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)

    def end(self) -> None:
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def copy(console: Console | Dongle, folders: set[str], to: Path, first: int | None = None) -> list[str]:
    """Copies the files of `folders` as they are at this moment; paths of those that the dongle deleted meanwhile to make room.

    The journal comes newest first: with `first`, UTC in seconds since 2000, only as much of it as is not older.
    """
    listed = {path: size for path, size in console.files().items() if path.partition("/")[0] in folders}
    gone: list[str] = []
    progress = Progress(sum(listed.values()))
    try:
        for path in sorted(listed, reverse=True):
            journal = path.startswith("journal/")
            if journal and first is not None and _reaches(to, first):
                progress.total -= listed[path]
                continue
            data = console.copy(path, listed[path], progress)
            if data is None:
                gone.append(path)
                continue
            target = to / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        if "journal" in folders:
            _copy_ram(console, to / RAM)
    finally:
        progress.end()
    return gone


def _copy_ram(console: Console | Dongle, to: Path) -> None:
    """What the flash has not taken: all that there is where no flash is for readings, and what a flash that fails refused."""
    status = console.status()
    clock = status.get("clock", {}).get("utc")
    offset = seconds(clock) - status.get("uptime_s", 0) if clock else None
    to.write_text(json.dumps({"boot": console.hello["boot"], "utc_offset": offset, "blocks": console.ram()}) + "\n", encoding="utf-8")


def _reaches(folder: Path, first: int) -> bool:
    """Whether what is copied of the journal begins before `first`."""
    oldest = Kept(folder).first_time() if (folder / "journal").is_dir() else None
    return oldest is not None and oldest < first
