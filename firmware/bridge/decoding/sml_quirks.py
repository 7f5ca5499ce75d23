"""What is odd about the SML of certain meters, as data: server id in, what to do about a value out.

The server id of new meters is 0A 01, three letters of manufacturer, one octet of block and four of serial number (DIN 43863-5).
"""

# Manufacturer, first and last serial number, C.D.E of the register, widest field concerned, bits of the status word that
# are looked at and what they must be, source. What to do: read a field declared as signed, of that many octets at most, as
# unsigned. (DZG's DVS74, DWS74, DVSB of the first two series send 53 8B 28 for +356.24 W; their real negative powers come
# in four octets. Of other DZG meters the same is believed only where the status word says import: bit 11 clear, and bit 2,
# which is always set, shows that there is one.)
# What else meters do differently needs no row, as nothing that it concerns is expected of any meter: totals may be missing
# (the tariffs make them), power may be 16.7.0, 15.7.0 with its direction in the status word, 1.7.0, 1.7.1 or the phases',
# integers have any width, times any of the forms seen, registers with a field F other than 255 are no totals.
UNSIGNED = (
    (b"DZG", 42000000, 48999999, 16 << 16 | 7 << 8, 3, 0, 0, "protocols 3.5: DZG DVS74 series, also libsml's work-around"),
    (b"DZG", 55000000, 58999999, 16 << 16 | 7 << 8, 3, 0, 0, "protocols 3.5: DZG DVS74 series, also libsml's work-around"),
    (b"DZG", 0, 99999999, 16 << 16 | 7 << 8, 3, 0x804, 4, "protocols 3.5: independent check by the status word (3.3)"),
)


def unsigned_row(buffer: bytearray, start: int, end: int):
    """The row of UNSIGNED for the meter whose server id is buffer[start:end], or None."""
    if end - start != 10 or buffer[start] != 0x0A or buffer[start + 1] != 1:
        return None
    serial = buffer[start + 6] << 24 | buffer[start + 7] << 16 | buffer[start + 8] << 8 | buffer[start + 9]
    for row in UNSIGNED:
        maker = row[0]
        if maker[0] == buffer[start + 2] and maker[1] == buffer[start + 3] and maker[2] == buffer[start + 4]:
            if row[1] <= serial <= row[2]:
                return row
    return None
