"""Discovery messages against a checker of what Home Assistant accepts, written from its documentation, not from the firmware's tables."""

import json

from bridge.push.homeassistant import Discovery, slug
from bridge.push.sink import Identity
from bridge.reading.quantities import QUANTITIES, quantity

# Device class of a sensor: units it may have (None: no unit). Source: developers.home-assistant.io, sensor entity.
UNITS = {
    None: None,  # anything goes
    "energy": ("Wh", "kWh", "MWh", "MJ", "GJ"),
    "power": ("W", "kW"),
    "voltage": ("V", "mV"),
    "current": ("A", "mA"),
    "frequency": ("Hz", "kHz", "MHz", "GHz"),
    "gas": ("m\u00b3", "ft\u00b3", "CCF"),
    "water": ("m\u00b3", "L", "ft\u00b3", "CCF", "gal"),
    "reactive_power": ("var",),
    "power_factor": ("%", None),
    "signal_strength": ("dB", "dBm"),
    "duration": ("d", "h", "min", "s", "ms"),
    "timestamp": (None,),
}
# State classes that a device class allows beside none.
STATES = {"energy": ("total", "total_increasing"), "gas": ("total", "total_increasing"), "water": ("total", "total_increasing"), "timestamp": ()}
TOP = {"dev", "o", "stat_t", "avty", "avty_mode", "cmps"}
COMPONENT = {"p", "name", "uniq_id", "default_entity_id", "val_tpl", "dev_cla", "unit_of_meas", "stat_cla", "sug_dsp_prc", "ent_cat", "avty", "stat_t"}
BASE = "meterbridge/mb-a1b2c3"


def discovery(name="Meter bridge", prefix="homeassistant"):
    return Discovery(Identity("mb-a1b2c3", "0.1.0", "sim", 7), name, prefix, BASE)


def message(names, name="Meter bridge"):
    size, pieces = discovery(name).message([quantity(n) for n in names])
    text = b"".join(pieces).decode()
    assert len(text.encode()) == size
    return json.loads(text)


def render(template, document):
    """A template of the two forms used, as Jinja renders it: its expressions are Python's, but for `none`."""
    assert template[:3] == "{{ " and template[-3:] == " }}"

    class Json:
        def __contains__(self, key):
            return key in document

        def get(self, key, otherwise=None):
            return document.get(key, otherwise)

    value = Json()
    for key in document:
        setattr(value, key, document[key])
    return str(eval(template[3:-3], {"value_json": value, "none": None}))


def check(component):
    assert set(component) <= COMPONENT, component
    assert component["p"] == "sensor"
    device_class, unit, state = component.get("dev_cla"), component.get("unit_of_meas"), component.get("stat_cla")
    assert device_class in UNITS, component
    if device_class:
        assert unit in UNITS[device_class], component
        if state and device_class in STATES:
            assert state in STATES[device_class], component
    assert state in (None, "measurement", "total", "total_increasing")
    if unit or state:
        assert device_class != "timestamp"
    assert component.get("ent_cat") in (None, "diagnostic")
    for key in component["default_entity_id"].split(".")[1], component["uniq_id"]:
        assert key and all("a" <= c <= "z" or "0" <= c <= "9" or c in "_-" for c in key), key
    assert component["default_entity_id"].startswith("sensor.")
    assert "" not in component.values() and None not in component.values()
    assert component["name"] and "_" not in component["name"]


def test_everything_is_as_home_assistant_accepts_it():
    document = message([name for name, _ in QUANTITIES])
    assert set(document) == TOP
    assert document["o"]["name"] and document["dev"]["ids"] == ["mb-a1b2c3"] and document["dev"]["name"] == "Meter bridge"
    assert document["avty_mode"] == "all"
    assert [a["t"] for a in document["avty"]] == [BASE + "/bridge", BASE + "/meter"]
    components = document["cmps"]
    for component in components.values():
        check(component)
    for field in ("uniq_id", "default_entity_id", "name"):
        assert len({c[field] for c in components.values()}) == len(components), field
    assert len(components) == len(QUANTITIES) + 6


def test_only_what_the_meter_sends():
    components = message(["power_w", "gas_l"])["cmps"]
    assert {k for k, c in components.items() if c.get("ent_cat") != "diagnostic"} == {"power_w", "gas_l"}
    assert len(message([])["cmps"]) == 6


