"""The live screen while a meter waits for its PIN: a Model and a Picture in; the meter's display, its light, the way of the PIN and the readings out."""

import textwrap

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from host_tools import big_digits, dashboard, dashboard_details, reading_text
from host_tools.dashboard_model import Model
from host_tools.meters.eye import DIGITS
from host_tools.unlock_watch import Picture
from host_tools.unlock_words import BAD, CALM, GOOD, STEPS, WARN

_QUIET = "dim"
_COLOURS = {GOOD: "green", BAD: "red", WARN: "yellow", CALM: "cyan"}
_LCD, _LIT, _DARK = "black on rgb(168,186,150)", "bold bright_red", "dim"
SMALLEST = (78, 23)  # columns, rows: below this all is told in lines
_GLASS = 33  # columns of the display: eight large figures and a space at each side
_METER_WIDTH = 50
_METER_ROWS = 8
_TEXT_ROWS = 3
_CELL_S = 0.2  # of light in a column of the strip: each half of it is lit or dark
_LAMP_ON, _LAMP_OFF = ("▗▄▄▄▄▖", "▐████▌", "▐████▌", "▝▀▀▀▀▘"), ("╭────╮", "│    │", "│    │", "╰────╯")
_FAULT_ROWS = 5
_BAR = 20
_FIGURES_WIDTH, _FEWEST_BARS = 26, 10  # columns


def glass(display: tuple[str, str], width: int = _GLASS) -> list[str]:
    """Both lines of a display as on its glass, the second in large figures: lines of that width."""
    rows = [display[0].center(width), *(row.rjust(width - 1).ljust(width) for row in big_digits.big(display[1]))]
    return [row[:width] for row in rows]


def strip(picture: Picture, width: int) -> tuple[str, str]:
    """(the light of the last seconds, what began below it), the newest at the right."""
    end = int(picture.now / _CELL_S) + 1  # cells since 1970: a strip moves by whole ones
    first = end - width
    halves = [_lit(picture, (first + half / 2 + 0.25) * _CELL_S) for half in range(2 * width)]
    light = "".join({(True, True): "█", (True, False): "▌", (False, True): "▐"}.get(pair, "▁") for pair in zip(halves[::2], halves[1::2]))
    below = [" "] * width
    for at, name in picture.marks:
        column = int(at / _CELL_S) - first
        if 0 <= column < width:
            word = "╵" + name if column + 1 + len(name) <= width else "╵"  # at the right edge it is not legible yet
            below[column:column + len(word)] = word
            for after in range(column + len(word), width):  # what an earlier name left
                below[after] = " "
    return light, "".join(below)


def _lit(picture: Picture, moment: float) -> bool:
    if moment > picture.now:
        moment = picture.now
    lit = bool(picture.edges) and not picture.edges[0][0]
    for on, at in picture.edges:
        if at > moment:
            break
        lit = on
    return lit


