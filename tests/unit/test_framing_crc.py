"""CRC-16 in both forms, table and machine code, against the published check values over "123456789"."""

from bridge.framing import crc, octets, octets_plain

CHECK = b"123456789"


def test_check_values():
    assert crc.crc16_arc(CHECK, 0, 9) == 0xBB3D
    assert crc.crc16_x25(CHECK, 0, 9) ^ crc.X25_INVERT == 0x906E
    assert crc.crc16_x25(CHECK, 0, 9, 0) == 0x2189  # KERMIT


def test_states_after_the_start_of_an_sml_file():
    start = bytes.fromhex("1b1b1b1b01010101")
    assert crc.crc16_x25(start, 0, 8) == 0x91DC
    assert crc.crc16_x25(start, 0, 8, 0) == 0xED50


def test_goes_on_from_a_state_and_sees_only_its_range():
    buffer = bytearray(b"xx" + CHECK + b"yy")
    for cut in range(2, 12):
        assert crc.crc16_arc(buffer, cut, 11, crc.crc16_arc(buffer, 2, cut)) == 0xBB3D
    assert crc.crc16_arc(memoryview(buffer), 2, 11) == 0xBB3D
    assert crc.crc16_arc(buffer, 5, 5, 0x1234) == 0x1234


def test_machine_code_and_table_agree():
    buffer = bytearray(range(256)) + bytearray(range(255, -1, -1))
    for table in (crc.table(0xA001), crc.table(0x8408)):
        for start in (0xFFFF, 0, 0x8001):
            for first in (3, 4):
                expected = octets_plain.reflected(buffer, first, 509, start, table)
                assert octets.reflected(buffer, first, 509, start, table) == expected


def test_copy_moves_down_in_place():
    for copy in (octets.copy, octets_plain.copy):
        buffer = bytearray(range(20))
        copy(buffer, 0, buffer, 3, 17)
        assert buffer[:17] == bytes(range(3, 20))
        copy(buffer, 2, memoryview(b"abcdef"), 1, 3)
        assert buffer[:6] == b"\x03\x04bcd\x08"


def test_printable():
    for printable in (octets.printable, octets_plain.printable):
        assert printable(bytearray(b"\xffAz~ \r\n\x00"), 1, 7)
        for odd in (b"\x00", b"\x1f", b"\x7f", b"\x80", b"\xff"):
            assert not printable(bytearray(b"ab" + odd + b"cd"), 0, 5)
