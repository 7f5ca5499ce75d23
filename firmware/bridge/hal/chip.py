"""The chip at its start: nothing in; its identity, why it started and its speed out."""

import binascii

import machine

restart = machine.reset
_CAUSES = {
    machine.PWRON_RESET: "power on",
    machine.HARD_RESET: "reset",
    machine.WDT_RESET: "watchdog",
    machine.DEEPSLEEP_RESET: "deep sleep",
    machine.SOFT_RESET: "soft reset",
}


def device_id() -> str:
    """Gives "mb-" and the last six hex digits of the chip's own number, such as "mb-d4e5f6"."""
    return "mb-" + binascii.hexlify(machine.unique_id()).decode()[-6:]


def reset_cause() -> str:
    """Why the chip started, in words. A panic of the chip shows as "reset"."""
    return _CAUSES.get(machine.reset_cause(), "unknown")


def set_speed(chip: str, mhz: int) -> None:
    """Lets the processor run at `mhz`, or (0) as fast as it can; MicroPython starts it at 160 MHz, which is the C3's limit."""
    if chip and (mhz or chip != "esp32c3"):
        machine.freq((mhz or 240) * 1000000)
