"""How a run is shown: a Model in; a live screen on a terminal, or one plain line per reading, out."""

import os
import sys
import textwrap
import threading
import time
from collections.abc import Callable

from host_tools import reading_text
from host_tools.dashboard_model import HEARD, Model
from host_tools.unlock_watch import Picture

_FRAME_S = 0.25  # the screen is drawn at most so often, and at least twice as seldom
_LIVELY_S = 0.04  # while light flashes
_STEP_WIDTH = 16
_ADVICE_WIDTH = 100
_TELL_EACH_S = 25  # of a wait
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


def unlock_lines(picture: Picture, before: Picture | None) -> list[str]:
    """What is new since the last picture: where the dongle is, what the meter made of the light, the rest of a wait now and then."""
    lines = []
    if before is None or (picture.state, picture.taken) != (before.state, before.taken):
        shown = " | ".join(picture.display).rstrip(" |")
        took = f"digit {picture.taken} is taken; " if before and picture.taken > before.taken else ""
        lines.append(f"*** meter: {took}{picture.meter[0]}  [{shown}]")
    if before is None or picture.extended != before.extended:
        lines.append(f"*** meter: sends {'all it has' if picture.extended else 'whole kWh only'}")
    waits = picture.left_s is not None and picture.left_s // _TELL_EACH_S != ((before and before.left_s) or 0) // _TELL_EACH_S
    if before is None or picture.title != before.title or waits:
        lines.append(f"*** PIN: {picture.title}" + (f", {picture.left_s} s left" if picture.left_s else ""))
        if before is None or picture.title != before.title:
            lines += [f"    {row}" for line in picture.text.split("\n") for row in textwrap.wrap(line, _ADVICE_WIDTH)]
    return lines


def show_plain(model: Model, over: threading.Event, check: Callable[[], bool]) -> None:
    """A line per reading until `over` is set or `check()` says that it is time."""
    shown = news = 0
    told: tuple = ()
    before = None
    while not over.is_set() and not check():
        model.changed.wait(_FRAME_S)
        model.changed.clear()
        with model.lock:
            line = plain_line(model) if model.live > shown else ""
            shown = model.live
            heard = () if model.live else model.heard()
            picture = model.unlocking.picture() if model.unlocking else None
        if picture:
            for words in unlock_lines(picture, before):
                print(words, flush=True)
            before = picture
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

    from host_tools import dashboard, dashboard_display

    console = Console(highlight=False)

    def drawn() -> object:
        if picture:
            with model.lock:
                return dashboard_display.draw(model, picture, console.size.width, console.size.height)
        return dashboard.draw(model, console.size.width, console.size.height)

    picture = model.unlocking.picture() if model.unlocking and model.reading else None

    with Live(drawn(), console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live:
        while not over.is_set() and not check():
            with model.lock:
                picture = model.unlocking.picture() if model.unlocking and model.reading else None
            live.update(drawn(), refresh=True)
            pause = _LIVELY_S if picture and picture.lively else _FRAME_S
            model.changed.wait(2 * pause)
            model.changed.clear()
            over.wait(pause)


def can_be_live() -> bool:
    """True when standard output is a terminal that can move its cursor."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown", "")
