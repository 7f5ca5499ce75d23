"""Values between lists by id: machine code and plain loops give what is written here."""

from bridge.core import lists, lists_plain


def test_there_and_back():
    for module in (lists, lists_plain):
        found = [0, 0, 0, 0]
        module.pick(found, [10, 11, 1 << 40, 13, -14], b"\x04\x00\x02")
        assert found == [-14, 10, 1 << 40, 0]
        values = [0] * 6
        module.spread(values, found, b"\x05\x01\x03")
        assert values == [0, 10, 0, 1 << 40, 0, -14]
        module.pick(found, [], b"")
        assert found == [-14, 10, 1 << 40, 0]


def test_inside():
    for module in (lists, lists_plain):
        assert module.inside([99, -5, 1 << 33], 1, [5, 1 << 33])
        assert module.inside([99], 1, []) and module.inside([99], 0, [])
        for odd in ([99, -6, 0], [99, 6, 0], [99, 0, (1 << 33) + 1], [99, 0, -(1 << 33) - 1]):
            assert not module.inside(odd, 1, [5, 1 << 33])


def test_changed():
    before = [1, 1 << 40, 3, 4, 5]
    values = [1, 1 << 40, 30, 4, 50]
    there = bytearray(b"\x01\x01\x01\x00\x01")
    for module in (lists, lists_plain):
        assert module.changed(values, before, there, b"\x20\x20\x20\x20\x00", b"\x04\x03\x02\x01\x00", 0, 5) == 0b00111
        assert module.changed(values, before, there, b"\x20\x20\x20\x20\x00", b"\x04\x03\x02\x01\x00", 2, 4) == 0b01
        assert module.changed(values, values, b"\x00" * 5, bytes(5), b"\x00\x01\x02", 0, 3) == 0
        assert module.changed(values, before, there, b"\x20" * 5, bytes([2] * 30), 0, 30) == (1 << 30) - 1
