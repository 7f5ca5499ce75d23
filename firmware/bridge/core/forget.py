"""Factory reset: asked for in one start, done at the beginning of the next, whoever asked: a file that says so in; settings, secrets and readings gone.

What stays: the firmware, access.json (token and password that are on the owner's paper), board.json, the key of the updates, and the count
of starts, without which two readings could get one name.
"""

import os

_ASKED = "forget"  # holds the folder below which readings lie
_FILES = ("config.json", "meter.json", "starts")  # and copies of each: settings hold secrets
_FOLDERS = ("journal", "profile", "log")
_CERTIFICATES = (".der", ".pem", ".crt", ".cer")


def ask(storage: str) -> None:
    """The next start shall do it. OSError from the flash."""
    with open(_ASKED + ".new", "w") as file:
        file.write(storage)
    os.rename(_ASKED + ".new", _ASKED)


def finish() -> None:
    """Does it if it was asked for. A power cut on the way is no matter: the next start goes on."""
    try:
        with open(_ASKED, "rb") as file:
            storage = str(file.read(64), "utf-8")
    except (OSError, ValueError):
        storage = ""
    for name in _FILES:
        for end in ("", ".good", ".new", ".good.new"):
            _remove(name + end)
    for name in os.listdir():
        if name[-4:] in _CERTIFICATES:
            _remove(name)
    for folder in _FOLDERS:
        folder = storage + "/" + folder if storage else folder
        try:
            names = os.listdir(folder)
        except OSError:
            continue  # nothing of that kind was kept
        for name in names:
            _remove(folder + "/" + name)
    _remove(_ASKED)
    print("factory reset: settings, secrets and readings are gone; the firmware and its access stay")


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError:
        pass  # there is none
