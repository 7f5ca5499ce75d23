"""Encrypted telegrams: APDUs in, plaintext and what it is worth, or why it is refused, out.

The APDUs below were made with AESGCM of CPython's package `cryptography` (tags cut to 12 bytes), not with the code under test.
"""

import json

from bridge.core.errors import DecodeError, SecurityError
from bridge.decoding import gcm, ghash_plain
from bridge.decoding.security import Security
from bridge.framing.frame import Frame

KEY = bytes(range(16))
AUTH = bytes(range(0xD0, 0xE0))
OTHER = b"\xaa" * 16
PLAIN = bytes.fromhex("0f000000010002010600000265")
HEAD = bytes.fromhex("db0853494d1000000001")  # DB 08 and the system title
# By security byte, frame counter 01020304: what follows the length.
SECURED = {
    0x00: "00010203040f000000010002010600000265",
    0x10: "10010203040f00000001000201060000026532ff06fbba1a0679d1ab6132",
    0x11: "11010203040f0000000100020106000002652322fc11f96ba343a78aa989",
    0x20: "2001020304373dad18eff6c5a8c183a05fab",
    0x21: "2101020304373dad18eff6c5a8c183a05fab",
    0x30: "3001020304373dad18eff6c5a8c183a05fab20b53bc4dc9cfff7603162a6",
    0x31: "3101020304373dad18eff6c5a8c183a05fabb55e7b667070837ae8a45c78",
}
# PLAIN with security 0x30, by frame counter: ciphertext and tag.
COUNTED = {
    1: "aac900bbe19c6c3aa17a274b007141542d54fc13222c0c9f03",
    2: "561dee3577f986558afcea4c7361700decd2af1dd2cd9d258a",
    3: "78d80b8ac9b25ff63ac630545355d2bd928b7f00b5aa31bdfb",
    4: "396a41107dc627e871cbfc66bac04d60c715a78350b159069c",
    1200: "5e23831e029c7a075b3557b2fde685732acb73b2b29b59fc19",
    2600: "1d931864d98d24c39097093a995464221833d3eaaa1cffed89",
    2601: "fa842961620e6b7dda19bfd9c162cb0ea59be452bb4eabfc62",
    5000: "8e0d0ea95bc17309f739714acfbcc4b80fd3778f1cbfc192c1",
    5001: "d286d640d5e2c7966a6937c91e4c98344e55786c15eae5308a",
    131072: "2da4f8500e59e98278fb383352516da42d8342712ceb5fe05c",
    131073: "1b2127d2d38a47d07dadc2a1cae264dfc23589f898dab9864e",
    131074: "d67451dc27b9c0ad2f15dd39a287fcdeb2f348153bf0cbc98a",
    262145: "73ec582f2d671949a3608981a693488ce982b3442a7bd043ea",
    4294967294: "d3ae2069ab800262f8b8213e6c6c67571d6996c04a4f29d510",
}
OTHER_KEY = "db0853494d10000000011e3000000009913d380397f321828a63da4b19d1d46ef8954a8929060fe380"
OTHER_AUTH = "db0853494d10000000011e3000000009c779743223358d957bb3ed0f1baec247ad7666abb924475a64"
OTHER_TITLE = "db0853494d10000000021e300000000956d7f0ef7efca0efa1f021bdf1b9daeeb43178b2e48c854404"
TEXT = "db0853494d10000000011b30000000083f52f718605892172bdf82632f1bb6929c793e9420dd"  # /SIM5\ME
# 300 bytes of text, counter 7: more than one call of the cipher.
LONG_PLAIN = b"/SIM5\\LONG\r\n" + bytes([32 + i * 7 % 90 for i in range(288)])
LONG = (
    "db0853494d100000000182013d30000000071de42a302a9d04c950e629be32db748013718f2879e445d38b046c20d13026556ba82f73520fb264bc04"
    "8e93cfaf1186cd954507ce19be503c2b78a3300bd4922196b0b7163de3c1b6596643107374f7133a9e86e1553c1a58b0b1bb445fb4826c8064acce1c"
    "d6839df92ba2d1ad97ff27235b2652f99828190bef5cbd71ef1da9326eae325ba9c039f68f5f7cfc5ca5d50fb1c1ca33793ba1368edc53b61f07ac49"
    "ef47b95f00ab18be4eff61543a25c8167307188893c69575d5cb4b258155d9de643fe540d11d2163ea845a1d968e3f07152663218830dc92b34d9842"
    "f9e0f24925fb5a0b2c69ecf7015f8d3b54c701afdb72b16760f37efa06f5d25aa984b19876f0a711c7024cee6cae7cf1caa5fd77dd893fd51ebb7d21"
    "83871661faf567c4d1a180562545ae6297b7d4a946a267af3e01732b5263"
)


