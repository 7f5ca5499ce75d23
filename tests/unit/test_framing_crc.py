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


def test_headers_and_blocks_of_hdlc():
    frame = bytes.fromhex("7ea08bceff0313eee1e6e700e040000100000400010203")  # header and its checksum: a meter's
    words = crc.table(0x8408)
    for module in (octets, octets_plain):
        for wrong in range(len(frame)):
            for bit in (1, 0x80):
                buffer = bytearray(b"xx" + frame + b"y")
                buffer[2 + wrong] ^= bit
                assert module.header(buffer, 2, 26, words) == (0 if 1 <= wrong < 9 else 11)
        assert [module.header(buffer, 2, end, words) for end in range(4, 12)] == [-1] * 7 + [11]
        buffer = bytearray(b"xx" + frame)
        assert module.block(buffer, 11, 25, 1, 1) == 8 and buffer[:6] == b"x\x00\x01\x02\x03\xce"
        assert module.block(buffer, 14, 25, 1, 0) == 8 and module.block(buffer, 14, 24, 1, 0) == 0 and module.block(buffer, 14, 25, 2, 0) == 0
        buffer[15] |= 0x80
        assert module.block(buffer, 11, 25, 1, 1) == 9
        buffer[20] = 0x84  # a longer length is left to those who call
        assert module.block(buffer, 11, 25, 1, 1) == 0
