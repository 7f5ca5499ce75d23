"""From when on something is worth a word: numbers with their unit in the name and their reason; nothing goes in."""

# Wi-Fi: an ESP32 receives 54 Mbit/s down to -75 dBm and 1 Mbit/s down to -98 dBm; what comes through a wall more or a door closed costs 5 to 10 dB.
FAIR_DBM = -70
WEAK_DBM = -80
JOINS_PER_DAY = 4  # a router that restarts at night is one; a roaming dongle goes over once or twice
LEAST_JOINS = 3  # a network that was lost twice since the start is no habit
# Line: a good cable damages less than one telegram in 10,000; one in a hundred is lost readings, one in ten is a line that will fail.
DAMAGED_SHARE, BROKEN_SHARE = 0.01, 0.10
LEAST_DAMAGED = 3  # the first telegram after a start comes in two halves
NOISE_SHARE, LEAST_NOISE_BYTES = 0.05, 500
ALL_BAD = 5  # damaged telegrams without one good: the line settings are wrong
# Clock: billing quarter hours are told apart by a second or two; TLS certificates by days.
CLOCK_S, CLOCK_BAD_S = 3, 60
# Destinations: they are tried at least once a minute.
LATE_S = 300
BACKLOG = 600  # readings: ten minutes at one a second
# Memory: TLS needs 16 KB in and 4 KB out in the system's heap, in one piece; Wi-Fi takes what is left in small ones.
TLS_PIECE_BYTES = 20 * 1024
LEAST_PIECE_BYTES = 8 * 1024
FULL_SHARE = 0.90  # of Python's heap, after a collection
CRUMBS_SHARE = 0.25  # largest piece to all that is free in the system's heap
# Flash: a block of the chip stands 100,000 erases; an append to a file of LittleFS costs 1.06; readings are written once a minute.
ERASES, ERASES_PER_WRITE, WRITES_PER_DAY = 100_000, 1.06, 1440
BLOCK_BYTES = 4096
YEARS = 10  # what the dongle is made for
LEAST_ROOM_BYTES = 64 * 1024  # logs, quarter hours and days of some years
UPDATE_ROOM_BYTES = 280 * 1024  # a copy of the firmware, each file rounded up to blocks
# Starts within a day.
DAY_S = 86_400
POWER_STARTS, POWER_STARTS_BAD = 3, 8  # somebody moves it once or twice
RESETS = 4  # flashing and configuring restart it as well
REFUSED = 20  # requests without the right token since the start: more than an old bookmark makes
