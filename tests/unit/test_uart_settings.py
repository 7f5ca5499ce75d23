"""Line settings as text: what is read, what is refused, and that the text comes back."""

from bridge.uart.settings import LineSettings, parse

# text, baud, bits, parity (None, 0 even, 1 odd), stop, inverted: the lines that meters are known to have
_LINES = (
    ("115200 8N1 inverted", 115200, 8, None, 1, True),
    ("115200 8N1", 115200, 8, None, 1, False),
    ("9600 7E1", 9600, 7, 0, 1, False),
    ("9600 7E1 inverted", 9600, 7, 0, 1, True),
    ("9600 8N1", 9600, 8, None, 1, False),
    ("2400 8E1", 2400, 8, 0, 1, False),
    ("300 7O2", 300, 7, 1, 2, False),
    ("2000000 5N1", 2000000, 5, None, 1, False),
)

_REFUSED = (
    "", " ", "115200", "8N1", "115200 8N1 inverted now", "115200 8N1 upside", "fast 8N1", "-9600 8N1", "299 8N1", "2000001 8N1",
    "9600 9N1", "9600 4N1", "9600 8X1", "9600 8N3", "9600 8N0", "9600 8N", "9600 8N11", "9600.5 8N1", "96e2 8N1",
    "115200 8N1 " + "x" * 100, "9600 8N1 \x00", "\u0663\u0660\u0660 8N1",
)


def test_reads_every_known_line():
    for text, baud, bits, parity, stop, inverted in _LINES:
        line = parse(text)
        assert (line.baud, line.bits, line.parity, line.stop, line.inverted) == (baud, bits, parity, stop, inverted), text


def test_text_comes_back():
    for row in _LINES:
        assert parse(row[0]).text() == row[0]


def test_case_and_spaces_do_not_matter():
    assert parse("  9600   7e1  INVERTED ").text() == "9600 7E1 inverted"


def test_refuses_with_a_reason():
    for text in _REFUSED:
        try:
            parse(text)
        except ValueError as error:
            assert len(str(error)) > 10
        else:
            assert False, text


def test_settings_compare_by_value():
    assert parse("9600 7E1") == LineSettings(9600, 7, 0, 1, False)
    assert parse("9600 7E1") != parse("9600 7O1")
    assert parse("9600 7E1") != parse("9600 7E1 inverted")
    assert parse("9600 7E1") != "9600 7E1"
