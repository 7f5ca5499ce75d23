"""The simulated meters of the DLMS family: their bytes against published vectors and real frames, their lists against the home. No firmware."""

import dataclasses
from functools import partial

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher as Machine
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from host_tools.meters import amis, at_meters, crc, hdlc, make, mbus, nordic_meters, p1_sealed
from host_tools.meters.cipher import Cipher
from host_tools.meters.dlms import Clock, array, obis, octets, scaler_unit, structure, u16, u32
from host_tools.meters.dlms_meters import DLMS_METERS
from host_tools.meters.dlms_push import Listing, Push, absent
from host_tools.meters.dlms_rows import rows
from host_tools.meters.localtime import HOUR
from host_tools.meters.p1 import Identity
from tests.sim.published import vector

NAMES = [kind.name for kind in DLMS_METERS]
PUSHES = [kind.name for kind in DLMS_METERS if isinstance(kind.write, Push)]
NOON = 1_750_500_000  # 2025-06-21 10:00 UTC: the sun is high
WINTER = 1_737_021_600  # 2025-01-16 10:00 UTC
SIM_TIME = 1_752_575_695  # 2025-07-15 10:34:55 UTC, the time of the published vectors
SIM_TITLE = bytes.fromhex("53494d1000000001")
MADE_AT = 1_600_000_000  # when the meters began to count their frames


def test_lengths_codes_and_times_as_the_standard_writes_them():
    assert octets(bytes(127))[:3] == b"\x09\x7f\x00" and octets(bytes(128))[:3] == b"\x09\x81\x80" and octets(bytes(256))[:4] == b"\x09\x82\x01\x00"
    assert obis("1-0:1.8.0").hex() == "09060100010800ff" and scaler_unit(-1, 35).hex() == "02020fff1623"
    assert array(u16(1), structure(u32(2))).hex() == "0102120001020106" + "00000002"
    assert Clock().octets(SIM_TIME).hex() == "07e9070f020c2237ffff8880"
    assert Clock(zone=False, hundredths=0).octets(WINTER).hex() == "07e90110040b000000800000"
    assert Clock().octets(WINTER).hex().endswith("ffffc400")


# The published vectors, from their fields -------------------------------------------------------------------------------------------


def push(listing, link, invoke, cipher=None, **fields):
    """A meter whose notifications always have the same number."""
    return Push((listing,), link, cipher, invoke=invoke, counts=False, **fields)


def key_of(of, security=0x20, **fields):
    return Cipher(SIM_TITLE, of["key"], security, of.get("ak", ""), **fields)


BASE = {"_unix": SIM_TIME, "energy_import_wh": 1234567, "energy_export_wh": 7654, "power_import_w": 613, "power_export_w": 0,
        "reactive_energy_import_varh": 111, "reactive_energy_export_varh": 222, "reactive_power_import_var": 17, "reactive_power_export_var": 5}
EVN_VALUES = BASE | {
    "_counter": 0x1234, "voltage_l1_mv": 230100, "voltage_l2_mv": 229800, "voltage_l3_mv": 231000,
    "current_l1_ma": 1230, "current_l2_ma": 50, "current_l3_ma": 2340, "power_factor_permille": 987}


@pytest.mark.parametrize(("name", "link"), [
    ("at_netz_noe_kaifa_mbus", mbus.frames), ("at_netz_noe_t210_mbus", partial(mbus.frames, size=252))])
def test_kaifa_and_t210_are_the_vectors_byte_for_byte(name, link):
    of = vector(name)
    meter = push(Listing(at_meters.EVN, partial(at_meters.evn, meter_id="SIM000000001")), link, 0x80000123, key_of(of))
    assert meter.plain(EVN_VALUES).hex() == vector("at_netz_noe_kaifa_mbus")["plaintext"]
    assert meter(EVN_VALUES).hex() == of["hex"]


@pytest.mark.parametrize(("name", "rows_of", "body", "address", "invoke", "counter"), [
    ("at_wiener_netze_am550", at_meters.WIENER_NETZE, at_meters.wiener_netze, "cf0223", 0x123, 0x55),
    ("at_wiener_netze_im350_like", at_meters.WIENER_NETZE, partial(at_meters.wiener_netze, device="SIM0000000000001"), "cf00020023", 0x123, 0x56),
    ("at_kng_am550_p1", at_meters.KNG, partial(at_meters.kng, meter_id="SIM0000000001"), "cf0223", 0x124, 0x57),
])
def test_bare_numbers_are_the_vectors_byte_for_byte(name, rows_of, body, address, invoke, counter):
    of, values = vector(name), BASE | {"_counter": counter}
    meter = push(Listing(rows_of, body), partial(hdlc.single, address=bytes.fromhex(address)), invoke, key_of(of))
    assert meter.plain(values).hex() == of["plaintext"]
    assert meter(values).hex() == of["hex"]


