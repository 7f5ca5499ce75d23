"""The live screen as text: a model that was fed the dongle's messages in, drawn at many sizes; what must be readable is looked for."""

import io
import json
import os
import re

import pytest
from rich.console import Console

from host_tools import big_digits, dashboard
from host_tools.dashboard_model import HISTORY, Facts, Model
from host_tools.run_views import plain_line, search_lines
from host_tools.reading_text import energy, parse, summary

os.environ["TZ"] = "UTC"
FACTS = Facts("p1-nl  three phases", "115200 8N1 inverted", 1, "mqtt://127.0.0.1:1883", "meterbridge/mb-d4e5f6/#",
              "http://127.0.0.1:8080/", 112 * 1024, "meterbridge listen mqtt://127.0.0.1:1883")
READING = {
    "boot": 1, "seq": 41, "time": "2025-03-30T01:01:00Z", "time_source": "meter", "meter_id": "E0001", "power_w": -1234, "power_l1_w": -400,
    "voltage_l1_mv": 230100, "current_l1_ma": 2340, "power_l2_w": 55, "voltage_l2_mv": 231900, "current_l2_ma": 1000,
    "power_l3_w": -889, "voltage_l3_mv": 229400, "current_l3_ma": 3900, "energy_import_wh": 3580245,
    "energy_import_t1_wh": 1790100, "energy_import_t2_wh": 1790145, "energy_export_wh": 12345, "energy_export_t1_wh": 2345,
    "energy_export_t2_wh": 10000, "tariff": 2, "gas_l": 112384, "gas_time": "2025-03-30T01:00:00Z", "water_l": 832123,
    "water_time": "2025-03-30T01:00:05Z", "power_demand_w": 512, "power_peak_month_w": 4321, "power_peak_month_time": "2025-03-03T18:15:00Z",
}
STATUS = {
    "memory": {"heap_used": 62 * 1024, "heap_free": 50 * 1024}, "wifi": {"connected": True, "rssi": -55},
    "meter": {"frames": 42, "crc_errors": 2, "noise_bytes": 17, "oversize": 0, "undecodable": 1, "protocol": "p1"},
    "journal": {"oldest": 4, "next": 45, "overwritten": 3},
    "sinks": {
        "mqtt": {"state": "connected", "acknowledged": 41, "last_ack_age_s": 0, "backlog": 0, "lost": 0, "errors": 0, "last_error": ""},
        "http": {"state": "waiting", "acknowledged": 30, "last_ack_age_s": 9, "backlog": 11, "lost": 2, "errors": 4, "last_error": "connection refused"},
    },
}
PROFILE = {
    "quarter": {"start": "2025-03-30T01:00:00Z", "end": "2025-03-30T01:15:00Z", "energy_import_wh": 60, "energy_export_wh": 0, "power_w": 720, "forecast_w": 4812, "missing": True},
    "last_quarter": {"end": "2025-03-30T01:00:00Z", "energy_import_wh": 180, "energy_export_wh": 0, "power_w": 1720, "valid": False},
    "month_peak": {"time": "2025-03-03T18:15:00Z", "power_w": 4321, "source": "meter"},
}
BIGGEST = {**READING, **{f"{name}_time": "2025-03-30T01:00:00Z" for name in ("hot_water", "heat", "cold", "submeter")},
           "hot_water_l": 99999999, "heat_kj": 10**12, "cold_kj": 10**12, "submeter_energy_wh": 10**15, "power_w": 99999999,
           "energy_import_t3_wh": 10**15, "energy_import_t4_wh": 10**15, "energy_export_t3_wh": 1, "energy_export_t4_wh": 1, "frequency_mhz": 50010}


def make(reading=READING, status=STATUS, now=1000.0):
    """A model fed as by the broker; its clock stands still 0.4 s after the reading."""
    clock = [now]
    model = Model(FACTS, clock=lambda: clock[0])
    clock[0] += 187
    if reading:
        model.message("meterbridge/mb-d4e5f6/state", json.dumps(reading).encode(), False)
    if status:
        model.message("meterbridge/mb-d4e5f6/status", json.dumps(status).encode(), False)
    model.log_line("2025-03-30T01:01:00Z info mqtt: connected")
    clock[0] += 0.4
    return model


def screen(model, width, height, colour=False, env=None):
    """The screen's lines, as rich writes them."""
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, force_terminal=colour, color_system="standard" if colour else None, _environ=env or {})
    console.print(dashboard.draw(model, width, height), end="")
    return out.getvalue().rstrip("\n").split("\n")


