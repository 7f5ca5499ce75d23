"""The eye of the simulated meters: each way through its states, by times reckoned by hand; and what the meters behind it send."""

from decimal import Decimal

import pytest

from host_tools.errors import UserError
from host_tools.meters import LOCKED, METERS, eye_profiles, make
from host_tools.meters.eye import CHECK, ENTRY, MENU, NORMAL, TEST, Eye
from host_tools.meters.eye import LOCKED as SHUT
from host_tools.meters.eye_profiles import PROFILES
from tests.sim.published import listed

START = 1_750_500_000.25  # any origin will do; unix seconds, as in a run
NOON = 1_750_500_000


class Hand:
    """A torch over an eye: pulses one after another, seconds after START."""

    def __init__(self, profile="generic", pin="0471", **options):
        self.eye = Eye(PROFILES[profile], pin, **options)
        self.now = 0.0
        self.eye.tick(START)

    def pulse(self, on=0.4, off=0.3, times=1):
        for _ in range(times):
            self.eye.light(True, START + self.now)
            self.eye.light(False, START + self.now + on)
            self.now += on + off
        return self

    def wait(self, seconds):
        self.now += seconds
        self.eye.tick(START + self.now)
        return self

    def enter(self, pin):
        """As is recommended: 400 ms on, 300 ms off, a second after each wake pulse; where one opens the entry, its display test is waited for.

        A digit is open for 3 s since the last pulse or the digit before: a 0 takes those 3 s and no more, or zeros would add up.
        """
        wakes = self.eye.profile.wakes
        self.pulse(off=1.0 if wakes == 2 else 3.0, times=wakes)
        for digit in pin:
            self.pulse(times=int(digit)).wait(3.5 if int(digit) else 3.0)
        return self.wait(5.0)

    def to(self, item):
        return self.pulse(times=self.eye.profile.menu.index(item))

    def kinds(self):
        return [one.kind for one in self.eye.log]

    @property
    def state(self):
        return self.eye.state

    @property
    def line(self):
        return self.eye.display(START + self.now)[1]

    @property
    def extended(self):
        return self.eye.extended(START + self.now)


def opened(profile="generic", **options):
    hand = Hand(profile, "1111", **options).enter("1111")
    assert hand.state == MENU and hand.extended
    return hand


def test_the_recommended_sequence_step_by_step():
    hand = Hand()
    assert hand.state == NORMAL and hand.line == "" and not hand.extended
    hand.pulse(off=1.0)  # 0.0 to 0.4
    assert hand.state == TEST and hand.line == "88888888"
    hand.pulse(off=1.0)  # 1.4 to 1.8: the first digit is open until 4.8
    assert hand.state == ENTRY and hand.line == " -0---"
    hand.wait(1.99)  # 4.79
    assert hand.eye.entered == ""
    hand.wait(0.01)  # 4.8
    assert hand.eye.entered == "0" and hand.line == " --0--"
    hand.wait(0.8).pulse(times=4)  # 5.6 to 5.6 + 3 * 0.7 + 0.4 = 8.1, and 0.3 s dark
    assert hand.line == " --4--"
    hand.wait(2.69)  # 11.09
    assert hand.eye.entered == "0"
    hand.wait(0.01)  # 8.1 + 3.0 = 11.1
    assert hand.eye.entered == "04"
    hand.wait(0.8).pulse(times=7)  # 11.9 to 16.5
    hand.wait(3.5)  # 16.8 + 3.5
    assert hand.eye.entered == "047"
    hand.pulse()  # ends at 20.7
    hand.wait(2.69)
    assert hand.state == ENTRY and hand.line == " ----1"
    hand.wait(0.01)  # 23.7
    assert hand.state == CHECK and hand.line == " -----" and not hand.extended
    hand.wait(2.99)
    assert hand.state == CHECK
    hand.wait(0.01)  # 26.7
    assert hand.state == MENU and hand.line == "P" and hand.extended and hand.eye.unlocked
    assert hand.eye.log[-1].at == pytest.approx(START + 26.7, abs=1e-5)
    assert "late" not in hand.kinds()


@pytest.mark.parametrize("pin", ["0000", "0001", "9999", "1000", "0090", "1234", "5005"])
@pytest.mark.parametrize("profile", [name for name in PROFILES if name not in ("apator-lepus", "first-pulse")])
def test_a_right_pin_opens_every_profile(profile, pin):
    hand = Hand(profile, pin).enter(pin)
    assert hand.state == MENU and hand.eye.unlocked, list(hand.eye.log)


