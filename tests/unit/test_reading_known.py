"""What a builder tells the P1 decoder of the next telegram changes no reading: two builders, one that does and one that does not.

In machine code the known numbers go to their slots without a call; elsewhere both ways are the same.
"""

from bridge.decoding import p1
from bridge.framing.frame import Frame
from bridge.reading.builder import Builder

try:
    from registers import NOON
except ImportError:
    from tests.unit.registers import NOON

LINES = (
    b"1-3:0.2.8(50)", b"0-0:1.0.0(250115130001W)", b"0-0:96.1.1(4530)", b"1-0:1.8.1(000100.%03d*kWh)", b"1-0:1.8.2(000200.%03d*kWh)",
    b"0-0:96.14.0(0002)", b"1-0:1.7.0(00.%03d*kW)", b"1-0:2.7.0(00.000*kW)", b"0-0:96.7.21(00003)", b"1-0:32.7.0(230.1*V)",
    b"0-0:96.13.0()", b"1-0:31.7.0(001*A)", b"0-1:24.1.0(003)", b"0-1:24.2.1(250115130000W)(00123.%03d*m3)",
)  # fmt: skip


def frame_of(lines):
    data = b"/XXX5TEST\r\n\r\n" + b"\r\n".join(lines) + b"\r\n!"
    frame = Frame("p1", bytearray(data))
    frame.end = len(data)
    frame.checksum = "crc16"
    return frame


def filled(number):
    return [line % number if b"%" in line else line for line in LINES]


def telegrams():
    yield filled(1)
    yield filled(2)
    yield filled(3)
    odd = filled(4)
    odd[3] = b"1-0:1.8.1(000099.000*kWh)"  # a counter falls
    yield odd
    yield filled(5)
    odd = filled(6)
    odd[10] = b"0-0:96.13.0(4142)"
    odd.insert(5, b"1-0:2.8.1(000001.000*kWh)")  # one more register: all behind it move
    yield odd
    yield filled(7)
    odd = filled(8)
    odd[6] = b"1-0:1.7.0(00.1234*kW)"  # other decimals
    odd[5] = b"0-0:96.14.0(x)"
    odd[9] = b"1-0:32.7.0(9999999.1*V)"
    odd[11] = b"1-0:31.7.0(-001*A)"
    yield odd
    yield filled(9)
    odd = filled(10)
    odd[3] = b"1-0:1.8.1(1234567890.123*kWh)"  # longer than machine code reads
    odd[8] = b"0-0:96.7.21(0000000000003)"
    yield odd
    odd = filled(11)
    odd[7] = b"1-0:2.7.0(00.000*kVA)"  # a unit that does not belong there
    odd[2] = b"0-0:96.1.1(4531)"  # another meter, whose counters are lower
    odd[3] = b"1-0:1.8.1(000001.000*kWh)"
    yield odd
    yield [odd[2], odd[3]]


def shown(reading):
    return [(id, reading.text(id)) for id in reading.items()], reading.time, reading.time_source, reading.meter.id, reading.meter.message


def test_readings_are_the_same_with_and_without():
    knowing, plain = Builder(), Builder()
    emitted = []
    seq = 0
    for lines in telegrams():
        seq += 1
        frame = frame_of(lines)
        count = 0

        def add(register):
            nonlocal count
            count += 1
            knowing.add(register)

        knowing.begin(frame)
        p1.decode(frame, add, knowing.values)
        plain.begin(frame)
        p1.decode(frame, plain.add)
        emitted.append(count)
        first, second = knowing.finish(seq, NOON, 1), plain.finish(seq, NOON, 1)
        assert shown(first) == shown(second), seq
        assert knowing.counters.as_dict() == plain.counters.as_dict(), seq
    assert emitted[0] == len(LINES)
    if p1.run:  # texts, the clock and the gas with its time are left
        assert emitted[2] == 6, emitted
    assert plain.counters.get("counter_falls") >= 1


def test_a_telegram_that_ends_in_an_error_leaves_no_trace():
    builder = Builder()
    for number in (1, 2, 3):
        frame = frame_of(filled(number))
        builder.begin(frame)
        p1.decode(frame, builder.add, builder.values)
        if number != 2:
            reading = builder.finish(number, NOON, 1)
    assert dict(shown(reading)[0])[1] == "100003"
