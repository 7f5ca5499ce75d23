"""The live screen of a run: a Model and a size in, something that rich draws out; fits 80x24 and uses more where there is more."""

from decimal import Decimal

from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from host_tools import big_digits, dashboard_details, dashboard_quarters, reading_text
from host_tools.dashboard_model import HEARD, Model

IMPORT, EXPORT, QUIET, GOOD, BAD, WARN = "yellow", "green", "dim", "green", "red", "yellow"
SMALLEST = (50, 12)  # columns, rows: below this only the newest reading is shown
_WIDE = 60  # columns from which the power history and both tables stand side by side
_STALE_CADENCES = 5  # a reading older than so many cadences is called late
_OLD_STATUS_S = 6  # a status comes every two seconds while it can
_DIGITS_WIDTH = 30
_PHASES_WIDTH = 32
_LOG_ROWS = 2  # kept for the log before tables take what they want
_FRAME = 2  # rows of a panel's border
_FEWEST_ROWS = 3  # a table lower than this says nothing


def panel(body: RenderableType, title: str, subtitle: str = "") -> Panel:
    """A frame with a title in its border."""
    return Panel(body, title=f"[bold not dim]{title}[/]", title_align="left", subtitle=subtitle or None, subtitle_align="right",
                 box=box.ROUNDED, border_style=QUIET, padding=(0, 1))


def direction(net: Decimal | None) -> tuple[str, str]:
    """(word, colour) of the way that power flows, as seen from the home."""
    if net is None:
        return "no power value", QUIET
    if net == 0:
        return "balanced", QUIET
    return ("importing", IMPORT) if net > 0 else ("exporting", EXPORT)


def title_line(model: Model, width: int) -> Text:
    """What is simulated, and how long."""
    head = Text.assemble(("meterbridge ", "bold"), (model.facts.title, "bold cyan"))
    if model.facts.line:
        head.append(f"  {model.facts.line}", QUIET)
    up = duration(model.clock() - model.started)
    head.truncate(max(0, width - len(up) - 3), overflow="ellipsis", pad=False)
    head.append(" " * max(1, width - head.cell_len - len(up) - 1))
    head.append(up, QUIET)
    return head


