"""The whole firmware, compiled as for a board, in virtual time before a locked meter: the light of its head enters the PIN, its telegrams say how it went."""

import json

import pytest

from host_tools import build, meters
from host_tools.meters.eye import NORMAL
from host_tools.meters.sml_locked import SML_LOCKED_METERS
from host_tools.simulation.dongle import HARD_RESET
from tests.brokers import available, make_broker
from tests.sim.cellar import FAR_S, RESTS_S, Cellar
from tests.sim.mqtt_help import Watcher


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    out = tmp_path_factory.mktemp("firmware")
    build.build("sim", out)
    return out


def secret_is_kept(cellar, *pins):
    for pin in pins:
        assert not [line for line in cellar.dongle.log if pin in line], pin


def test_a_pin_is_entered_and_inf_switched_on(tmp_path, firmware):
    with Cellar(tmp_path, firmware, pin="0110") as cellar:
        cellar.run(20)
        assert cellar.pin() == {"state": "missing", "reason": "", "phase": "", "result": ""}
        said = cellar.run(2, "unlock 0110")
        assert any("the PIN will be entered" in line for line in said) and cellar.pin()["phase"] == "checking" and not cellar.light.seen
        cellar.run(30)
        assert cellar.pin()["phase"] == "waiting" and not cellar.light.seen
        cellar.run(130)
        assert cellar.eye.unlocked and len(cellar.pulses()) == 2 + 2
        assert all(abs(lasted - 0.4) < FAR_S for lasted in cellar.pulses()), cellar.pulses()
        found = cellar.pin()
        assert (found["state"], found["reason"], found["phase"], found["result"]) == ("entered", "by_pin", "open", "entered")
        # the stepper: to InF, which a long press switches on
        for _ in range(7):
            cellar.run(6, "unlock next")
        assert cellar.eye.display(cellar.end)[1] == "InF OFF"
        cellar.run(15, "unlock hold")
        assert cellar.eye.inf and not cellar.eye.erased and abs(max(cellar.pulses()) - 6) < FAR_S
        cellar.run(140)
        found = cellar.pin()
        assert (found["state"], found["reason"], found["phase"], found["result"]) == ("entered", "stays", "", "stays")
        said = cellar.run(3, "unlock 0110")
        assert any("refused: the meter shows all it has already" in line for line in said)
        cellar.run(60)
        assert len(cellar.pulses()) == 4 + 7 + 1 and not cellar.light.lit
        rows = [line for line in cellar.run(3, "status") if line.startswith("\x1e+")]
        status = json.loads("".join(row[2:] for row in rows))
        assert status["meter"]["pin"]["state"] == "entered" and status["meter"]["crc_errors"] == 0
        secret_is_kept(cellar, "0110")


def test_a_wrong_pin_is_tried_once(tmp_path, firmware):
    with Cellar(tmp_path, firmware, pin="0110") as cellar:
        cellar.run(20)
        cellar.run(200, "unlock 1010")
        found = cellar.pin()
        assert (found["state"], found["reason"], found["result"]) == ("failed", "no_change", "no_change")
        assert len(cellar.happened("wrong")) == 1 and not cellar.eye.unlocked
        pulses = len(cellar.pulses())
        assert any("some meters lock" in line for line in cellar.run(3, "unlock 0110"))
        cellar.run(150)
        assert len(cellar.pulses()) == pulses and len(cellar.happened("wrong")) == 1
        cellar.run(60, "unlock 0110 again")
        assert cellar.eye.unlocked and cellar.pin()["state"] == "entered"
        cellar.run(200)  # InF is off
        found = cellar.pin()
        assert (found["state"], found["reason"]) == ("missing", "inf_off")
        secret_is_kept(cellar, "1010", "0110")


@pytest.mark.parametrize("kind", SML_LOCKED_METERS, ids=lambda kind: kind.name)
def test_every_meter_s_pin_is_entered(kind, tmp_path, firmware):
    with Cellar(tmp_path, firmware, kind.name, "9070", meter_line=str(meters.make(kind.name).line)) as cellar:
        cellar.run(RESTS_S)
        said = cellar.run(80, "unlock 9070")
        if kind.name == "sml-locked-install":  # in its first 30 minutes
            assert any("the meter shows all it has already" in line for line in said) and not cellar.light.seen
            return
        assert cellar.eye.unlocked and not cellar.happened("wrong") and not cellar.happened("late"), said
        found = cellar.pin()
        assert (found["state"], found["reason"], found["phase"]) == ("entered", "by_pin", "open")


@pytest.mark.parametrize("coarse_ms", [0, 300, 1000])
def test_pulses_keep_their_time_while_other_work_stops_the_program(coarse_ms, tmp_path, firmware):
    with Cellar(tmp_path, firmware, pin="3052", coarse_ms=coarse_ms) as cellar:
        cellar.run(RESTS_S)
        cellar.run(70, "unlock 3052")
        edges = list(cellar.light.seen)
        begun = [at - edges[0][1] for lit, at in edges if lit]
        # by protocols 4.4: two wake pulses of 0.4 s with 1 s behind each; 0.3 s within a digit, 3.8 s behind it, 3.1 s more for a 0
        wanted, at = [0.0, 1.4], 2.8
        for digit, more in ((3, 3.1), (5, 0), (2, 0)):
            wanted += [at + 0.7 * pulse for pulse in range(digit)]
            at = wanted[-1] + 0.4 + 3.8 + more
        assert len(begun) == len(wanted) and all(abs(a - b) < FAR_S for a, b in zip(begun, wanted)), (begun, wanted)
        assert all(abs(lasted - 0.4) < FAR_S for lasted in cellar.pulses())
        assert cellar.eye.unlocked


