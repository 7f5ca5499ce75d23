"""Why the driver joined no network, or lost it: its code (IEEE 802.11 and Espressif's) in, whether it is about the password and words out."""

from micropython import const

ABSENT, PASSWORD, OTHER = const(1), const(2), const(3)
_REASONS = {
    2: (OTHER, "the access point did not answer: a weak signal, or with WPA3 a wrong password"),
    4: (OTHER, "the access point has put it out"),
    5: (OTHER, "the access point has too many clients"),
    8: (OTHER, "left"),
    14: (PASSWORD, "wrong password: check %s"),
    15: (PASSWORD, "the access point did not take the password: check %s"),
    200: (OTHER, "access point lost"),
    201: (ABSENT, "network not found: check its name and the distance"),
    202: (PASSWORD, "wrong password: check %s"),
    203: (OTHER, "refused by the access point"),
    204: (PASSWORD, "the access point did not take the password: check %s"),
    210: (OTHER, "it has no security that this chip and its password fit: WPA2 or WPA2/WPA3 is needed, and a password if it has one"),
    211: (OTHER, "its security is weaker than this chip takes: WPA2 is needed"),
    212: (ABSENT, "its signal is too weak"),
}
# What status() goes on saying while the next try is under way.
LASTING = (201, 202, 210, 211, 212)
_UNDECIDED = (1000, 1001, 1010)


def why(code: int, number: int = 0) -> tuple:
    """(kind, words) for a code of status(), of network `number` (0 is the first); (0, "") while nothing is decided."""
    if code in _UNDECIDED:
        return 0, ""
    kind, text = _REASONS.get(code, (OTHER, "reason %d" % code))
    return kind, text.replace("%s", "wifi_password" + ("_%d" % (number + 1) if number else ""))