def test_block_transfer_is_the_vector_byte_for_byte():
    of = vector("at_steiermark_e450_gbt")
    numbers = {row.name: int(row.code[4:].replace(".", "")[:1]) * 1000 + int(row.code[6]) * 10 + int(row.code[8]) for row in at_meters.STEIERMARK}
    ordered = tuple(row for c in "1234" for end in ("8.0", "8.1", "8.2", "7.0") for row in at_meters.STEIERMARK if row.code == f"1-0:{c}.{end}")
    link = partial(hdlc.blocks, address=at_meters.E450_ADDRESS, sizes=at_meters.E450_BLOCKS)
    meter = push(Listing(ordered, at_meters.steiermark), link, 0x125, key_of(of, 0x30))
    values = numbers | {"_unix": SIM_TIME, "_counter": 0x59}
    assert meter.plain(values).hex() == of["plaintext"]
    assert meter(values).hex() == of["hex"] and ordered == at_meters.STEIERMARK


def test_encrypted_text_is_the_vectors_byte_for_byte():
    of = vector("at_steiermark_t210_p1")
    values = {"_unix": SIM_TIME, "energy_import_wh": 1234567, "energy_import_t1_wh": 234567, "energy_import_t2_wh": 1000000,
              "power_import_w": 613, "energy_export_wh": 7654, "power_export_w": 0, "reactive_energy_import_varh": 111,
              "reactive_energy_export_varh": 222}
    meter = p1_sealed.Sealed(p1_sealed.styria, Identity("EST5\\SIM", ""), key_of(of, 0x30, wide=True))
    assert meter.plain(values).decode() == of["plaintext"]
    assert meter(values | {"_counter": 0x58}).hex() == of["hex"]
    of = vector("p1_lu_smarty_encrypted")
    values = {"_unix": 1736932500, "energy_import_wh": 25653, "energy_export_wh": 40, "power_import_w": 5, "power_export_w": 0}
    cipher = Cipher(b"SIMLU\x00\x00\x01", of["key"], 0x30, p1_sealed.LUXEMBOURG_AUTH_KEY, wide=True)
    meter = p1_sealed.Sealed(p1_sealed.luxembourg, Identity("Lux5\\SIM", "", "42"), cipher)
    assert meter.plain(values).decode() == of["plaintext"]
    assert meter(values | {"_counter": 0x10}).hex() == of["hex"]


def test_amis_is_the_vector_byte_for_byte():
    of = vector("at_netz_ooe_amis")
    values = BASE | {"_counter": 0x2A, "_prepaid_wh": 0, "_reactive_energy_import_t1_varh": 111, "_reactive_energy_export_t1_varh": 222}
    assert amis.plain(values).hex() == of["plaintext"]
    assert amis.frame(values, of["key"]).hex() == of["hex"]


def test_aidon_is_the_vector_byte_for_byte():
    link = partial(hdlc.single, address=bytes.fromhex("410883"))
    meter = push(Listing(rows("1.7.0", u32), nordic_meters.aidon), link, 0x40000000, header=absent)
    assert meter(BASE | {"_counter": 0}).hex() == vector("no_aidon_list1")["hex"]


def test_amis_time_is_the_example_of_the_grid():
    assert amis.clock(1_404_195_151).hex() == "5f0c48c1171b"  # 2014-07-01 08:12:31 in summer


# Readers of the tests' own ----------------------------------------------------------------------------------------------------------


def hdlc_frames(data):
    """[(head up to control, information, segmented)] of frames in a row; both check sums checked."""
    found = []
    while data:
        size = int.from_bytes(data[1:3], "big")
        inside, data = data[1:1 + (size & 0x7FF)], data[2 + (size & 0x7FF):]
        at = 2
        for _ in range(2):
            while not inside[at] & 1:
                at += 1
            at += 1
        head, info = inside[:at + 1], inside[at + 3:-2]
        assert size >> 12 == 0xA and crc.x25(head).to_bytes(2, "little") == inside[at + 1:at + 3]
        assert crc.x25(inside[:-2]).to_bytes(2, "little") == inside[-2:]
        found.append((head, info, bool(size & 0x800)))
    return found


