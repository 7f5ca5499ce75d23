"""Every finding there is: a code ("area.name") in; how bad, how sure, what it says and what to do out. docs/doctor.md shows the same table."""

from typing import NamedTuple

BAD, WARN, NOTE, WELL = SEVERITIES = ("bad", "warn", "note", "ok")  # worst first; of a note nobody has to do anything
CERTAIN, LIKELY, PERHAPS = "certain", "likely", "perhaps"
AREAS = ("contact", "power", "wifi", "line", "pin", "clock", "sinks", "memory", "flash", "tasks", "firmware", "config")


class Row(NamedTuple):
    severity: str
    sure: str
    text: str
    advice: str


_SUPPLY = "Use another USB supply and a short cable; at a P1 port, which gives 250 mA, set wifi_txpower_dbm to 8 or feed the dongle by USB."
_AGAIN = "meterbridge flash --port PORT"
_CONTACT = {
    "contact.silent": Row(BAD, CERTAIN, "nothing at all comes from {port}",
        "Is the board's LED on? Use a cable that carries data (many only charge) and another USB port; press the reset button; look whether {port} is the dongle."),
    "contact.loop": Row(BAD, CERTAIN, "the chip starts again and again ({count} times in {seconds} s): {why}",
        f"If it goes on at another USB port with another cable, bring the firmware back: {_AGAIN}"),
    "contact.panic": Row(BAD, CERTAIN, "the chip's own program crashed: {why}",
        f"Press reset. If it comes back: {_AGAIN}, and report it with what the serial port says."),
    "contact.bootloader": Row(BAD, CERTAIN, "the chip waits for somebody to flash it",
        "Its boot pin (GPIO0 or GPIO9) is held low: let go of the button, unplug what hangs at that pin, and press reset."),
    "contact.no_image": Row(BAD, CERTAIN, "there is no program on the chip: {why}", f"Flash it: {_AGAIN}"),
    "contact.prompt": Row(BAD, CERTAIN, "MicroPython is at its prompt: somebody stopped the firmware",
        "Press reset, or unplug the dongle and plug it in. In a serial monitor Ctrl-C stops the firmware: do not type it."),
    "contact.no_firmware": Row(BAD, CERTAIN, "MicroPython runs, and there is no meterbridge on the board", f"Put it there: {_AGAIN}"),
    "contact.old": Row(BAD, CERTAIN, "a firmware runs that has no console", "Put the present one there: meterbridge deploy --port PORT --board BOARD"),
    "contact.stranger": Row(BAD, LIKELY, "what speaks at {port} is no meterbridge", "Is this the dongle's port? This computer has: {ports}"),
    "contact.noise": Row(BAD, LIKELY, "what comes from {port} is no text", "Is this the dongle's port, and is nothing else connected to its RX and TX? This computer has: {ports}"),
    "contact.no_name": Row(BAD, CERTAIN, "nobody in this network is called {host}",
        "Take the dongle's address (your router lists it as meterbridge-...), or ask by USB: meterbridge doctor --port PORT"),
    "contact.no_host": Row(BAD, CERTAIN, "nothing at {host} answers, not even a ping",
        "Is the dongle on, and this computer in the same network (not the guests')? It may have another address now: see your router, or ask by USB: --port PORT"),
    "contact.no_port": Row(BAD, LIKELY, "{host} answers a ping, and its port {port} does not",
        "The dongle may be starting: try again in a minute. Else it is another device, or in safe mode: ask by USB, meterbridge doctor --port PORT"),
    "contact.other_device": Row(BAD, LIKELY, "{host} is on, and nobody listens at its port {port}",
        "It is another device, or a dongle without a token or in safe mode: ask by USB, meterbridge doctor --port PORT"),
    "contact.token": Row(BAD, CERTAIN, "the dongle answers, and does not take this token",
        "Take the token that 'flash' showed. If it is lost, type 'access new' at its serial console: it shows a new one."),
    "contact.slowed": Row(WARN, CERTAIN, "too many wrong tokens came from this computer: {why}", "Wait so long, then give the right token."),
    "contact.stranger_http": Row(BAD, CERTAIN, "what answers at {host} is no meterbridge", "Look in your router which address the dongle has."),
    "contact.broken": Row(BAD, LIKELY, "the dongle answers, and breaks off: {why}", "Try again. By serial: use another cable. By network: look at it by USB, meterbridge doctor --port PORT"),
    "contact.elsewhere": Row(NOTE, CERTAIN, "this computer does not reach the dongle at {address}: {why}",
        "This computer may be in another network, or the access point keeps its clients apart. The readings do not need it."),
    "contact.odd": Row(NOTE, CERTAIN, "what the dongle tells of its {areas} is not understood", "Bring this tool and the dongle's firmware to the same version."),
    "contact.refused": Row(WARN, CERTAIN, "{count} requests without the right token came over the network, the last from {who}",
        "If this is not a program of yours with an old token, look who has that address; a new token: type 'access new' at the serial console."),
}
_POWER = {
    "power.brownout": Row(BAD, CERTAIN, "the voltage breaks down: the chip's brown-out detector stopped it {count} times", _SUPPLY),
    "power.often": Row(WARN, LIKELY, "the power came back {count} times within a day: it breaks down, or somebody moves the plug", _SUPPLY),
    "power.very_often": Row(BAD, LIKELY, "the power came back {count} times within a day: it breaks down", _SUPPLY),
    "power.watchdog": Row(WARN, CERTAIN, "the watchdog had to reset the dongle ({count} times within a day): its program stood still",
        "Look at the tasks and the memory below. If nothing is said there, report it with the log: meterbridge export --what log"),
    "power.resets": Row(WARN, PERHAPS, "the dongle was reset {count} times within a day",
        "If that was not you (flash, configure and update do so), its program crashes: see the log, meterbridge export --what log, and report it."),
}
_WIFI = {
    "wifi.none": Row(WARN, CERTAIN, "no Wi-Fi network is set, so nothing can be delivered",
        "meterbridge configure --port PORT --set wifi_ssid=NAME, and give the password when it asks."),
    "wifi.password": Row(BAD, CERTAIN, "{ssid} does not take the password ({why})", "meterbridge configure --port PORT sets it anew; capitals, spaces and special characters count."),
    "wifi.absent": Row(BAD, LIKELY, "{ssid} is not heard ({why})",
        "Compare the name letter by letter. The ESP32 hears 2.4 GHz only, and a metal meter cabinet keeps it out: try it nearer to the access point."),
    "wifi.security": Row(BAD, CERTAIN, "the security of {ssid} does not fit: {why}", "Set the access point to WPA2 or WPA2/WPA3 mixed."),
    "wifi.address": Row(BAD, CERTAIN, "{ssid} is joined, and no address is given: {why}", "Restart the router, look whether its DHCP has addresses left, or set wifi_address."),
    "wifi.down": Row(BAD, CERTAIN, "{ssid} is not joined: {why}", "Is the access point on? It comes back by itself; if not within a minute, restart the access point."),
    "wifi.weak": Row(WARN, CERTAIN, "the Wi-Fi signal is weak: {rssi} dBm", "Bring dongle and access point closer, take the antenna out of the metal cabinet, or put a repeater between."),
    "wifi.fair": Row(NOTE, CERTAIN, "the Wi-Fi signal has little to spare: {rssi} dBm", "Nothing while it works; a repeater, should it break often."),
    "wifi.drops": Row(WARN, CERTAIN, "Wi-Fi was lost {count} times in {span}; last: {why}", "Choose one channel (1, 6 or 11) at the access point, switch its band steering off, and look at the signal."),
}
_LINE = {
    "line.silence": Row(BAD, CERTAIN, "nothing comes from the meter", "{advice}"),
    "line.held": Row(BAD, CERTAIN, "the line from the meter is not at rest, and nothing comes", "{advice}"),
    "line.noise": Row(BAD, LIKELY, "something comes from the meter's line that no settings make sense of", "{advice}"),
    "line.searching": Row(NOTE, CERTAIN, "the dongle is finding out how the meter speaks", "Wait three minutes, then ask again."),
    "line.bytes": Row(BAD, LIKELY, "telegrams begin and none arrives whole", "{advice}"),
    "line.fixed": Row(WARN, LIKELY, "meter_line is set to {line}, and no telegram comes at it: wrong baud, parity or polarity", "meterbridge configure --set meter_line= lets the dongle find it."),
    "line.key": Row(BAD, CERTAIN, "the meter encrypts, and its telegrams cannot be opened ({why})", "{advice}"),
    "line.replay": Row(BAD, LIKELY, "telegrams are refused: their counters repeat", "{advice}"),
    "line.unknown": Row(BAD, CERTAIN, "telegrams are refused: {why}", "{advice}"),
    "line.s1": Row(BAD, CERTAIN, "the dongle is in the S1 port", "{advice}"),
    "line.damaged": Row(WARN, CERTAIN, "{share} of the telegrams arrive damaged ({count} of {all})",
        "Use a shorter cable, away from mains cables; at a head: clean and turn it. Some noise is normal, this much loses readings."),
    "line.broken": Row(BAD, CERTAIN, "{share} of the telegrams arrive damaged ({count} of {all})",
        "Check plug and ground wire, use a shorter cable; at an optical head: sunlight, distance, position. If all are damaged, the line settings are wrong."),
    "line.all_bad": Row(BAD, LIKELY, "each of {count} telegrams arrived damaged: wrong parity, polarity or baud rate", "meterbridge configure --set meter_line= lets the dongle find the settings; then check cable and head."),
    "line.noisy": Row(WARN, CERTAIN, "{share} of what comes from the meter is noise", "Shade an optical head from the sun; keep the P1 cable away from mains cables and check its ground wire."),
    "line.oversize": Row(WARN, LIKELY, "{count} telegrams were too long to be one: bytes between them are lost", "Check cable and head; if the meter really sends so much, report it with a capture: meterbridge capture"),
    "line.undecodable": Row(WARN, LIKELY, "{count} telegrams were whole and not understood", "Send a capture with a bug report: meterbridge capture"),
    "line.late": Row(WARN, CERTAIN, "no reading for {seconds} s", "Look again in a minute; then check the cable or head."),
    "line.doubted": Row(NOTE, CERTAIN, "{count} values were doubted: a counter fell, or leapt", "Nothing, unless the meter was not exchanged and it goes on: then report it with a capture."),
}
_PIN = {
    "pin.missing": Row(WARN, CERTAIN, "the meter hides its power until its PIN is entered", "meterbridge unlock --port PORT enters it by light. The grid operator has the PIN. See docs/pin.md."),
    "pin.failed": Row(WARN, CERTAIN, "the PIN did not open the meter: {why}", "Compare the PIN, look how the head sits, then: meterbridge unlock --port PORT --again"),
    "pin.relocks": Row(WARN, CERTAIN, "the meter locks itself again: {why}", "Switch InF on in its menu: meterbridge unlock --port PORT leads through it."),
}
_CLOCK = {
    "clock.unset": Row(WARN, CERTAIN, "the clock is not set: neither the time server nor the meter tells the time", "Does the router let NTP out (UDP 123)? Set ntp_server to its address. TLS fails meanwhile; readings are dated later."),
    "clock.waits": Row(NOTE, CERTAIN, "the clock is set as soon as Wi-Fi is there", "Mend the Wi-Fi first."),
    "clock.meter": Row(NOTE, LIKELY, "the clock goes by the meter, as no time server answered yet", "Nothing, if the readings' times are right; else set ntp_server to your router's address."),
    "clock.off": Row(WARN, LIKELY, "the dongle's clock is {seconds} s {way} this computer's (within {within} s)", "Is this computer's clock right? If it is, set ntp_server to a server that is."),
    "clock.far_off": Row(BAD, LIKELY, "the dongle's clock is {seconds} s {way} this computer's", "Is this computer's clock right? If it is, the meter or the time server is wrong: set ntp_server to another."),
}
_SINKS = {
    "sinks.none": Row(WARN, CERTAIN, "no destination is set: readings are kept on the dongle alone", "meterbridge configure --set mqtt_url=mqtt://ADDRESS"),
    "sinks.waits": Row(NOTE, CERTAIN, "{name} waits for {what}; {backlog} readings are kept for it", "Mend that first."),
    "sinks.refused": Row(BAD, CERTAIN, "{name}: nobody listens at that host and port ({view})", "Start the broker or server, let it listen to the network (not to localhost alone), compare the port in {name}_url."),
    "sinks.no_answer": Row(BAD, CERTAIN, "{name} does not answer: {why} ({view})", "Is the server on, and its address in {name}_url right? Does a firewall, or a guest network, stand between?"),
    "sinks.no_name": Row(BAD, CERTAIN, "{name}: its host name is not found ({view})", "Write the server's address in place of its name in {name}_url, or mend the name server; names ending in .local are not found by the dongle."),
    "sinks.login": Row(BAD, CERTAIN, "{name} does not let the dongle in: {why}", "Correct what it names: meterbridge configure --set NAME=VALUE"),
    "sinks.expired": Row(BAD, CERTAIN, "{name}: the server's certificate has expired", "Renew it on the server. If it is new, the dongle's clock is wrong: see clock."),
    "sinks.future": Row(BAD, LIKELY, "{name}: the server's certificate is not valid yet by the dongle's clock", "See clock; if that is right, the server made its certificate with a wrong one: make it anew."),
    "sinks.certificate": Row(BAD, CERTAIN, "{name}: {why}", "Write the host in {name}_url as the certificate names it, and put the CA that signed it on the dongle ({name}_ca)."),
    "sinks.server_error": Row(BAD, CERTAIN, "{name}: the server itself fails: {why}", "Look in the server's own log. The dongle keeps the readings and tries on."),
    "sinks.rejects": Row(BAD, CERTAIN, "{name}: the server refuses the readings: {why}", "Compare path, header and database in the settings of {name} with what the server expects."),
    "sinks.memory": Row(WARN, CERTAIN, "{name}: not enough memory for the connection", "See memory; plain mqtt:// or http:// in your own network needs 20 KB less."),
    "sinks.down": Row(BAD, CERTAIN, "{name} is not connected: {why} ({view})", "Is the server on, and {name}_url right?"),
    "sinks.backlog": Row(NOTE, CERTAIN, "{backlog} readings still wait for {name}, which takes them", "Wait: up to 480 a second go out."),
    "sinks.stuck": Row(WARN, LIKELY, "{name} is connected, and acknowledged nothing for {age} s; {backlog} readings wait", "Look in the server's own log; restart the server."),
    "sinks.lost": Row(WARN, CERTAIN, "{count} readings were lost for {name}: it was away longer than the dongle can keep", "Nothing brings them back. Give the journal more room for next time: journal_flash_kb"),
    "sinks.undated": Row(NOTE, CERTAIN, "{count} readings were not sent to {name}, as nobody knows their time", "See clock: they came before it was set, in a start that it was never set in."),
}
_STORAGE = {
    "memory.out": Row(WARN, CERTAIN, "the memory ran out: {who} had to start again {count} times", "Use one destination less, or plain mqtt:// in place of mqtts://; then restart the dongle. A board with PSRAM has more."),
    "memory.full": Row(WARN, CERTAIN, "{share} of the memory is in use after it was tidied", "Use one destination less, or a smaller journal_kb, and restart the dongle."),
    "memory.system": Row(WARN, LIKELY, "the largest free piece of the system's memory is {kb} KB: too small for TLS", "Restart the dongle; if it comes back, use one TLS destination at most."),
    "memory.short": Row(BAD, LIKELY, "the largest free piece of the system's memory is {kb} KB: Wi-Fi may fail", "Restart the dongle; use fewer destinations, and a smaller journal_kb."),
    "memory.crumbs": Row(NOTE, CERTAIN, "the system's memory is in small pieces: {kb} KB of {all} KB in one", "Nothing while all works; a restart puts it together."),
    "flash.full": Row(BAD, CERTAIN, "the flash is full: readings stay in RAM, and the oldest get lost", "meterbridge export, then meterbridge erase --what readings, or a smaller journal_flash_kb; copy no files of your own there."),
    "flash.problem": Row(BAD, CERTAIN, "the flash does not take what is written: {why}", "Restart the dongle. If it comes back, save the readings (meterbridge export) and flash with --erase; the chip may be worn out."),
    "flash.none": Row(WARN, CERTAIN, "readings are kept in RAM alone: a power cut loses what no destination has", "Make room on the flash, or set journal_flash_kb to 64 or more."),
    "flash.wear": Row(WARN, LIKELY, "the flash stands {years} years at this rate of writing", "Give the journal more room (journal_flash_kb): it then wears more blocks."),
    "flash.room": Row(WARN, CERTAIN, "only {kb} KB of the flash are free", "A smaller journal_flash_kb makes room; delete files of your own."),
    "flash.update_room": Row(NOTE, CERTAIN, "{kb} KB of the flash are free: too little for a first update over the network", "A smaller journal_flash_kb makes room for it; by USB, meterbridge deploy needs none."),
    "flash.profile": Row(WARN, CERTAIN, "quarter hours and days could not be kept: {why}", "See flash; the readings themselves go on."),
}
_REST = {
    "tasks.died": Row(WARN, CERTAIN, "{name} died {count} times and was started again; last: {why}", "If it goes on, report it with the log: meterbridge export --what log"),
    "tasks.down": Row(BAD, CERTAIN, "{name} does not stay alive: {why}", "Restart the dongle. If it comes back, update the firmware, or report it with the log: meterbridge export --what log"),
    "tasks.hung": Row(WARN, CERTAIN, "{name} gave no sign of life, so that the watchdog reset the dongle", "If it happens again, report it with the log: meterbridge export --what log"),
    "firmware.safe_mode": Row(BAD, CERTAIN, "the dongle is in safe mode, and reads no meter: {why}",
        "Type 'start' at its serial console to try again, 'other' to start the firmware before; else bring it back: meterbridge deploy --port PORT --board BOARD"),
    "firmware.taken_back": Row(WARN, CERTAIN, "the last update did not stay: {why}", "Mend what it names (reading, destination), then update again."),
    "firmware.trial": Row(NOTE, CERTAIN, "an update is on trial", "Wait ten minutes: it stays once a reading came and a destination was reached."),
    "firmware.older": Row(NOTE, CERTAIN, "the dongle runs {theirs}, this tool is {ours}", "meterbridge update FILE --port PORT brings the newer one."),
    "firmware.newer": Row(NOTE, CERTAIN, "the dongle runs {theirs}, newer than this tool ({ours}): it may tell what the tool does not know", "Bring this tool up to date."),
    "config.problem": Row(WARN, CERTAIN, "{why}", "Correct it: meterbridge configure --port PORT --set NAME=VALUE"),
    "config.board": Row(BAD, CERTAIN, "{why}", "Put the board's own file there: meterbridge deploy --port PORT --board BOARD"),
    "config.itself": Row(BAD, CERTAIN, "{name}_url names the dongle itself ({host})", "Write the server's address as other computers see it, such as 192.168.1.10."),
    "config.no_token": Row(WARN, CERTAIN, "the dongle has no token, so nobody is let in over the network", "Type 'access new' at its serial console: it shows one, once."),
}  # fmt: skip
FINDINGS = {**_CONTACT, **_POWER, **_WIFI, **_LINE, **_PIN, **_CLOCK, **_SINKS, **_STORAGE, **_REST}
