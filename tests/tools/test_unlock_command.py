"""`meterbridge unlock` with the whole firmware in virtual time before a locked meter, and with consoles that are played: what a person reads and what is done."""

import io
import json
import os
import pty
import re
import termios
import threading
import time

import pytest

from host_tools import build, cli, dongle_console, pin_session, pin_words, terminal_keys
from host_tools.errors import FAILED, INTERRUPTED, OK, USAGE
from tests.sim.test_unlock import RESTS_S, Cellar
from tests.tools.fake_dongle import FakeDongle
from tests.tools.virtual_port import VirtualPort

PIN = "0110"


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    out = tmp_path_factory.mktemp("firmware")
    build.build("sim", out)
    return out


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(pin_session, "_LOOK_S", 0.001)
    monkeypatch.setattr(dongle_console, "_HELLOS", 2)


class Person:
    """Who sits at the terminal: answers questions, presses keys by what the display shows. `display()`: its second line; `seen`: what was asked."""

    def __init__(self, monkeypatch, pin=PIN, says="y", display=None):
        self.pin, self.says, self.display, self.seen, self.pressed = pin, says, display, [], 0
        self.held, self.rests = False, 0
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("getpass.getpass", self._secret)
        monkeypatch.setattr("builtins.input", self._asked)
        monkeypatch.setattr("host_tools.terminal_keys.Keys", lambda: self)

    def _secret(self, question):
        self.seen.append(question)
        return self.pin

    def _asked(self, question):
        self.seen.append(question)
        return self.says

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def get(self, seconds):
        """A key: on through the menu to InF, which is held; a person lets the display settle between two presses."""
        if seconds == pin_session._ANSWER_S:
            return self.says
        if seconds < pin_session._LOOK_S or self.says == "wait":
            return ""
        self.rests += 1
        if self.rests % 4:
            return ""
        if self.display() == "InF OFF" and not self.held:
            self.held = True
            return "h"
        if self.held:
            return "q"
        self.pressed += 1
        return "\n"


def call(capsys, port, *words):
    """(exit code, all that was said on both channels)."""
    code = cli.main(["unlock", "--port", port.path, *words])
    got = capsys.readouterr()
    return code, got.out + got.err


def in_cellar(cellar):
    return VirtualPort(lambda seconds, line: [row for row in cellar.run(seconds, line)])


def test_a_pin_is_entered_and_inf_switched_on(tmp_path, firmware, capsys, monkeypatch):
    with Cellar(tmp_path, firmware, pin=PIN) as cellar, in_cellar(cellar) as port:
        cellar.run(20)
        code, said = call(capsys, port, "--status")
        assert code == FAILED and "waits for its PIN" in said
        person = Person(monkeypatch, display=lambda: cellar.eye.display(cellar.end)[1])
        code, said = call(capsys, port)
        assert code == OK and cellar.eye.inf and not cellar.eye.erased, said
        words = ["waits for its PIN", pin_words.PHASES["waiting"], pin_words.PHASES["pulsing"], "The meter took the PIN", "short press 7 is done: read",
                 "the light is on for 6 s", pin_words.HELD, pin_words.PROOF, "stays unlocked: its InF is on"]  # fmt: skip
        places = [said.find(word) for word in words]
        assert -1 not in places and places == sorted(places), (places, said)
        assert person.pressed == 7 and len(person.seen) == 1 and PIN not in said
        assert len([line for line in port.typed if PIN in line]) == 1 and not [line for line in cellar.dongle.log if PIN in line]
        assert call(capsys, port, "--status")[0] == OK
        code, said = call(capsys, port)
        assert code == OK and "already" in said and len(person.seen) == 1, "no PIN is asked for"


def test_without_a_terminal_then_a_wrong_one_then_again(tmp_path, firmware, capsys, monkeypatch):
    with Cellar(tmp_path, firmware, pin=PIN) as cellar, in_cellar(cellar) as port:
        cellar.run(RESTS_S)
        file = tmp_path / "pin.txt"
        file.write_text("1010\n")
        code, said = call(capsys, port, "--pin-file", str(file))
        assert code == FAILED and "The PIN changed nothing" in said and "Compare it" in said
        monkeypatch.setattr("sys.stdin", io.StringIO(PIN + "\n"))
        code, said = call(capsys, port)
        assert code == FAILED and "some meters lock" in said and "--again --yes" in said
        monkeypatch.setattr("sys.stdin", io.StringIO(PIN + "\n"))
        code, said = call(capsys, port, "--again", "--yes")
        assert code == OK and cellar.eye.unlocked and "must rest after a PIN that failed" in said and "unless its menu's page InF says On" in said, said
        pulses = len(cellar.pulses())
        cellar.run(6)
        assert call(capsys, port, "--next")[0] == OK
        cellar.run(6)
        assert len(cellar.pulses()) == pulses + 1
        assert call(capsys, port, "--hold")[0] == USAGE, "nobody is there to look at the display"
        code, said = call(capsys, port, "--hold", "--yes")
        assert code == OK and "5 s" in said
        assert call(capsys, port, "--cancel")[0] == OK
        cellar.run(15)
        assert len(cellar.pulses()) == pulses + 1 and PIN not in said


