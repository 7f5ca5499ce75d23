"""Fixed addresses as owners type them; expected values worked out by hand."""

from bridge.core.ipv4 import parse


def test_good_ones():
    for text, wants in (
        ("192.168.1.20/24 192.168.1.1", ("192.168.1.20", "255.255.255.0", "192.168.1.1", "192.168.1.1")),
        ("  192.168.1.20/24   192.168.1.1  9.9.9.9 ", ("192.168.1.20", "255.255.255.0", "192.168.1.1", "9.9.9.9")),
        ("10.1.2.3/8 10.255.255.254", ("10.1.2.3", "255.0.0.0", "10.255.255.254", "10.255.255.254")),
        ("172.16.5.9/22 172.16.4.1 172.16.7.2", ("172.16.5.9", "255.255.252.0", "172.16.4.1", "172.16.7.2")),
        ("192.168.1.2/30 192.168.1.1", ("192.168.1.2", "255.255.255.252", "192.168.1.1", "192.168.1.1")),
    ):
        assert parse(text) == wants, text


def test_bad_ones_are_told_what_is_wrong():
    for text, wants in (
        ("192.168.1.20", "is not an address, a gateway"),
        ("a b c d", "is not an address, a gateway"),
        ("192.168.1.20 192.168.1.1", "has no network size after the address, such as /24"),
        ("192.168.1.20/ 192.168.1.1", "has no network size"),
        ("192.168.1.20/24/ 192.168.1.1", "has no network size"),
        ("192.168.1.20/33 192.168.1.1", "has no network size"),
        ("192.168.1.20/-1 192.168.1.1", "has no network size"),
        ("192.168.1.256/24 192.168.1.1", "has 192.168.1.256 where an address belongs"),
        ("192.168.1/24 192.168.1.1", "has 192.168.1 where an address belongs"),
        ("192.168.1.2.3/24 192.168.1.1", "has 192.168.1.2.3 where"),
        ("192.168..2/24 192.168.1.1", "has 192.168..2 where"),
        ("192.168.1.20/24 router", "has router where an address belongs"),
        ("192.168.1.20/24 192.168.2.1", "has a gateway that is not another device of the same network"),
        ("192.168.1.20/24 192.168.1.20", "has a gateway that is not another device"),
        ("192.168.1.0/24 192.168.1.1", "has the address of a whole network"),
        ("192.168.1.255/24 192.168.1.1", "has the address of a whole network"),
        ("192.168.1.20/24 192.168.1.1 dns", "has dns where an address belongs"),
    ):
        try:
            parse(text)
        except ValueError as error:
            assert str(error).startswith(wants), (text, str(error))
        else:
            assert False, text
