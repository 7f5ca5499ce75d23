"""Readings as InfluxDB line protocol; expected lines are written by hand from the protocol's reference."""

from bridge.core.civil import seconds
from bridge.core.errors import SettingsError
from bridge.push import http_url, influx
from bridge.reading import quantities
from bridge.reading.reading import EXPONENT_ZERO, METER, UPTIME, Meter, Reading, Schema

NOON = seconds(2025, 3, 30, 12, 0, 0)  # 1743336000 in seconds since 1970


class Clock:
    def __init__(self, offset=None):
        self.offset = offset

    def resolve(self, when, is_uptime):
        if not is_uptime:
            return when
        return None if self.offset is None else when + self.offset


class Identity:
    device = "mb-a1b2c3"


class Context:
    identity = Identity

    def __init__(self, offset=None):
        self.clock = Clock(offset)


def make(time=NOON, source=METER, meter_id="E0001", meter=None, **values):
    """A reading of named quantities, each an int or (integer, power of ten)."""
    form = bytearray(quantities.COUNT)
    by_id = {}
    for name, value in values.items():
        id = quantities.quantity(name)
        value, exponent = value if isinstance(value, tuple) else (value, 0)
        form[id] = EXPONENT_ZERO + exponent
        by_id[id] = value
    return Reading(meter or Meter(id=meter_id), 1, time, source, Schema(form), [by_id[id] for id in sorted(by_id)])


def lines(*readings, url="http://a/write", context=None):
    format = influx.LineFormat(context or Context())
    format.tail = (http_url.precision_digits(http_url.parse(url)) + "\n").encode()
    format.begin()
    return [format.piece(reading).decode() for reading in readings]


def test_one_line_with_exact_digits():
    reading = make(energy_import_wh=(123456789, -1), power_w=-512, voltage_l1_mv=230100, tariff=2)
    assert lines(reading) == [
        "meter,device=mb-a1b2c3,meter_id=E0001 "
        "energy_import_wh=12345678.9,power_w=-512,voltage_l1_mv=230100,tariff=2i 1743336000000000000\n"
    ]


def test_a_field_has_one_type_whatever_its_digits():
    """InfluxDB refuses a point whose field was an integer (suffix i) once and a float another time."""
    whole, tenth = lines(make(energy_import_wh=5), make(energy_import_wh=(53, -1)))
    assert " energy_import_wh=5 " in whole and " energy_import_wh=5.3 " in tenth


def test_time_in_the_unit_of_the_url():
    for query, digits in (("", "000000000"), ("precision=ns", "000000000"), ("precision=us", "000000"), ("precision=u", "000000"),
                          ("precision=ms", "000"), ("db=x&precision=s", "")):
        assert lines(make(power_w=1), url="http://a/write?" + query)[0].endswith(" 1743336000" + digits + "\n")
    for bad in ("m", "h", "auto", "x"):
        try:
            http_url.precision_digits(http_url.parse("http://a/write?precision=" + bad))
        except SettingsError as error:
            assert "precision" in str(error)
        else:
            assert False, bad


def test_gas_is_a_point_at_its_own_time_and_sent_once():
    earlier = NOON - 240
    first = make(power_w=1, gas_l=112384, gas_time=earlier)
    again = make(time=NOON + 1, power_w=2, gas_l=112384, gas_time=earlier)
    later = make(time=NOON + 60, power_w=3, gas_l=112390, gas_time=NOON + 60)
    one, two, three = lines(first, again, later)
    assert one == (
        "meter,device=mb-a1b2c3,meter_id=E0001 gas_l=112384 1743335760000000000\n"
        "meter,device=mb-a1b2c3,meter_id=E0001 power_w=1 1743336000000000000\n"
    )
    assert two == "meter,device=mb-a1b2c3,meter_id=E0001 power_w=2 1743336001000000000\n"
    assert "gas_l=112390 1743336060000000000\n" in three and "power_w=3 1743336060000000000\n" in three


def test_gas_is_sent_again_until_it_was_accepted():
    reading = make(gas_l=5, gas_time=NOON)
    format = influx.LineFormat(Context())
    format.begin()
    assert format.piece(reading)
    format.begin()
    assert format.piece(reading), "the first request failed"
    format.accepted()
    format.begin()
    assert format.piece(reading) == b""


def test_gas_of_another_meter_is_another_series():
    format = influx.LineFormat(Context())
    format.begin()
    assert format.piece(make(gas_l=5, gas_time=NOON))
    assert format.piece(make(gas_l=5, gas_time=NOON, meter_id="E0002"))


def test_each_sub_meter_has_its_time():
    names = {"water": "water_l", "hot_water": "hot_water_l", "heat": "heat_kj", "cold": "cold_kj", "submeter": "submeter_energy_wh"}
    for prefix, value in names.items():
        [text] = lines(make(**{value: 7, prefix + "_time": NOON - 3600, "power_w": 1}))
        assert value + "=7 1743332400000000000\n" in text


def test_a_sub_meter_without_a_time_goes_with_the_reading():
    assert lines(make(power_w=1, gas_l=5)) == ["meter,device=mb-a1b2c3,meter_id=E0001 gas_l=5,power_w=1 1743336000000000000\n"]


def test_peak_keeps_its_time_as_a_field():
    [text] = lines(make(power_peak_month_w=4500, power_peak_month_time=NOON - 86400))
    assert " power_peak_month_w=4500,power_peak_month_time=1743249600i 1743336000000000000\n" in text


def test_tags_are_escaped():
    assert influx.escape("a,b c=d") == "a\\,b\\ c\\=d"
    assert influx.escape("line\nbreak\r\x00\x7f\\") == "linebreak_"
    [text] = lines(make(meter_id="1 KEM,0=x\ny", power_w=1))
    assert text.startswith("meter,device=mb-a1b2c3,meter_id=1\\ KEM\\,0\\=xy power_w=1 ")
    assert text.count("\n") == 1


def test_no_meter_id_no_tag():
    assert lines(make(meter_id="", power_w=1)) == ["meter,device=mb-a1b2c3 power_w=1 1743336000000000000\n"]


def test_uptime_is_resolved():
    [text] = lines(make(time=100, source=UPTIME, power_w=1), context=Context(NOON - 100))
    assert text.endswith(" 1743336000000000000\n")


def test_what_has_no_time_is_no_point():
    format = influx.LineFormat(Context(NOON))
    format.begin()
    reading = make(time=100, source=UPTIME, power_w=1, gas_l=5, gas_time=NOON)
    reading.boot = 16
    assert format.piece(reading) is None
    assert format.piece(make(power_w=1, gas_l=5, gas_time=NOON)), "and its gas is not taken for sent"