SIZES = [(80, 24), (80, 40), (60, 20), (50, 12), (100, 30), (132, 43), (240, 70), (40, 10), (20, 5)]


@pytest.mark.parametrize("width, height", SIZES)
@pytest.mark.parametrize("reading, status", [(READING, STATUS), (BIGGEST, STATUS), ({"boot": 1, "seq": 1, "time": None, "time_source": "uptime"}, {}), (None, None)])
def test_fits_every_size(width, height, reading, status):
    model = make(reading, status)
    for value in range(-3000, 3000, 7):
        model.history.append(value)
    lines = screen(model, width, height)
    assert len(lines) <= height
    assert max(len(line) for line in lines) <= width


def test_80_by_24_says_all_that_matters():
    text = "\n".join(screen(make(), 80, 24))
    for words in (
        "p1-nl  three phases", "115200 8N1 inverted", "3:07", "exporting", "last reading 0.4 s ago", "3580.245 kWh", "1790.145 kWh", "12.345 kWh",
        "112.384 m³", "832.123 m³", "230.1", "2.34", "-400", "peak  4321 W", "41 good", "3 bad (2 crc, 1 undecodable, 0 oversize)", "noise 17 B",
        "41 kept, 3 overwritten", "heap 55 % of 112 KB", "Wi-Fi up -55 dBm", "meterbridge listen mqtt://127.0.0.1:1883", "meterbridge/mb-d4e5f6/#",
        "Ctrl-C", "info mqtt: connected",
    ):
        assert words in text, words
    assert re.search(r"mqtt +● connected +acked #41 +waiting 0 +lost 0 +errors 0", text)
    assert re.search(r"http +● waiting +acked #30 +waiting 11 +lost 2 +errors 4", text)
    for row in big_digits.big("1 234"):
        assert row in text


def test_a_wide_screen_also_says_why_a_destination_fails():
    assert "connection refused" in "\n".join(screen(make(), 120, 30))


def test_the_quarter_hour_so_far_and_what_is_expected_of_it():
    model = make()
    model.message("meterbridge/mb-d4e5f6/profile", json.dumps(PROFILE).encode(), False)
    text = "\n".join(screen(model, 100, 40))
    assert "01:00 ██··" in text and "so far 0.060 kWh  expected 4.812 kW" in text, "a minute of fifteen is two columns of thirty"
    assert "last quarter 1.720 kW (incomplete)" in text and "month's peak 4.321 kW at 3 Mar 18:15 by the meter" in text
    for hostile in ({}, {"quarter": 5}, {"quarter": {"start": 7, "forecast_w": "x", "end": None}, "last_quarter": [], "month_peak": {"time": {}}}, [], "x"):
        model.message("meterbridge/mb-d4e5f6/profile", json.dumps(hostile).encode(), False)
        for width, height in SIZES:
            assert len(screen(model, width, height)) <= height


def test_the_age_grows_and_turns_red():
    model = make()
    assert "last reading 0.4 s ago" in "\n".join(screen(model, 80, 24))
    late = model.clock() + 75
    model.clock = lambda: late
    assert re.search(r"\x1b\[[0-9;]*31mlast reading 1:15 ago", "\n".join(screen(model, 80, 24, colour=True)))


def test_no_color_is_honoured():
    coloured = "\n".join(screen(make(), 80, 24, colour=True))
    assert re.search(r"\x1b\[[0-9;]*3[0-7]m", coloured)
    plain = "\n".join(screen(make(), 80, 24, colour=True, env={"NO_COLOR": "1"}))
    assert not re.search(r"\x1b\[(?:[0-9;]*;)?[34][0-7]m", plain)


def test_messages_of_an_earlier_run_and_repeats_are_no_news():
    model = make(reading=None)
    model.message("b/state", json.dumps(READING).encode(), True)
    assert model.readings == 0 and model.age() is None
    for _ in range(2):
        model.message("b/state", json.dumps(READING).encode(), False)
    assert model.readings == 1 and list(model.history) == [-1234]


