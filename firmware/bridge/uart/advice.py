"""What an owner can do when no readings come: a word for what is heard in, a sentence or two out. Imported only when needed."""

_TEXTS = {
    "silence p1": "Nothing comes from the port. In Belgium, Austria and Luxembourg it is closed until you ask your grid operator to open it: it can take "
    "days. If it is open, check that the cable is a straight RJ12 with 6 wires and sits firmly.",
    "held p1": "Nothing comes and the line is not at rest: the cable is not in the port, or the meter is not asked for data (pin 2 of the port, "
    "request, must be at 5 V).",
    "noise p1": "Something comes that no line settings make sense of. Check that the plug is in the P1 port, that the ground wire is connected, and that "
    "meter_line is not set to the wrong speed or polarity.",
    "silence ir": "The head sees no light. Place it on the meter's infrared window, cable down, and turn it a little; a meter that must be asked answers only "
    "when the head's own light points at it too. A newer meter shows its power only after its PIN was entered.",
    "noise ir": "The head sees light that makes no sense: it sits askew, sunlight reaches it, or it looks at the blinking pulse light. Move it until "
    "telegrams come.",
    "bytes": "Telegrams begin but none arrives whole. Bytes are lost or changed: check cable and head, and keep the wire short.",
    "key_missing": "The meter encrypts its data. Ask your grid operator (or look in its customer portal) for the key of the customer interface, 32 "
    "characters from 0-9 and A-F, and enter it as meter_key.",
    "key_wrong": "The meter encrypts its data and meter_key does not open it. Compare it with what the grid operator gave you; a new meter has a new key.",
    "tag_wrong": "meter_key is right but meter_auth_key is not: telegrams cannot be proved genuine and are refused. Correct it, or leave it empty.",
    "replay": "Telegrams repeat old counters, as if somebody played them back; they are refused until the counter goes on.",
    "length": "Encrypted telegrams arrive cut. Check the cable, and that nothing else listens at the port.",
    "cipher_unknown": "The meter encrypts in a way that is not known. Send a capture (meterbridge capture) with a bug report.",
    "s1": "This is the S1 port, which sends raw waveforms at 2 Mbaud. Unplug the dongle: it belongs in the port marked P1.",
}


def text(heard: str, interfaces) -> str:
    """The advice for `heard` at a board with these interfaces ("p1", "ir"); "" where there is none."""
    port = " p1" if "p1" in interfaces or not interfaces else " ir"
    return _TEXTS.get(heard) or _TEXTS.get(heard + port) or _TEXTS.get("silence" + port)