def hdlc_apdu(data):
    frames = hdlc_frames(data)
    assert all(frame[2] for frame in frames[:-1]) != frames[-1][2] or len(frames) == 1 or frames[0][1][3] == 0xE0
    infos = [info for _, info, _ in frames]
    assert infos[0][:3] == b"\xe6\xe7\x00"
    infos[0] = infos[0][3:]
    if infos[0][0] != 0xE0:
        return b"".join(infos)
    for number, info in enumerate(infos, 1):
        assert info[1] == (0xC0 if number == len(infos) else 0x40) and int.from_bytes(info[2:4], "big") == number and info[6] == len(info) - 7
    return b"".join(info[7:] for info in infos)


def mbus_apdu(data):
    apdu, number = b"", 0
    while data:
        size = data[1] if data[1] != 1 else 257
        user, (total, stop), data = data[4:4 + size], data[4 + size:6 + size], data[6 + size:]
        assert stop == 0x16 and total == sum(user) & 0xFF and user[:2] == b"\x53\xff" and user[3:5] == b"\x01\x67"
        assert user[2] == number | (0 if data else 0x10)
        apdu, number = apdu + user[5:], number + 1
    return apdu


def opened(apdu, keys):
    """(plaintext, frame counter); the tag checked where there is one."""
    title, at = apdu[2:10], 11
    size = apdu[10]
    if size > 0x80:
        at += size & 0x7F
        size = int.from_bytes(apdu[11:at], "big")
    assert apdu[:2] == b"\xdb\x08" and len(apdu) == at + size
    security, counter, secret = apdu[at], apdu[at + 1:at + 5], apdu[at + 5:]
    key, nonce = bytes.fromhex(keys["key"]), title + counter
    stream = Machine(algorithms.AES(key), modes.CTR(nonce + b"\x00\x00\x00\x02")).encryptor()
    plain = stream.update(secret[:-12] if security & 0x10 else secret)
    if security & 0x10:
        full = AESGCM(key).encrypt(nonce, plain, bytes([security]) + bytes.fromhex(keys["auth_key"]))
        assert full[:len(plain) + 12] == secret
    return plain, int.from_bytes(counter, "big")


def plaintext(meter, data):
    apdu = {"hdlc": hdlc_apdu, "mbus": mbus_apdu, "dlms": bytes}[meter.protocol](data)
    return opened(apdu, meter.keys)[0] if meter.keys else apdu


WIDTHS = {0x00: 0, 0x05: 4, 0x06: 4, 0x0F: 1, 0x10: 2, 0x11: 1, 0x12: 2, 0x16: 1}


def element(data, at):
    """One A-XDR element: (python value, next position)."""
    kind = data[at]
    if kind in (1, 2):
        items, count, at = [], data[at + 1], at + 2
        for _ in range(count):
            item, at = element(data, at)
            items.append(item)
        return items, at
    if kind in (9, 10):
        size = data[at + 1]
        return data[at + 2:at + 2 + size], at + 2 + size
    raw = data[at + 1:at + 1 + WIDTHS[kind]]
    return int.from_bytes(raw, "big", signed=kind in (5, 15, 16)), at + 1 + len(raw)


def body(plain):
    """The notification's list; all of it must be there and no more."""
    assert plain[0] == 0x0F
    at = 6 + plain[5] if plain[5] != 9 else 7 + plain[6]
    found, end = element(plain, at)
    assert end == len(plain)
    return found


def flat(items):
    for item in items:
        if isinstance(item, list):
            yield from flat(item)
        else:
            yield item


# The meters -------------------------------------------------------------------------------------------------------------------------