def test_a_display_test_alone_ends_after_two_minutes():
    hand = Hand().pulse().wait(119.69)  # the pulse ended at 0.4, it is 120.39
    assert hand.state == TEST
    assert hand.wait(0.01).state == NORMAL


def test_one_pulse_is_enough_for_some():
    hand = Hand("dzg").pulse()  # ends at 0.4
    assert hand.state == TEST
    assert hand.wait(2.69).state == TEST
    assert hand.wait(0.01).state == ENTRY  # 3.4
    assert Hand("dzg").pulse(times=2).state == ENTRY


def test_a_wrong_pin_leaves_it_as_it_was_and_may_be_tried_again():
    hand = Hand().enter("0472")
    assert hand.state == NORMAL and hand.line == "" and not hand.extended and hand.kinds().count("wrong") == 1
    for _ in range(20):
        assert hand.enter("1111").state == NORMAL
    assert hand.enter("0471").extended


def test_a_missed_pulse_is_another_pin():
    hand = Hand().pulse(off=1.0, times=2).wait(2.0).pulse(times=3).pulse(on=0.05).wait(3.5)
    assert hand.eye.entered == "03" and "ignored" in hand.kinds()
    assert hand.pulse(times=7).wait(3.5).pulse().wait(8.5).state == NORMAL


def test_a_missed_wake_pulse_leaves_the_first_digit_one_short():
    hand = Hand(pin="4321").pulse(off=1.0).pulse(times=4)  # the first of the four opens the entry
    assert hand.state == ENTRY and hand.line == " -3---"


def test_digits_go_round():
    hand = Hand().pulse(times=2).pulse(times=9)
    assert hand.line == " -9---"
    assert hand.pulse().line == " -0---" and hand.pulse(times=12).line == " -2---"


def test_zero_by_ten_pulses_where_waiting_says_nothing():
    hand = Hand("first-pulse", "0100").pulse(times=2).wait(30)
    assert hand.eye.entered == "" and hand.line == " -0---"
    for pulses in (10, 1, 10, 10):
        hand.pulse(times=pulses).wait(3.5)
    assert hand.wait(3).extended
    assert Hand("generic", "0100").pulse(times=2).pulse(times=10).wait(3.5).pulse().wait(3.2 + 6 + 3.2).extended


def test_zeros_do_not_wait_longer_than_three_seconds_each():
    """After 3.8 s for each of three zeros, 11.4 s, the last digit is nearly over; with a fourth wait it is."""
    late = Hand(pin="0001").pulse(times=2, off=1.0).wait(11.4).pulse().wait(8)  # 1 s dark before: 12.4 s after the last pulse
    assert late.state == NORMAL and "wrong" in late.kinds()


def test_a_pulse_across_the_end_of_a_digit_is_told():
    hand = Hand(pin="1111").pulse(times=2, off=0).wait(2.8).pulse(on=0.4)  # 2.8 to 3.2 s after the entry opened
    assert "late" in hand.kinds() and hand.eye.entered == "" and hand.eye.number == 1


@pytest.mark.parametrize("profile, seconds, kind", [
    ("generic", 0.0999, "ignored"), ("generic", 0.1, "short"), ("generic", 4.0, "short"), ("generic", 4.001, "undefined"),
    ("generic", 4.999, "undefined"), ("generic", 5.0, "long"), ("generic", 60.0, "long"), ("emh", 4.499, "short"), ("emh", 4.5, "long"),
    ("itron", 4.999, "short"), ("itron", 5.0, "long"), ("easymeter", 0.2, "ignored"), ("easymeter", 0.3, "short"),
])
def test_what_a_pulse_is_by_its_length(profile, seconds, kind):
    hand = Hand(profile).pulse(on=seconds)
    assert hand.kinds()[0] == kind and hand.state == (TEST if kind == "short" else NORMAL)


def test_undefined_and_long_pulses_change_no_digit():
    hand = Hand().pulse(times=2).pulse(on=4.5, off=0.0)
    assert hand.eye.entered == "0" and hand.eye.number == 0  # its three seconds went by
    hand = Hand().pulse(times=2).pulse(on=6.0, off=0.0)
    assert hand.kinds().count("long") == 1 and hand.eye.erased == 0 and hand.eye.number == 0


