"""Marks of protocols in a stream: which protocols are worth listening for."""

from bridge.framing.signatures import Search

_LINES = b"/ISK5\\2M550T-1012\r\n\r\n1-3:0.2.8(50)\r\n0-0:1.0.0(250115101500W)\r\n1-0:1.8.1(000345.601*kWh)\r\n!1234\r\n"
# Aidon's list 1, invented values; its header check sequence was computed by hand from the X-25 parameters
_AIDON = bytes.fromhex("7ea02a410883130413e6e7000f40000000000101020309060100010700ff060000026502020f00161be7787e")
_S1 = bytes.fromhex("7e802bff033153494d303030303030303030310a34c35c0723f00004d2ee08fffd97ee08fffd97000000dfd67e")


def _found(data: bytes, known=(), search=None) -> list:
    return (search or Search()).look(memoryview(data), list(known))


def test_each_protocol_by_its_mark():
    assert _found(_LINES) == ["p1"]
    assert _found(b"\x00" + bytes.fromhex("1b1b1b1b0101010176")) == ["sml"]
    assert _found(_AIDON) == ["hdlc"]
    assert _found(bytes.fromhex("68fafa6853ff000167db0853494d1000")) == ["mbus"]
    assert _found(bytes.fromhex("6801016853ff000167db08")) == ["mbus"]
    assert _found(bytes.fromhex("685f5f6873f05b000000002d4c010e")) == ["amis"]
    assert _found(bytes.fromhex("1040f03016")) == ["amis"]
    assert _found(bytes.fromhex("db0853494d4c550000018200b030")) == ["dlms"]
    assert _found(bytes.fromhex("e6e7000f4000000000010102")) == ["dlms"]
    assert _found(bytes.fromhex("0f800001230c07e9070f020c2237")) == ["dlms"]
    assert _found(b"0.0.0(1100)\r\n1.8.0(31550.191*kWh)\r\n") == ["d0"]
    assert _found(b"/EBZ5DD3\r\n\r\n1-0:0.0.0*255(1EBZ)\r\n") == ["p1", "d0"]
    assert _found(b"\x02F.F(00)\r\n") == ["d0"]


def test_nothing_in_noise():
    assert _found(bytes([255, 0, 128]) * 40) == []
    assert _found(b"") == []
    assert _found(b"1-0:1.8.1(000345.601*kWh)\r\n0-0:98.1.0(1)(1-0:1.6.0)(200501000000S)(03.695*kW)\r\n!") == []  # P1, cut
    assert _found(bytes.fromhex("7ea02a410883130414e6e6")) == []  # the header's check sequence is wrong


def test_a_mark_across_chunks_is_found_once_its_last_byte_is_there():
    for data, names in ((_LINES, ["p1"]), (_AIDON, ["hdlc"]), (bytes.fromhex("1b1b1b1b01"), ["sml"])):
        for cut in range(1, 12):
            search = Search()
            known = []
            for part in (data[:cut], data[cut:]):
                known += _found(part, known, search)
            assert known == names, (data, cut)
        search = Search()
        known = []
        for i in range(len(data)):
            known += _found(data[i : i + 1], known, search)
        assert known == names


def test_the_window_holds_the_whole_mark():
    search = Search()
    _found(_AIDON[:7], (), search)
    assert _found(_AIDON[7:], (), search) == ["hdlc"]
    assert bytes(search.window) == _AIDON and search.before == 7


def test_marks_inside_another_protocols_frame_mean_nothing():
    # an LLC header is part of every HDLC frame
    assert _found(_AIDON[7:], ["hdlc"]) == []
    assert _found(bytes.fromhex("db0853494d4c55"), ["mbus"]) == []
    assert _found(bytes.fromhex("68fafa6853ff000167db0853494d1000"), ["dlms"]) == ["mbus"]
    assert _found(bytes.fromhex("db0853494d4c55"), ["dlms"]) == []
    # among ciphered bytes there may be text, which is no reason to stop listening for what is ciphered
    assert _found(b"\xdb\x08SIM\x10\0\0\0\x01\x82\x02\x00/ABC5") == ["dlms", "p1"]
    assert _found(bytes.fromhex("db0853494d4c55"), ["p1"]) == ["dlms"]


def test_the_belgian_s1_port():
    search = Search()
    assert _found(_S1, (), search) == [] and search.s1
    damaged = bytearray(_S1)
    damaged[25] ^= 1
    search = Search()
    assert _found(bytes(damaged), (), search) == [] and not search.s1


def test_the_window_holds_the_identification_before_the_first_mark_of_d0():
    search = Search()
    telegram = b"/ESY5Q3DA1024 V3.03\r\n\r\n1-0:0.0.0*255("
    known = []
    for octet in b"noise" * 20 + telegram:
        known += search.look(memoryview(bytes((octet,))), known)
    assert known == ["p1", "d0"]
    assert telegram in search.window
