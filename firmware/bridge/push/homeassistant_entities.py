"""What Home Assistant calls each quantity: its name in; device class, unit, divisor, state class and English name out.

The unit at the end of a quantity's name decides nearly all of it. Classes and units as Home Assistant accepts them for
sensors and in its energy dashboard (developers.home-assistant.io, core entity sensor); gas and water in cubic metres.
"""

_GROWS = "total_increasing"
_NOW = "measurement"

# Ending of the quantity's name, device class, unit, divisor, whether it grows (+), is a value of now (=) or neither, decimals shown; - for
# none. One text, as MicroPython keeps each short string of a module for ever. (varh: its device class is younger than discovery by device.)
_BY_UNIT = """
wh energy kWh 1000 + 3
varh - kvarh 1000 + 3
kj energy GJ 1000000 + 3
l water m\u00b3 1000 + 3
w power W 1 = 0
var reactive_power var 1 = 0
mv voltage V 1000 = 1
ma current A 1000 = 2
mhz frequency Hz 1000 = 2
permille power_factor % 10 = 1
deg - \u00b0 1 = 0
time timestamp - 1 - -
state - - 1 - -
tariff - - 1 - -
"""
_COUNT = ("", "", 1, _GROWS, 0)

# Names that the words of the quantity do not give.
_NAMES = {
    "power_demand_w": "Average power this quarter hour",
    "power_peak_month_w": "Peak power this month",
    "power_peak_month_time": "Time of peak power this month",
    "submeter_energy_wh": "Sub-meter energy",
    "submeter_time": "Sub-meter reading time",
}
# About the meter and the grid rather than about what the home uses: Home Assistant lists these apart.
_DIAGNOSTIC = "angle fuse power_failures long voltage_sags voltage_swells breaker gas_valve power_limit"

# Of the dongle itself: (key, name, device class, unit, state class, template, whether it comes from the state topic).
# A part of the status may be absent (no Wi-Fi, say): get() gives none then, which Home Assistant shows as unknown.
DIAGNOSTICS = (
    ("wifi_rssi", "Wi-Fi signal", "signal_strength", "dBm", _NOW, "{{ value_json.get('wifi', {}).get('rssi') }}", False),
    ("uptime", "Uptime", "duration", "s", _NOW, "{{ value_json.get('uptime_s') }}", False),
    ("telegrams", "Telegrams", "", "", _GROWS, "{{ value_json.get('meter', {}).get('frames') }}", False),
    ("crc_errors", "Checksum errors", "", "", _GROWS, "{{ value_json.get('meter', {}).get('crc_errors') }}", False),
    ("heard", "Meter line", "", "", "", "{{ value_json.get('meter', {}).get('heard') }}", False),
    ("last_reading", "Last reading", "timestamp", "", "", "{{ value_json.get('time') }}", True),
)

# Of the profile: (key, name, device class, unit, state class, template). The last two not where the meter tells its own.
PROFILE = (
    ("forecast", "Forecast power this quarter hour", "power", "W", _NOW, "{{ value_json.get('quarter', {}).get('forecast_w') }}"),
    ("month_peak", "Peak power this month", "power", "W", _NOW, "{{ (value_json.get('month_peak') or {}).get('power_w') }}"),
    ("month_peak_time", "Time of peak power this month", "timestamp", "", "", "{{ (value_json.get('month_peak') or {}).get('time') }}"),
)


def entity(name: str) -> tuple:
    """(device class, unit, divisor, state class, decimals shown) of quantity `name`; "" or None where it has none."""
    ending = name.rsplit("_", 1)[-1]
    at = _BY_UNIT.find("\n" + ending + " ")
    if at >= 0:
        row = ["" if word == "-" else word for word in _BY_UNIT[at + 1 : _BY_UNIT.find("\n", at + 1)].split(" ")]
        kind = "gas" if ending == "l" and name.startswith("gas") else row[1]
        grows = _GROWS if row[4] == "+" else _NOW if row[4] else ""
        return kind, row[2], int(row[3]), grows, int(row[5]) if row[5] else None
    return _COUNT


def title(name: str) -> str:
    """The entity's name in plain English: "energy_import_t1_wh" is "Energy import tariff 1"."""
    if name in _NAMES:
        return _NAMES[name]
    words = name.split("_")
    if words[-1] == "time":
        words[-1:] = ["reading", "time"]
    elif entity(name)[1]:
        words.pop()
    for index, word in enumerate(words):
        if len(word) == 2 and word[1].isdigit():
            words[index] = "tariff " + word[1] if word[0] == "t" else word.upper()
    text = " ".join(words)
    return text[0].upper() + text[1:]


def diagnostic(name: str) -> bool:
    """Whether a quantity is about the meter or the grid, not about what the home uses."""
    for start in _DIAGNOSTIC.split(" "):
        if name.startswith(start):
            return True
    return False


def template(name: str) -> str:
    """The Jinja template that takes the quantity out of the state document; its absence keeps a counter and blanks a gauge."""
    divisor, state_class = entity(name)[2:4]
    value = "value_json." + name
    if divisor > 1:
        value += " / %d" % divisor
    return "{{ %s if '%s' in value_json else %s }}" % (value, name, "''" if state_class == _GROWS else "none")
