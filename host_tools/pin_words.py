"""What `meterbridge unlock` says: phases, results and reasons of the dongle's session (words) in, sentences for the meter's owner out."""

PHASES = {
    "checking": "looking whether the meter waits for its PIN",
    "waiting": "waiting: 125 s after the last light any meter is at its normal display",
    "pulsing": "entering the PIN by light, up to 70 s: do not touch the head",
    "judging": "the PIN is entered; waiting for what the meter makes of it",
    "open": "the meter's menu is open",
    "countdown": "a long press comes",
    "keeping": "the meter is kept unlocked by a flash each 100 s",
}
AGAIN = "the last PIN failed or was broken off, and some meters lock for a time after several: compare it with its letter, and look how the head sits"
COMPARE = "InF OFF"  # what the display must say before a long press
SWITCHED = "InF On"
ERASES = "on another page a long press may delete what the meter keeps"
TAKEN = "The meter took the PIN: it sends its power and all digits."
FALLS = "It hides them again 120 s after the last flash, unless its menu's page InF says On."
STEPPER = f"""
Look at the meter's display and go to the page that says  {COMPARE}  (about 7 short presses on most meters).
  Enter or n   a short press: the next page
  h            a long press, only when the display says  {COMPARE}
  q            no more presses; if there is no such page, the setting unlock_keep_alive keeps the meter unlocked
"""
HELD = f"  The long press is over. If the display says  {SWITCHED}  now: q. If not, go on with Enter."
PROOF = "No more light now: a meter whose InF is off hides everything again within 130 s, one whose InF is on does not."

# How a session ended: whether that is what the owner wanted; what it means; what to do.
_RESULTS = {
    "entered": (True, TAKEN, ""),
    "by_pin": (True, TAKEN, FALLS),
    "stays": (True, "The meter stays unlocked: its InF is on.", "Nothing more is to be done; most meters stay so after a power cut too."),
    "already_unlocked": (True, "The meter shows all it has already: no PIN is needed.", ""),
    "installation?": (
        True,
        "The meter shows all it has at this moment, perhaps only since its power came.",
        "Some meters do so for 30 minutes after power-up. If it hides it again then, run this command again.",
    ),
    "no_change": (
        False,
        "The PIN changed nothing: it is wrong, or the head's light does not reach the meter's eye.",
        "Compare it with its letter. Watch the display during the next try (--again): if it does not count digits, move or turn the head and\n"
        "cover it from daylight; if it counts, the PIN is wrong.",
    ),
    "nothing_seen": (
        False,
        "The PIN changed nothing, and the head saw nothing of its own light: it sits wrongly, or its LED does not shine.",
        "Put the head flat on the meter's eye, and see with a phone's camera whether its LED shines during the next try (--again).",
    ),
    "meter_silent": (
        False,
        "The meter went silent, so nothing can be said about the PIN.",
        "Did the head move, or the meter lose its power? See with --status that the meter is heard, then give --again.",
    ),
    "broken": (
        False,
        "The pulses were broken off: the meter may have counted half a PIN as a wrong one.",
        "Run this command again with --again.",
    ),
    "cancelled": (
        False,
        "It was cancelled: on the console, by the broker, or by the dongle itself, which had no memory for it.",
        "If that was not you: meterbridge export --what log says more.",
    ),
    "inf_off": (
        False,
        "The meter took the PIN and hid everything again after two minutes: its InF is off.",
        f"Run this command again and go with short presses to  {COMPARE},  then hold. For a meter without that page there is the setting\n"
        "unlock_keep_alive: the dongle then keeps it unlocked by a flash each 100 s.",
    ),
    "installation_over": (
        False,
        "The meter is locked: its 30 minutes after power-up, in which it showed all, are over. That is no fault.",
        "Run this command again.",
    ),
    "locked_again": (False, "The meter is locked again: a power cut, or somebody at its menu.", "Run this command again."),
    "": (False, "What was under way is gone: did the dongle restart?", "Run this command again."),
}
_STATES = {
    "missing": (False, "The meter sends whole kWh only and waits for its PIN.", ""),
    "pending": (False, "A PIN is on its way.", ""),
    "entered": (True, "The meter shows all it has.", ""),
    "failed": (False, "The last PIN failed.", ""),
}
_UNKNOWN = (False, "The dongle tells something that this program does not know: is its firmware newer?", "Renew this program.")


def result(word: str) -> tuple[bool, str, str]:
    """How a session ended: well?, what it means, what to do ("": nothing)."""
    return _RESULTS.get(word, _UNKNOWN)


def state(pin: dict) -> tuple[bool, str, str]:
    """The same of a status without a session."""
    return _RESULTS[pin["reason"]] if pin["reason"] and pin["reason"] in _RESULTS else _STATES.get(pin["state"], _UNKNOWN)


def why_not(error: str, port: str) -> str:
    """What a refused command means."""
    if "no command" in error:
        return f"{port}: its firmware is too old to enter a PIN; renew it: meterbridge deploy --port {port}"
    if "no light" in error:
        return f"{port}: this dongle has no light for a meter's eye: it takes an IR head with an LED, and meter_protocol auto or sml in its settings"
    if "no memory" in error:
        return f"{port}: the dongle has no memory for it at this moment; run the same command again in a minute"
    return f"{port}: {error}"


def no_meter(protocol: str, port: str) -> str:
    """No meter with a PIN is heard; `protocol`: what is heard, or ""."""
    if protocol and protocol not in ("auto", "sml"):
        return f"{port}: the meter speaks {protocol} and has no PIN that light could enter: this is for German meters with SML"
    return f"{port}: the dongle hears no SML meter: put its head on the meter's front eye (the metal ring), wait 10 s, run this command again"
