"""Sequences against a plain set of numbers."""

from bridge.push.sequences import Sequences


def acknowledge(s, first, last):
    s.add(first, last, 0)
    s.join()


def test_gaps_between_what_is_there_or_on_its_way():
    s = Sequences(1)
    assert s.gap(10) == (1, 10)
    s.add(4, 5, 7)
    acknowledge(s, 8, 8)
    assert s.gap(10) == (1, 4)
    s.add(1, 3, 8)
    assert s.gap(10) == (6, 8)
    s.add(6, 7, 9)
    assert s.gap(10) == (9, 10)
    first, stop = s.gap(9)
    assert first >= stop


def test_the_start_moves_over_what_is_acknowledged_without_a_hole():
    s = Sequences(1)
    for packet_id, seq in ((5, 3), (6, 1), (7, 2)):
        s.add(seq, seq, packet_id)
    assert s.settle({6: 0, 7: 0}) == 3 and s.next == 1
    assert s.settle({6: 0, 7: 0}) == -1
    assert s.settle({7: 0}) == 1 and s.next == 2
    assert s.settle({}) == 2 and s.next == 4 and s.ranges == []


def test_what_was_on_its_way_when_the_connection_broke_is_missing_again():
    s = Sequences(1)
    s.add(1, 2, 5)
    acknowledge(s, 3, 3)
    s.forget()
    assert s.gap(9) == (1, 3)
    s.add(1, 2, 6)
    s.settle({})
    assert s.next == 4


def test_a_reading_sent_twice_and_one_that_only_waits_for_its_answer():
    s = Sequences(1)
    s.add(1, 1, 5)
    s.add(1, 1, 6)
    assert s.settle({6: 0}) == 1 and s.next == 2
    s.add(4, 3, 7)  # number 4 without a time: it is still to be delivered
    assert s.settle({}) == 4 and s.next == 2
    assert s.gap(9) == (2, 9)


def test_against_a_plain_set():
    state = 7
    for _ in range(200):
        s, plain = Sequences(0), set()
        for _ in range(12):
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
            first = state >> 8 & 63
            last = first + (state >> 16 & 3)
            acknowledge(s, first, last)
            plain.update(range(first, last + 1))
            want = 0
            while want in plain:
                want += 1
            assert s.next == want
            above = [n for n in plain if n > want]
            assert s.gap(99) == (want, min(above) if above else 99)


def test_bounded_by_forgetting_the_oldest():
    s = Sequences(-5)
    for n in range(0, 200, 2):
        acknowledge(s, n, n)
    first, stop = s.gap(300)
    assert first == -5 and stop > 160