# What a frame of the same maker and grid is long, from protocols.md and captures.
SIZES = {
    "at-netznoe-kaifa": [282], "at-netznoe-t210": [282], "at-tinetz-kaifa": [376], "at-kmswest": [99], "at-wienernetze-am550": [105],
    "at-wienernetze-im350": [125], "at-wienernetze-e450": [105], "at-kng-am550": [121], "at-wels-im350": [114], "at-burgenland-e450": [120],
    "at-steiermark-e450": [332], "ch-e450": [504], "ch-am550": [379], "ch-am550-units": [379], "dk-kamstrup": [491],
    "no-kaifa": [41, 123, 157], "no-kamstrup": [228, 302], "se-aidon": [581],
}
STARTS = {
    "at-netznoe-kaifa": "68fafa6853ff000167db084b464d", "at-netznoe-t210": "6801016853ff000167db08534147", "at-kmswest": "685d5d6853ff100167db08",
    "at-tinetz-kaifa": "68fafa6853ff000167db084b464d", "at-wienernetze-am550": "7ea067cf022313fbf1e6e700db0849534b",
    "at-wienernetze-im350": "7ea07bcf000200231362b1e6e700db08534d53", "at-kng-am550": "7ea077cf022313bb45e6e700db0849534b",
    "at-burgenland-e450": "7ea076ceff0313", "at-steiermark-e450": "7ea08bceff0313eee1e6e700e0400001000077db084c475a",
    "ch-e450": "7ea084ceff0313128be6e700e04000010000700f", "ch-am550": "7ea8a4cf0223039996e6e7000f", "ch-am550-units": "7ea8a4cf0223039996e6e7000f",
    "no-kamstrup": "7ea0e22b2113239ae6e7000f000000000c", "no-aidon": "7ea11e41088313", "dk-kamstrup": "7ea1e9410313c637e6e700db084b414d",
    "no-kaifa": "7ea079010201108093e6e7000f40000000090c", "se-aidon": "7ea2434108831385ebe6e7000f4000000000011b0202",
}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "at-netzooe-amis"])
def test_length_head_and_frame_of_every_meter(name):
    sizes = set()
    for start, steps in ((NOON, (0, 1801)), (WINTER, (0, 2, 600, HOUR + 5, HOUR + 10))):
        meter = make(name)
        for step in steps:
            data = meter.telegram(start + step)
            sizes.add(len(data))
            assert len(data) * meter.line.byte_seconds < meter.cadence_s
            plain = plaintext(meter, data)
            assert plain == meter.kind.write.plain(meter.values)
            assert plain.startswith(b"/") if meter.protocol == "dlms" else body(plain)
    assert sizes <= set(SIZES.get(name, sizes))
    assert make(name).telegram(NOON).hex().startswith(STARTS.get(name, ""))


def sent(row, found):
    """The number behind a row's code in a list read by the tests."""
    code = bytes([*map(int, row.code.replace("-", ".").replace(":", ".").split(".")), 255])
    return found[found.index(code) + 1]


@pytest.mark.parametrize("name", PUSHES)
def test_the_lists_say_what_the_truth_says(name):
    meter = make(name)
    for second in (NOON, NOON + 2, NOON + 600, NOON - NOON % HOUR + HOUR + 10):
        found = list(flat(body(plaintext(meter, meter.telegram(second)))))
        listing, said = meter.kind.write.listing(meter.values), meter.truth()
        codes = listing.body.func if isinstance(listing.body, partial) else listing.body
        for row in listing.rows:
            number = meter.values[row.name] / 10 ** row.scaler / (1000 if row.name.endswith(("_mv", "_ma", "_permille")) else 1)
            if listing.units != "laid out" and codes.__name__ != "push_list":
                assert sent(row, found) == round(number)
            else:
                assert round(number) in found
            if not row.name.startswith("_") and "_l" not in row.name:
                assert said[row.name] == meter.values[row.name]
        assert all(text.encode() in found for _, text in listing.texts)
        assert ("time" in said) == listing.timed and not [name for name in said if name.startswith("_")]


def test_energy_is_the_sum_of_the_power_that_was_told():
    meter, watt_seconds, first = make("at-wienernetze-am550"), 0, None
    for second in range(1801):
        meter.telegram(NOON + second)
        said = meter.truth()
        first = first or said
        watt_seconds += said["power_import_w"] - said["power_export_w"] if second else 0
    gained = sum((said[f"energy_{d}_wh"] - first[f"energy_{d}_wh"]) * sign for d, sign in (("import", 1), ("export", -1)))
    assert abs(watt_seconds / 3600 - gained) <= 2.5


