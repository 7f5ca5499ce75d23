"""Finding a meter's line: a scripted line and a pipeline made for it in, in made-up time; what is tried, kept, remembered and said out."""

import json
import os
import sys

import bridge.uart.detection as resident
import bridge.uart.finding as finding
import bridge.uart.request as request
from bridge.uart import advice

_FILE = "detection-test.json"
_P1 = "115200 8N1 inverted"
_SML = "9600 8N1"
_AMIS = "9600 8E1"
_ASKED = "300 7E1"
_BOTH = ("p1", "ir")


class Wait:
    """What the task waits for; goes on when it is sent to again."""

    def __init__(self, ms):
        self.ms = ms
        self.done = False

    def __iter__(self):
        return self

    __await__ = __iter__

    def __next__(self):
        if self.done:
            raise StopIteration
        self.done = True
        return self.ms


class Framer:
    """What Detection looks at of one."""

    def __init__(self, name):
        self.PROTOCOL = name
        self.frames = self.crc_errors = self.oversize = self.identified = 0


class Log:
    def __init__(self):
        self.texts = []

    def info(self, area, text):
        self.texts.append(text)

    debug = warning = info


class Line:
    """The line, the port and the pipeline in one. `bursts` is what comes: a list of (ms, bytes, line, what it is); see `_happen`."""

    mute = False
    level = None
    problem = ""

    def __init__(self, usual=_P1, protocol="auto", fixed=False, interfaces=_BOTH, remembered=None, bursts=(), poll_s=30):
        forget()
        if remembered is not None:
            with open(_FILE, "w") as file:
                file.write(remembered)
        self.now = 0
        self.stream = self
        self.log = Log()
        self.bursts = list(bursts)
        self.tried = []
        self.written = []
        self.answers = None  # what a request brings: a function
        self.readings = self.received_bytes = 0
        self.last_reading = None
        self.line = usual
        self.search(protocol)
        self.detection = resident.Detection(self, self, usual, protocol, fixed, self, self.log, interfaces, _FILE, poll_s)
        self.task = self.detection.run()

    def unload(self, *names):
        """The modules stay: they have this line for asyncio."""

    # the port, the clock

    def set_line(self, line):
        self.line = line.text()

    def at_rest(self):
        return self.level

    def uptime_s(self):
        return self.now // 1000

    def write(self, data):
        self.written.append((self.now, self.line, bytes(data)))
        if self.answers:
            self.answers(self, data)
        return len(data)

    # the pipeline

    def search(self, protocol="auto"):
        self.tried.append((self.now, self.line, protocol))
        self.problem = ""
        self.settled = protocol != "auto"
        self.links = [(Framer(protocol), None)] if self.settled else []

    def status(self):
        return {"problem": self.problem}

    def telegram(self, protocol):
        if not self.links:
            self.links = [(Framer(protocol), None)]
        self.links[0][0].frames += 1
        if self.links[0][0].PROTOCOL == protocol:
            self.settled = True
            self.problem = ""
            self.readings += 1
            self.last_reading = self.uptime_s()

    # time

    async def sleep(self, seconds):
        await Wait(seconds * 1000)

    async def sleep_ms(self, ms):
        await Wait(ms)

    def run(self, seconds, until=None):
        """So long, or until `until()`; the seconds since the start."""
        modules = (resident, finding, request)
        kept = [module.asyncio for module in modules]
        unload = resident.unload
        resident.unload = self.unload
        for module in modules:
            module.asyncio = self
        end = self.now + seconds * 1000
        try:
            while self.now < end and not (until and until()):
                self.now += self.task.send(None)
                while self.bursts and self.bursts[0][0] <= self.now:
                    self._happen(*self.bursts.pop(0)[1:])
        finally:
            resident.unload = unload
            for module, asyncio in zip(modules, kept):
                module.asyncio = asyncio
            forget()
        return self.now / 1000

    def _happen(self, size, line, what):
        """At `line` a burst is `what` ("p1", "mark", a refusal's reason, "s1"); at every other it is noise."""
        self.received_bytes += size
        if line != self.line:
            return
        if what in ("s1", "key_missing", "key_wrong"):
            self.problem = what
            if what != "s1":
                self.links = self.links or [(Framer("mbus"), None)]
                self.links[0][0].frames += 1
        elif what == "mark":
            self.links = self.links or [(Framer("p1"), None)]
        elif what != "noise":
            self.telegram(what)

    def lines(self):
        return [line for _, line, _ in self.tried[1:]]

    def file(self):
        with open(_FILE) as file:
            return json.loads(file.read())


