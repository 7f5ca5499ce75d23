"""What the eyes of German meters do differently: a profile's name in, its times (seconds), menu and habits out. From the makers' manuals.

A menu's entries: what a short pulse goes through. A long one switches InF and PIN, and erases at CLr and at the past days.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

INF, PIN = "InF", "PIN"
TWICE = "HIS CLr"  # erases at the second long pulse only
ERASES = ("E CLr", TWICE, "1d", "7d", "30d", "365d")
_MENU = ("P", "E", "1d", "7d", "30d", "365d", TWICE, INF, PIN, "back")
_MENU_E_CLR = ("P", "E", "E CLr", *_MENU[2:])
_MENU_OLD = ("P", "E", "1d", "7d", "30d", "365d", TWICE, "back")  # no InF, no PIN
_MENU_LONG = ("P", "E", "L1", "L2", "L3", "U1", "U2", "U3", "1d", "7d", "30d", "365d", TWICE, INF, PIN, "back")


@dataclass(frozen=True)
class EyeProfile:
    """Times in seconds. A pulse shorter than `shortest`, or between `short` and `long`, is none: nothing is published for it."""

    name: str
    shortest: float = 0.1
    short: float = 4.0  # the longest short pulse
    long: float = 5.0  # the shortest long pulse
    digit: float = 3.0  # without a pulse, then the digit stands
    check: float = 3.0  # after the fourth
    menu_s: float = 120.0  # without a pulse, then all is as before
    wakes: int = 2  # short pulses until the PIN can be entered; with 1 it follows by itself
    test: float = 3.0  # the display test, where the PIN follows by itself
    zero_waits: bool = True  # False: a digit without a pulse is not a 0 but still to come
    fails: int = 0  # wrong PINs until it locks; 0: never
    lock: float = 60.0
    install_min: int = 0  # minutes after power-up with the whole set
    keeps_inf: bool = True  # over a power cut
    pin_returns: bool = False  # after a power cut the PIN is asked again, though it was switched off
    menu: tuple[str, ...] = _MENU


GENERIC = EyeProfile("generic")
PROFILES: dict[str, EyeProfile] = {profile.name: profile for profile in (
    GENERIC,
    # How often a wrong PIN may come and how long it then locks, EMH does not say: 3 and 60 s are made up.
    EyeProfile("emh", short=4.5, long=4.5, fails=3, pin_returns=True),
    EyeProfile("emh-ed300l", menu=_MENU_OLD),
    EyeProfile("easymeter", shortest=0.25, menu=_MENU_OLD),  # flashes of 200 ms were not seen
    EyeProfile("dzg", wakes=1, menu=_MENU_E_CLR),
    EyeProfile("apator", wakes=1),
    EyeProfile("apator-lepus", wakes=1, digit=2.0),
    EyeProfile("iskra"),
    EyeProfile("itron", short=5.0),
    EyeProfile("sagemcom"),
    EyeProfile("sagemcom-install", install_min=30),
    EyeProfile("kaifa", menu=_MENU_LONG),
    replace(GENERIC, name="first-pulse", zero_waits=False),
)}