def digits_line(picture: Picture, width: int) -> Text:
    """The four digits: taken, or the flashes so far of the one that is being entered. What the numbers are only the meter's display says."""
    line = Text(no_wrap=True, overflow="ellipsis")
    entering = picture.state == "PIN entry"
    for digit in range(DIGITS):
        if digit < picture.taken:
            word, style = "✓", "green"
        elif entering and digit == picture.taken:
            word, style = "●" * picture.flashes or "…", "bold bright_red"
        else:
            word, style = "·", _QUIET
        cell = Text.assemble((f"digit {digit + 1} ", _QUIET if digit >= picture.taken and style == _QUIET else ""), (word, style))
        cell.pad_right(max(1, width // DIGITS - cell.cell_len))
        line.append_text(cell)
    return line


def steps_line(picture: Picture) -> Text:
    """Where the dongle is on its way."""
    line = Text(no_wrap=True, overflow="ellipsis")
    for at, step in enumerate(STEPS):
        if at:
            line.append(" ━━━ ", "green" if at <= picture.step else _QUIET)
        failed = picture.colour == BAD and at == len(STEPS) - 1
        mark, style = ("✗", "bold red") if failed else ("✓", "green") if at < picture.step else ("●", "bold") if at == picture.step else ("○", _QUIET)
        line.append(f"{mark} {step}", style)
    return line


def countdown(picture: Picture, width: int = _BAR) -> Text:
    """What is left of the wait, as a bar that fills and a clock."""
    if picture.left_s is None or not picture.span_s:
        return Text()
    done = width * max(0, picture.span_s - picture.left_s) // picture.span_s
    minutes, seconds = divmod(picture.left_s, 60)
    return Text.assemble(("━" * done, _COLOURS[picture.colour]), ("─" * (width - done), _QUIET), (f"  {minutes}:{seconds:02} left", "bold"))


def meter_panel(picture: Picture) -> RenderableType:
    """The meter's display, and the light over its eye."""
    lines = glass(picture.display)
    lamp = _LAMP_ON if picture.lit else _LAMP_OFF
    beside = ["", *lamp, "LIGHT" if picture.lit else "dark"]
    frame = ["╔" + "═" * _GLASS + "╗", *lines, "╚" + "═" * _GLASS + "╝"]
    body = Text()
    for row, line in enumerate(frame):
        if 0 < row < len(frame) - 1:
            body.append("║", _QUIET).append(line, _LCD).append("║", _QUIET)
        else:
            body.append(line, _QUIET)
        body.append("   ").append(beside[row].center(7), _LIT if picture.lit else _DARK).append("\n")
    does, colour = picture.meter
    sends = ("sends all it has", "green") if picture.extended else ("sends whole kWh only", "yellow")
    body.append_text(Text.assemble(" ", (does, _COLOURS[colour] if colour != CALM else ""), "\n ", sends))
    body.no_wrap, body.overflow = True, "crop"
    return dashboard.panel(body, "the meter's display")


def _counter(value: object, whole: bool) -> str:
    exact = reading_text.number(value)
    return f"{exact // 1000} kWh" if whole and exact is not None and exact % 1000 == 0 else f"{reading_text.thousandth(value)} kWh"


def counters(model: Model, picture: Picture) -> list[tuple[str, str]]:
    """(name, value): whole kWh while the meter hides the rest."""
    whole = not picture.extended and model.net() is None
    names = (("import", "energy_import_wh"), ("export", "energy_export_wh"))
    return [(word, _counter(model.reading[name], whole)) for word, name in names if name in model.reading]


def readings_panel(model: Model, picture: Picture, width: int) -> RenderableType:
    """What the dongle reads at the same time."""
    net = model.net()
    word, colour = dashboard.direction(net)
    if net is None:
        head = Text("power\n\n" + ("the meter does not send it" if model.reading else "no reading yet") + "\n\n", style=_QUIET)
    else:
        figures = big_digits.big(big_digits.grouped(f"{abs(net):.0f}"))
        figures[-1] += " W"
        head = Text.assemble(("power  ", _QUIET), (word + "\n", colour))
        room = width - 4 - _FIGURES_WIDTH
        bars = dashboard.history(model, room).split("\n") if room >= _FEWEST_BARS else [Text()] * len(figures)
        for figure, bar in zip(figures, bars):
            head.append(figure.ljust(_FIGURES_WIDTH) if bar.plain else figure, colour).append_text(bar).append("\n")
    body = Text("").join([head, Text("\n")])
    for name, value in counters(model, picture):
        body.append(f"{name}  ", _QUIET).append(value.rjust(width - 4 - len(name) - 2) + "\n", "bold")
    rows = body.plain.count("\n")
    body.append("\n" * max(0, _METER_ROWS - 1 - rows))
    sinks = "  ".join(f"{sink.name} #{sink.acknowledged if sink.acknowledged is not None else '-'}" for sink in model.sinks())
    body.append(f"delivered  {sinks or '-'}" if len(sinks) < width - 15 else sinks, _QUIET)
    body.no_wrap, body.overflow = True, "ellipsis"
    age = model.age()
    told = "" if age is None else f"[not dim green]{age:.1f} s ago[/]"
    return dashboard.panel(body, "what the dongle reads", "not read while it flashes" if picture.word == "pulsing" else told)


def way_panel(picture: Picture, width: int) -> RenderableType:
    """How far the PIN is, in words and as light."""
    room = width - 4
    colour = _COLOURS[picture.colour]
    title = Text(picture.title, style=f"bold {colour}", no_wrap=True, overflow="ellipsis")
    bar = countdown(picture)
    title.truncate(room - bar.cell_len - 1, overflow="ellipsis")
    title.append(" " * max(1, room - title.cell_len - bar.cell_len)).append_text(bar)
    text = _lines(picture.text, room, _TEXT_ROWS)
    light, below = strip(picture, room)
    return dashboard.panel(Group(steps_line(picture), title, *text, digits_line(picture, room), Text(light, style="bright_red" if picture.edges else _QUIET),
                                 Text(below, style=_QUIET)), "the PIN by light")


def _lines(text: str, width: int, rows: int) -> list[Text]:
    found = [row for line in text.split("\n") for row in textwrap.wrap(line, width)]
    if len(found) > rows:
        found = [*found[:rows - 1], found[rows - 1][:width - 2] + " …"]
    return [Text(line) for line in found + [""] * (rows - len(found))]


def draw(model: Model, picture: Picture, width: int, height: int) -> RenderableType:
    """The whole screen; what does not fit is left out, the least important first."""
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return _small(model, picture, width, height)
    table = Table.grid(expand=True)
    table.add_column(width=_METER_WIDTH)
    table.add_column(ratio=1)
    table.add_row(meter_panel(picture), readings_panel(model, picture, width - _METER_WIDTH))
    end = dashboard.footer(model)
    parts: list[RenderableType] = [dashboard.title_line(model, width), table, way_panel(picture, width)]
    left = height - 1 - (_METER_ROWS + 2) - (_TEXT_ROWS + 5 + 2) - len(end)
    sinks, health = dashboard_details.sinks(model, width), dashboard_details.health(model, width)
    if model.fault and left >= _FAULT_ROWS:
        parts.insert(1, dashboard.fault_panel(model))
        left -= _FAULT_ROWS
    elif model.fault and left:
        parts.append(Text(f"fault {model.fault.fault.name}: {model.fault.words()}", style=_COLOURS[WARN], no_wrap=True, overflow="ellipsis"))
        left -= 1
    if left >= sinks.row_count + 2:
        parts.append(dashboard.panel(sinks, "delivered"))
        left -= sinks.row_count + 2
    if left >= len(health) + 1:
        parts += health
        left -= len(health)
    return Group(*parts, *dashboard_details.log_lines(model, left), *end)


def _small(model: Model, picture: Picture, width: int, height: int) -> RenderableType:
    lamp = Text("██ LIGHT" if picture.lit else "░░ dark", style=_LIT if picture.lit else _DARK)
    bar = countdown(picture, 10)
    readings = "  ".join(f"{name} {value}" for name, value in counters(model, picture))
    net = model.net()
    glass_width = len(picture.display[0]) + 2
    shown = [Text(f" {line} ".ljust(glass_width), style=_LCD) for line in picture.display]
    power = "not sent" if net is None else f"{reading_text.watts(net)} W"
    lines = [dashboard.title_line(model, width), *shown, lamp, Text(picture.title, style=f"bold {_COLOURS[picture.colour]}"), bar,
             digits_line(picture, width), Text(strip(picture, max(1, width - 1))[0]), Text(f"power {power}  {readings}")]
    lines += _lines(picture.text, max(10, width - 1), max(1, height - len(lines)))
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    return Group(*lines[:height])
