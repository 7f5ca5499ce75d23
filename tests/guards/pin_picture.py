"""Draws docs/pin-pulses.svg: the light that enters a PIN, from the firmware's own plan, and what a simulated meter's display says to it.

`python -m tests.guards.pin_picture` writes it anew.
"""

from host_tools import runtime
from host_tools.meters.eye import Eye
from tests.guards.sources import ROOT

runtime.firmware_importable()
from bridge.unlock import plan  # noqa: E402
from bridge.unlock.profiles import profile  # noqa: E402

PICTURE = ROOT / "docs" / "pin-pulses.svg"
PIN = "2013"  # of the drawing: with a 0 and within one line
LEFT, SCALE, END_S = 92, 33, 26  # pixels, pixels per second, seconds
SIZE = (970, 292)
LIGHT_Y, DISPLAY_Y, AXIS_Y = 112, 160, 232
STEP_MS, GAP_MS = 50, 200
LETTER = 6.7  # pixels of width
STYLE = (
    "text{font-family:Helvetica,Arial,sans-serif;font-size:13px;fill:#1f2328}.small{font-size:11px;fill:#57606a}.strong{font-weight:bold}"
    ".display{font-family:Menlo,Consolas,monospace;font-size:11px}"
)


def edges() -> list[tuple[int, int]]:
    """(begin, end) of each pulse in milliseconds since the first."""
    pulses, at, found = plan.entry(plan.digits(PIN), profile("")), 0, []
    for index, lasts in enumerate(pulses):
        if index % 2 == 0:
            found.append((at, at + lasts))
        at += lasts
    return found


def displayed(pulses: list) -> list[tuple[int, int, str]]:
    """(from, to, text) of the display's second line in milliseconds."""
    eye, begin = Eye(pin=PIN), 1000
    eye.values = {"power_w": 312}
    changes = sorted([(at, True) for at, _ in pulses] + [(at, False) for _, at in pulses])
    found: list = []
    eye.tick(begin)
    for now in range(0, END_S * 1000, STEP_MS):
        while changes and changes[0][0] <= now:
            at, lit = changes.pop(0)
            eye.light(lit, begin + at / 1000)
        text = eye.display(begin + now / 1000)[1].strip()
        if not found or found[-1][2] != text:
            found.append([now, now, text])
        found[-1][1] = now + STEP_MS
    return [tuple(one) for one in found]


def x(ms: float) -> float:
    return round(LEFT + ms / 1000 * SCALE, 1)


def text(left: float, y: float, words: str, style: str = "", middle: bool = True) -> str:
    anchor = ' text-anchor="middle"' if middle else ""
    return f'<text x="{left:g}" y="{y:g}"{anchor}{style and f" class={chr(34)}{style}{chr(34)}"}>{words}</text>'


def brace(begin: float, end: float, label: str) -> list[str]:
    """A line over a stretch of time, and what it is called."""
    a, b = x(begin), x(end)
    return [f'<path d="M{a:g} 66v-6H{b:g}v6" fill="none" stroke="#57606a"/>', text((a + b) / 2, 52, label, "strong")]


def draw() -> str:
    """The whole picture."""
    pulses = edges()
    generic = profile("")
    wide, high = SIZE
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" role="img">',
        f"<title>The light pulses that enter the PIN {PIN}, and what the meter's display says meanwhile</title><style>{STYLE}</style>",
        f'<rect width="{wide}" height="{high}" rx="8" fill="#f6f8fa" stroke="#d0d7de"/>',
        text(16, 27, f"The PIN {PIN} by light: {len(pulses)} pulses", "strong", False),
    ]
    out += _braces(pulses, generic)
    base = LIGHT_Y + 6
    out += [text(16, LIGHT_Y, "light", "", False), f'<path d="M{LEFT} {base}H{x(END_S * 1000):g}" stroke="#57606a"/>']
    for begin, end in pulses:
        out.append(f'<rect x="{x(begin):g}" y="78" width="{x(end) - x(begin):.1f}" height="{base - 78}" fill="#f2b01e" stroke="#9a6700"/>')
    out += [text(16, DISPLAY_Y + 20, "display,", "", False), text(16, DISPLAY_Y + 36, "2nd line", "", False)]
    for begin, end, said in displayed(pulses):
        a, b = x(begin), x(end)
        out.append(f'<rect x="{a:g}" y="{DISPLAY_Y}" width="{b - a:.1f}" height="44" fill="#dfe8d8" stroke="#8c959f"/>')
        said = "test" if said.startswith("8") else said
        if said and len(said) * LETTER > b - a:
            said = said.strip("-")
        out.append(text((a + b) / 2, DISPLAY_Y + 27, said, "display"))
    out += _axis(generic)
    return "\n".join([*out, "</svg>", ""])


def _braces(pulses: list, generic) -> list[str]:
    """Over the two presses, each digit with its darkness, and the check."""
    out = brace(0, pulses[generic.wake - 1][1], "wake")
    index, at = generic.wake, pulses[generic.wake - 1][1] + generic.wake_gap_ms
    for digit in PIN:
        lasts = generic.zero_wait_ms
        if digit != "0":
            lasts = pulses[index + int(digit) - 1][1] - at + generic.digit_wait_ms
            index += int(digit)
        out += brace(at, at + lasts - GAP_MS, f"digit {digit}" if digit != "0" else "digit 0: dark")
        at += lasts
    assert index == len(pulses)
    return [*out, *brace(at, at + generic.check_wait_ms, "is it right?")]


def _axis(generic) -> list[str]:
    out = [f'<path d="M{LEFT} {AXIS_Y}H{x(END_S * 1000):g}" stroke="#57606a"/>', text(16, AXIS_Y + 16, "seconds", "small", False)]
    for second in range(0, END_S + 1, 2):
        out += [f'<path d="M{x(second * 1000):g} {AXIS_Y}v5" stroke="#57606a"/>', text(x(second * 1000), AXIS_Y + 18, str(second), "small")]
    numbers = [ms / 1000 for ms in (generic.on_ms, generic.off_ms, generic.digit_wait_ms, generic.zero_wait_ms)]
    words = "A pulse: {:g} s of light, {:g} s dark. After the last pulse of a digit: {:g} s dark. A 0 is no pulse, but {:g} s more.".format(*numbers)
    return [*out, text(16, AXIS_Y + 44, words, "small", False)]


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
