"""The quarter hour on the live screen: the document that the dongle publishes as <base>/profile in, two lines that rich draws out. W, Wh."""

from rich.text import Text

from host_tools import reading_text

QUIET, GOOD, WARN = "dim", "green", "yellow"
QUARTER_S = 900
_BAR = 30  # columns: half a minute each
_EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(passed: int, width: int = _BAR) -> str:
    """How much of a quarter hour of `passed` seconds is over."""
    eighths = max(0, min(QUARTER_S, passed)) * width * 8 // QUARTER_S
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width, "·")


def _clock(time: object) -> str:
    when = reading_text.local(time)
    return reading_text.NOTHING if when is None else f"{when:%H:%M}"


def _kilo(value: object, unit: str) -> str:
    return f"{value / 1000:.3f} k{unit}" if isinstance(value, (int, float)) else f"- k{unit}"


def lines(profile: dict, time: object) -> list[Text]:
    """The running quarter at `time` (ISO 8601), and what was before it; [] where there is none."""
    quarter, last, peak = (profile.get(name) if isinstance(profile.get(name), dict) else {} for name in ("quarter", "last_quarter", "month_peak"))
    when = reading_text.local(time)
    if not quarter or when is None:
        return []
    passed = int(when.timestamp()) % QUARTER_S if str(time) >= str(quarter.get("start")) else 0
    now = Text.assemble((f"{_clock(quarter.get('start'))} ", QUIET), (bar(passed), GOOD), (f" {_clock(quarter.get('end'))}  ", QUIET))
    if quarter.get("forecast_w") is None:
        now.append("not seen from its start: the next one will be", QUIET)
    else:
        now.append("so far ", QUIET).append(_kilo(quarter.get("energy_import_wh"), "Wh")).append("  expected ", QUIET)
        now.append(_kilo(quarter.get("forecast_w"), "W"), "bold")
    before = Text()
    if last.get("power_w") is not None:
        before.append("last quarter ", QUIET).append(_kilo(last.get("power_w"), "W"))
        before.append("  " if last.get("valid") else " (incomplete)  ", WARN)
    before.append("month's peak ", QUIET).append(_kilo(peak.get("power_w"), "W"))
    if peak.get("time"):
        before.append(f" at {reading_text.day_text(peak['time'])}", QUIET)
    if peak:
        before.append(" by the meter" if peak.get("source") == "meter" else " by the dongle", QUIET)
    for line in (now, before):
        line.no_wrap, line.overflow = True, "ellipsis"
    return [now, before]
