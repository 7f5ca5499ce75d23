"""The firmware's own errors. What the wire sends never raises one outside `pipeline.py`; what an owner can mend says how."""


class BridgeError(Exception):
    """Base of the firmware's errors; its text is shown to the owner in the status."""


class DecodeError(BridgeError):
    """A frame whose checksum is right (or that has none) and whose contents are not what its protocol allows.

    The only error a decoder raises; caught in `pipeline.py`, counted as `undecodable`.
    """


class SecurityError(DecodeError):
    """An encrypted telegram that cannot be opened or must not be believed. `reason`: "key_missing", "key_wrong", "tag_wrong",
    "replay", "length" (what is declared does not fit) or "cipher_unknown".
    """

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class SettingsError(BridgeError):
    """A setting that cannot be used; the text names it and gives a good example."""
