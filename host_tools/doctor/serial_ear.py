"""What a serial port says that is no answer of a dongle: its lines in; why nobody answers, as codes and values of `findings`, out. Pure.

The words are those of Espressif's ROM loaders and second stage (ESP-IDF, "Fatal Errors" and boot messages) and of MicroPython's prompt.
"""

import re

_START = re.compile(r"\brst:0x[0-9a-f]+ \(([A-Z0-9_]+)\)|ets [A-Z][a-z]{2} +\d+ \d{4}|ESP-ROM:esp32")
_CAUSE = re.compile(r"\brst:0x[0-9a-f]+ \(([A-Z0-9_]+)\)")
_BROWNOUTS = (re.compile(r"Brownout detector was triggered"), re.compile(r"rst:0x[0-9a-f]+ \(\w*BROWN_?OUT\w*\)"))
_PANIC = re.compile(r"Guru Meditation Error: Core +\d+ panic'ed \(([^)]*)\)|(abort\(\) was called|assert failed: .*|stack overflow in task \S+)")
_WAITING = re.compile(r"waiting for download|DOWNLOAD\(|DOWNLOAD_BOOT|boot:0x[0-9a-f]+ \(DOWNLOAD")
_NO_IMAGE = re.compile(r"invalid header: 0x[0-9a-f]+|No bootable app partitions|flash read err, *\d+|Image hash failed|image at 0x[0-9a-f]+ has invalid magic byte", re.IGNORECASE)
_PROMPT = re.compile(r"^>>> ?|\r>>> ")
_FIRMWARE = re.compile(r"(?:^|[Z\ds] )(?:info|warning|error) \w+: ")
_FOLDER = "mb: "  # what `ASK` makes the prompt say
ASK = "import os;print('mb:',' '.join(os.listdir()))"
_OURS = {"main.py", "a", "b", "bridge"}
_LOOP = 3  # starts in a few seconds
_CAUSES = {
    "POWERON_RESET": "the power goes and comes", "POWERON": "the power goes and comes", "RTCWDT_BROWN_OUT_RESET": "the voltage breaks down", "BROWN_OUT_RST": "the voltage breaks down",
    "SW_CPU_RESET": "its program crashes", "SW_RESET": "its program restarts it", "RTC_SW_CPU_RST": "its program crashes", "RTC_SW_SYS_RST": "its program restarts it",
    "TG0WDT_SYS_RESET": "its program stands still", "TG1WDT_SYS_RESET": "its program stands still", "RTCWDT_RTC_RESET": "it never gets as far as its program",
    "TG0WDT_SYS_RST": "its program stands still", "TG1WDT_SYS_RST": "its program stands still", "RTCWDT_RTC_RST": "it never gets as far as its program",
}  # fmt: skip


def brownouts(lines: list[str]) -> int:
    """How often the brown-out detector spoke: it says so when it stops the chip, and the ROM says it again at the start."""
    return max(sum(bool(words.search(line)) for line in lines) for words in _BROWNOUTS)


def judge(lines: list[str], port: str, ports: list[str], seconds: int) -> list[tuple[str, dict]]:
    """Why nobody answers at `port`, whose `lines` came within so many seconds; the first that fits is the cause of the others."""
    text = "\n".join(lines)
    if not text.strip():
        return [("contact.silent", {"port": port})]
    if brownouts(lines):
        return []  # power says it
    if match := _PANIC.search(text):
        return [("contact.panic", {"why": (match[1] or match[2]).strip()})]
    if match := _NO_IMAGE.search(text):
        return [("contact.no_image", {"why": match[0]})]
    if _WAITING.search(text):
        return [("contact.bootloader", {})]
    causes = _CAUSE.findall(text)
    if len(causes) >= _LOOP:
        why = max(set(causes), key=causes.count)
        return [("contact.loop", {"count": len(causes), "seconds": seconds, "why": _CAUSES.get(why, why)})]
    for line in lines:
        if line.startswith(_FOLDER):
            return [("contact.prompt" if _OURS & set(line.split()) else "contact.no_firmware", {})]
    if any(_PROMPT.search(line) for line in lines):
        return [("contact.prompt", {})]
    if any(_FIRMWARE.search(line) for line in lines):
        return [("contact.old", {})]
    odd = sum(not (letter.isprintable() or letter in "\r\n\t\x1b") or letter == "\ufffd" for letter in text)
    code = "contact.noise" if odd > len(text) // 10 else "contact.stranger"
    return [(code, {"port": port, "ports": ", ".join(ports) or "none with a board"})]


def at_prompt(lines: list[str]) -> bool:
    """Whether MicroPython's prompt speaks."""
    return any(_PROMPT.search(line) for line in lines)