def test_two_minutes_after_the_last_pulse_all_is_as_before():
    hand = opened()
    hand.pulse()
    assert hand.line == "E"
    hand.wait(119.69)  # the pulse ended 0.3 s before
    assert hand.extended and hand.state == MENU
    hand.wait(0.01)
    assert not hand.extended and hand.state == NORMAL and hand.kinds()[-2:] == ["back", "state"]


def test_a_pulse_each_hundred_seconds_keeps_it_open():
    hand = opened()
    for _ in range(30):
        hand.wait(99.3).pulse()
        assert hand.extended
    assert not hand.wait(121).extended and hand.eye.erased == 0


def test_flashes_too_short_do_not_keep_it_open():
    hand = opened("easymeter").wait(60).pulse(on=0.2).wait(61)
    assert not hand.extended


def test_looking_ahead_moves_nothing():
    hand = opened()
    assert not hand.eye.extended(START + hand.now + 500) and hand.extended
    said = len(hand.eye.log)
    assert hand.eye.display(START + hand.now + 500)[1] == "" and hand.line == "P" and len(hand.eye.log) == said


def test_inf_stays_on_over_timeouts_and_power_cuts():
    hand = opened().to("InF")
    assert hand.line == "InF OFF"
    hand.pulse(on=6.0)
    assert hand.line == "InF On" and hand.eye.erased == 0
    assert hand.wait(130).state == NORMAL and hand.extended
    hand.eye.power_cycle(START + hand.now)
    assert hand.extended and hand.state == NORMAL
    hand.enter("1111").to("InF").pulse(on=6.0)
    assert hand.line == "InF OFF"
    assert not hand.wait(121).extended


def test_a_light_that_stays_on_is_one_long_pulse():
    hand = opened().to("InF")
    hand.eye.light(True, START + hand.now)
    assert hand.wait(4.99).line == "InF OFF"
    assert hand.wait(0.01).line == "InF On"
    assert hand.wait(3600).state == NORMAL and hand.eye.inf and hand.kinds().count("long") == 1


def test_pin_off_lets_the_menu_open_without_and_comes_back_on_emh():
    for profile, again in (("generic", False), ("emh", True)):
        hand = opened(profile).to("PIN")
        assert hand.line == "PIN On"
        assert hand.pulse(on=6.0).line == "PIN OFF"
        hand.wait(125)
        assert not hand.extended and hand.pulse(times=2).state == MENU and not hand.extended  # nothing but the display is free
        hand.eye.power_cycle(START + hand.now)
        assert hand.pulse(times=2).state == (ENTRY if again else MENU)


def test_a_power_cut_locks_and_closes():
    hand = opened()
    hand.eye.power_cycle(START + hand.now)
    assert hand.state == NORMAL and not hand.extended and hand.kinds()[-2] == "power"


def test_it_locks_after_too_many_wrong_pins():
    hand = Hand("emh")
    for _ in range(2):
        assert hand.enter("1111").state == NORMAL
    hand.enter("1111")
    assert hand.state == SHUT and {hand.eye.display(START + hand.now + n / 4)[1] for n in range(4)} == {"------", ""}
    since = hand.eye.log[-1].at
    hand.pulse(times=2)
    assert hand.state == SHUT
    hand.wait(since + 60 - 0.01 - START - hand.now)
    assert hand.state == SHUT
    hand.wait(0.01)
    assert hand.state == NORMAL
    assert hand.enter("0471").extended


@pytest.mark.parametrize("item", ["E CLr", "1d", "7d", "30d", "365d"])
def test_values_are_erased_by_a_long_pulse_at_their_entry_only(item):
    hand = opened("dzg" if item == "E CLr" else "generic")
    menu = hand.eye.profile.menu
    hand.pulse(times=2 * len(menu) + menu.index(item))  # short ones erase nothing, however many
    assert hand.line == item and hand.eye.erased == 0
    hand.pulse(on=4.5)
    assert hand.eye.erased == 0
    hand.pulse(on=5.0)
    assert hand.eye.erased == 1 and hand.kinds()[-1] == "erased"


def test_the_history_is_erased_by_the_second_long_pulse():
    hand = opened().to("HIS CLr").pulse(on=6.0)
    assert hand.eye.erased == 0 and hand.line == "HIS CLr ?"
    hand.pulse(times=len(hand.eye.profile.menu)).pulse(on=6.0)  # having gone on, it asks again
    assert hand.eye.erased == 0
    assert hand.pulse(on=6.0).eye.erased == 1