def forget():
    for name in (_FILE, _FILE + ".new"):
        try:
            os.remove(name)
        except OSError:
            pass


def every(ms, size, line, what, first=500, until=700000):
    return [(at, size, line, what) for at in range(first, until, ms)]


_ORDER = ["115200 8N1 inverted", "115200 8N1", "9600 8N1", "9600 7E1 inverted", "9600 7E1", "9600 8E1", "2400 8E1", "2400 8N1"]


def test_silence_waits_its_time_at_each_line_in_the_known_order():
    line = Line()
    line.run(200)
    assert [text for text in line.lines()][:8] == _ORDER
    waits = [(then[0] - at[0]) / 1000 for at, then in zip(line.tried[1:], line.tried[2:])]
    assert waits[:8] == [11, 11, 5, 11, 11, 62, 12, 12]


def test_the_round_begins_at_the_usual_line_and_goes_on_for_ever():
    line = Line("9600 8N1")
    line.run(600)
    assert line.lines()[0] == "9600 8N1" and line.lines()[1:3] == _ORDER[:2]
    assert line.lines().count("9600 8N1") == 3 and line.lines().count("2000000 8N1") == 2


def test_an_optical_head_begins_with_what_optical_heads_see():
    line = Line("9600 8N1", interfaces=("ir",))
    line.run(300)
    found = line.lines()
    assert found[:5] == ["9600 8N1", "9600 7E1 inverted", "9600 7E1", "9600 8E1", "2400 8E1"]
    assert found.index("115200 8N1 inverted") > found.index("9600 8N1 inverted") > found.index("300 7E1")
    line = Line("115200 8N1 inverted", interfaces=("p1",))
    line.run(300)
    assert "300 7E1" not in line.lines() and not line.written
    assert line.lines()[:8] == _ORDER


def test_one_whole_burst_without_a_mark_is_enough():
    line = Line(bursts=every(1000, 300, "1200 8N1", "p1"))
    line.run(5)
    assert [at for at, _, _ in line.tried[1:]][:4] == [0, 750, 1750, 2750]
    # a burst that had begun before the dongle listened does not count
    line = Line(bursts=[(50, 200, "", "noise"), (100, 300, "", "noise"), (4000, 300, "", "noise")])
    line.run(6)
    assert [at for at, _, _ in line.tried[1:]][:2] == [0, 4250]


def test_a_few_bytes_are_no_burst():
    line = Line(bursts=every(1000, 5, "", "noise", until=9000))
    line.run(12)
    assert line.lines()[:2] == _ORDER[:2] and line.tried[2][0] == 11000


def test_noise_without_a_pause_is_left_too():
    line = Line(bursts=every(50, 200, "", "noise", first=50, until=20000))
    line.run(20)
    assert line.tried[2][0] == 8000 and line.lines()[1] == _ORDER[1]


def test_marks_give_more_bursts():
    line = Line(bursts=every(2000, 300, _P1, "mark"))
    line.run(20)
    assert line.lines()[1] == _ORDER[1] and line.tried[2][0] == 6750  # after the fourth


def test_found_remembered_in_one_step_and_kept():
    line = Line(bursts=every(1000, 300, _SML, "sml"))
    renamed = []
    kept, os_rename = finding.os, os.rename

    class Os:
        @staticmethod
        def rename(old, new):
            renamed.append((old, new))
            os_rename(old, new)

    finding.os = Os
    try:
        line.run(200, lambda: line.readings > 3)
    finally:
        finding.os = kept
    assert line.now < 8000 and line.line == _SML
    assert renamed == [(_FILE + ".new", _FILE)]
    assert "found sml at 9600 8N1" in line.log.texts
    line.run(400)
    assert line.lines()[-1] == _SML and len(renamed) == 1


def _remembered(text, **options):
    line = Line(remembered=text, **options)
    line.run(1)
    return line.tried[1][1:]


def test_the_file_is_tried_first_unless_it_is_damaged_or_the_owner_chose():
    good = '{"line": "2400 8E1", "protocol": "mbus"}'
    assert _remembered(good) == ("2400 8E1", "mbus")
    assert _remembered(good, protocol="mbus") == ("2400 8E1", "mbus")
    assert _remembered(good, protocol="p1") == (_P1, "p1")
    assert _remembered(good.replace("2400 8E1", _P1)) == (_P1, "mbus")
    for bad in (
        "", "{", "[]", "7", '"x"', "null", "{}", '{"line": "2400 8E1"}', '{"line": 7, "protocol": "p1"}', '{"line": ["9600 8N1"], "protocol": "sml"}',
        '{"line": "9600 8N1", "protocol": "telnet"}', '{"line": "9600 8N1", "protocol": []}', '{"line": "1 8N1", "protocol": "p1"}',
        '{"line": "' + "x" * 5000,
    ):  # fmt: skip
        assert _remembered(bad) == (_P1, "auto"), bad