def test_ctrl_c_cancels_at_the_dongle(tmp_path, firmware, capsys, monkeypatch):
    with Cellar(tmp_path, firmware, pin="9999") as cellar, in_cellar(cellar) as port:
        cellar.run(RESTS_S)
        Person(monkeypatch, "9999")
        real = pin_session.Screen.live

        def live(screen, text, left_s=0):
            real(screen, text, left_s)
            if text == pin_words.PHASES["pulsing"] and len(cellar.light.seen) > 9:
                raise KeyboardInterrupt

        monkeypatch.setattr(pin_session.Screen, "live", live)
        code, said = call(capsys, port)
        assert code == INTERRUPTED and "cancelled at the dongle, its light is dark" in said and not cellar.light.lit
        pulses = len(cellar.pulses())
        cellar.run(30)
        assert len(cellar.pulses()) == pulses
        code, said = call(capsys, port, "--cancel")
        assert code == FAILED and "nothing to cancel" in said


# consoles that are played --------------------------------------------------------------------------------------------


class Played(FakeDongle):
    """A dongle whose answers to `unlock` are given: (text, state) one after the other, the last one again and again; a text alone is an error."""

    def __init__(self, *answers, meter=None, **how):
        super().__init__(**how)
        self.answers, self.meter = list(answers), meter

    def _unlock(self, *words):
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self._say({"error": answer} if isinstance(answer, str) else {"unlock": answer[0], "pin": answer[1]})

    def _status(self):
        self._say("+" + json.dumps({"meter": self.meter or {}}))


def pin(state="missing", reason="", phase="", result="", **more):
    return {"state": state, "reason": reason, "phase": phase, "result": result, **more}


TROUBLE = {
    "old firmware": (["no command 'unlock': 'help' lists them"], None, "too old to enter a PIN; renew it: meterbridge deploy"),
    "no light": (["this board has no light for a meter's eye"], None, "has no light for a meter's eye"),
    "no memory": (["too long, or no memory for it at this moment"], None, "again in a minute"),
    "no meter": ([("", None)], None, "hears no SML meter"),
    "another meter": ([("", None)], {"protocol": "p1"}, "the meter speaks p1 and has no PIN"),
    "refused": ([("", pin()), ("refused: something is under way", pin())], None, "refused: something is under way"),
    "lost": ([("", pin()), ("", pin())], None, "did not take the PIN"),
}


@pytest.mark.parametrize("what", TROUBLE)
def test_trouble_is_one_line(what, capsys, monkeypatch):
    answers, meter, why = TROUBLE[what]
    Person(monkeypatch)
    with Played(*answers, meter=meter) as dongle:
        code, said = call(capsys, dongle)
    assert code == FAILED and why in said and PIN not in said
    assert len([line for line in said.splitlines() if line.startswith("meterbridge:")]) == 1


@pytest.mark.parametrize("word", [*pin_words._RESULTS, "news"])
def test_each_end_is_told_with_what_to_do(word, capsys, monkeypatch):
    Person(monkeypatch)
    with Played(("", pin()), ("the PIN will be entered by light", pin(phase="checking")), ("", pin(result=word))) as dongle:
        code, said = call(capsys, dongle)
    well, what, todo = pin_words.result(word)
    assert what in said and todo in said and code == (OK if well else FAILED)
    assert well == (word in ("entered", "by_pin", "stays", "already_unlocked", "installation?"))


def test_every_word_of_the_firmware_has_its_sentence():
    from bridge.unlock.texts import STATES

    assert set(STATES) <= set(pin_words._RESULTS) | set(pin_words.PHASES)