def test_long_pulses_elsewhere_do_nothing():
    for hand in (Hand(), Hand().pulse(), Hand().pulse(times=2), opened(), opened().to("E"), opened().to("back")):
        state = hand.state
        hand.pulse(on=5.5)
        assert hand.eye.erased == 0 and not hand.eye.inf and hand.eye.pin_required and (hand.state == state or state == ENTRY)


def test_installation_mode_shows_all_for_half_an_hour_after_power_up():
    hand = Hand("sagemcom-install")
    assert hand.extended and not hand.eye.unlocked
    assert hand.wait(1799.9).extended and not hand.wait(0.1).extended
    hand.eye.power_cycle(START + hand.now)
    assert hand.extended and not hand.wait(1800).extended


def test_times_that_go_back_are_taken_as_now():
    hand = Hand().pulse(times=2)
    hand.eye.light(True, START)
    hand.eye.light(False, START)
    assert hand.kinds()[-1] == "ignored" and hand.state == ENTRY


def test_kaifa_s_inf_is_thirteen_pulses_away():
    assert opened("kaifa").pulse(times=13).line == "InF OFF"


@pytest.mark.parametrize("pin", ["", "123", "12345", "12a4", "１２３４"])
def test_a_pin_has_four_digits(pin):
    with pytest.raises(ValueError):
        Eye(pin=pin)
    with pytest.raises(UserError, match="four digits"):
        make("sml-locked", pin=pin)


def test_only_meters_behind_an_eye_have_a_pin():
    with pytest.raises(UserError, match="sml has no PIN; these have: sml-locked, "):
        make("sml", pin="0471")
    assert make("sml-locked", pin="0471").eye.pin == "0471" and make("sml-locked").pin == "1234"


def registers(telegram):
    """Octets C and D of each number to (value, scaler), by a reader of the tests' own."""
    return {code[4:8]: (value[0], scaler[0]) for code, (_, _, _, scaler, value) in listed(telegram)[1].items() if isinstance(value, tuple)}


@pytest.mark.parametrize("name", LOCKED)
def test_a_locked_meter_sends_whole_kwh_and_no_power_until_it_is_opened(name):
    meter = make(name, pin="0471")
    meter.eye.power_cycle(NOON - 1801)  # no installation mode any more
    telegram = meter.telegram(NOON)
    said, found = meter.truth(), registers(telegram)
    assert len(telegram) <= 316 and found["0108"][1] == found["0208"][1] == 3 and not set(found) - {"0108", "0208"}
    assert all(value % 1000 == 0 for quantity, value in said.items() if quantity.startswith("energy_")) and "power_w" not in said
    assert Decimal(found["0208"][0]) * 1000 == said["energy_export_wh"]
    meter.eye.inf = True
    whole = meter.telegram(NOON + 1)
    full = meter.truth()
    assert len(whole) > len(telegram) and "power_w" in full and registers(whole)["0108"][1] < 0
    assert full["meter_id"] == said["meter_id"] and 0 <= full["energy_import_wh"] - said["energy_import_wh"] < 1001
    meter.eye.inf = False
    assert meter.telegram(NOON + 2)[:60] and "power_w" not in meter.truth()


def test_the_display_shows_the_meter_s_counters_and_power():
    meter = make("sml-locked", pin="1111")
    meter.telegram(NOON)
    taken, given = meter.house.imported, meter.house.exported
    assert {meter.eye.display(NOON + at)[0] for at in range(10)} == {
        f"{code}  {sum(total.values()) // 3_600_000_000:08d} kWh" for code, total in (("1.8.0", taken), ("2.8.0", given))}
    hand = Hand(pin="1111")
    hand.eye = meter.eye
    hand.now = 10.0
    hand.enter("1111")
    assert hand.line == f"P {meter.power_w} W"


def test_every_profile_has_a_meter_or_is_known_to_have_none():
    used = {make(name).eye.profile.name for name in LOCKED}
    assert set(PROFILES) - used == {"apator-lepus", "first-pulse"} and not set(LOCKED) & set(METERS)
    for profile in PROFILES.values():
        assert set(eye_profiles.ERASES) & set(profile.menu) and profile.menu[0] == "P"
