"""How a run is shown: a Model in; a live screen on a terminal, or one plain line per reading, out."""

import os
import sys
import textwrap
import threading
import time
from collections.abc import Callable

from host_tools import reading_text
from host_tools.dashboard_model import HEARD, Model

_FRAME_S = 0.25  # the screen is drawn at most so often, and at least twice as seldom
_STEP_WIDTH = 16
_ADVICE_WIDTH = 100
_ASCII = {"done": "ok", "failed": "--"}
_MARKS = {"done": "✓", "failed": "✗"}


class Steps:
    """Start-up, told as it happens: a name when a part is started, a few words and the time when it stands."""

    def __init__(self, plain: bool):
        self._plain = plain
        self._live = not plain and sys.stdout.isatty()
        self._marks = _MARKS if "utf" in (sys.stdout.encoding or "").lower() else _ASCII

    def __call__(self, name: str, start: Callable[[], str]) -> None:
        """Start a part and tell of it."""
        began = time.monotonic()
        if self._live:
            print(f"  … {name}", end="", flush=True)
        try:
            words = start()
        except BaseException:
            if self._live:
                print(f"\r  {self._marks['failed']} {name}\x1b[K", flush=True)
            raise
        took = time.monotonic() - began
        line = f"  {self._marks['done']} {name.ljust(_STEP_WIDTH)} {words}  ({took:.1f} s)"
        print(f"\r{line}\x1b[K" if self._live else line, flush=True)


def plain_line(model: Model) -> str:
    """One reading: its time, power, counters, how old, good and bad telegrams, what each destination has."""
    from host_tools.dashboard_details import bad_telegrams, good_telegrams

    parts = [f"#{model.reading.get('seq', '?')}", reading_text.clock_text(model.reading.get("time")), reading_text.summary(model.reading)]
    parts.append(f"age {model.age() or 0:.1f} s")
    parts.append(f"good {good_telegrams(model)} bad {sum(count for _, count in bad_telegrams(model))}")
    for sink in model.sinks():
        waiting = f" waiting {sink.backlog}" if sink.backlog else ""
        parts.append(f"{sink.name} acked {reading_text.NOTHING if sink.acknowledged is None else sink.acknowledged}{waiting}")
    return "  ".join(parts)


def search_lines(heard: tuple[str, str, str], told: tuple) -> list[str]:
    """What the dongle hears while there are no readings, and its advice when that is new."""
    word, line, advice = heard
    lines = [f"listening at {line}: {HEARD.get(word, word) or 'nothing known yet'}"]
    return lines + ([f"    {row}" for row in textwrap.wrap(advice, _ADVICE_WIDTH)] if advice and advice != (told and told[2]) else [])


def show_plain(model: Model, over: threading.Event, check: Callable[[], bool]) -> None:
    """A line per reading until `over` is set or `check()` says that it is time."""
    shown = news = 0
    told: tuple = ()
    while not over.is_set() and not check():
        model.changed.wait(_FRAME_S)
        model.changed.clear()
        with model.lock:
            line = plain_line(model) if model.live > shown else ""
            shown = model.live
            heard = () if model.live else model.heard()
        if line:
            print(line, flush=True)
        elif heard != told and any(heard):
            print("\n".join(search_lines(heard, told)), flush=True)
        told = heard
        for words in model.fault.news[news:] if model.fault else ():
            print(f"*** fault {words}" if words[0] != " " else f"***{words}", flush=True)
            news += 1


def show_live(model: Model, over: threading.Event, check: Callable[[], bool]) -> None:
    """The live screen until `over` is set or `check()` says that it is time."""
    from rich.console import Console
    from rich.live import Live

    from host_tools import dashboard

    console = Console(highlight=False)

    def drawn() -> object:
        return dashboard.draw(model, console.size.width, console.size.height)

    with Live(drawn(), console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live:
        while not over.is_set() and not check():
            live.update(drawn(), refresh=True)
            model.changed.wait(2 * _FRAME_S)
            model.changed.clear()
            over.wait(_FRAME_S)


def can_be_live() -> bool:
    """True when standard output is a terminal that can move its cursor."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown", "")