def apdu(body, head=HEAD):
    body = bytes.fromhex(body) if isinstance(body, str) else body
    return head + bytes([len(body)]) + body


def counted(number):
    return apdu(bytes([0x30, number >> 24, number >> 16 & 255, number >> 8 & 255, number & 255]) + bytes.fromhex(COUNTED[number]))


def frame_of(data, after=b""):
    data = bytes.fromhex(data) if isinstance(data, str) else data
    frame = Frame("dlms", bytearray(b"abc" + data + after + b"xyz"))
    frame.start = 3
    frame.end = 3 + len(data) + len(after)
    return frame


def opened(security, data, after=b""):
    """(plaintext, security) of an APDU that opens and is believed."""
    frame = frame_of(data, after)
    security.open(frame)
    security.accept()
    assert bytes(frame.buffer[:3]) == b"abc" and bytes(frame.buffer[-3:]) == b"xyz" and security.problem == ""
    assert security.state == frame.security
    return bytes(frame.payload), frame.security


def refused(security, data):
    """The reason why an APDU is refused."""
    frame = frame_of(data)
    before = security.refused
    place = frame.start, frame.end
    try:
        security.open(frame)
    except SecurityError as error:
        assert security.problem == error.reason and security.refused == before + 1 and frame.security == ""
        assert (frame.start, frame.end) == place and isinstance(error, DecodeError)
        return error.reason
    return ""


def test_each_security_byte_with_both_keys():
    wants = {0x00: "plain", 0x10: "authenticated", 0x11: "authenticated", 0x20: "unauthenticated", 0x21: "unauthenticated"}
    for security in SECURED:
        found = opened(Security(KEY, AUTH), apdu(SECURED[security]))
        assert found == (PLAIN, wants.get(security, "authenticated")), hex(security)


def test_each_security_byte_with_the_encryption_key_alone():
    for security in SECURED:
        found = opened(Security(KEY), apdu(SECURED[security]))
        assert found == (PLAIN, "unauthenticated" if security else "plain"), hex(security)


def test_each_security_byte_without_keys():
    for security in SECURED:
        if security & 0x20:
            assert refused(Security(), apdu(SECURED[security])) == "key_missing"
            assert refused(Security(None, AUTH), apdu(SECURED[security])) == "key_missing"
        else:
            assert opened(Security(), apdu(SECURED[security])) == (PLAIN, "unauthenticated" if security else "plain")


def test_text_and_long_telegrams():
    for auth in (AUTH, None):
        security = Security(KEY, auth)
        assert opened(security, LONG)[0] == LONG_PLAIN
        assert opened(security, TEXT)[0] == b"/SIM5\\ME\r\n"


def test_lengths_of_one_two_and_three_bytes_and_what_follows():
    body = bytes.fromhex(SECURED[0x30])
    for length in (bytes([len(body)]), bytes([0x81, len(body)]), bytes([0x82, 0, len(body)]), bytes([0x83, 0, 0, len(body)]), bytes([0x84, 0, 0, 0, len(body)])):
        for after in (b"", b"\x00", b"trailing bytes of a block"):
            assert opened(Security(KEY, AUTH), HEAD + length + body, after) == (PLAIN, "authenticated")


def test_a_length_that_does_not_fit_is_refused():
    security = Security(KEY, AUTH)
    for whole in (apdu(SECURED[0x30]), apdu(SECURED[0x20]), bytes.fromhex(LONG)):
        for cut in range(2, len(whole)):
            assert refused(security, whole[:cut]) == "length", cut
    for length in (b"\x80", b"\x83\x01\x00\x1e", b"\x84\xff\xff\xff\xff", b"\x85\0\0\0\0\x1e", b"\xff", b"\x81\x1f", b"\x82\xff\xff", b"\x00", b"\x05", b"\x11"):
        assert refused(security, HEAD + length + bytes.fromhex(SECURED[0x30])) == "length", length
    assert security.state == ""


def test_what_is_no_known_cipher_is_refused():
    security = Security(KEY, AUTH)
    body = SECURED[0x20][2:]
    for octet in (0x22, 0x32, 0x40, 0x60, 0x70, 0x80, 0xA0, 0xB0, 0x0F, 0x2F, 0xFF):
        assert refused(security, apdu(bytes([octet]) + bytes.fromhex(body))) == "cipher_unknown", octet
    assert refused(security, apdu(SECURED[0x20], b"\xdb\x00")) == "cipher_unknown"  # no system title
    assert refused(security, apdu(SECURED[0x20], b"\xdb\x07SIM4567")) == "cipher_unknown"
    assert refused(security, b"\xdd" + apdu(SECURED[0x20])[1:]) == "cipher_unknown"
    assert refused(security, b"") == "cipher_unknown" and refused(security, b"\xdb") == "cipher_unknown"


