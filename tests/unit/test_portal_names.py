"""The portal's name server: questions as phones send them and as nobody should. Messages by RFC 1035, 4.1."""

from bridge.portal.names import answer

NAME = b"\x11connectivitycheck\x07gstatic\x03com\x00"
ADDRESS = "192.168.4.1"


def question(name=NAME, kind=1, flags=b"\x01\x00", count=1):
    return b"\xab\xcd" + flags + bytes((0, count)) + bytes(6) + name + bytes((0, kind, 0, 1))


def test_every_name_is_the_dongle():
    found = answer(question(), ADDRESS)
    assert found == b"\xab\xcd\x85\x80\x00\x01\x00\x01\x00\x00\x00\x00" + NAME + b"\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x05\x00\x04\xc0\xa8\x04\x01"
    assert answer(question(flags=b"\x00\x00"), ADDRESS)[2:4] == b"\x84\x80"
    assert answer(question() + b"\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00", ADDRESS) == found  # EDNS behind the question


def test_other_records_there_are_none():
    for kind in (28, 65, 16, 12):
        found = answer(question(kind=kind), ADDRESS)
        assert found[6:8] == b"\x00\x00" and found[12:] == NAME + bytes((0, kind, 0, 1))


def test_what_is_no_question_gets_no_answer():
    whole = question()
    for end in range(len(whole)):
        assert answer(whole[:end], ADDRESS) is None, end
    assert answer(question(flags=b"\x81\x80"), ADDRESS) is None  # an answer
    assert answer(question(flags=b"\x29\x00"), ADDRESS) is None  # an update
    assert answer(question(count=2), ADDRESS) is None and answer(question(count=0), ADDRESS) is None
    assert answer(question(b"\xc0\x0c"), ADDRESS) is None  # a name that points at itself
    assert answer(question(b"\x3f" + b"x" * 63 + b"\x00"), ADDRESS)
    assert answer(question(b"\x3fx" * 200), ADDRESS) is None
    assert answer(question((b"\x3f" + b"x" * 63) * 4 + b"\x00"), ADDRESS) is None  # 257 bytes
    for byte in range(256):
        answer(bytes((byte,)) * 40, ADDRESS)


def test_the_root():
    assert answer(question(b"\x00"), ADDRESS)[6:8] == b"\x00\x01"
