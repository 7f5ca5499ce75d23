"""MQTT packets against bytes written by hand from OASIS MQTT 3.1.1, and the reader of the stream against every way to cut it."""

from bridge.push.mqtt_connect import connect_packet, refusal
from bridge.push.mqtt_packets import CONNACK, PINGRESP, PUBACK, PUBLISH, SUBACK, Incoming, MqttError, packet, string


def feed(incoming, data, step):
    """All packets in `data`, read `step` bytes at a time: list of (kind, code, packet_id, topic, payload)."""
    found = []
    at = 0
    while at < len(data):
        space = incoming.space()
        n = min(step, len(space), len(data) - at)
        space[:n] = data[at : at + n]
        incoming.add(n)
        at += n
        while True:
            kind = incoming.take()
            if not kind:
                break
            found.append((kind, incoming.code, incoming.packet_id, incoming.topic, incoming.payload))
    return found


def refused(data):
    try:
        feed(Incoming(), data, 64)
    except MqttError:
        return True
    return False


def test_remaining_length_has_the_sizes_of_table_2_4():
    for size, data in (
        (0, b"\x00"), (127, b"\x7f"), (128, b"\x80\x01"), (16383, b"\xff\x7f"), (16384, b"\x80\x80\x01"),
        (2097151, b"\xff\xff\x7f"), (2097152, b"\x80\x80\x80\x01"), (268435455, b"\xff\xff\xff\x7f"),
    ):
        assert packet(0x30, b"", size) == b"\x30" + data
        assert size < 3 or packet(0x30, b"abc", size - 3) == b"\x30" + data + b"abc"


def test_strings_count_bytes():
    assert string("a\u00e9") == b"\x00\x03a\xc3\xa9"
    assert string("") == b"\x00\x00"
    assert len(string("x" * 65535)) == 65537
    try:
        string("x" * 65536)
    except (ValueError, OverflowError):
        pass
    else:
        assert False


def test_connect_with_everything():
    made = connect_packet("mb-1", 300, "me", "pw", ("t/bridge", "offline"))
    assert made == (
        b"\x10\x2b" b"\x00\x04MQTT\x04\xee\x01\x2c" b"\x00\x04mb-1" b"\x00\x08t/bridge" b"\x00\x07offline" b"\x00\x02me" b"\x00\x02pw"
    )


def test_connect_with_nothing():
    assert connect_packet("c", 30) == b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x1e\x00\x01c"


def test_a_password_alone_has_an_empty_user():
    assert connect_packet("c", 30, "", "pw") == b"\x10\x13\x00\x04MQTT\x04\xc2\x00\x1e\x00\x01c\x00\x00\x00\x02pw"


def test_refusals_say_what_to_do():
    assert refusal(0) == ""
    assert refusal(5) == "not authorised: check mqtt_user and mqtt_password"
    assert "mqtt_user" in refusal(4)
    assert "device_name" in refusal(2)
    assert "99" in refusal(99)


def test_every_cut_gives_the_same_packets():
    stream = b"\x20\x02\x00\x00" + b"\x40\x02\x01\x02" + b"\x90\x03\x00\x07\x80" + b"\xd0\x00" + b"\x30\x06\x00\x03a/bX" + b"\x31\x04\x00\x01aY"
    whole = feed(Incoming(), stream, 256)
    assert [p[0] for p in whole] == [CONNACK, PUBACK, SUBACK, PINGRESP, PUBLISH, PUBLISH]
    assert whole[1][2] == 0x0102
    assert whole[2][1:3] == (0x80, 7)
    assert whole[4][3:] == (b"a/b", b"X")
    assert whole[5][3:] == (b"a", b"Y")
    for step in range(1, len(stream)):
        assert feed(Incoming(), stream, step) == whole


def test_a_long_publish_is_drained_and_its_neighbours_kept():
    for topic_length in (1, 600):
        body = bytes((topic_length >> 8, topic_length & 255)) + b"t" * topic_length + b"x" * 5000
        stream = b"\x30\x03\x00\x01a" + packet(0x30, body) + b"\xd0\x00"
        for step in (1, 3, 100, 256):
            incoming = Incoming()
            found = feed(incoming, stream, step)
            assert [p[0] for p in found] == [PUBLISH, PINGRESP]
            assert found[0][3] == b"a" and incoming.dropped == 1


def test_the_longest_that_fits_is_not_dropped():
    incoming = Incoming()
    found = feed(incoming, packet(0x30, b"\x00\x01t" + b"x" * 250), 256)
    assert len(found) == 1 and len(found[0][4]) == 250 and incoming.dropped == 0


def test_what_no_broker_may_send_is_refused():
    assert refused(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert refused(b"\x20\x03\x00\x00\x00")  # a CONNACK of 3 bytes
    assert refused(b"\x20\x00")
    assert refused(b"\x40\x00")
    assert refused(b"\x90\x02\x00\x01")
    assert refused(b"\xd0\x01\x00")
    assert refused(b"\x10\x00")  # a broker does not CONNECT
    assert refused(b"\x20\xff\xff\xff\xff\x01")  # a length of five bytes
    assert refused(b"\x34\x05\x00\x01a\x00\x01")  # QoS 2 was never agreed on
    assert refused(b"\x36\x05\x00\x01a\x00\x01")
    assert refused(b"\x30\x01\x00")  # no room for the topic's length
    assert refused(b"\x30\x02\x00\x05")  # a topic longer than its packet
    assert refused(b"\x32\x05\x00\x01a\x00\x09")  # QoS 1 was not asked for
    assert refused(b"\x90\xff\xff\x01")  # a long packet that is no PUBLISH
    assert refused(b"\x30\xff\xff\xff\x7f")  # 256 MB
    assert refused(b"\x30\x80\x08\xff\xff" + b"x" * 600)  # a topic longer than its long packet


def test_noise_never_raises_anything_else():
    state = 1
    for _ in range(300):
        data = bytearray(40)
        for i in range(40):
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
            data[i] = state >> 16 & 255
        refused(bytes(data))