def test_a_meter_without_inf_is_kept_alive(tmp_path, firmware):
    with Cellar(tmp_path, firmware, "sml-locked-easymeter", "1000", meter_line=str(meters.make("sml-locked-easymeter").line), unlock_keep_alive=True) as cellar:
        cellar.run(RESTS_S)
        cellar.run(1900, "unlock 1000")
        assert cellar.pin()["phase"] == "keeping" and cellar.eye.unlocked
        assert not cellar.happened("wrong") and not cellar.eye.erased and len(cellar.happened("unlocked")) == 2  # again after 20 minutes
        assert any("a long press might delete values" in line for line in cellar.run(3, "unlock hold"))
        cellar.run(3, "unlock cancel")
        cellar.run(200)
        assert not cellar.eye.unlocked and cellar.pin()["state"] == "missing"
        secret_is_kept(cellar, "1000")


def test_what_is_under_way_can_be_cancelled(tmp_path, firmware):
    with Cellar(tmp_path, firmware, pin="9999") as cellar:
        cellar.run(RESTS_S + 5)
        cellar.run(15, "unlock 9999")
        assert cellar.light.seen
        cellar.run(1, "unlock cancel")
        assert not cellar.light.lit
        pulses = len(cellar.pulses())
        cellar.run(60)
        assert len(cellar.pulses()) == pulses and cellar.pin()["result"] == "cancelled" and len(cellar.happened("unlocked")) == 0


def test_a_reset_in_the_middle_leaves_the_light_dark(tmp_path, firmware):
    with Cellar(tmp_path, firmware, pin="9999") as cellar:
        cellar.run(RESTS_S + 5)
        cellar.dongle.at(cellar.end + 15, lambda: (cellar.light.look(cellar.end), cellar.dongle.die(HARD_RESET), cellar.light.dark(cellar.dongle.now)))
        cellar.dongle.at(cellar.end + 15.1, cellar.dongle.power_on)
        cellar.run(20, "unlock 9999")
        pulses = len(cellar.pulses())
        assert pulses and not cellar.light.lit
        cellar.run(150)
        assert len(cellar.pulses()) == pulses and cellar.eye.state == NORMAL and not cellar.happened("unlocked")
        assert cellar.pin() == {"state": "missing", "reason": "", "phase": "", "result": ""}


def test_refusals(tmp_path, firmware):
    with Cellar(tmp_path, firmware) as cellar:
        assert any("no SML meter" in line for line in cellar.run(1, "unlock 0110"))
        cellar.run(10)
        refused = {"12": "four digits", "next": "menu is not open", "hold": "menu is not open", "cancel": "nothing to cancel"}
        for line, why in refused.items():
            assert any(why in said for said in cellar.run(3, "unlock " + line)), line
        cellar.run(200)
        assert not cellar.light.seen


@pytest.mark.parametrize("name", available()[:1])
def test_by_mqtt_and_home_assistant(name, tmp_path, firmware):
    with make_broker(name, tmp_path) as broker, Watcher(broker, "#") as watcher:
        watcher.publish("m/unlock/set", '{"pin": "0110"}', retain=True)
        with Cellar(tmp_path, firmware, pin="0110", mqtt_url=broker.url, mqtt_topic="m", unlock_commands=True) as cellar:
            said = cellar.run(30)
            assert any("the broker keeps this message (retained)" in line for line in said)
            watcher.publish("m/unlock/set", b"", retain=True)
            cellar.run(20)
            config = watcher.wait(lambda w: [json.loads(m.payload) for m in w.messages if m.topic.endswith("/config")])[-1]["cmps"]
            assert config["pin"]["p"] == "sensor" and config["pin_set"]["p"] == "text" and config["pin_set"]["mode"] == "password"
            assert {key for key, row in config.items() if row["p"] == "button"} == {"pin_next", "pin_hold", "pin_cancel"}
            assert not any("asked to enter" in line for line in cellar.dongle.log)
            watcher.publish(config["pin_set"]["cmd_t"], json.dumps({"pin": "011"}))
            cellar.run(10)
            watcher.wait(lambda w: [m for m in w.of("m/status") if json.loads(m.payload)["meter"].get("pin", {}).get("refused") == "bad_pin"])
            watcher.publish(config["pin_set"]["cmd_t"], json.dumps({"pin": "0110", "again": False}))
            cellar.run(150)
            assert cellar.eye.unlocked
            cellar.run(10)
            watcher.wait(lambda w: [m for m in w.of("m/state") if b"power_w" in m.payload])
            watcher.wait(lambda w: [m for m in w.of("m/status") if json.loads(m.payload)["meter"].get("pin", {}).get("state") == "entered"])
            pages = len(cellar.pulses())
            watcher.publish("m/unlock/set", config["pin_next"]["pl_prs"])
            cellar.run(10)
            assert len(cellar.pulses()) == pages + 1
            secret_is_kept(cellar, "0110")
    

def test_without_the_owner_s_consent_the_broker_commands_nothing(tmp_path, firmware):
    with make_broker(available()[0], tmp_path) as broker, Watcher(broker, "#") as watcher:
        with Cellar(tmp_path, firmware, mqtt_url=broker.url, mqtt_topic="m") as cellar:
            cellar.run(30)
            watcher.publish("m/unlock/set", "0110")
            cellar.run(20)
            config = watcher.wait(lambda w: [json.loads(m.payload) for m in w.messages if m.topic.endswith("/config")])[-1]["cmps"]
            assert "pin" in config and "pin_set" not in config
            assert not any("unlock:" in line for line in cellar.dongle.log)