@pytest.mark.parametrize("name", NAMES)
def test_a_home_is_a_function_of_seed_and_start_and_counters_grow(name):
    first, again, other = make(name), make(name), make(name, seed=2)
    assert first.telegram(NOON) == again.telegram(NOON)
    assert other.telegram(NOON) != first.telegram(NOON) or name == "at-netzooe-amis"
    if first.keys and name != "at-netzooe-amis":
        assert set(first.keys) <= {"key", "auth_key"} and all(len(bytes.fromhex(key)) == 16 for key in first.keys.values())
        unwrap = {"hdlc": hdlc_apdu, "mbus": mbus_apdu, "dlms": bytes}[first.protocol]
        seen = [opened(unwrap(first.telegram(NOON + n)), first.keys)[1] for n in range(4)]
        assert seen == sorted(set(seen)) and seen[0] == NOON - MADE_AT


def test_every_meter_has_a_key_of_its_own():
    keys = [key for kind in DLMS_METERS for name, key in kind.keys.items() if key != p1_sealed.LUXEMBOURG_AUTH_KEY]
    assert len(keys) == len(set(keys)) > 15


def test_the_norwegian_lists_have_their_moments():
    for offset in (0, 1):  # a meter that began at an odd second
        kinds = {}
        begin = NOON - NOON % HOUR + offset
        for second in range(0, 2 * HOUR, 2):
            kinds.setdefault(nordic_meters.han_list(begin + second), []).append((begin + second) % HOUR)
        assert len(kinds[2]) == 2 and all(10 <= at < 12 for at in kinds[2])
        assert len(kinds[1]) == 2 * (360 - 1) and len(kinds[0]) == 2 * HOUR // 2 - 720
    meter, hourly = make("no-kamstrup"), []
    for second in range(0, 2 * HOUR, 10):
        meter.telegram(NOON - NOON % HOUR + 5 + second)
        hourly.append("energy_import_wh" in meter.truth())
    assert hourly.count(True) == 2 and hourly[0]


def test_norwegian_counters_are_in_tens_and_swedish_in_ones():
    at = NOON - NOON % HOUR + HOUR + 10
    aidon, kamstrup, swedish = make("no-aidon"), make("no-kamstrup"), make("se-aidon")
    for meter in (aidon, swedish):
        meter.telegram(at)
    kamstrup.telegram(at - 5)
    assert all(value % 10 == 0 for m in (aidon, kamstrup) for key, value in m.truth().items() if key.startswith("energy"))
    assert dataclasses.astuple(swedish.kind.write.listings[0].rows[-1])[3] == 0


# The meter that waits ---------------------------------------------------------------------------------------------------------------


def amis_values(meter, data):
    """Checks a frame of AMIS and gives its plaintext."""
    assert len(data) == 101 and data[:4] == b"\x68\x5f\x5f\x68" and data[-1] == 0x16 and data[-2] == sum(data[4:-2]) & 0xFF
    start = data[11:13] + data[7:11] + data[13:15] + data[15:16] * 8
    machine = Machine(algorithms.AES(bytes.fromhex(meter.keys["key"])), modes.CBC(start)).decryptor()
    return machine.update(data[19:-2])


def test_amis_calls_until_it_is_answered_and_again_after_ten_frames_without():
    meter = make("at-netzooe-amis")
    calls = [second for second in range(125) if meter.telegram(NOON + second) == amis.CALL]
    assert calls == [0, 60, 120] and meter.truth() == {}
    meter.receive(b"\x00", NOON + 125)
    assert meter.telegram(NOON + 125) == b""
    meter.receive(b"\xe5", NOON + 125.2)
    access = []
    for second in range(126, 140):
        data = meter.telegram(NOON + second)
        plain = amis_values(meter, data)
        assert plain[:4] == b"\x2f\x2f\x06\x6d" and plain[-2:] == b"\x2f\x2f"
        assert int.from_bytes(plain[12:16], "little") == meter.truth()["energy_import_wh"]
        access.append((data[15], data[4]))
        assert meter.telegram(NOON + second + 0.5) == b""
        meter.receive(b"\xe5", NOON + second + 0.3)
    assert [b - a for (a, _), (b, _) in zip(access, access[1:])] == [1] * 13 and {c for _, c in access} == {0x53, 0x73}
    silent = [meter.telegram(NOON + second) for second in range(140, 152)]
    assert [len(data) for data in silent] == [101] * 10 + [5, 0]
    meter.receive(b"\xe5\xe5", NOON + 152)
    assert len(meter.telegram(NOON + 152)) == 101