def test_what_is_remembered_is_not_written_again():
    line = Line(remembered='{"line": "9600 8N1", "protocol": "sml", "ask": false}', bursts=every(1000, 300, _SML, "sml"))
    kept = finding.os
    finding.os = None  # nothing may be renamed
    try:
        line.run(100)
    finally:
        finding.os = kept
    assert line.lines() == [_SML] and line.readings > 50


def test_a_remembered_line_that_is_silent_is_left_after_five_minutes():
    line = Line(remembered='{"line": "9600 8N1", "protocol": "sml"}')
    line.run(310)
    assert line.tried[1][1:] == (_SML, "sml") and line.tried[2] == (300000, _P1, "auto")


def test_the_owners_line_is_never_left():
    for bursts in ((), every(1000, 300, "", "noise"), every(2000, 300, "2400 8E1", "p1")):
        for protocol in ("auto", "p1", "sml"):
            line = Line("115200 8N1", protocol, True, bursts=bursts)
            line.run(700)
            assert set([text for _, text, _ in line.tried]) == {"115200 8N1"} and not line.written
            assert set([name for _, _, name in line.tried]) == {protocol}


def test_the_owners_protocol_is_looked_for_at_all_lines():
    line = Line(protocol="sml", bursts=every(1000, 300, _SML, "sml"))
    line.run(100, lambda: line.readings)
    assert line.now < 12000 and set([name for _, _, name in line.tried]) == {"sml"}


def test_another_meter_is_found_after_bytes_without_telegrams():
    line = Line(bursts=every(1000, 300, _SML, "sml", until=10000) + every(1000, 300, _P1, "p1", first=30500))
    line.run(29, None)
    found = len(line.tried)
    assert line.line == _SML and line.detection.heard() == "telegrams"
    line.run(200, lambda: line.line == _P1 and line.links and line.links[0][0].PROTOCOL == "p1")
    assert 95 < line.now / 1000 < 110
    assert line.tried[found][1:] == (_SML, "auto") or line.tried[found][1:] == (_P1, "auto") or line.tried[found][1:] == (_SML, "sml")


def test_silence_alone_is_waited_out_for_five_minutes():
    line = Line(bursts=every(1000, 300, _SML, "sml", until=10000))
    line.run(300)
    found = len(line.tried)
    line.run(8)
    assert len(line.tried) == found and line.detection.heard() == "silence"
    line.run(10)
    assert len(line.tried) > found


def test_a_refused_meter_keeps_its_line_and_is_not_remembered():
    line = Line(bursts=every(5000, 120, "2400 8E1", "key_missing"))
    line.run(400)
    assert line.line == "2400 8E1" and line.detection.heard() == "key_missing" and not line.readings
    assert "meter_key" in line.detection.status()["advice"]
    assert not [text for text in line.log.texts if text.startswith("found")]


def test_the_s1_port_is_stayed_at():
    line = Line(bursts=every(100, 90, "2000000 8N1", "s1", first=100))
    line.run(400)
    assert line.line == "2000000 8N1" and line.detection.heard() == "s1"
    assert "P1" in line.detection.status()["advice"]


def test_a_call_once_a_minute_is_waited_for():
    line = Line(bursts=[(59000, 5, _AMIS, "noise")] + every(1000, 101, _AMIS, "amis", first=60000))
    line.run(100, lambda: line.readings)
    assert line.line == _AMIS and line.now < 70000


def test_a_silent_meter_is_asked_and_again_from_time_to_time():
    def answer(line, data):
        if line.line == _ASKED and data == b"/?!\r\n":
            line.bursts.append((line.now + 500, 200, _ASKED, "d0"))

    line = Line("9600 8N1", interfaces=("ir",), poll_s=20)
    line.answers = answer
    line.run(300, lambda: line.readings)
    assert line.line == _ASKED and len(line.written) == 1 and line.detection.line == _ASKED
    line.run(10)
    assert line.detection.request and line.detection.heard() == "telegrams"
    line.run(90)
    asked = [at for at, _, _ in line.written]
    assert len(asked) == 1 + 5 and set([then - at for at, then in zip(asked[1:], asked[2:])]) == {20000}
    line.answers = None
    line.run(150)
    assert line.detection.request is None and line.lines()[-1] != _ASKED
    assert line.detection.heard() == "silence"


