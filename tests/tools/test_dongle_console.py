"""The tools' side of a dongle's console, against one that is played: damage on the line, things that are no dongle, cables that are pulled."""

import random

import pytest

from host_tools import cli, dongle_console
from host_tools.dongle_console import Console
from host_tools.errors import FAILED, OK, USAGE, UserError
from tests.tools.fake_dongle import FakeDongle

DATA = random.Random(7).randbytes(20_000)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(dongle_console, "_HELLOS", 2)
    for name in ("_HELLO_S", "_SILENCE_S", "_SAVE_S", "_ERASE_S"):
        monkeypatch.setattr(dongle_console, name, 0.3)


def test_a_good_line():
    with FakeDongle({"journal/00000001": DATA, "log/log": b"x"}) as dongle, Console(dongle.path) as console:
        assert console.hello == {"id": "mb-fake01", "version": "0.1.0", "board": "fake", "boot": 3}
        assert console.files() == {"journal/00000001": 20_000, "log/log": 1}
        seen = []
        assert console.copy("journal/00000001", 20_000, seen.append) == DATA
        assert sum(seen) == 20_000 and len(seen) > 50
        assert console.copy("journal/00000001", 777) == DATA[:777], "as much as there was when it was listed"
        assert console.status() == {"journal": {"oldest": 4, "next": 14}}
        assert console.erase("all") == {kind: (2, 8192) for kind in ("logs", "profiles", "readings")}


@pytest.mark.parametrize("damage", [3, 7, 50])
def test_what_comes_damaged_is_asked_for_again(damage):
    with FakeDongle({"journal/00000001": DATA}, damage=damage) as dongle, Console(dongle.path) as console:
        assert console.copy("journal/00000001", 20_000) == DATA
        again = [line for line in dongle.asked if line.startswith("send")]
        assert len(again) > 1 and again[0] == "send journal/00000001 0 20000"
        assert all(int(line.split()[3]) < 20_000 for line in again[1:]), "only what is missing"


def test_a_line_on_which_nothing_comes_whole():
    with FakeDongle({"journal/00000001": DATA}) as dongle, Console(dongle.path) as console:
        dongle.damage = 1
        with pytest.raises(UserError, match="journal/00000001 cannot be read from byte 0 on"):
            console.copy("journal/00000001", 20_000)


def test_a_file_that_has_gone_meanwhile():
    with FakeDongle({"journal/00000001": DATA}, gone=["journal/00000001"]) as dongle, Console(dongle.path) as console:
        assert console.copy("journal/00000001", 20_000) is None


def test_a_cable_that_is_pulled(capsys):
    with FakeDongle({"journal/00000001": DATA}, dies_after=20) as dongle:
        assert cli.main(["export", "--port", dongle.path]) == FAILED
        out, err = capsys.readouterr()
        assert out == "" and "the connection broke; plug the dongle in and run the same command again" in err


THINGS = {
    "silent": (b"", "nothing answers: is this the dongle's port, and is it on?"),
    "a prompt": (b">>> hello 12\r\nSyntaxError: invalid syntax\r\n>>> \r\n", "MicroPython's prompt answers, the firmware does not run"),
    "an older firmware": (b"+12s info meter: listening at 115200 8N1\r\n", "its firmware has no console"),
    "a modem": (b"ERROR\r\n\r\nERROR\r\n", "what speaks there is no meterbridge"),
    "binary": (bytes(range(256)) * 8, "what speaks there is no meterbridge"),
    "marks": (b"\x1e\r\n\x1e[]\r\n\x1e{}\r\n\x1e{\"done\":1}\r\n", "nothing answers"),
}


@pytest.mark.parametrize("thing", THINGS)
def test_a_port_that_is_no_dongle(thing, capsys):
    says, why = THINGS[thing]
    with FakeDongle(says=says, mute=("hello",)) as dongle:
        assert cli.main(["export", "--port", dongle.path]) == FAILED
        assert why in capsys.readouterr().err


def test_a_port_that_is_not_there(capsys):
    assert cli.main(["export", "--port", "/dev/ttyNOT0"]) == FAILED
    assert "/dev/ttyNOT0: there is no such port" in capsys.readouterr().err


def test_a_dongle_that_does_not_answer_one_command(capsys):
    with FakeDongle(mute=("save",)) as dongle:
        assert cli.main(["export", "--port", dongle.path]) == FAILED
        assert "does not answer to 'save'" in capsys.readouterr().err


def test_a_dongle_that_keeps_nothing(capsys):
    with FakeDongle() as dongle:
        for form in ("csv", "json", "ndjson"):
            assert cli.main(["export", "--port", dongle.path, "--format", form, "--what", "readings"]) == FAILED
            assert "the dongle keeps no readings yet" in capsys.readouterr().err


def test_erase_asks_and_tells(capsys, monkeypatch):
    with FakeDongle({"journal/00000004": DATA, "profile/q000001": b"12345", "log/log": b"x"}) as dongle:
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        for said in ("", "n", "maybe"):
            monkeypatch.setattr("builtins.input", lambda question, said=said: said)
            assert cli.main(["erase", "--port", dongle.path]) == OK
        assert dongle.erased == [] and "nothing was erased" in capsys.readouterr().out
        monkeypatch.setattr("builtins.input", lambda question: "y")
        assert cli.main(["erase", "--port", dongle.path, "--what", "profiles"]) == OK
        assert dongle.erased == ["profiles"]
        assert "profiles: 5 bytes in 1 files" in capsys.readouterr().out
        assert cli.main(["erase", "--port", dongle.path, "--yes"]) == OK
        assert sorted(dongle.erased) == ["logs", "profiles", "profiles", "readings"]
        out = capsys.readouterr().out
        assert "readings: 10, 20000 bytes in 1 files" in out and "readings: forgotten, 2 files, 8192 bytes" in out
        assert f"esptool --port {dongle.path} erase-flash" in out


WRONG = {
    "export": [
        ([], "give --port"), (["--port", "x", "--folder", "y"], "not both"), (["--port", "x", "--format", "xml"], "there are csv, json, ndjson"),
        (["--port", "x", "--what", "everything"], "there are readings, quarters"), (["--port", "x", "--what", "all"], "give a folder with -o"),
        (["--port", "x", "--from", "22.11.2026"], "write it like 2026-11-22"), (["--port", "x", "--to", "2026-02-30"], "there is no such date"),
        (["--port", "x", "--from", ""], "write it like"), (["--port", "x", "--from", "2026-11", "--to", "2026-10"], "is later than"),
        (["--folder", "tests"], "no journal, profile or log"), (["--port", "x", "-o", "README.md"], "is there already; give --force"),
        (["--port", "x", "--keep", "tests"], "is not empty"),
    ],
    "erase": [([], "--port is missing, or --host"), (["--port", "x", "--what", "settings"], "there are readings, profiles, logs, all"), (["--port", "x"], "give --yes")],
}  # fmt: skip


@pytest.mark.parametrize("words, why", [([command, *words], why) for command, rows in WRONG.items() for words, why in rows])
def test_calls_that_make_no_sense(words, why, capsys):
    assert cli.main(words) == USAGE
    assert why in capsys.readouterr().err
