"""The firmware's own errors. What the wire sends never raises one outside `pipeline.py`; what an owner can mend says how."""


class BridgeError(Exception):
    """Base of the firmware's errors; its text is shown to the owner in the status."""


class DecodeError(BridgeError):
    """A frame whose checksum is right (or that has none) and whose contents are not what its protocol allows.

    The only error a decoder raises; caught in `pipeline.py`, counted as `undecodable`.
    """


class SettingsError(BridgeError):
    """A setting that cannot be used; the text names it and gives a good example."""
