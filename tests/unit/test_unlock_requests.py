"""What an owner's line asks for: words in, what is done and said out; the PIN is in no answer. On a Desk with parts made for it."""

import asyncio

from bridge.unlock.desk import Desk
from bridge.unlock.ear import Ear

PIN = "4711"
COUNT = 61  # quantities


class _Part:
    """Takes any attributes."""

    def __init__(self, **attributes):
        for name in attributes:
            setattr(self, name, attributes[name])


def _form(import_exponent=3, power=False):
    form = bytearray(COUNT)
    form[0] = 32 + import_exponent  # energy_import_wh
    form[26] = 32 if power else 0  # power_w
    return bytes(form)


class _Bench:
    """A desk whose meter sends readings of `form`; `lines`: the log."""

    def __init__(self, form, protocol="sml"):
        self.lines = []
        self.now = 200
        meter = _Part(id="1EMH0012345678", manufacturer="EMH", protocol=protocol)
        self.store = _Part(live=_Part(meter=meter, schema=_Part(form=form)), next=1)
        log = _Part(info=self._log, error=self._log, warning=self._log)
        self.pipeline = _Part(builder=None, deaf=False, received_bytes=0)
        self.builder = self.pipeline.builder = _Part(values=_Part(exponent=form))
        self.desk = Desk(self.pipeline, None, self.store, _Part(uptime_s=lambda: self.now), log, False, True)

    def _log(self, area, text):
        self.lines.append(text)

    def ask(self, text):
        """The answer; a second passes before. A session that begins is cancelled; `phase` it had."""
        self.now += 1

        async def one():
            said = self.desk.ask(text)
            self.phase = None
            if self.desk.session:
                self.phase = self.desk.status()["phase"]
                assert self.desk.ask("cancel") == "cancelled"
                await asyncio.sleep(0)  # it plays its end
                await asyncio.sleep(0)
                assert self.desk.session is None and self.desk.kept[2] == "cancelled" and self.pipeline.builder is self.builder
            return said

        answer = asyncio.run(one())
        assert PIN not in answer and not [line for line in self.lines if PIN in line]
        return answer


def test_what_is_no_request_is_refused():
    bench = _Bench(_form())
    json = ("{", '{"pin":', '{"pin":4711}', "[1]", '{"pin":{"a":1}}', '{"pin":["4"]}', '{"do":5}', "{" * 90)
    for text in ("", "12", "12345", "abcd", "4711 5", "4711 again again", b"\xff\xfe", "1" * 500) + json:
        assert bench.ask(text).startswith("refused: this is no PIN"), text
        assert bench.phase is None


def test_what_there_is_nothing_for_is_refused():
    bench = _Bench(_form())
    assert "menu is not open" in bench.ask("next") and "menu is not open" in bench.ask(b" hold ")
    assert "nothing to cancel" in bench.ask("cancel")
    assert "retained" in bench.ask(b"retained")
    assert "shows all" in _Bench(_form(-1, True)).ask(PIN)
    assert "no SML meter" in _Bench(_form(), "p1").ask(PIN) and "no SML meter" in _Bench(_form(), "p1").ask("status")


def test_requests_come_one_a_second():
    bench = _Bench(_form())
    bench.ask("next")
    for text in ("next", "hold", PIN, b"retained", "", b"\xff") * 5:
        bench.now -= 1
        assert "one request at a time" in bench.ask(text), text
    assert len(bench.lines) == 1 and "menu is not open" in bench.lines[0]


def test_a_pin_is_taken_in_each_form():
    for text in (PIN, PIN + " again", " 4711 \n", b"4711", '{"pin":"4711"}', '{"pin":"4711","again":true}'):
        bench = _Bench(_form())
        assert "will be entered" in bench.ask(text), text
        assert bench.phase == "checking"


def test_a_second_try_wants_the_owner_s_word():
    bench = _Bench(_form())
    bench.desk.tries, bench.desk.pulsed_s = 1, bench.now - 50
    assert "some meters lock" in bench.ask(PIN) and bench.phase is None
    assert "rest first (" in bench.ask('{"pin":"4711","again":true}') and bench.phase is None
    bench.now += 100
    assert "will be entered" in bench.ask('{"pin":"4711","again":true}')


def test_the_state_without_a_session():
    def state(form, kept=("", "", ""), power=False):
        desk = _Bench(form).desk
        desk.kept, desk.power = kept, power
        return desk.status()["state"], desk.status()["reason"]

    assert state(_form(3)) == ("missing", "")
    assert state(_form(-1, True)) == ("entered", "")
    assert state(_form(-1)) == ("entered", "")  # a meter that shows no power
    assert state(_form(-1), power=True) == ("missing", "")  # hidden again: the counter keeps its decimals
    assert state(_form(3), ("failed", "no_change", "no_change")) == ("failed", "no_change")
    assert state(_form(3), ("missing", "inf_off", "inf_off")) == ("missing", "inf_off")
    assert state(_form(3), ("entered", "stays", "stays")) == ("missing", "")
    assert state(_form(-1, True), ("entered", "stays", "stays")) == ("entered", "stays")
    assert state(_form(-1, True), ("failed", "no_change", "no_change")) == ("entered", "")
    assert _Bench(_form(), "p1").desk.status() is None


def test_the_ear_hears_scaler_power_and_length():
    heard = []
    taken = []
    builder = _Part(values="v", begin=lambda frame: None, add=taken.append, finish=lambda seq, now, source: (seq, now, source))
    ear = Ear(builder, lambda *facts: heard.append(facts))
    frame = _Part(start=8, end=236)

    def hear(*registers):
        ear.begin(frame)
        for ab, cde, scaler in registers:
            ear.add(_Part(ab=ab, cde=cde, scaler=scaler, value=1))
        assert ear.finish(1, 2, 3) == (1, 2, 3)
        return heard[-1]

    assert ear.values == "v"
    assert hear((0x100, 0x600100, 0), (0x100, 0x10800, 3)) == (3, False, 228)
    assert hear((0x100, 0x10801, -1), (0x100, 0x20800, 3), (0x100, 0x100700, 0)) == (-1, True, 228)
    assert hear((0x100, 0x240700, 0)) == (None, True, 228)
    assert hear((0x100, 0x200700, -1), (0x8181, 0x10800, 3)) == (None, False, 228)
    assert len(taken) == 8
