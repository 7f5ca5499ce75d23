"""Sequences against a plain set of numbers."""

from bridge.push.sequences import Sequences


def test_ranges_that_touch_are_one():
    s = Sequences()
    s.add(5, 6)
    s.add(9, 9)
    s.add(7, 8)
    assert s.missing(5) == 10 and s.missing(4) == 4 and s.missing(10) == 10
    assert s.next_after(1) == 5 and s.next_after(5) == 6 and s.next_after(9) is None


def test_against_a_plain_set():
    state = 7
    for _ in range(200):
        s, plain = Sequences(), set()
        for _ in range(12):
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
            first = state >> 8 & 63
            last = first + (state >> 16 & 3)
            if state >> 20 & 3 == 0:
                s.forget_below(first)
                plain = {n for n in plain if n >= first}
            else:
                s.add(first, last)
                plain.update(range(first, last + 1))
            for n in range(70):
                want = n
                while want in plain:
                    want += 1
                assert s.missing(n) == want
                above = [m for m in plain if m > n]
                assert s.next_after(n) == (min(above) if above else None)


def test_a_copy_is_its_own():
    s = Sequences()
    s.add(1, 2)
    copy = Sequences(s)
    copy.add(3, 4)
    copy.forget_below(2)
    assert s.missing(1) == 3


def test_bounded_by_forgetting_the_oldest():
    s = Sequences()
    for n in range(0, 200, 2):
        s.add(n, n)
    assert s.missing(198) == 199
    assert s.next_after(-1) > 160