def test_backlog_counts_each_reading_once_and_is_not_shown_as_now():
    model = make()
    batch = {"device": "mb-d4e5f6", "backlog": True, "readings": [{**READING, "seq": seq, "power_w": 7} for seq in (39, 40, 41, 40)] + [5]}
    model.message("b/backlog", json.dumps(batch).encode(), False)
    assert (model.readings, model.live, model.reading["power_w"], list(model.history)) == (3, 1, -1234, [-1234])
    model.message("b/backlog", b'{"readings": 7}', False)


@pytest.mark.parametrize("payload", [b"", b"\xff", b"[]", b"{", b'"x"', b"[" * 50000, b'{"sinks":[1],"memory":7,"wifi":null,"meter":"x"}', b'{"sinks":{"mqtt":5}}'])
def test_what_is_no_message_of_ours_breaks_nothing(payload):
    for kind in ("state", "status", "bridge", "meter", "other"):
        model = make()
        model.message(f"b/{kind}", payload, False)
        screen(model, 80, 24)
        plain_line(model)


def test_memory_is_bounded_and_lines_cannot_steer_the_terminal():
    model = make()
    for seq in range(HISTORY * 2):
        model.message("b/state", json.dumps({**READING, "seq": seq}).encode(), False)
        model.log_line("\x1b[2J" + "x" * 10000)
    assert len(model.history) == HISTORY and len(model.log) <= 50
    assert not any("\x1b" in line for line in screen(model, 80, 24))


def test_bars_grow_up_and_down_from_one_zero_line():
    assert big_digits.bars([0, 1, 2, 3], 4, rows=1) == [" ▃▅█"]
    assert big_digits.bars([3, -3], 2, rows=2) == ["█ ", " █"]
    assert big_digits.bars([-1, -2], 4, rows=1) == ["  ▀█"]
    assert big_digits.bars([], 3, rows=2) == ["   ", "   "]
    assert big_digits.grouped("1234567") == "1 234 567"


def test_no_digit_of_the_meter_is_lost_in_texts():
    reading = parse(b'{"power_w": 12.5, "energy_import_wh": 123456789012.3, "energy_export_wh": 0, "gas_l": 1}')
    assert energy(reading) == "in 123456789.0123 kWh, out 0.000 kWh, gas 0.001 m³"
    assert summary(reading).startswith("import    12 W")
    assert summary({}) == "power unknown"


def test_a_plain_line_says_it_all():
    line = plain_line(make())
    for words in ("#41", "export  1234 W", "in 3580.245 kWh, out 12.345 kWh", "age 0.4 s", "good 41 bad 3", "mqtt acked 41", "http acked 30 waiting 11"):
        assert words in line, words


def without_readings(**meter):
    return make(None, {**STATUS, "meter": {**STATUS["meter"], **meter}})


ADVICE = "The meter encrypts its data. Ask your grid operator for the key of the customer interface, and enter it as meter_key. " * 3


@pytest.mark.parametrize("width, height", SIZES)
@pytest.mark.parametrize("meter", [{}, {"heard": "key_missing", "line": "2400 8E1", "advice": ADVICE}, {"heard": "a new word", "line": "9600 8N1", "advice": "\x1b[31m" * 99}])
def test_while_there_are_no_readings_it_says_what_is_heard_and_what_can_be_done(width, height, meter):
    lines = screen(without_readings(**meter), width, height)
    assert len(lines) <= height and max(len(line) for line in lines) <= width
    if "advice" in meter and "key" in meter["heard"] and (width, height) in ((80, 24), (100, 30)):
        text = " ".join(line.strip("│ ") for line in lines)
        assert ADVICE.strip() in re.sub(" +", " ", text)
        assert "encrypted telegrams, and has no key" in text and "listening at 2400 8E1" in text and "waiting for the first reading" in text


def test_what_the_meter_turned_out_to_be_stands_beside_its_power():
    status = {**STATUS, "meter": {**STATUS["meter"], "heard": "telegrams", "protocol": "mbus", "line": "2400 8E1", "security": "unauthenticated"}}
    assert "power now  mbus at 2400 8E1, unauthenticated" in screen(make(status=status), 80, 24)[1]
    assert make(status={**STATUS, "meter": {"protocol": "searching", "line": "2400 8E1"}}).link() == ""


def test_plain_output_says_it_once():
    told = ("noise", "9600 8N1", ADVICE)
    assert search_lines(told, ())[0] == "listening at 9600 8N1: noise" and len(search_lines(told, ())) > 2
    assert search_lines(("bytes", "2400 8E1", ADVICE), told) == ["listening at 2400 8E1: bytes, but no whole telegram"]
