"""What happens on the way of a PIN, for people: words of the dongle's status in, a title and a text in plain words out. No PIN is in any of them."""

GOOD, BAD, WARN, CALM = "good", "bad", "warn", "calm"
STEPS = ("look", "wait", "flash", "verdict")
IDLE_S = 125  # darkness that the dongle waits for: every meter is back at its normal display after 120 s
# Word: (step that it belongs to, 4 when all are done; colour; seconds that its countdown counts from; title; text)
_WORDS = {
    "start": (0, CALM, 0, "waiting for the first reading", "The dongle starts and listens to the meter. It keeps its light dark."),
    "idle": (0, CALM, 0, "nobody asked for the PIN to be entered",
             "This meter sends whole kWh and no power until its eye has seen its PIN. To see the dongle enter it by light:\n"
             "make run METER=sml-locked PIN=1234"),
    "asked": (0, CALM, 0, "the owner asks the dongle to enter the PIN", "The request is typed on the dongle's serial console."),
    "forgotten": (0, WARN, 0, "the dongle was started anew", "The PIN was in its memory only, and is gone. Nothing is entered until it is asked again:\n{command}"),
    "checking": (0, CALM, 0, "looking whether the meter waits for its PIN",
                 "The dongle reads three telegrams first. A meter that already shows all it has is left alone."),
    "waiting": (1, CALM, IDLE_S, "waiting until the meter rests",
                "The dongle cannot know what light the meter saw before it started, and a meter remembers that for two minutes. "
                "A flash now might run into half a PIN."),
    "pulsing": (2, WARN, 0, "entering the PIN by light", ""),
    "judging": (3, WARN, 15, "waiting for what the meter makes of it",
                "The meter checks the four digits. The dongle sees no display: it looks for decimals and a power in the next telegrams."),
    "open": (4, GOOD, 130, "the meter took the PIN",
             "It sends decimals and its power now. Without InF it locks again after two minutes of dark; the way to InF is:\n{command} --next"),
    "countdown": (4, WARN, 5, "a long press comes", "Only right if the meter's display says InF OFF. 'unlock cancel' on the console ends it."),
    "keeping": (4, GOOD, 0, "kept alive by a flash each 100 s", "This keeps a meter open that has no InF. A flash each 100 s, and the PIN again every 20 minutes."),
    "stays": (4, GOOD, 0, "the meter stays unlocked", "It was dark for two minutes and still sends all it has: InF is on."),
    "all": (4, GOOD, 0, "the meter shows all it has already", "There is no PIN to be entered, and the dongle does not shine."),
    "install": (0, GOOD, 0, "the meter shows all it has, for now",
                "Some meters send everything for 30 minutes after their power came (installation mode), as this one does: the dongle refuses to shine. "
                "The owner asks again when the meter waits for its PIN."),
    "already_unlocked": (4, GOOD, 0, "the meter shows all it has already", "There is no PIN to be entered: the dongle did not shine."),
    "no_change": (4, BAD, 0, "failed: the PIN changed nothing",
                  "Either this is not the meter's PIN, or the light does not reach its eye. The dongle tries once and never again by itself: "
                  "some meters lock after several wrong PINs.\nOnce more, by hand: {command} --again"),
    "nothing_seen": (4, BAD, 0, "failed: the light was not seen",
                     "The PIN changed nothing, and the head did not even see its own light: it may sit wrongly on the meter."),
    "meter_silent": (4, BAD, 0, "failed: the meter went silent", "No telegram came when the verdict was due. Nothing more is tried."),
    "broken": (4, BAD, 0, "the flashes were broken off", "Only part of the PIN was sent. The meter fills it up and refuses it; nothing more is tried."),
    "cancelled": (4, WARN, 0, "cancelled by its owner", "The light is dark, and the dongle has forgotten the PIN."),
    "inf_off": (4, WARN, 0, "locked again after two minutes, as InF is off",
                "All went well, the PIN was right. An owner switches InF on while the menu is open: through it with --next, "
                "and --hold where the display says InF OFF.\n{command} --next"),
    "locked_again": (4, WARN, 0, "locked again", "The meter hides its power again: its power failed, or somebody was at it."),
    "installation_over": (4, WARN, 0, "locked: its 30 minutes are over", "The installation mode after power-up has ended. Now the PIN is needed."),
}
# While there is nothing to be seen: a sentence for each dozen seconds.
_MEANWHILE = (
    "A digit is so many flashes of 0.4 s. After 3 s of dark the meter takes it.",
    "A 0 is no flash at all: the dongle waits until the meter takes it.",
    "It tries once: a wrong PIN is never followed by another one by itself.",
    "Never a long flash by itself: on some pages of the menu it deletes values.",
    "The PIN is in no log and no status, and forgotten after the last flash.",
    "Owners get their meter's PIN free of charge from their meter's operator.",
)
_EACH_S = 12


def told(word: str, left_s: int = 0, command: str = "meterbridge unlock") -> tuple[int, str, int, str, str]:
    """(step, colour, seconds of the whole countdown, title, text) of a word; one that is not known stands for itself. `command`: the owner's, for this dongle."""
    step, colour, span, title, text = _WORDS.get(word, (4, CALM, 0, word.replace("_", " "), ""))
    if word == "waiting":
        text += "\n" + _MEANWHILE[left_s // _EACH_S % len(_MEANWHILE)]
    return step, colour, span, title, text.replace("{command}", command)


def pulsing(taken: int, flashes: int, state: str) -> str:
    """What the light does at this moment, by what the meter shows: digits taken, flashes of the next one."""
    if state == "check":
        return "All four digits are in. The light stays dark while the meter checks them."
    if state == "PIN entry":
        seen = "no flash yet, and a 0 has none" if not flashes else f"{flashes} flash{'es' if flashes > 1 else ''} so far"
        return f"Digit {taken + 1} of 4: {seen}. 3 s of dark, and it is taken."
    if state == "test":
        return "The first flash woke the meter: it shows all its segments. The second one opens the entry of the PIN."
    return "Two flashes wake the meter. What it sends meanwhile is not read: the light may blind the head."


def meter_does(state: str, taken: int, last: str, inf: bool = False) -> tuple[str, str]:
    """(what the meter does, colour) by the state of its eye and the newest thing that happened to it."""
    if state == "PIN entry":
        return f"the meter waits for digit {taken + 1}", WARN
    if state == "normal" and last in ("wrong", "back"):
        return ("the meter: wrong PIN", BAD) if last == "wrong" else ("two minutes dark: locked again", WARN)
    if inf and state in ("normal", "menu"):
        return "InF is on: it stays unlocked", GOOD
    words = {"normal": ("normal display", CALM), "test": ("display test", WARN), "check": ("the meter checks the PIN", WARN),
             "menu": ("unlocked, its menu is open", GOOD), "locked": ("locked after wrong PINs", BAD)}
    return words.get(state, (state, CALM))
