"""Pulses of a PIN against timings written out by hand (protocols 4.1 to 4.4) and against a meter's own clockwork for every PIN there is."""

from bridge.unlock.plan import digits, duration_ms, entry, guarded, press, wipe
from bridge.unlock.profiles import makers, profile

WAKE = [400, 1000, 400, 1000]
D = [400, 300]  # one pulse inside a digit
LAST = [400, 3800]  # the last pulse of a digit


def pulses(pin, maker=""):
    return list(entry(digits(pin), profile(maker)))


def refused(call, *arguments):
    try:
        call(*arguments)
    except ValueError as error:
        return str(error)
    return None


def meter(plan, digit_ms, ignores_zeros=False, early=False):
    """What a meter understands that is at rest: two presses open it, a digit is fixed `digit_ms` after its last pulse. Independent of the plan's code."""
    now = 0
    presses = []
    for index in range(0, len(plan), 2):
        presses.append(now if early else now + plan[index])  # whether a press counts when the light comes, or goes
        now += plan[index] + plan[index + 1]
    opened = presses[1]
    now += 1500  # of the 5 s that are waited for the check
    found, digit, fixed_at, counted = "", 0, opened + digit_ms, False
    for at in presses[2:] + [now]:
        while len(found) < 4 and fixed_at < at and (counted or not ignores_zeros):
            found += str(digit)
            digit, fixed_at, counted = 0, fixed_at + digit_ms, False
        if at != now:
            digit = (digit + 1) % 10
            fixed_at, counted = at + digit_ms, True
    return found


def test_9999_is_four_times_nine_pulses_and_takes_about_43_seconds():
    plan = pulses("9999")
    digit = D * 8 + LAST
    assert plan == WAKE + digit * 4
    # 2 x 1.4 s + 4 x (8 x 0.7 s + 0.4 s + 3.8 s)
    assert duration_ms(entry(digits("9999"), profile(""))) == 42000
    assert max(plan) < 120000


def test_1234_is_written_out():
    assert pulses("1234") == WAKE + LAST + D + LAST + D * 2 + LAST + D * 3 + LAST


def test_zeros_are_waits_that_do_not_drift():
    # The meter fixes a zero 3 s after the digit before it: the third in a row ends 9 s after the PIN opens, the fourth at 12 s.
    assert pulses("0000") == [400, 1000, 400, 1000 + 4 * 3100]
    assert pulses("0001") == [400, 1000, 400, 1000 + 3 * 3100, 400, 3800]
    assert pulses("1002") == WAKE + [400, 3800 + 2 * 3100, 400, 300, 400, 3800]
    assert 9000 < 1000 + 3 * 3100 < 12000 and 9000 < 3800 + 2 * 3100 < 12000


def test_zeros_of_ten_pulses():
    assert pulses("0001", "APA") == WAKE + (D * 9 + [400, 3400]) * 3 + [400, 3400]


def test_every_pin_on_every_profile_keeps_to_the_rails():
    seen = set()
    for maker in makers():
        one = profile(maker)
        key = one.on_ms, one.off_ms, one.wake, one.wake_gap_ms, one.digit_wait_ms, one.zero_wait_ms
        if key in seen:
            continue
        seen.add(key)
        one_digit = [plan_of(digit, one) for digit in range(10)]
        for pin in range(10000):
            numbers = bytes((pin // 1000, pin // 100 % 10, pin // 10 % 10, pin % 10))
            plan = entry(numbers, one)
            assert min(plan) >= 300 and max(plan) < 20000  # far below the 120 s after which the menu closes
            assert max([plan[at] for at in range(0, len(plan), 2)]) < 3500
            assert len(plan) == 2 * (one.wake + sum([one_digit[digit] for digit in numbers]))
    assert len(seen) >= 3


def plan_of(digit, one):
    return digit or (0 if one.zero_wait_ms else 10)


def test_a_meter_understands_every_pin_fast_or_slow():
    for maker, times in (("", (3000, 2750, 3300)), ("EMH", (3000, 2750, 3300)), ("APA", (2000, 3000, 1910, 3390))):
        one = profile(maker)
        for pin in range(0, 10000, 1 if maker == "" else 7):
            text = "%04d" % pin
            plan = list(entry(digits(text), one))
            for digit_ms in times if pin % 9 == 0 or "00" in text else times[:1]:
                assert meter(plan, digit_ms) == text == meter(plan, digit_ms, early=True), (maker, digit_ms)


def test_ten_pulses_serve_a_meter_that_counts_from_the_first_pulse_only():
    for pin in ("0000", "0505", "9000", "1234"):
        assert meter(pulses(pin, "APA"), 3000, True) == pin


def test_waits_of_the_digit_s_length_would_lose_the_third_zero():
    plan = [400, 1000, 400, 1000 + 3 * 3800] + D * 4 + [400, 3800]
    assert meter(plan, 3000) != "0005" and meter(pulses("0005"), 3000) == "0005"


def test_presses_short_and_long():
    for maker in makers():
        assert list(press(profile(maker)))[0] in (400, 500)
        assert list(press(profile(maker), True)) == [6000, 1000]


def test_what_is_no_pin_is_refused_and_not_told():
    for bad in ("", "124", "12345", "12a4", " 123", "-123", "١٢٣٤", "12\u00b24", None, 1234, 10**9, b"\x00\x01\x02\x03", "99999"):
        said = refused(digits, bad)
        assert said and "0123" in said
        if isinstance(bad, str) and len(bad) > 3:
            assert bad not in said
    assert digits("0123") == digits(b"0123") == bytearray((0, 1, 2, 3))


def test_the_rails_hold_by_themselves():
    from array import array

    for on_ms in (0, 1, 200, 299, 3500, 4000, 4500, 5000, 5500, 6000, 60000):
        assert refused(guarded, array("H", (on_ms, 500))), on_ms
    for on_ms in (3500, 4500, 5500, 8001, 20000, 299):
        assert refused(guarded, array("H", (on_ms, 500)), True), on_ms
    assert refused(guarded, array("H", (400, 500, 6000, 500)), True)  # a long press stands alone
    assert list(guarded(array("H", (6000, 500)), True)) == [6000, 500]


def test_used_plans_are_wiped():
    plan = entry(digits("4711"), profile(""))
    wipe(plan)
    assert set(plan) == {0}


def test_profiles_by_maker_and_by_what_is_printed_on_the_meter():
    assert profile("EMH").maker == profile("1EMH0012345678").maker == profile("emh").maker == "EMH"
    assert (profile("EMH").on_ms, profile("EMH").off_ms, profile("EMH").note) == (500, 500, "locks")
    assert profile("ESY").digit_wait_ms == 3800 and profile("APA").zero_wait_ms == 0
    for unknown in ("", "XYZ", "*", "1", "12345", "EM", "EMHX", " ", "1XYZ0012345678"):
        assert profile(unknown).maker == "", unknown
    assert profile("EBZ").note == "guess" and profile("").note == ""
    assert {"", "EMH", "ESY", "DZG", "APA", "ISK", "ITR", "SAG", "DNT"} <= set(makers())
    for maker in makers():
        one = profile(maker)
        assert one.wake == 2 and one.check_wait_ms == 5000 and one.long_ms == 6000 and one.maker == maker
