"""Rows on flash: their bytes by hand, files of one block each, limits, damage, a clock that was wrong."""

import os
from binascii import crc32

from bridge.store.history import rows as stored
from bridge.store.rows import Rows, pack, unpack
from bridge.store.rows_files import recall, write

try:
    from readings import empty_folder
except ImportError:
    from tests.unit.readings import empty_folder

T = 828000000  # a quarter of an hour: 920000 of 900 s


def begin(folder, *kind):
    """Rows as after a start."""
    rows = Rows(*kind)
    recall(folder, rows)
    return rows


def kept_rows(folder, kind):
    return list(stored(folder, kind))


def sized(folder):
    """{name: bytes} of a folder."""
    return {name: os.stat(folder + "/" + name)[6] for name in os.listdir(folder)}


def fill(folder, rows, count, start=T, step=900, save=10):
    for index in range(count):
        rows.add((start + index * step, index, None, 0))
        if index % save == 0:
            write(folder, rows)
    write(folder, rows)


def test_a_row_in_bytes():
    row = (T, 0x0102030405, None, 5)
    data = bytes([0xC0, 0x09, 0x0E, 5, 4, 3, 2, 1, 255, 255, 255, 255, 255, 5])
    check = crc32(data) & 0xFFFF
    assert pack(row) == data + bytes([check & 255, check >> 8]) and unpack(pack(row)) == row
    assert len(pack((T, 1, 2, 0))) == 16 and len(pack((T,) + (1,) * 9 + (0,))) == 51


def test_what_has_no_room_is_none():
    most = (1 << 40) - 2
    assert unpack(pack((T, most, most + 1, 0))) == (T, most, None, 0)
    assert unpack(pack((T, -1, 10**13, 0))) == (T, None, None, 0)


def test_damage_of_any_byte_is_found():
    data = pack((T, 12345678, 999, 4))
    for at in range(len(data)):
        for bit in range(8):
            wrong = bytearray(data)
            wrong[at] ^= 1 << bit
            assert unpack(bytes(wrong)) is None, at
    for wrong in (b"", b"\0" * 5, b"\0" * 16, b"\xff" * 16, b"\xff" * 51, b"\0" * 11):
        assert unpack(wrong) is None


def test_quarters_of_61_days_leave_60_in_24_blocks():
    folder = empty_folder("rows-limit")
    count = 61 * 96 + 300
    fill(folder, begin(folder, "q", 2, 24), count)
    sizes = sized(folder)
    assert len(sizes) <= 24 and max(sizes.values()) <= 4096
    left = 0
    for _ in stored(folder, "quarters"):
        left += 1
    assert left >= 60 * 96 + 4  # a day of 25 hours is among them
    index = count - left
    for row in stored(folder, "quarters"):
        assert row == (T + index * 900, index, None, 0)
        index += 1
    # What a restart recalls
    rows = begin(folder, "q", 2, 24)
    assert rows.last == (T + (count - 1) * 900, count - 1, None, 0) and rows.before == (T + (count - 2) * 900, count - 2, None, 0)


def test_days_and_hours_at_their_limits():
    folder = empty_folder("rows-days")
    days = begin(folder, "d", 9, 6)
    for index in range(1000):
        days.add((T + index * 86400,) + (index,) * 9 + (0,))
        write(folder, days)
    gas = begin(folder, "g", 1, 5)
    for index in range(1488 + 372 + 1):
        gas.add((T + index * 3600, index, 0))
        if index % 8 == 0:
            write(folder, gas)
    write(folder, gas)
    kept, hours = kept_rows(folder, "days"), kept_rows(folder, "gas")
    assert len(kept) >= 400 and kept[-1] == (T + 999 * 86400,) + (999,) * 9 + (0,) and kept[0][0] == kept[-1][0] - (len(kept) - 1) * 86400
    assert len(hours) >= 60 * 24 + 1 and hours[-1][1] == 1860
    assert len(os.listdir(folder)) <= 11 and max(sized(folder).values()) <= 4096


def test_a_flash_that_refuses():
    folder = empty_folder("rows-refused")
    with open(folder, "wb") as file:  # in place of the folder
        file.write(b"x")
    rows = begin(folder, "q", 2, 24)
    for index in range(40):
        rows.add((T + index * 900, index, 0, 0))
        try:
            write(folder, rows)
            assert False
        except OSError:
            pass
    assert rows.lost == 24 and rows.last == (T + 39 * 900, 39, 0, 0)
    os.remove(folder)
    write(folder, rows)
    assert kept_rows(folder, "quarters") == [(T + index * 900, index, 0, 0) for index in range(24, 40)]


def test_damaged_files_are_passed_over():
    folder = empty_folder("rows-damaged")
    fill(folder, begin(folder, "q", 2, 24), 600)
    with open(folder + "/q000000", "rb") as file:
        data = bytearray(file.read())
    data[16 * 7 + 3] ^= 64
    with open(folder + "/q000000", "wb") as file:
        file.write(data[:4090])
    with open(folder + "/q000002", "ab") as file:  # a torn row, and one that is none
        file.write(b"\xff" * 16 + b"abc")
    for name in ("qffffffff", "qffffff", "q", "q 00001", "q_00009", "q0000A0", "qxyzxyz", "x000001", "q-00001"):
        with open(folder + "/" + name, "wb") as file:
            file.write(b"hello")
    kept = kept_rows(folder, "quarters")
    assert [row[1] for row in kept] == [index for index in range(600) if index not in (7, 255)]
    rows = begin(folder, "q", 2, 24)
    assert rows.last == kept[-1] and rows.before == kept[-2]
    rows.add((T + 600 * 900, 600, None, 0))
    write(folder, rows)
    assert sized(folder)["q000003"] == 16 and kept_rows(folder, "quarters")[-1] == rows.last
    for name in os.listdir(folder):
        with open(folder + "/" + name, "wb") as file:
            file.write(bytes([index * 37 & 255 for index in range(5000)]))
    assert kept_rows(folder, "quarters") == [] and begin(folder, "q", 2, 24).last is None


def test_no_folder_is_no_matter():
    folder = empty_folder("rows-none")
    rows = begin(folder, "q", 2, 24)
    assert rows.last is None and rows.before is None and kept_rows(folder, "quarters") == [] == kept_rows(folder, "peaks")


def test_rows_of_a_clock_that_was_ahead_give_way():
    folder = empty_folder("rows-ahead")
    rows = begin(folder, "q", 2, 24)
    for end, value in ((0, 1), (900, 2), (900000, 3), (900900, 4), (1800, 5), (2700, 6)):
        rows.add((T + end, value, None, 0))
    write(folder, rows)
    assert [(row[0] - T, row[1]) for row in kept_rows(folder, "quarters")] == [(0, 1), (900, 2), (1800, 5), (2700, 6)]
