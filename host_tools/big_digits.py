"""Large figures and letters, and a bar history drawn with block characters: numbers in, lines of text of equal width out."""

from collections.abc import Sequence

DIGIT_ROWS = 3
_FONT = {
    "0": ("█▀█", "█ █", "▀▀▀"), "1": ("▀█ ", " █ ", "▀▀▀"), "2": ("▀▀█", "█▀▀", "▀▀▀"), "3": ("▀▀█", " ▀█", "▀▀▀"),
    "4": ("█ █", "▀▀█", "  ▀"), "5": ("█▀▀", "▀▀█", "▀▀▀"), "6": ("█▀▀", "█▀█", "▀▀▀"), "7": ("▀▀█", "  █", "  ▀"),
    "8": ("█▀█", "█▀█", "▀▀▀"), "9": ("█▀█", "▀▀█", "▀▀▀"), "-": ("   ", "▀▀▀", "   "), " ": (" ", " ", " "),
    # the letters of a meter's menu
    "C": ("█▀▀", "█  ", "▀▀▀"), "E": ("█▀▀", "█▀▀", "▀▀▀"), "F": ("█▀▀", "█▀▀", "▀  "), "H": ("█ █", "█▀█", "▀ ▀"), "I": ("▀█▀", " █ ", "▀▀▀"),
    "L": ("█  ", "█  ", "▀▀▀"), "N": ("█▄█", "█▀█", "▀ ▀"), "O": ("█▀█", "█ █", "▀▀▀"), "P": ("█▀█", "█▀▀", "▀  "), "S": ("█▀▀", "▀▀█", "▀▀▀"),
    "U": ("█ █", "█ █", "▀▀▀"), "W": ("█ █", "█▄█", "▀ ▀"), "a": ("▄▄ ", "▄▄█", "▀▀▀"), "b": ("█  ", "█▀█", "▀▀▀"), "c": ("   ", "█▀▀", "▀▀▀"),
    "d": ("  █", "█▀█", "▀▀▀"), "k": ("█  ", "█▄▀", "▀ ▀"), "n": ("   ", "█▀█", "▀ ▀"), "r": ("   ", "█▀▀", "▀  "), "?": ("▀▀█", " ▀▀", " ▀ "),
}
_UP = " ▁▂▃▄▅▆▇█"  # eighths of a cell, from its floor
_DOWN = " ▔▀█"  # from its ceiling; finer steps are not in every font
_STEPS_UP, _STEPS_DOWN = len(_UP) - 1, len(_DOWN) - 1


def big(text: str) -> list[str]:
    """Three lines that show `text` (digits, "-", spaces, what a meter's display says) in large figures."""
    shapes = [_FONT.get(letter, _FONT["-"]) for letter in text]
    return [" ".join(shape[row] for shape in shapes) for row in range(DIGIT_ROWS)]


def grouped(figure: str) -> str:
    """"1234567" as "1 234 567"; groups of three from the right."""
    head = len(figure) % 3
    groups = [figure[:head]] if head else []
    return " ".join(groups + [figure[at:at + 3] for at in range(head, len(figure), 3)])


def split_rows(values: Sequence[float], rows: int) -> int:
    """How many of `rows` stand above the zero line: shared by what is drawn upwards and downwards, each at least one row if used."""
    top, bottom = max([0, *values]), -min([0, *values])
    if not bottom:
        return rows
    if not top:
        return 0
    return min(rows - 1, max(1, round(rows * top / (top + bottom))))


def bars(values: Sequence[float], width: int, rows: int = DIGIT_ROWS) -> list[str]:
    """The newest `width` values as bars, the newest at the right: up when positive, down when negative, one scale for both."""
    shown = list(values)[-width:]
    above = split_rows(shown, rows)
    below = rows - above
    per_row = max([v / above for v in shown if v > 0 and above] + [-v / below for v in shown if v < 0 and below] + [1e-9])
    columns = [_column(value / per_row, above, below) for value in shown]
    return ["".join(column[row] for column in columns).rjust(width) for row in range(rows)]


def _column(height: float, above: int, below: int) -> list[str]:
    """One bar, top to bottom; `height` in rows."""
    cells = []
    for row in range(above):
        filled = height - (above - 1 - row)
        cells.append(_UP[_step(filled, _STEPS_UP, floor=row == above - 1 and height > 0)])
    for row in range(below):
        cells.append(_DOWN[_step(-height - row, _STEPS_DOWN, floor=row == 0 and height < 0)])
    return cells


def _step(filled: float, steps: int, floor: bool) -> int:
    """A cell's step; a value that is not zero is always seen."""
    return max(1 if floor else 0, min(steps, round(max(0.0, filled) * steps)))