def test_a_meter_that_has_to_be_asked_is_remembered():
    line = Line(remembered='{"line": "300 7E1", "protocol": "d0", "ask": true}')
    line.run(1)
    assert line.written == [(0, _ASKED, b"/?!\r\n")] and line.tried[1] == (0, _P1, "d0")
    # and, where nothing can be asked, not believed
    line = Line(remembered='{"line": "300 7E1", "protocol": "d0", "ask": true}', interfaces=("p1",))
    line.run(1)
    assert line.tried[1][1:] == (_P1, "auto")


def test_nobody_is_asked_while_something_speaks():
    line = Line("9600 8N1", interfaces=("ir",), bursts=every(1000, 200, "1200 8N1", "p1"))
    line.run(60)
    assert not line.written and line.detection.heard() == "noise"


def test_a_meter_at_a_fixed_line_is_asked_when_it_does_not_speak():
    line = Line(_ASKED, "auto", True, interfaces=("ir",))
    line.run(7)
    assert [what[1:] for what in line.written] == [(_ASKED, b"/?!\r\n")]
    line = Line("9600 7E1", "d0", True, interfaces=("ir",), bursts=every(2000, 300, "9600 7E1", "d0"))
    line.run(50)
    assert not line.written and line.readings > 10
    for usual, protocol in (("9600 8N1", "auto"), ("9600 7E1 inverted", "auto"), ("9600 7E1", "p1")):
        line = Line(usual, protocol, True, interfaces=_BOTH)
        line.run(100)
        assert not line.written


def test_every_word_and_its_advice():
    line = Line()
    line.run(30)
    for level, word in ((None, "silence"), (True, "silence"), (False, "held")):
        line.level = level
        assert line.detection.heard() == word and len(line.detection.status()["advice"]) > 80
    for bursts, word in ((every(1000, 99, "", "noise"), "noise"), (every(1000, 99, _P1, "mark"), "bytes"), (every(1000, 99, _P1, "p1"), "telegrams")):
        line = Line(bursts=bursts)
        line.run(3 if word == "bytes" else 30)
        status = line.detection.status()
        assert status["heard"] == word and ("advice" in status) == (word != "telegrams") and status["line"] == line.line
    for word in ("key_missing", "key_wrong"):
        line = Line("115200 8N1", fixed=True, bursts=every(1000, 99, "115200 8N1", word, until=20000))
        line.run(30)
        assert line.detection.heard() == word
        line.run(80)
        assert line.detection.heard() == "silence"


def test_the_code_of_the_search_goes_when_it_is_over():
    line = Line(bursts=every(1000, 300, _SML, "sml"))
    gone = []
    line.unload = lambda *names: gone.extend(names)
    line.run(20)
    assert gone == ["bridge.uart.finding", "bridge.uart.settings", "bridge.uart.request"]
    assert not [name for name in gone if name not in sys.modules and name != "bridge.uart.request"]  # names that there are


def test_noise_is_not_blamed_on_anything_before_all_lines_were_tried():
    line = Line(bursts=every(1000, 99, "", "noise"))
    line.run(10)
    status = line.detection.status()
    assert status["heard"] == "noise" and "three minutes" in status["advice"]
    line.run(60)
    assert "meter_line" in line.detection.status()["advice"]


def test_advice_fits_the_board():
    words = ("silence", "held", "noise", "bytes", "key_missing", "key_wrong", "tag_wrong", "replay", "length", "cipher_unknown", "s1")
    for word in words:
        assert advice.text(word, _BOTH) and advice.text(word, ("p1",)) and advice.text(word, ())
        assert len(advice.text(word, ("ir",))) > 50
    assert "grid operator" in advice.text("silence", ("p1",)) and "head" not in advice.text("silence", ("p1",))
    assert "misaligned" in advice.text("silence", ("ir",)) and "grid operator" not in advice.text("silence", ("ir",))
    assert "grid operator" in advice.text("silence", _BOTH) and "misaligned" in advice.text("silence", _BOTH)
    assert "inverted" in advice.text("noise", ("p1",)) and "request line" in advice.text("held", ("p1",))
    assert advice.text("telegrams", _BOTH) == ""
