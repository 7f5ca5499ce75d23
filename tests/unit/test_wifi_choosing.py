"""Which access point is joined, and what the driver's codes say: worked out by hand."""

from bridge.wifi.choosing import by_name, order, stronger
from bridge.wifi.reasons import ABSENT, OTHER, PASSWORD, why

NETWORKS = (("home", "a"), ("shed", "b"), ("K\u00fcche", "c"))


def _point(name, last, rssi):
    return (name.encode(), bytes((2, 0, 0, 0, 0, last)), 6, rssi, 3, False)


def _mac(last):
    return bytes((2, 0, 0, 0, 0, last))


def test_known_networks_by_signal_then_the_unseen_by_name():
    found = [_point("home", 1, -80), _point("stranger", 9, -30), _point("K\u00fcche", 2, -60), _point("home", 3, -70), _point("", 4, -20)]
    assert order(found, NETWORKS, 0) == [(2, _mac(2)), (0, _mac(3)), (0, _mac(1)), (1, None)]
    assert order([], NETWORKS, 1) == [(1, None), (2, None), (0, None)]
    assert order([_point("homes", 1, -10), _point("hom", 2, -10), _point("HOME", 3, -10)], NETWORKS[:1], 0) == [(0, None)]


def test_a_scan_is_not_tried_through_without_end():
    found = [_point("home", last, -90 + last) for last in range(60)]
    plan = order(found, NETWORKS, 0)
    assert plan == [(0, _mac(last)) for last in (59, 58, 57, 56, 55, 54)] + [(1, None), (2, None)]


def test_by_name_the_last_joined_is_first():
    assert by_name(NETWORKS, 2) == [(2, None), (0, None), (1, None)]
    assert by_name(NETWORKS[:1], 0) == [(0, None)]


def test_only_what_is_ten_db_stronger_is_worth_going_over():
    found = [_point("home", 1, -82), _point("home", 2, -73), _point("shed", 3, -40)]
    assert stronger(found, "home", -82) is None
    assert stronger(found + [_point("home", 4, -72)], "home", -82) == (_mac(4), -72)
    assert stronger(found + [_point("home", 4, -72), _point("home", 5, -50)], "home", -82) == (_mac(5), -50)
    assert stronger([], "home", -90) is None


def test_the_words_name_the_setting_that_is_to_be_looked_at():
    for code in (1000, 1001, 1010):
        assert why(code) == (0, "")
    assert why(202) == (PASSWORD, "wrong password: check wifi_password")
    assert why(202, 2) == (PASSWORD, "wrong password: check wifi_password_3")
    assert why(15, 1)[0] == why(204)[0] == why(14)[0] == PASSWORD and "wifi_password_2" in why(15, 1)[1]
    assert why(201)[0] == ABSENT and "not found" in why(201)[1]
    assert why(2)[0] == why(203)[0] == why(200)[0] == OTHER
    assert why(77) == (OTHER, "reason 77")