def test_wrong_keys_are_told_apart():
    both = Security(KEY, AUTH)
    assert refused(both, OTHER_KEY) == "key_wrong" and refused(both, OTHER_AUTH) == "tag_wrong"
    assert opened(Security(OTHER, AUTH), OTHER_KEY) == opened(Security(KEY, OTHER), OTHER_AUTH) == (PLAIN, "authenticated")
    assert refused(Security(OTHER, AUTH), LONG) == "key_wrong" and refused(Security(AUTH, KEY), LONG) == "key_wrong"
    assert refused(Security(KEY, OTHER), LONG) == "tag_wrong"
    alone = Security(OTHER)
    for data in (LONG, TEXT, apdu(SECURED[0x20]), apdu(SECURED[0x30])):
        assert refused(alone, data) == "key_wrong"
    assert alone.refused == 4 and alone.state == ""
    assert refused(Security(KEY, OTHER), apdu(SECURED[0x10])) == "tag_wrong"


def test_a_tag_that_is_wrong_in_any_one_bit_is_refused():
    good = apdu(SECURED[0x30])
    security = Security(KEY, AUTH)
    for bit in range(96):
        bad = bytearray(good)
        bad[len(bad) - 12 + bit // 8] ^= 1 << bit % 8
        assert refused(security, bytes(bad)) == "tag_wrong", bit
    assert opened(security, good) == (PLAIN, "authenticated")


def test_a_bit_wrong_anywhere_else_is_refused_too():
    for good in (apdu(SECURED[0x30]), apdu(SECURED[0x10])):
        security = Security(KEY, AUTH)
        for bit in range(16, 8 * len(good) - 96):
            if 80 <= bit < 96:  # length and security byte: other reasons
                continue
            bad = bytearray(good)
            bad[bit // 8] ^= 1 << bit % 8
            assert refused(security, bytes(bad)) in ("tag_wrong", "key_wrong"), bit
        assert opened(security, good) == (PLAIN, "authenticated")


def test_the_security_byte_and_a_cut_are_under_the_tag():
    good = apdu(SECURED[0x30])
    assert refused(Security(KEY, AUTH), good[:11] + b"\x31" + good[12:]) == "tag_wrong"
    assert refused(Security(KEY, AUTH), bytes.fromhex(LONG)[:10] + b"\x81\x90" + bytes.fromhex(LONG)[13:]) == "tag_wrong"


def judge(security, numbers):
    """Counters that are opened and believed, of those sent."""
    return [number for number in numbers if not refused(security, counted(number)) and not security.accept()]


def test_replayed_counters_are_refused():
    security = Security(KEY, AUTH)
    assert judge(security, (5000, 5000, 5001, 5001, 5000, 5001, 5000, 0x20000)) == [5000, 5001, 0x20000]
    assert security.refused == 5 and security.problem == ""
    assert judge(security, (0xFFFFFFFE, 0xFFFFFFFE, 0x40001)) == [0xFFFFFFFE] and security.problem == "replay"


def test_counters_are_not_judged_in_captures():
    security = Security(KEY, AUTH, False)
    assert judge(security, (5001, 5001, 5000, 1)) == [5001, 5001, 5000, 1]


def test_a_counter_counts_only_when_the_telegram_was_believed():
    security = Security(KEY, AUTH)
    assert not refused(security, counted(5000)) and not refused(security, counted(5000))
    assert security.state == ""
    security.accept()
    assert security.state == "authenticated" and refused(security, counted(5000)) == "replay"
    security.accept()  # nothing is open
    assert security.problem == "replay" and judge(security, (5001,)) == [5001]


def test_a_meter_that_began_anew_is_believed_after_three():
    for last in (5000, 0x40001, 0xFFFFFFFE):
        assert judge(Security(KEY, AUTH), (last, 1, 2, 3, 4, 1200, 1, 2)) == [last, 3, 4, 1200]
        assert judge(Security(KEY), (last, 1, 2, 3, 4, 1200, 1, 2)) == [last, 3, 4, 1200]
    assert judge(Security(KEY, AUTH), (5000, 1, 3, 1200, 2600)) == [5000, 1200, 2600]


def test_what_is_no_new_beginning():
    for numbers in (
        (5000, 1, 1, 1, 1, 1, 1),  # one telegram again and again
        (5000, 3, 2, 1, 3, 2, 1),  # falling
        (5001, 1, 2, 2600, 2601, 3, 4),  # not near zero: a recording
        (0x40001, 0x20000, 0x20001, 0x20002, 0x20000, 0x20001, 0x20002),
        (0xFFFFFFFE, 0x20000, 0x20001, 0x20002),
        (4, 1, 2, 3, 1, 2, 3),  # a young meter catches up
    ):
        assert judge(Security(KEY, AUTH), numbers) == [numbers[0]], numbers
    assert judge(Security(KEY, AUTH), (5000, 1, 2, 5001, 3, 4)) == [5000, 5001]  # the meter itself goes on


def test_telegrams_with_a_wrong_tag_are_no_new_beginning():
    security = Security(KEY, AUTH)
    assert judge(security, (5000, 1, 2)) == [5000]
    bad = bytearray(counted(3))
    bad[-1] ^= 1
    assert refused(security, bytes(bad)) == "tag_wrong" and refused(security, counted(2)) == "replay"
    assert judge(security, (3, 4)) == [4]


def test_another_meter_and_another_key_begin_anew():
    security = Security(KEY, AUTH)
    assert judge(security, (5000, 5001)) == [5000, 5001]
    assert opened(security, OTHER_TITLE) == (PLAIN, "authenticated") and refused(security, OTHER_TITLE) == "replay"
    new_key = Security(OTHER, AUTH)
    assert refused(security, OTHER_KEY) == "key_wrong" and opened(new_key, OTHER_KEY) == (PLAIN, "authenticated")


def test_unencrypted_counters_are_not_believed():
    security = Security(KEY, AUTH)
    assert judge(security, (5000,)) == [5000]
    plain = apdu(SECURED[0x00])
    assert opened(security, plain) == opened(security, plain) == (PLAIN, "plain")
    assert judge(security, (5000, 5001)) == [5001]


def test_ghash_of_the_published_test_cases():
    """Test cases 3 and 4 of the GCM specification (McGrew, Viega): hash key, data and hash as printed there."""
    key = bytes.fromhex("b83b533708bf535d0aa6e52980d53b78")
    text = bytes.fromhex(
        "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985"
    )
    more = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    for module in (gcm, ghash_plain):
        table = module.table(key)
        for data, size, wants in ((b"", 64, "7f1b32b81b820d02614f8895ac1d4eac"), (more, 60, "698e57f70e6ecc7fd9463b7260a9ae5f")):
            state = bytearray(16)
            module.absorb(state, table, data, 0, len(data))
            module.absorb(state, table, b"x" + text, 1, 1 + size)
            module.absorb(state, table, bytes(7) + bytes([8 * len(data)]) + (8 * size).to_bytes(8, "big"), 0, 16)
            assert bytes(state) == bytes.fromhex(wants)


def test_machine_code_and_plain_loops_do_the_same():
    """Nothing to compare where there is no machine code: both are then the same functions."""
    seed = 12345
    octets = bytearray(200)
    for turn in range(60):
        for i in range(200):
            seed = (seed * 1103 + 12347) % 65521
            octets[i] = 255 if turn == 0 else 0 if turn == 1 else seed & 255
        start = turn % 7
        end = 200 - seed % 190
        done = []
        for module in (gcm, ghash_plain):
            state = bytearray(octets[32:48])
            module.absorb(state, module.table(octets[:16]), octets, start, max(start, end))
            blocks = bytearray(16 * (1 + turn % 8))
            module.fill(blocks, octets, turn, turn + 20, 250 + turn)
            mixed = bytearray(octets)
            module.xor(mixed, start, blocks, turn % 9, len(blocks) - turn % 9)
            done.append((bytes(state), bytes(blocks), bytes(mixed)))
        assert done[0] == done[1], turn


def unframed(name, data):
    """The APDU of a vector, out of its link layer."""
    if data[:1] == b"\x68":  # two M-Bus frames
        return data[9:254] + data[265:-2] if data[1] == 0xFA else data[9:261] + data[272:-2]
    if name == "at_steiermark_e450_gbt":  # blocks in three HDLC frames
        return data[19:138] + data[157:279] + data[298:-3]
    return data[data.find(b"\xdb\x08") :]


def test_vectors():
    try:
        with open("../shared/vectors.json") as file:
            vectors = [row for row in json.load(file) if "key" in row and row["name"] != "at_netz_ooe_amis"]
    except OSError:
        return  # not on this machine
    wants = {row["name"]: row["plaintext"] for row in vectors if "plaintext" in row}
    wants["at_netz_noe_t210_mbus"] = wants["at_netz_noe_kaifa_mbus"]
    assert len(vectors) == 8
    for row in vectors:
        name = row["name"]
        plain = wants[name].encode() if wants[name][0] == "/" else bytes.fromhex(wants[name])
        data = unframed(name, bytes.fromhex(row["hex"]))
        auth = bytes.fromhex(row["ak"]) if "ak" in row else None
        key = bytes.fromhex(row["key"])
        assert opened(Security(key, auth), data) == (plain, "authenticated" if auth else "unauthenticated"), name
        assert opened(Security(key), data) == (plain, "unauthenticated"), name
        assert refused(Security(OTHER, auth), data) == "key_wrong", name
        assert refused(Security(), data) == "key_missing", name
        if auth:
            assert refused(Security(key, OTHER), data) == "tag_wrong", name
