"""Local time against instants written out by hand from the tz database (Europe/Berlin, Lisbon, Helsinki), in seconds since 2000."""

from bridge.core.civil import seconds
from bridge.core.zone import is_summer, local, midnight

# When summer time begins and ends: last Sundays, 01:00 UTC.
CHANGES = (
    ((2024, 3, 31), (2024, 10, 27)),
    ((2025, 3, 30), (2025, 10, 26)),
    ((2026, 3, 29), (2026, 10, 25)),
    ((2027, 3, 28), (2027, 10, 31)),
    ((2028, 3, 26), (2028, 10, 29)),
    ((2030, 3, 31), (2030, 10, 27)),
    ((2036, 3, 30), (2036, 10, 26)),
)
# Zone: when its days begin around both changes of 2026: (begin, begin of the next), 23 and 25 hours for the days of the change.
DAYS = {
    "CET": ((827967600, 828054000), (828054000, 828136800), (846194400, 846284400)),
    "WET": ((828057600, 828140400), (846198000, 846288000)),
    "EET": ((828050400, 828133200), (846190800, 846280800)),
    "UTC": ((828057600, 828144000), (846201600, 846288000)),
}


def test_summer_begins_and_ends_to_the_second():
    for spring, autumn in CHANGES:
        begin, end = seconds(*spring) + 3600, seconds(*autumn) + 3600
        assert [is_summer(t) for t in (begin - 1, begin, end - 1, end)] == [False, True, True, False]
    for year in (2024, 2025, 2026, 2027, 2028):
        new_year = seconds(year, 1, 1)
        assert not is_summer(new_year - 1) and not is_summer(new_year) and is_summer(seconds(year, 7, 1))


def test_local_time_of_each_zone():
    winter, summer = seconds(2026, 1, 15, 12), seconds(2026, 7, 15, 12)
    for zone, hours in (("UTC", (0, 0)), ("WET", (0, 1)), ("CET", (1, 2)), ("EET", (2, 3))):
        assert (local(winter, zone) - winter, local(summer, zone) - summer) == (hours[0] * 3600, hours[1] * 3600), zone
    change = seconds(2026, 10, 25, 1)
    assert [local(change + s, "CET") for s in (-1, 0, 3599, 3600)] == [
        seconds(2026, 10, 25, 2, 59, 59), seconds(2026, 10, 25, 2), seconds(2026, 10, 25, 2, 59, 59), seconds(2026, 10, 25, 3),
    ]  # fmt: skip


def test_days_of_23_and_25_hours():
    assert DAYS["CET"][1][1] - DAYS["CET"][1][0] == 23 * 3600 and DAYS["CET"][2][1] - DAYS["CET"][2][0] == 25 * 3600
    for zone, days in DAYS.items():
        for begin, then in days:
            for time in range(begin, then, 900):
                assert midnight(time, zone) == begin, (zone, time)
            assert midnight(then - 1, zone) == begin and midnight(then, zone) == then and midnight(begin + 93600, zone) == then


def test_days_follow_each_other_over_leap_day_and_new_year():
    # Local midnights of Berlin in winter are 23:00 UTC of the day before.
    for day in ((2028, 2, 28), (2028, 2, 29), (2028, 3, 1), (2026, 12, 31), (2027, 1, 1), (2027, 2, 28), (2027, 3, 1)):
        begin = seconds(*day) - 3600
        assert midnight(begin, "CET") == begin and midnight(begin + 86399, "CET") == begin and midnight(begin + 93600, "CET") == begin + 86400