def duration(seconds: float) -> str:
    """"42 s", "3:07", "1:02:03"."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def age_text(model: Model) -> Text:
    """"reading 0.4 s old", in red when it should have been followed long ago."""
    age = model.age()
    if model.note:
        return Text(model.note, style=f"not dim {WARN}")
    if age is None:
        return Text("waiting for the first reading", style=f"not dim {WARN}")
    late = age > max(3.0, _STALE_CADENCES * model.facts.cadence_s)
    source = {"meter": "", "bridge": ", dongle's clock", "uptime": ", no clock yet"}.get(str(model.reading.get("time_source")), "")
    shown = f"{age:.1f}" if age < 60 else duration(age)
    unit = " s" if age < 60 else ""
    stamp = reading_text.clock_text(model.reading.get("time"))
    return Text.assemble((f"last reading {shown}{unit} ago", f"not dim {BAD if late else GOOD}"), (f"  ({stamp}{source})", QUIET))


def power_panel(model: Model, width: int) -> Panel:
    """Power now in large figures, and its history."""
    net = model.net()
    word, colour = direction(net)
    figures = big_digits.big("-" if net is None else big_digits.grouped(f"{abs(net):.0f}"))
    arrow = {"importing": "▼ from the grid", "exporting": "▲ to the grid"}.get(word, "")
    words = (f" W {word}", "", f" {arrow}")
    left = Text("\n").join(Text.assemble((line, colour), (tail, colour)) for line, tail in zip(figures, words))
    table = Table.grid(expand=True)
    table.add_column(width=max(_DIGITS_WIDTH, max(len(line) for line in figures) + 17), no_wrap=True)
    cells = [left]
    room = width - 6 - table.columns[0].width
    if width >= _WIDE and room >= 10:
        table.add_column(justify="right", no_wrap=True)
        cells.append(history(model, room))
    table.add_row(*cells)
    link = model.link()
    return panel(table, "power now" + (f"[not bold dim]  {link}[/]" if link and len(link) < width - 16 else ""), age_text(model).markup)


def history(model: Model, width: int) -> Text:
    """Net power of the newest readings: import above the zero line, export below."""
    values = [float(value) for value in list(model.history)[-width:]]
    above = big_digits.split_rows(values, big_digits.DIGIT_ROWS)
    rows = big_digits.bars(values, width)
    return Text("\n").join(Text(row, style=IMPORT if at < above else EXPORT) for at, row in enumerate(rows))


def search_panel(model: Model, width: int, most: int) -> Panel:
    """At most so many rows; while there are no readings: what the dongle hears, where it listens, what its owner can do."""
    heard, line, advice = model.heard()
    body = Text.assemble(("it hears  ", QUIET), (HEARD.get(heard, heard) if heard else "not known yet", f"bold {WARN}"))
    if line:
        body.append("  listening at ", QUIET).append(line, "cyan")
    if advice:
        body.append(f"\n\n{advice}")
    found = panel(body, "no readings yet", age_text(model).markup)
    found.height = min(most, _FRAME + len(body.wrap(Console(width=width), width - 2 * _FRAME)))
    return found


def fault_panel(model: Model) -> Panel:
    """What is broken on purpose, since when, what it costs."""
    colour = {"on": BAD, "over": WARN, "recovered": GOOD}.get(model.fault.state, QUIET)
    lines = [Text(text, style=style, no_wrap=True, overflow="ellipsis")
             for text, style in ((model.fault.fault.what, ""), (f"see: {model.fault.fault.sees}", QUIET), (model.fault.words(), f"bold {colour}"))]
    made = panel(Text("\n").join(lines), f"fault {model.fault.fault.name}")
    made.border_style, made.height = colour, len(lines) + _FRAME
    return made


def details(model: Model, width: int, rows: int) -> RenderableType:
    """Phases and counters, side by side where there is room; `rows` high without the frames."""
    left = panel(dashboard_details.phases(model.reading, rows), "phases")
    right = panel(dashboard_details.counters(model.reading, rows), "counters")
    table = Table.grid(expand=True)
    table.add_column(width=max(_PHASES_WIDTH, width * 2 // 5))
    table.add_column(ratio=1)
    table.add_row(left, right)
    return table


def footer(model: Model) -> list[Text]:
    """Where to look further."""
    see = Text.assemble(("see it elsewhere  ", QUIET), (model.facts.listen, "cyan"), no_wrap=True, overflow="ellipsis")
    where = Text.assemble(("end ", QUIET), "Ctrl-C", ("  topics ", QUIET), model.facts.topic, ("  web server ", QUIET), model.facts.http,
                          no_wrap=True, overflow="ellipsis")
    return [see, where]


def draw(model: Model, width: int, height: int) -> RenderableType:
    """The whole screen; what does not fit is left out, the least important first."""
    with model.lock:
        if width < SMALLEST[0] or height < SMALLEST[1]:
            return Group(title_line(model, width), *dashboard_details.tiny(model)[:max(0, height - 1)])
        end = footer(model)
        searching = not model.reading
        top = search_panel(model, width, height - 1 - len(end)) if searching else power_panel(model, width)
        parts: list[RenderableType] = [title_line(model, width), top]
        left = height - 1 - (top.height or big_digits.DIGIT_ROWS + _FRAME)
        if model.fault:
            parts.insert(1, fault_panel(model))
            left -= parts[1].height
        health = dashboard_details.health(model, width)
        sinks = dashboard_details.sinks(model, width)
        left -= len(end)
        room = left - 2 * _FRAME - len(health) - sinks.row_count
        # While something is broken its log says more than phases.
        rows = min(dashboard_details.rows_wanted(model.reading), max(room - _LOG_ROWS, 0 if model.fault else min(room, _FEWEST_ROWS + 1)))
        if not searching and rows >= _FEWEST_ROWS:
            parts.append(details(model, width, rows))
            left -= rows + _FRAME
        if left >= sinks.row_count + _FRAME:
            old = model.silence()
            parts.append(panel(sinks, "delivered" + (f"[not bold {WARN}]  as the dongle told {duration(old)} ago" if old > _OLD_STATUS_S else "")))
            left -= sinks.row_count + _FRAME
        quarter = dashboard_quarters.lines(model.profile, model.reading.get("time"))
        if quarter and left >= len(quarter) + _FRAME + len(health) + _LOG_ROWS:
            parts.append(panel(Text("\n").join(quarter), "quarter hour"))
            left -= len(quarter) + _FRAME
        if left >= len(health):
            parts += health
            left -= len(health)
        return Group(*parts, *dashboard_details.log_lines(model, max(0, left)), *end)