def test_a_second_try_is_asked_for(capsys, monkeypatch):
    person = Person(monkeypatch, says="n")
    with Played(("", pin("failed", "no_change"))) as dongle:
        code, said = call(capsys, dongle)
        assert code == FAILED and "nothing was done" in said and "some meters lock" in said and person.seen == ["Try once more? [y/N] "]
        assert set(dongle.asked[1:]) == {"unlock status"}
        monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
        assert call(capsys, dongle, "--again")[0] == USAGE


def test_a_pulled_cable_says_no_pin(capsys, monkeypatch):
    Person(monkeypatch)
    with Played(("", pin()), ("", pin(phase="waiting", left_s=99)), dies_after=7) as dongle:
        code, said = call(capsys, dongle)
    assert code == FAILED and "the connection broke" in said and PIN not in said


def test_damaged_answers_are_asked_for_again(capsys, monkeypatch):
    Person(monkeypatch)
    with Played(("", pin()), ("", pin(phase="judging")), ("", pin(phase="judging")), ("", pin(result="stays")), damage=9) as dongle:
        monkeypatch.setattr(dongle_console, "_SILENCE_S", 0.3)
        assert call(capsys, dongle)[0] == OK
        assert len([line for line in dongle.asked if PIN in line]) == 1


@pytest.mark.parametrize("text", ["", "12\n", "12345\n", "abcd\n", "１２３４\n", "\n0110\n"])
def test_what_is_no_pin_never_reaches_the_dongle(text, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    with Played(("", pin())) as dongle:
        code, said = call(capsys, dongle)
        assert code == USAGE and "four digits" in said and not dongle.asked


def test_what_is_no_pin_is_asked_for_again(capsys, monkeypatch):
    person = Person(monkeypatch, pin="12")
    with Played(("", pin())) as dongle:
        code, said = call(capsys, dongle)
        assert code == USAGE and "nothing was done" in said and len(person.seen) == 3 and set(dongle.asked[1:]) == {"unlock status"}


def test_calls_that_make_no_sense(capsys):
    assert cli.main(["unlock"]) == USAGE and "--port is missing" in capsys.readouterr().err
    assert cli.main(["unlock", "--port", "x", "--next", "--hold"]) == USAGE and "one at a time" in capsys.readouterr().err
    assert cli.main(["unlock", "--port", "x", "--pin-file", "/nowhere/pin"]) == FAILED and "/nowhere/pin: No such file" in capsys.readouterr().err
    assert cli.main(["unlock", "--port", "x", "0110"]) == USAGE and "0110" in capsys.readouterr().err  # there is no word for the PIN


def test_keys_come_one_by_one_without_enter(monkeypatch):
    master, slave = pty.openpty()
    with open(slave, closefd=True) as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        before = termios.tcgetattr(slave)
        with terminal_keys.Keys() as keys:
            assert keys.get(0) == ""
            for sent, key in ((b"n", "n"), (b"\r", "\n"), (b"\n", "\n"), (b"H", "h"), (b"\x1b[A", ""), (b"\xc3\xa4", "\ufffd")):
                os.write(master, sent)
                assert keys.get(5) == key, sent
            os.write(master, b"\x04")
            with pytest.raises(EOFError):
                keys.get(5)
        assert termios.tcgetattr(slave) == before
    os.close(master)


def test_a_meter_without_pin_is_given_none(capsys):
    for words, why in ((["p1-nl", "--pin", "0110"], "p1-nl has no PIN"), (["sml-locked", "--pin", "12345"], "four digits"),
                       (["sml-locked", "--dongle", "--speed", "2"], "do not go together")):  # fmt: skip
        assert cli.main(["simulate", *words]) == USAGE and why in capsys.readouterr().err


def test_a_simulated_meter_with_a_dongle_can_be_asked(capsys, monkeypatch):
    found, asking = [], []

    def ask(port):
        with dongle_console.Console(port) as console:
            for _ in range(40):
                rows = list(console.ask("unlock status"))
                if rows[0]["pin"]:
                    found.append(rows[0]["pin"]["state"])
                    break
                time.sleep(0.25)

    def follow(meter, unix):
        if not asking:
            port = re.search(r"unlock   meterbridge unlock --port (\S+)", capsys.readouterr().out)[1]
            asking.append(threading.Thread(target=ask, args=(port,)))
            asking[0].start()
        elif not asking[0].is_alive():
            raise KeyboardInterrupt
        return ""

    monkeypatch.setattr("host_tools.commands.simulate._display", follow)
    assert cli.main(["simulate", "sml-locked", "--pin", "0110", "--dongle"]) == INTERRUPTED
    assert found == ["missing"]
