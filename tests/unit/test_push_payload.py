"""The JSON of readings, against objects written by hand."""

import json

from bridge.push.payload import batch_pieces, reading_bytes, state_pieces
from bridge.reading.quantities import COUNT, quantity
from bridge.reading.reading import BRIDGE, EXPONENT_ZERO, METER, UPTIME, Meter, Reading, Schema

T0 = 796611660  # 2025-03-30T01:01:00Z


class Clock:
    """Knows UTC once `start` (UTC of uptime 0) is set."""

    def __init__(self, start=None):
        self.start = start

    def resolve(self, when, is_uptime):
        if not is_uptime:
            return when
        return None if self.start is None else self.start + when


class Context:
    def __init__(self, start=None):
        self.clock = Clock(start)
        self.identity = self
        self.device = "mb-a1b2c3"
        self.boot = 17


def reading(seq, time, values, source=METER, meter=None):
    form = bytearray(COUNT)
    by_id = {quantity(name): pair for name, pair in values.items()}
    for id, pair in by_id.items():
        form[id] = EXPONENT_ZERO + pair[1]
    schema = Schema(form)
    return Reading(meter or Meter("E0000"), seq, time, source, schema, [by_id[id][0] for id in schema.ids])


def reading_json(one, context):
    return reading_bytes(one, context).decode()


def test_every_digit_as_the_meter_sent_it():
    values = {
        "power_w": (-512, 0), "energy_import_wh": (123456789, -1), "voltage_l1_mv": (2301, 2), "current_l1_ma": (5, -3),
        "gas_l": (112384, 0), "gas_time": (T0 - 60, 0), "tariff": (2, 0),
    }
    text = reading_json(reading(12, T0, values), Context())
    # As text too: json.loads would make floats of it.
    for part in ('"energy_import_wh":12345678.9,', '"voltage_l1_mv":230100', '"current_l1_ma":0.005', '"power_w":-512'):
        assert part in text, text
    assert json.loads(text) == {
        "boot": 17, "seq": 12, "time": "2025-03-30T01:01:00Z", "time_source": "meter", "meter_id": "E0000",
        "power_w": -512, "energy_import_wh": 12345678.9, "voltage_l1_mv": 230100, "current_l1_ma": 0.005,
        "gas_l": 112384, "gas_time": "2025-03-30T01:00:00Z", "tariff": 2,
    }


def test_times_of_many_minutes_and_both_sources():
    context = Context()
    for n in range(0, 1200, 7):
        document = json.loads(reading_json(reading(n, T0 + n, {"power_w": (1, 0)}, BRIDGE), context))
        assert document["time"] == "2025-03-30T01:%02d:%02dZ" % (1 + n // 60, n % 60)
        assert document["time_source"] == "bridge"


def test_an_uptime_is_null_until_the_clock_is_set():
    one = reading(1, 100, {"power_w": (1, 0)}, UPTIME)
    assert json.loads(reading_json(one, Context()))["time"] is None
    document = json.loads(reading_json(one, Context(T0 - 40)))
    assert document["time"] == "2025-03-30T01:02:00Z" and document["time_source"] == "uptime"


def test_an_uptime_of_an_earlier_start_stays_null():
    one = reading(1, 100, {"power_w": (1, 0)}, UPTIME)
    dated = reading(2, T0, {"power_w": (1, 0)}, BRIDGE)
    one.boot = dated.boot = 16
    for context in (Context(), Context(T0 - 40)):
        document = json.loads(reading_json(one, context))
        assert document["time"] is None and document["boot"] == 16 and document["time_source"] == "uptime"
        assert json.loads(reading_json(dated, context))["time"] == "2025-03-30T01:01:00Z"


def test_a_meter_id_is_escaped_and_absent_when_empty():
    odd = json.loads(reading_json(reading(1, T0, {"power_w": (1, 0)}, meter=Meter('a"b\\')), Context()))
    assert odd["meter_id"] == 'a"b\\'
    assert "meter_id" not in json.loads(reading_json(reading(1, T0, {"power_w": (1, 0)}, meter=Meter("")), Context()))


def test_state_has_what_the_meter_says_beside_numbers():
    meter = Meter("E0000", message='pay "now" \u20ac', month_peaks=(("2024-11", T0, 3100), ("2024-12", None, 0)))
    meter.gas_id = "G1"
    document = json.loads(b"".join(state_pieces(reading(1, T0, {"power_w": (1, 0)}, meter=meter), Context())).decode())
    assert document["message"] == 'pay "now" \u20ac' and document["gas_meter_id"] == "G1"
    assert document["month_peaks"] == [
        {"month": "2024-11", "time": "2025-03-30T01:01:00Z", "power_w": 3100},
        {"month": "2024-12", "time": None, "power_w": 0},
    ]


def test_batches():
    context = Context()
    readings = [reading(seq, T0 + seq, {"power_w": (seq, 0)}) for seq in (5, 6)]
    document = json.loads(b"".join(batch_pieces([reading_bytes(one, context) for one in readings], context, True, (2, 4, 3))).decode())
    assert document["device"] == "mb-a1b2c3" and document["backlog"] is True
    assert document["missing"] == {"from": 2, "to": 4, "count": 3}
    assert [r["seq"] for r in document["readings"]] == [5, 6]
    assert document["readings"][0] == json.loads(reading_json(readings[0], context))
    empty = json.loads(b"".join(batch_pieces([], context, False)).decode())
    assert empty == {"device": "mb-a1b2c3", "backlog": False, "readings": []}


def test_zero_negative_and_odd_texts_in_turn():
    """Forms are kept by schema: another id or source of time of the same schema must not get the first one's text."""
    values = {"voltage_l1_mv": (0, 2), "power_l1_w": (-5, -1), "energy_import_wh": (0, -1)}
    first = reading(1, T0, values, meter=Meter("100%d"))
    other = Reading(Meter("B"), 2, T0, BRIDGE, first.schema, first.values)
    for _ in range(2):
        text = reading_json(first, Context())
        for part in ('"voltage_l1_mv":0', '"power_l1_w":-0.5', '"energy_import_wh":0.0', '"meter_id":"100%d"', '"time_source":"meter"'):
            assert part in text, text
        text = reading_json(other, Context())
        assert '"meter_id":"B"' in text and '"time_source":"bridge"' in text
    for n in range(5):
        values = {name: (n, 0) for name in ("power_w", "tariff", "gas_l", "water_l", "frequency_mhz")[: n + 1]}
        assert json.loads(reading_json(reading(n, T0, values), Context()))["power_w"] == n


def test_whether_encrypted_telegrams_were_authenticated():
    meter = Meter("E0000")
    for security in ("", "plain", "unauthenticated", "authenticated"):
        meter.security = security
        document = json.loads(b"".join(state_pieces(reading(1, T0, {"power_w": (1, 0)}, meter=meter), Context())).decode())
        assert document.get("security", "") == ("" if security == "plain" else security)
