"""Which access point to join: what a scan found and the known networks in, (network, BSSID) in the order of trying out. Pure."""

from micropython import const

_MOST = const(6)  # a house full of access points is not tried through
_BETTER_DB = const(10)  # what going over is worth: it costs seconds without a network


def order(found, networks, first: int) -> list:
    """[(number, bssid)]: known networks by signal; then, by name alone (BSSID None), those that no scan shows, `first` before the others.

    `found`: tuples of WLAN.scan(); `networks`: (name, password) each.
    """
    names = [name.encode() for name, _ in networks]
    seen = [one for one in found if one[0] in names]
    seen.sort(key=lambda one: -one[3])
    plan = [(names.index(one[0]), bytes(one[1])) for one in seen[:_MOST]]
    return plan + by_name(networks, first, [number for number, _ in plan])


def by_name(networks, first: int, without=()) -> list:
    """[(number, None)] of all networks but those in `without`, `first` before the others."""
    count = len(networks)
    turn = [(first + i) % count for i in range(count)]
    return [(number, None) for number in turn if number not in without]


def stronger(found, name: str, rssi: int):
    """(BSSID, its dBm) of the strongest access point of network `name` that is worth going over to from one with `rssi`; None without."""
    best = None
    for one in found:
        if one[0] == name.encode() and one[3] >= rssi + _BETTER_DB and (best is None or one[3] > best[1]):
            best = bytes(one[1]), one[3]
    return best
