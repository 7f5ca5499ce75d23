"""The smaller parts of the live screen: tables of phases, counters and destinations, lines about the dongle's health and its log."""

from rich.table import Table
from rich.text import Text

from host_tools import reading_text
from host_tools.dashboard_model import Model, Sink
from host_tools.reading_text import NOTHING, PHASES, SUBMETERS, TARIFFS, clock_text, day_text, rounded, thousandth, watts

QUIET, GOOD, BAD, WARN = "dim", "green", "red", "yellow"
_STATES = {"connected": GOOD, "connecting": WARN, "waiting": BAD, "off": QUIET, "starting": WARN}
_LEVELS = {"error": BAD, "warning": WARN}
_ERROR_WIDTH = 100  # columns from which a destination's last error has a column of its own


# reading ---------------------------------------------------------------------------------------------------------------


def phase_rows(reading: dict) -> list[tuple[str, str, str, str]]:
    """(name, W, V, A) of each phase that the meter tells of."""
    rows = []
    for phase in PHASES:
        names = (f"power_l{phase}_w", f"voltage_l{phase}_mv", f"current_l{phase}_ma")
        if any(name in reading for name in names):
            rows.append((f"L{phase}", watts(reading.get(names[0])), rounded(reading.get(names[1]), 1), rounded(reading.get(names[2]), 2)))
    return rows


def extra_rows(reading: dict) -> list[tuple[str, str]]:
    """(name, value) of single values beside the phases."""
    rows = []
    if "power_demand_w" in reading:
        rows.append(("quarter", f"{watts(reading['power_demand_w'])} W"))
    if "power_peak_month_w" in reading:
        when = day_text(reading.get("power_peak_month_time"))
        rows.append(("peak", f"{watts(reading['power_peak_month_w'])} W" + ("" if when == NOTHING else f"  {when}")))
    if "frequency_mhz" in reading:
        rows.append(("frequency", f"{rounded(reading['frequency_mhz'], 2)} Hz"))
    return rows


def counter_rows(reading: dict) -> list[tuple[str, str, str]]:
    """(name, value with unit, note) of each counter; a tariff's name is indented below its total."""
    rows = []
    for word in ("import", "export"):
        if f"energy_{word}_wh" in reading:
            rows.append((word, f"{thousandth(reading[f'energy_{word}_wh'])} kWh", ""))
        for tariff in TARIFFS:
            name = f"energy_{word}_t{tariff}_wh"
            if name in reading:
                active = "now" if word == "import" and reading_text.number(reading.get("tariff")) == tariff else ""
                rows.append((f"  tariff {tariff}", f"{thousandth(reading[name])} kWh", active))
    for word, name, unit, time_name in SUBMETERS:
        if name in reading:
            when = clock_text(reading.get(time_name))
            rows.append((word, f"{thousandth(reading[name])} {unit}", "" if when == NOTHING else when))
    return rows


def shortened(rows: list[tuple[str, str, str]], room: int) -> list[tuple[str, str, str]]:
    """As many counters as there is room for: tariffs go first, those of export before those of import."""
    spare = len(rows) - room
    for at in range(len(rows) - 1, -1, -1):
        if spare > 0 and rows[at][0].startswith(" "):
            rows = rows[:at] + rows[at + 1:]
            spare -= 1
    return rows[:room]


def rows_wanted(reading: dict) -> int:
    """Lines that phases and counters would fill."""
    phases_high = 1 + len(phase_rows(reading)) + len(extra_rows(reading))
    return max(4, phases_high, len(counter_rows(reading)))


def phases(reading: dict, rows: int) -> Table:
    """A table of W, V and A per phase with single values below, `rows` high."""
    table = Table.grid(expand=True, padding=(0, 1))
    table.add_column(style=QUIET, no_wrap=True)
    for _ in range(3):
        table.add_column(justify="right", no_wrap=True)
    body = [("", "W", "V", "A"), *phase_rows(reading)]
    for row in body[:rows]:
        table.add_row(*row, style=QUIET if row is body[0] else None)
    outer = Table.grid(expand=True)
    outer.add_row(table)
    for name, value in extra_rows(reading)[:max(0, rows - len(body))]:
        outer.add_row(Text.assemble((f"{name}  ", QUIET), value, no_wrap=True, overflow="ellipsis"))
    for _ in range(rows - len(body) - len(extra_rows(reading))):
        outer.add_row("")
    return outer


def counters(reading: dict, rows: int) -> Table:
    """A table of counters, `rows` high."""
    table = Table.grid(expand=True, padding=(0, 1))
    table.add_column(no_wrap=True, style=QUIET)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True, style=QUIET)
    shown = shortened(counter_rows(reading), rows)
    for name, value, note in shown:
        table.add_row(name, Text(value, style=QUIET if name.startswith(" ") else "bold"), note)
    for _ in range(rows - len(shown)):
        table.add_row("", "", "")
    return table


# delivery --------------------------------------------------------------------------------------------------------------


