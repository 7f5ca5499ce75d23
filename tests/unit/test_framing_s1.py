"""The S1 port: the published sample is recognised, whatever lies around it; a damaged one and other links are not."""

from bridge.framing.s1 import is_s1

SAMPLE = bytes.fromhex("7e802bff033153494d303030303030303030310a34c35c0723f00004d2ee08fffd97ee08fffd97000000dfd67e")
HDLC = bytes.fromhex("7ea02a410883130413e6e7000f40000000000101020309060100010700ff060000026502020f00161be7787e")


def test_recognised():
    assert len(SAMPLE) == 45 and is_s1(SAMPLE, 0, 45) and is_s1(bytearray(SAMPLE), 0, 45)
    for before in (b"\x7e", b"\x7e\x80\x2b", SAMPLE[:30], SAMPLE[20:], bytes(100), b"\x7e\x80\x2b" * 30):
        data = before + SAMPLE + SAMPLE[:7]
        assert is_s1(data, 0, len(data)) and is_s1(data, len(before), len(before) + 45)
        assert not is_s1(data, len(before) + 1, len(data)) and not is_s1(data, 0, len(before) + 44)


def test_not_recognised():
    for at in range(45):
        for bit in range(8):
            data = bytearray(SAMPLE)
            data[at] ^= 1 << bit
            assert not is_s1(data, 0, 45), (at, bit)
    for data in (b"", SAMPLE[:44], SAMPLE[1:], HDLC * 9, b"\x7e\x80\x2b" * 300, bytes(500)):
        assert not is_s1(data, 0, len(data))
