"""Counters never fall in what goes out: held back, confirmed, another meter, the same value in coarser steps."""

from bridge.reading.builder import Builder

try:
    from registers import KWH, M3, WH, got, read, register, sml, text
except ImportError:
    from tests.unit.registers import KWH, M3, WH, got, read, register, sml, text


def one(b, value, scaler=0, id=b"4531"):
    return text(read(b, (("1-0:1.8.0", value, scaler, WH), ("0-0:96.1.1", id))), "energy_import_wh")


def falls(b):
    return b.counters.get("counter_falls")


def test_a_single_fall_is_held_back():
    b = Builder()
    assert one(b, 1000) == "1000" and one(b, 1001) == "1001"
    assert one(b, 900) == "1001" and falls(b) == 1
    assert one(b, 1001) == "1001" and one(b, 1002) == "1002" and falls(b) == 1


def test_six_in_a_row_confirm_a_fall():
    b = Builder()
    one(b, 1000)
    for n in range(5):
        assert one(b, 10 + n) == "1000", n
    assert one(b, 15) == "15" and falls(b) == 5
    assert one(b, 16) == "16" and one(b, 15) == "16"


def test_a_good_value_in_between_starts_the_count_anew():
    b = Builder()
    one(b, 1000)
    for n in range(5):
        assert one(b, 10 + n) == "1000"
    assert one(b, 1000) == "1000"
    for n in range(5):
        assert one(b, 20 + n) == "1000"
    assert one(b, 25) == "25"


def test_lower_values_must_not_fall_among_themselves():
    b = Builder()
    one(b, 1000)
    for value in (50, 51, 52, 40, 41, 42, 43, 44):
        assert one(b, value) == "1000", value
    assert one(b, 45) == "45"


def test_another_meter_starts_where_it_is():
    b = Builder()
    first = read(b, (("1-0:1.8.0", 1000, 0, WH), ("0-0:96.1.1", b"4531"), ("0-0:96.13.0", b"4142")))
    second = read(b, (("1-0:1.8.0", 7, 0, WH), ("0-0:96.1.1", b"4532")))
    assert got(first, "energy_import_wh") == 1000 and got(second, "energy_import_wh") == 7 and falls(b) == 0
    assert (first.meter.id, first.meter.message) == ("E1", "AB") and (second.meter.id, second.meter.message) == ("E2", "")


def test_sums_follow_held_tariffs():
    b = Builder()

    def total(t1, t2):
        r = read(b, (("1-0:1.8.1", t1, -3, KWH), ("1-0:1.8.2", t2, -3, KWH)))
        return got(r, "energy_import_t1_wh"), got(r, "energy_import_t2_wh"), got(r, "energy_import_wh")

    assert total(100, 200) == (100, 200, 300)
    assert total(101, 20) == (101, 200, 301) and falls(b) == 1
    assert total(102, 201) == (102, 201, 303)


def test_a_tariff_that_is_missing_makes_no_total_fall():
    b = Builder()
    read(b, (("1-0:1.8.1", 100, 0, WH), ("1-0:1.8.2", 200, 0, WH)))
    assert got(read(b, (("1-0:1.8.1", 101, 0, WH),)), "energy_import_wh") == 300
    assert got(read(b, (("1-0:1.8.1", 102, 0, WH), ("1-0:1.8.2", 200, 0, WH))), "energy_import_wh") == 302


def test_a_locked_meter_shows_coarser_steps():
    b = Builder()

    def energy(value, scaler):
        return text(sml((("1-0:1.8.0", value, scaler, WH),), b), "energy_import_wh")

    assert energy(168248565, -1) == "16824856.5"
    assert energy(16824, 3) == "16824856.5" and falls(b) == 0, "the same, rounded down"
    assert energy(16825, 3) == "16825000"
    assert energy(168250001, -1) == "16825000.1"
    assert energy(16824, 3) == "16825000.1" and falls(b) == 1, "one less than that is a fall"


def test_fall_of_a_counter_beyond_31_bits():
    b = Builder()
    assert one(b, 5 * 10**12) == "5000000000000" and one(b, 5 * 10**12 - 1) == "5000000000000" and falls(b) == 1


def test_a_telegram_that_was_given_up_leaves_no_trace():
    b = Builder()
    one(b, 1000)
    b.begin()
    b.add(register("1-0:1.8.0", 5, 0, WH))  # then the decoder raised: no finish
    assert one(b, 999) == "1000"


def test_gauges_and_submeters():
    b = Builder()
    gas = lambda value: got(read(b, (("0-1:24.1.0", b"3"), ("0-1:24.2.1", value, -3, M3, b"250115120000W"))), "gas_l")  # noqa: E731
    assert gas(100) == 100 and gas(99) == 100 and falls(b) == 1
