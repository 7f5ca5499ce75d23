"""Runs before main.py: the files slot and starts in; the folder of the firmware to run first on sys.path, and `why_safe`, a text, out.

It imports nothing of the firmware and trusts no file: whatever they hold, the serial console stays its owner's.

    slot      "a": the firmware in folder a. "b a 2 0.3.0": that in b, version 0.3.0, is on trial; back to a after two more starts.
              "a - some text": a, and how the last update ended.
    starts    "2 ? text": starts that failed, counting the one that goes on (?) or not (!), and why the last one did. Gone once one was healthy.
"""

import gc
import os
import sys

why_safe = ""  # why only safe mode is to be started; "": the usual start
_SLOTS = ("a", "b")
_MOST_FAILED = 3
_LONGEST = 200  # bytes of such a file
_POWER_ON, _WATCHDOG, _SOFT = 1, 3, 5  # machine.reset_cause() of the ESP32 port


def read(path: str) -> str:
    """The beginning of a file as text, "" when there is none or it is not text."""
    try:
        with open(path, "rb") as file:
            return str(file.read(_LONGEST), "utf-8").strip()
    except (OSError, ValueError, MemoryError):
        return ""


def put(path: str, text: str) -> bool:
    """Replaces a file in one step; whether that could be done."""
    try:
        with open(path + ".new", "w") as file:
            file.write(text[:_LONGEST])
        os.rename(path + ".new", path)
        return True
    except OSError:
        return False


def starts() -> tuple:
    """(failed starts, "?" while the last one may still become healthy, why the last one failed)."""
    words = read("starts").split(" ", 2) + ["", "", ""]
    return min(int(words[0]), _MOST_FAILED) if words[0].isdigit() else 0, words[1], words[2]


def failed(why: str) -> None:
    """Notes why this start failed."""
    count = starts()[0]
    put("starts", "%d ! %s" % (count or 1, why.replace("\n", " ")))


def healthy() -> None:
    """No start failed."""
    try:
        os.remove("starts")
    except OSError:
        pass


def usable(slot: str) -> bool:
    """Whether that folder holds a firmware, as far as can be seen at a glance."""
    try:
        return any([name.startswith("app.") for name in os.listdir(slot + "/bridge")])
    except OSError:
        return False


def slot_of(cause: int) -> str:
    """The folder of the firmware to run, "" when there is none; a start of a trial is counted, one that had its starts is given up."""
    words = read("slot").split(" ", 3)
    slot = words[0] if words and words[0] in _SLOTS else _SLOTS[0]
    if len(words) > 2 and words[1] in _SLOTS and words[1] != slot:
        left = int(words[2]) if words[2].isdigit() else 0
        # A count that cannot be written would never end.
        if cause != _SOFT and not (left and usable(slot) and put("slot", " ".join([slot, words[1], str(min(left, _MOST_FAILED) - 1)] + words[3:]))):
            why = starts()[2] if left == 0 else "it could not be started"
            slot = words[1]
            put("slot", "%s - update %swas taken back: %s" % (slot, words[3] + " " if words[3:] else "", why or "it was reset"))
            healthy()
    for other in (slot,) + _SLOTS:
        if usable(other):
            return other
    return ""


def count(cause: int) -> str:
    """Counts a start that is to become healthy; why it shall be safe mode instead, or ""."""
    number, mark, why = starts()
    if cause == _POWER_ON and (mark == "?" or number >= _MOST_FAILED):
        number -= 1  # power that goes is no fault of the firmware's; one who takes it away in safe mode wants it to try again
    elif mark == "?":
        why = "the watchdog had to reset it" if cause == _WATCHDOG else "it was reset before it ran for long"
    if number >= _MOST_FAILED:
        put("starts", "%d ! %s" % (number, why))
        return why or "unknown"
    put("starts", "%d ? %s" % (max(number, 0) + 1, why))
    return ""


def begin() -> str:
    """All of it; why it shall be safe mode, or ""."""
    try:
        import machine

        cause = machine.reset_cause()
    except (ImportError, AttributeError):
        cause = 0
    slot = slot_of(cause)
    if slot:
        sys.path.insert(0, os.getcwd().rstrip("/") + "/" + slot)
    return "" if cause == _SOFT else count(cause)  # after a soft reset the owner is at the prompt


def safe(why: str):
    """Safe mode, by whichever copy of the firmware can do it; None when none can."""
    here = sys.path[0]
    for folder in (here, here[:-1] + ("a" if here.endswith("/b") else "b")):
        for name in [name for name in sys.modules if name.startswith("bridge")]:
            del sys.modules[name]
        sys.path[0] = folder
        try:
            from bridge.safe import Safe

            return Safe(why)
        except Exception as error:
            print("safe mode from %s:" % folder, error)
    print("meterbridge cannot start: no copy of the firmware on this board is whole (%s)." % why)
    print("Nothing but this prompt runs. Bring the firmware back from a computer: meterbridge deploy --port PORT --board BOARD")


if __name__ == "__main__":
    try:
        why_safe = begin()
    except Exception as error:
        print("boot.py:", error)
    for _name in ("read", "put", "starts", "failed", "healthy", "usable", "slot_of", "count", "begin", "safe", "_name"):
        globals().pop(_name, None)
    gc.collect()