def test_forecast_and_peak_of_the_profile():
    def components(names):
        size, pieces = discovery().message([quantity(n) for n in names], True)
        text = b"".join(pieces).decode()
        assert len(text.encode()) == size
        return json.loads(text)["cmps"]

    ours = components(["energy_import_wh"])
    document = {"quarter": {"forecast_w": 480}, "last_quarter": None, "month_peak": {"time": "2026-11-10T10:15:00Z", "power_w": 720, "source": "bridge"}}
    early = {"quarter": {"forecast_w": None}, "last_quarter": None, "month_peak": None}
    for key, text in (("forecast", "480"), ("month_peak", "720"), ("month_peak_time", "2026-11-10T10:15:00Z")):
        check(ours[key])
        assert ours[key]["stat_t"] == BASE + "/profile" and "ent_cat" not in ours[key]
        assert render(ours[key]["val_tpl"], document) == text and render(ours[key]["val_tpl"], early) == "None"
    assert len(ours) == 1 + 3 + 6
    # A meter that tells its own peak has that as a quantity; the names of all stay apart.
    belgian = components([name for name, _ in QUANTITIES])
    assert len(belgian) == len(QUANTITIES) + 1 + 6 and "month_peak" not in belgian
    assert len({c["name"] for c in belgian.values()}) == len(belgian)


def test_energy_dashboard_kinds():
    components = message(["energy_import_t1_wh", "energy_export_wh", "gas_l", "water_l", "heat_kj", "power_l1_w", "voltage_l2_mv", "current_l3_ma"])["cmps"]
    want = {
        "energy_import_t1_wh": ("energy", "kWh", "total_increasing", "Energy import tariff 1"),
        "energy_export_wh": ("energy", "kWh", "total_increasing", "Energy export"),
        "gas_l": ("gas", "m\u00b3", "total_increasing", "Gas"),
        "water_l": ("water", "m\u00b3", "total_increasing", "Water"),
        "heat_kj": ("energy", "GJ", "total_increasing", "Heat"),
        "power_l1_w": ("power", "W", "measurement", "Power L1"),
        "voltage_l2_mv": ("voltage", "V", "measurement", "Voltage L2"),
        "current_l3_ma": ("current", "A", "measurement", "Current L3"),
    }
    for key, row in want.items():
        c = components[key]
        assert (c["dev_cla"], c["unit_of_meas"], c["stat_cla"], c["name"]) == row


def test_templates_divide_and_never_make_a_zero_of_nothing():
    components = message(["energy_import_wh", "gas_l", "heat_kj", "power_w", "voltage_l1_mv", "power_factor_permille", "gas_time", "tariff"])["cmps"]
    full = {
        "energy_import_wh": 3580245, "gas_l": 112384, "heat_kj": 12500000, "power_w": -512, "voltage_l1_mv": 230100,
        "power_factor_permille": 985, "gas_time": "2025-03-30T01:00:00Z", "tariff": 2,
    }
    want = {
        "energy_import_wh": "3580.245", "gas_l": "112.384", "heat_kj": "12.5", "power_w": "-512", "voltage_l1_mv": "230.1",
        "power_factor_permille": "98.5", "gas_time": "2025-03-30T01:00:00Z", "tariff": "2",
    }
    for key, text in want.items():
        assert render(components[key]["val_tpl"], full) == text
        # "" leaves the state as it is, "None" makes it unknown
        counter = components[key].get("stat_cla") == "total_increasing"
        assert render(components[key]["val_tpl"], {}) == ("" if counter else "None")
    assert components["gas_time"]["dev_cla"] == "timestamp"


def test_diagnostics_come_from_the_status_and_outlive_the_meter():
    components = message([])["cmps"]
    status = {"uptime_s": 77, "wifi": {"rssi": -61}, "meter": {"frames": 9, "crc_errors": 2}}
    for key, text in (("wifi_rssi", "-61"), ("uptime", "77"), ("telegrams", "9"), ("crc_errors", "2")):
        c = components[key]
        assert c["ent_cat"] == "diagnostic" and c["stat_t"] == BASE + "/status"
        assert c["avty"] == [{"t": BASE + "/bridge"}]
        assert render(c["val_tpl"], status) == text
        assert render(c["val_tpl"], {}) == "None"
    last = components["last_reading"]
    assert last["dev_cla"] == "timestamp" and "stat_t" not in last
    assert render(last["val_tpl"], {"time": "2025-03-30T01:01:00Z"}) == "2025-03-30T01:01:00Z"
    assert render(last["val_tpl"], {"time": None}) == "None"


def test_ids_stay_when_the_name_changes():
    one, other = message(["power_w"], "Meter bridge")["cmps"], message(["power_w"], 'Z\u00e4hler "Keller" \\')["cmps"]
    assert one["power_w"]["uniq_id"] == other["power_w"]["uniq_id"] == "mb-a1b2c3_power_w"
    assert one["power_w"]["default_entity_id"] == "sensor.meter_bridge_power"
    assert other["power_w"]["default_entity_id"] == "sensor.z_hler_keller_power"


def test_slug_of_a_name_without_latin_letters():
    assert slug("\u7535\u8868", "mb-1") == "mb_1"
    assert slug("  A--b ", "x") == "a_b"


def test_topic():
    assert discovery().topic == "homeassistant/device/mb-a1b2c3/config"
    assert discovery(prefix="my/ha").topic == "my/ha/device/mb-a1b2c3/config"


def test_no_piece_is_long():
    size, pieces = discovery().message(range(len(QUANTITIES)))
    assert max([len(piece) for piece in pieces]) < 512 and size > 10000