def sink_row(sink: Sink, model: Model, width: int) -> list[Text | str]:
    """One destination: its state, what it acknowledged, what waits."""
    colour = _STATES.get(sink.state, QUIET)
    cells: list[Text | str] = [
        Text(sink.name, style="bold"),
        Text(f"● {sink.state}", style=colour),
        Text.assemble(("acked ", QUIET), NOTHING if sink.acknowledged is None else f"#{sink.acknowledged}"),
        Text.assemble(("waiting ", QUIET), (str(sink.backlog), WARN if sink.backlog > 60 else "")),
        Text.assemble(("lost ", QUIET), (str(sink.lost), BAD if sink.lost else "")),
        Text.assemble(("errors ", QUIET), (str(sink.errors), BAD if sink.errors else "")),
    ]
    if width >= _ERROR_WIDTH:
        cells.append(Text(sink.last_error, style=QUIET, overflow="ellipsis", no_wrap=True))
    return cells


def sinks(model: Model, width: int) -> Table:
    """A row per destination."""
    table = Table.grid(expand=True, padding=(0, 1))
    for _ in range(6):
        table.add_column(no_wrap=True)
    if width >= _ERROR_WIDTH:
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    rows = model.sinks()
    for sink in rows:
        table.add_row(*sink_row(sink, model, width))
    if not rows:
        table.add_row(Text("waiting for the dongle's first status", style=QUIET))
    return table


# health ----------------------------------------------------------------------------------------------------------------


def bad_telegrams(model: Model) -> list[tuple[str, int]]:
    """What the receiving side counted as not good, in words; noise in bytes is apart."""
    meter = model.part("meter")
    names = (("crc", "crc_errors"), ("undecodable", "undecodable"), ("oversize", "oversize"))
    return [(word, meter.get(name) or 0) for word, name in names]


def good_telegrams(model: Model) -> int:
    """Telegrams whose checksum was right and that could be decoded."""
    meter = model.part("meter")
    return max(0, (meter.get("frames") or 0) - (meter.get("undecodable") or 0))


def telegrams_line(model: Model) -> Text:
    """Good and bad telegrams."""
    bad = bad_telegrams(model)
    meter = model.part("meter")
    total = sum(count for _, count in bad)
    line = Text.assemble(("telegrams ", QUIET), (f"{good_telegrams(model)} good", GOOD), ("  ", QUIET),
                         (f"{total} bad", BAD if total else QUIET))
    line.append(" (" + ", ".join(f"{count} {word}" for word, count in bad) + ")", QUIET)
    line.append("  noise ", QUIET)
    line.append(f"{meter.get('noise_bytes') or 0} B")
    return line


def heap_share(memory: dict) -> str:
    """"58 %": what is in use after a collection where that is known; a share, as a 64-bit MicroPython needs twice an ESP32's bytes."""
    total = (memory.get("heap_used") or 0) + (memory.get("heap_free") or 0)
    used = memory.get("heap_live") or memory.get("heap_used")
    return f"{100 * used // total} %" if used and total else NOTHING


def dongle_line(model: Model) -> Text:
    """Journal, heap, Wi-Fi, starts."""
    journal, memory, wifi = model.part("journal"), model.part("memory"), model.part("wifi")
    line = Text.assemble(("journal ", QUIET), f"{max(0, (journal.get('next') or 0) - (journal.get('oldest') or 0))} kept")
    lost = journal.get("overwritten") or 0
    line.append(f", {lost} overwritten", WARN if lost else QUIET)
    flash = journal.get("flash")
    if isinstance(flash, dict):
        line.append(f", {flash['problem']}" if flash.get("problem") else f", {(flash.get('bytes') or 0) // 1024} KB on flash",
                    BAD if flash.get("problem") else QUIET)
    line.append("  heap ", QUIET)
    line.append(f"{heap_share(memory)} of {model.facts.heap_bytes // 1024} KB")
    line.append("  Wi-Fi ", QUIET)
    up = wifi.get("connected")
    line.append(NOTHING if up is None else "up" if up else str(wifi.get("problem") or "down"), GOOD if up else WARN)
    if wifi.get("rssi") is not None:
        line.append(f" {wifi['rssi']} dBm", QUIET)
    if model.restarts:
        line.append("  restarts ", QUIET)
        line.append(str(model.restarts), BAD)
    return line


def health(model: Model, width: int) -> list[Text]:
    """The dongle's state in two lines."""
    lines = [telegrams_line(model), dongle_line(model)]
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
        line.pad_left(2)
    return lines


def log_lines(model: Model, room: int) -> list[Text]:
    """The newest log lines, `room` of them or as many as there are, then empty ones."""
    shown = list(model.log)[-room:] if room else []
    lines = [Text(f"  {line}", style=_log_style(line), no_wrap=True, overflow="ellipsis") for line in shown]
    return lines + [Text("")] * (room - len(lines))


def _log_style(line: str) -> str:
    for level, colour in _LEVELS.items():
        if f"{level} " in line[:40]:
            return colour
    return QUIET


def tiny(model: Model) -> list[Text]:
    """What a very small window still shows."""
    net = model.net()
    power = NOTHING if net is None else f"{'import' if net >= 0 else 'export'} {watts(abs(net))} W"
    lines = [power, *(f"{name.strip()} {value}" for name, value, _ in counter_rows(model.reading)[:4])]
    return [Text(line, no_wrap=True, overflow="ellipsis") for line in lines]
