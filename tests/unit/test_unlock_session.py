"""The rules of unlocking, played second by second against a little meter with an eye of its own (protocols 4.3), independent of the plan's code."""

from bridge.unlock.profiles import profile
from bridge.unlock.session import COMPARE, DONE, PLAY, READ, WAIT, Session
from bridge.unlock.verdict import Verdict


class Meter:
    """Takes pulses and says which set it sends: PIN after two presses, menu for 120 s, `inf` toggled by a long press on page `inf_page`."""

    def __init__(self, pin="1234", inf_page=3, blind=False):
        self.pin, self.inf_page, self.blind = pin, inf_page, blind
        self.inf = self.open = False
        self.page = self.wrong = self.checked_s = 0
        self.last_s = -1000
        self.pulses = []  # (at s, ms) of all that ever came

    def look(self, now):
        if self.open and now - self.last_s >= 120:
            self.open = False

    def shows_all(self, now):
        self.look(now)
        return self.inf or self.open and now >= self.checked_s

    def take(self, now, pulses):
        """Plays pulses from `now`; the time at their end in s."""
        self.look(now)
        now_ms = now * 1000
        ends = []
        for index in range(0, len(pulses), 2):
            self.pulses.append((now_ms // 1000, pulses[index]))
            now_ms += pulses[index]
            ends.append(now_ms)
            now_ms += pulses[index + 1]
        end = (now_ms + 999) // 1000
        if self.blind:
            return end
        if self.open:
            for index in range(0, len(pulses), 2):
                self.press(pulses[index])
        else:
            assert now - self.last_s >= 120, "not at rest"
            assert len(ends) > 1, "a press at a locked meter begins a wrong PIN"
            self.enter(ends)
        self.last_s = ends[-1] // 1000
        return end

    def press(self, ms):
        if ms < 4000:
            self.page += 1
        else:
            assert self.page == self.inf_page, "a long press on a page that deletes"
            self.inf = not self.inf

    def enter(self, ends):
        found, digit, fixed = "", 0, ends[1] + 3000
        for at in ends[2:] + [ends[-1] + 100000]:
            while at > fixed and len(found) < 4:
                found += str(digit)
                digit, fixed = 0, fixed + 3000  # after the fourth: when it is checked
            if len(found) < 4:
                digit, fixed = (digit + 1) % 10, at + 3000
        self.open = found == self.pin
        self.wrong += not self.open
        self.checked_s = (fixed + 999) // 1000
        self.page = 0


class Play:
    """The player: does what the session says, with a telegram each 2 s unless the meter is `dumb`."""

    def __init__(self, meter, maker="EMH"):
        self.now, self.meter, self.dumb = 0, meter, False
        self.session = Session(0, profile(maker), Verdict(0))
        self.phases = []

    def tick(self):
        session = self.session
        if not self.dumb and self.now % 2 == 0:
            extended = self.meter.shows_all(self.now)
            session.telegram(self.now, -1 if extended else 3, extended, 352 if extended else 228)
        what, how = session.step(self.now)
        if session.phase not in self.phases[-1:]:
            self.phases.append(session.phase)
        if what == PLAY:
            self.now = self.meter.take(self.now, how)
            session.played(self.now, True)
            assert set(how) == {0}  # wiped
        else:
            assert what == DONE or how > 0
            self.now += 1
        return what

    def run(self, seconds):
        until = self.now + seconds
        while self.now < until:
            self.tick()
        return self

    def to(self, phase, limit=400):
        """Runs until that phase."""
        until = self.now + limit
        while self.session.phase != phase:
            assert self.now < until, (self.session.phase, self.session.result)
            self.tick()
        return self

    @property
    def outcome(self):
        return self.session.result, self.session.verdict.state, self.session.verdict.reason


def test_nothing_happens_that_was_not_asked_for():
    play = Play(Meter()).run(4000)
    assert play.meter.pulses == [] and play.outcome == ("", "missing", "")
    assert play.session.next(play.now) == play.session.hold(play.now) == "closed"


def test_pin_entered_and_it_falls_back_as_inf_is_off():
    play = Play(Meter()).run(10)
    assert play.session.start(play.now, "1234") == ""
    play.to("open")
    assert play.outcome == ("entered", "entered", "by_pin")
    assert play.meter.pulses[0][0] == 125  # idle for 125 s: what was before our start is not known
    assert play.session._pin is None and play.session._pulses is None
    play.run(200)
    assert play.outcome == ("inf_off", "missing", "inf_off")
    assert play.phases == ["", "checking", "waiting", "pulsing", "judging", "open", ""]
    assert len(play.meter.pulses) == 2 + 1 + 2 + 3 + 4


def test_every_kind_of_pin_is_understood():
    for pin in ("0000", "0001", "9999", "0900", "1000", "4711"):
        for maker in ("", "APA", "ESY"):
            play = Play(Meter(pin), maker).run(130)
            assert play.session.start(play.now, pin) == ""
            assert play.to("open").meter.wrong == 0


def test_the_stepper_switches_inf_on_and_130_s_prove_it():
    play = Play(Meter()).run(130)
    play.session.start(play.now, "1234")
    play.to("open")
    for page in range(1, 4):
        play.run(5)
        assert play.session.next(play.now) == ""
        assert play.session.next(play.now) == "busy"
        play.run(3)
        assert play.meter.page == page
    assert COMPARE == "InF OFF"
    asked = play.now
    assert play.session.hold(asked) == "" and play.session.left(asked) == 5
    play.run(4)
    assert not play.meter.inf and play.session.next(play.now) == "busy"
    play.to("open").run(10)
    assert play.meter.inf and play.meter.pulses[-1] == (asked + 5, 6000)
    play.run(100)
    assert play.session.phase == "open" and play.outcome[2] == "by_pin" and play.session.left(play.now) > 0
    play.run(40)
    assert play.outcome == ("stays", "entered", "stays") and play.session.phase == ""
    assert play.session.start(play.now, "1234") == "already_unlocked"
    assert [ms for _, ms in play.meter.pulses if ms != 500] == [6000]


def test_a_long_press_can_be_taken_back():
    play = Play(Meter()).run(130)
    play.session.start(play.now, "1234")
    play.to("open").run(2)
    play.session.hold(play.now)
    play.run(4)
    play.session.cancel(play.now)
    assert play.session.phase == "open"
    play.run(60)
    assert max([ms for _, ms in play.meter.pulses]) == 500
    play.session.cancel(play.now)
    assert play.session.phase == "" and play.session.result == "cancelled"


def test_no_press_when_the_menu_may_be_closed():
    play = Play(Meter()).run(130)
    play.session.start(play.now, "1234")
    play.to("open")
    end = play.session.verdict.pulsed_s
    play.run(end + 106 - play.now)
    assert play.session.next(play.now) == play.session.hold(play.now) == "closed"


def test_no_press_without_telegrams_that_show_all():
    play = Play(Meter()).run(130)
    play.session.start(play.now, "1234")
    play.to("open").run(2)
    play.session.hold(play.now)
    play.dumb = True
    play.run(4)
    play.session.verdict.heard_s -= 30
    play.session.verdict.pulsed_s -= 30
    play.run(10)
    assert max([ms for _, ms in play.meter.pulses]) == 500


def test_one_try_and_a_second_only_by_hand_after_125_s():
    play = Play(Meter("9999")).run(130)
    session = play.session
    session.start(play.now, "1234")
    play.run(100)
    assert play.outcome == ("no_change", "failed", "no_change") and session.verdict.tries == 1
    count = len(play.meter.pulses)
    assert session.start(play.now, "9999") == "confirm"
    assert session.start(play.now, "9999", True) == "too_soon"
    assert 0 < session.left(play.now) < 125
    play.run(2000)
    assert len(play.meter.pulses) == count  # never by itself
    assert session.start(play.now, "9999") == "confirm"
    assert session.start(play.now, "9999", confirmed=True) == ""
    play.to("open")
    assert session.verdict.tries == 0 and play.meter.wrong == 1


def test_after_three_that_failed_an_hour_of_rest():
    play = Play(Meter("9999")).run(130)
    session = play.session
    for n in range(3):
        assert session.start(play.now, "000%d" % n, n > 0) == ""
        play.run(300)
        assert session.verdict.tries == n + 1
    assert session.start(play.now, "9999", True) == "too_soon"
    assert 3600 - 300 < session.left(play.now) < 3600
    play.run(session.left(play.now) - 1)
    assert session.start(play.now, "9999", True) == "too_soon"
    play.run(1)
    assert session.start(play.now, "9999", True) == ""
    play.to("open")


def test_reasons_of_failures():
    play = Play(Meter(blind=True)).run(130)
    play.session.start(play.now, "1234")
    play.run(100)
    assert play.outcome[0] == "no_change"
    play = Play(Meter()).run(130)
    play.session.start(play.now, "1234")
    play.to("judging", 20)
    play.dumb = True
    play.run(20)
    assert play.outcome == ("meter_silent", "failed", "meter_silent") and play.session.verdict.tries == 1


def test_a_silent_meter_gets_no_pulse():
    play = Play(Meter())
    play.dumb = True
    assert play.session.start(0, "1234") == ""
    assert play.session.step(0) == (READ, 30)
    play.run(40)
    assert play.outcome[0] == "meter_silent" and play.session._pin is None
    play.dumb = False
    play.run(10)
    play.session.start(play.now, "1234")
    play.run(20)
    assert play.session.phase == "waiting" and play.session.step(play.now)[0] == WAIT
    play.dumb = True  # silent while it waits
    play.run(100)
    assert play.outcome[0] == "meter_silent" and play.meter.pulses == []


def test_refusals():
    play = Play(Meter()).run(10)
    for bad in ("", "12345", "abcd", None, 1234):
        assert play.session.start(play.now, bad) == "bad_pin"
    assert play.session.start(play.now, "1234") == ""
    assert play.session.start(play.now, "1234") == "busy"
    play.meter.inf = True  # somebody did it by hand meanwhile
    play.run(10)
    assert play.session.result == "already_unlocked" and play.session._pin is None
    assert play.session.start(play.now, "1234") == "already_unlocked"
    assert play.meter.pulses == []


def test_cancelled_in_the_middle_counts_as_a_try():
    play = Play(Meter()).run(130)
    session = play.session
    session.start(play.now, "1234")
    pulses = None
    while pulses is None:
        session.telegram(play.now, 3, False, 228)
        what, how = session.step(play.now)
        pulses = how if what == PLAY else None
        play.now += 1
    assert session.step(play.now) == (WAIT, 1)
    session.cancel(play.now)
    assert set(pulses) == {0} and session.result == "cancelled" and session.verdict.tries == 1
    session.played(play.now + 5)  # late, and no matter
    assert session.verdict.state == "missing" and session.start(play.now, "1234") == "confirm"


def test_pulses_that_were_not_sent_whole():
    session = Session(0, profile(""), Verdict(0))
    for now in range(1, 126):
        session.telegram(now, 3, False, 228)
    assert session.start(125, "1234") == ""
    for now in range(126, 129):
        session.telegram(now, 3, False, 228)
    assert session.step(128)[0] == PLAY
    session.played(140, whole=False)
    assert (session.phase, session.result, session.verdict.tries, session._pin) == ("", "broken", 1, None)


def test_kept_alive_by_flashes_and_the_pin_every_20_minutes():
    play = Play(Meter(), "ESY").run(130)
    assert play.session.start(play.now, "1234", keep=True) == ""
    play.to("keeping")
    assert play.session.hold(play.now) == "keep"
    began, dark = play.now, 0
    for _ in range(6 * 3600):
        if play.now > began + 6 * 3600:
            break
        play.tick()
        dark += not play.meter.shows_all(play.now)
    times = [at for at, _ in play.meter.pulses]
    starts = [at for index, at in enumerate(times) if not index or at - times[index - 1] > 20]
    gaps = [b - a for a, b in zip(starts, starts[1:])]
    assert max([ms for _, ms in play.meter.pulses]) == 400 and play.meter.wrong == 0
    pins = [index for index, gap in enumerate(gaps) if gap >= 125]  # before each PIN: 130 s and more of darkness
    assert 16 <= len(pins) + 1 <= 19  # 6 h: each 20 to 21 min
    assert set([round((gap - 100) / 100) for gap in gaps]) == {0} and min(gaps) >= 100
    assert dark < 6 * 3600 // 50  # some 10 s of 20 min, beside the pulses themselves
    play.session.cancel(play.now)
    assert play.session._pin is None and not play.session.keep
    play.run(300)
    assert play.meter.pulses[-1][0] == times[-1]


def test_keeping_ends_at_a_wrong_pin_and_when_inf_is_on():
    play = Play(Meter(), "ESY").run(130)
    play.session.start(play.now, "1234", keep=True)
    play.to("keeping")
    play.meter.pin = "0000"
    play.run(1500)
    assert play.session.phase == "" and play.outcome[0] == "no_change" and play.session._pin is None and play.meter.wrong == 1
    play = Play(Meter(), "ESY").run(130)
    play.session.start(play.now, "1234", keep=True)
    play.to("keeping")
    play.meter.inf = True
    play.run(1500)
    assert play.outcome == ("stays", "entered", "stays") and play.session._pin is None and play.session.phase == ""


def test_keeping_sends_no_flash_to_a_meter_that_is_locked():
    play = Play(Meter(), "ESY").run(130)
    play.session.start(play.now, "1234", keep=True)
    play.to("keeping").run(250)
    entered = play.session._entered_s
    play.meter.open = False  # a power cut: the meter's assertion fails at any flash now
    count = len(play.meter.pulses)
    play.run(entered + 1195 - play.now)
    assert len(play.meter.pulses) == count
    play.run(100)
    assert len(play.meter.pulses) > count and play.session.phase == "keeping" and play.meter.wrong == 0


def test_whatever_is_asked_and_whenever_no_pulse_is_out_of_place():
    seed = 5

    def chance(of):
        nonlocal seed
        seed = (seed * 1103515245 + 12345) & 0x3FFFFFFF
        return (seed >> 12) % of

    results = set()
    for run in range(30):
        pin = "%04d" % chance(10000)
        play = Play(Meter(pin, 1 + chance(5)), ("", "EMH", "APA", "ESY")[chance(4)])
        session, meter = play.session, play.meter
        for _ in range(1500):
            play.tick()  # the meter's own assertions judge each pulse
            what = chance(1000)
            if what < 4:
                session.start(play.now, pin if chance(9) else "0000", chance(2) == 0, chance(3) == 0)
            elif what < 30:
                session.next(play.now)
            elif what < 50 and meter.page == meter.inf_page and session.phase == "open":
                session.hold(play.now)
            elif what == 50:
                session.cancel(play.now)
            elif what == 51:
                play.dumb = not play.dumb
            elif what == 52:  # a power cut
                play.dumb = True
                play.run(40 + chance(60))
                meter.open = play.dumb = False
            results.add(session.result)
        assert set([ms for _, ms in meter.pulses]) <= {400, 500, 6000}
        assert session._pin is None or session.phase in ("checking", "waiting", "keeping") or session.keep
    assert {"entered", "inf_off", "stays", "meter_silent", "no_change", "cancelled"} <= results
