"""What an owner can do when no readings come: a word for what is heard in, a sentence or two out. Imported only when needed."""

# Where a word has a text for the P1 port (p1) and one for the optical head (ir), a board with both shows both.
_TEXTS = {
    "silence p1": "Nothing comes from the port. It is closed by default in Belgium, Austria and Luxembourg: ask your grid operator to open it, which can take "
    "days. If it is open, check that the cable is a straight RJ12 with 6 wires and that the request line (pin 2) has 5 V.",
    "held p1": "The line is held: it is not at rest, and nothing comes. Is the cable in the port, and a straight one with 6 wires? Does the request line (pin 2) "
    "have 5 V? Is the data line inverted as the board expects?",
    "noise p1": "Something comes that no line settings make sense of. Check that the plug is in the P1 port, that the ground wire is connected, and, if you "
    "set meter_line, that it is not inverted where it should not be: leave it empty to have it found.",
    "silence ir": "The head sees no light. Place it on the meter's infrared window and turn it: most heads want their cable to hang down. It is "
    "misaligned if only some of its positions bring anything. Some meters speak only after their PIN was entered.",
    "held ir": "The head sees light all the time, or one of its wires is off: shade it, and check VCC, GND and TX.",
    "noise ir": "The head sees light that makes no sense: it is misaligned, sunlight reaches it, or it looks at the blinking pulse light. Move it until "
    "telegrams come; if you set meter_line, leave it empty to have it found.",
    "searching": "Something comes. Which line settings it has is being found out: that takes three minutes at most.",
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
    if heard in _TEXTS:
        return _TEXTS[heard]
    port = _TEXTS.get(heard + " p1", "")
    head = _TEXTS.get(heard + " ir", "")
    if not head or "ir" not in interfaces:
        return port
    if "p1" not in interfaces:
        return head
    return "At a P1 port: %s With an optical head: %s" % (port, head)
