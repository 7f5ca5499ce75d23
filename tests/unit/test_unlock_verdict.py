"""What telegrams say of a PIN: data sets as protocols 3.4 describes them, times of 3.4, 4.3 and 4.4."""

from bridge.unlock.verdict import Verdict

REDUCED = 3, False, 228  # scaler of 1.8.0, power, octets
EXTENDED = -1, True, 352


def hear(verdict, first, last, what, every=2):
    """A telegram each `every` seconds from `first` to `last`."""
    for now in range(first, last + 1, every):
        verdict.telegram(now, *what)
    return verdict.state, verdict.reason


def pin(verdict, now, seen=None):
    """A PIN of 43 s; when it is over."""
    verdict.begin(True)
    verdict.end(now + 43, seen)
    return now + 43


def locked():
    verdict = Verdict(0)
    assert hear(verdict, 2, 10, REDUCED) == ("missing", "")
    return verdict


def unlocked():
    """At 143 the pulses are over."""
    verdict = locked()
    assert hear(verdict, 12, 98, REDUCED) == ("missing", "")
    assert pin(verdict, 100) == 143
    assert hear(verdict, 144, 148, REDUCED) == ("pending", "")
    assert hear(verdict, 150, 150, EXTENDED) == ("entered", "by_pin")
    return verdict


def test_what_shows_all():
    verdict = Verdict(0)
    for scaler, power, all_of_it in ((3, False, False), (-1, False, True), (-4, True, True), (0, False, True), (3, True, True), (None, True, True)):
        assert verdict.shows_all(scaler, power, 300) is all_of_it
    assert (verdict.state, verdict.reason) == ("", "")


def test_without_a_total_the_length_tells():
    verdict = Verdict(0)
    assert hear(verdict, 1, 9, (None, False, 220)) == ("missing", "")
    assert hear(verdict, 11, 19, (None, False, 224)) == ("missing", "")  # a number got longer
    assert hear(verdict, 21, 21, (None, False, 300)) == ("entered", "")
    assert hear(verdict, 23, 31, (None, False, 220)) == ("entered", "")  # such a telegram proves nothing now


def test_entered_and_it_stays_when_130_s_were_dark():
    verdict = unlocked()
    assert hear(verdict, 152, 143 + 129, EXTENDED) == ("entered", "by_pin")
    assert hear(verdict, 143 + 130, 143 + 140, EXTENDED) == ("entered", "stays")
    verdict.begin(False)
    verdict.end(300)  # a press may have switched it off
    assert verdict.reason == "by_pin"
    assert hear(verdict, 302, 429, EXTENDED) == ("entered", "by_pin")
    assert hear(verdict, 430, 430, EXTENDED) == ("entered", "stays")


def test_falling_back_after_120_s_says_that_inf_is_off():
    verdict = unlocked()
    assert hear(verdict, 152, 143 + 119, EXTENDED) == ("entered", "by_pin")
    assert hear(verdict, 143 + 121, 143 + 121, REDUCED) == ("missing", "inf_off")
    assert hear(verdict, 300, 400, REDUCED) == ("missing", "inf_off")


def test_falling_back_at_another_time_is_something_else():
    verdict = unlocked()
    assert hear(verdict, 160, 160, REDUCED) == ("missing", "locked_again")
    verdict = unlocked()
    hear(verdict, 152, 400, EXTENDED)
    assert hear(verdict, 402, 402, REDUCED) == ("missing", "locked_again")


def test_a_press_counts_as_the_last_pulse():
    verdict = unlocked()
    hear(verdict, 152, 220, EXTENDED)
    verdict.begin(False)
    assert verdict.state == "entered"
    verdict.end(223)
    assert hear(verdict, 225, 342, EXTENDED) == ("entered", "by_pin")
    assert hear(verdict, 345, 345, REDUCED) == ("missing", "inf_off")


def failed(seen, telegrams, during=False):
    verdict = locked()
    verdict.begin(True)
    if during:
        verdict.telegram(60, *EXTENDED)  # what is heard while pulsing is not judged
        assert verdict.state == "pending"
    verdict.end(143, seen)
    for now in telegrams:
        verdict.telegram(now, *REDUCED)
    for now in range(144, 158):
        verdict.look(now)
        assert verdict.state == "pending"
    verdict.look(158)
    return verdict.state, verdict.reason


def test_failures_have_reasons():
    assert failed(True, (145, 150, 155)) == ("failed", "no_change")
    assert failed(None, (145, 155)) == ("failed", "no_change")
    assert failed(False, (145, 155)) == ("failed", "nothing_seen")
    assert failed(False, (145, 155), True) == ("failed", "no_change")
    assert failed(True, ()) == ("failed", "meter_silent")
    assert failed(False, ()) == ("failed", "meter_silent")
    assert failed(True, (144,)) == ("failed", "meter_silent")  # before the meter had checked it


def test_a_late_success_is_one():
    verdict = locked()
    pin(verdict, 100)
    verdict.look(158)
    assert verdict.state == "failed"
    assert hear(verdict, 160, 170, REDUCED) == ("failed", "meter_silent")
    assert hear(verdict, 172, 172, EXTENDED) == ("entered", "by_pin")


def test_installation_mode_is_no_fault():
    verdict = Verdict(0)
    assert hear(verdict, 4, 1798, EXTENDED) == ("entered", "installation?")
    assert hear(verdict, 1804, 1804, REDUCED) == ("missing", "installation_over")


def test_installation_mode_after_a_power_cut_of_the_meter():
    verdict = locked()
    assert hear(verdict, 100, 1890, EXTENDED) == ("entered", "installation?")  # 90 s of silence before
    assert hear(verdict, 1900, 1900, REDUCED) == ("missing", "installation_over")


def test_what_shows_all_for_longer_than_30_minutes_is_unlocked():
    verdict = Verdict(0)
    assert hear(verdict, 0, 1918, EXTENDED) == ("entered", "installation?")
    assert hear(verdict, 1922, 1924, EXTENDED) == ("entered", "")
    assert hear(verdict, 1926, 1926, REDUCED) == ("missing", "locked_again")


def test_an_owner_with_a_torch():
    verdict = locked()
    assert hear(verdict, 12, 130, EXTENDED) == ("entered", "")
    assert hear(verdict, 132, 132, REDUCED) == ("missing", "inf_off")


def test_after_a_power_cut_the_lock_is_back_without_blame():
    verdict = unlocked()
    assert hear(verdict, 152, 200, EXTENDED) == ("entered", "by_pin")
    assert hear(verdict, 290, 290, REDUCED) == ("missing", "locked_again")


def test_silence():
    verdict = Verdict(0)
    assert verdict.silent(0)
    verdict.telegram(100, *REDUCED)
    assert not verdict.silent(130) and verdict.silent(131)
    verdict.begin(True)
    assert not verdict.silent(160)
    verdict.end(170)
    assert not verdict.silent(200) and verdict.silent(201)


def test_a_pin_that_was_broken_off():
    verdict = locked()
    verdict.begin(True)
    verdict.broken(110)
    assert (verdict.state, verdict.pulsed_s) == ("missing", 110)
    verdict.look(500)
    assert verdict.state == "missing"
