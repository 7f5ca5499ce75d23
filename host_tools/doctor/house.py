"""Wi-Fi, clock and destinations: facts in (see `doctor`), (figure, findings) of each area out."""

import re

from host_tools.doctor import Finding, found, limits, starts
from host_tools.doctor.device import span

# (part of what the firmware says in `problem`, code); the first that fits counts.
_JOINING = (
    ("no Wi-Fi network is set", "wifi.none"), ("gives no address", "wifi.address"), ("wrong password: check", "wifi.password"), ("take the password", "wifi.password"),
    ("network not found", "wifi.absent"), ("too weak", "wifi.absent"), ("security", "wifi.security"),
)  # fmt: skip
# (part of what the firmware says in `last_error`, code); see push/reasons.py, mqtt_connect.py, http_refusals.py.
_DELIVERING = (
    ("connection refused", "sinks.refused"), ("certificate has expired", "sinks.expired"), ("not valid yet", "sinks.future"), ("certificate", "sinks.certificate"),
    ("TLS", "sinks.certificate"), ("_ca", "sinks.certificate"), ("not found", "sinks.no_name"), ("wrong user", "sinks.login"), ("not authorised", "sinks.login"),
    ("401 ", "sinks.login"), ("403 ", "sinks.login"), ("memory", "sinks.memory"), ("no answer", "sinks.no_answer"), ("no connection to", "sinks.no_answer"),
    ("no route", "sinks.no_answer"), ("unreachable", "sinks.no_answer"), ("reading ", "sinks.rejects"), ("404 Not", "sinks.rejects"),
)  # fmt: skip

_STATES = {"waiting": "tries again soon", "connecting": "is being connected"}


def wifi(facts: dict) -> tuple[str, list[Finding]]:
    """Joined or not, and how well."""
    status = facts.get("status", {})
    found_wifi = status.get("wifi")
    if not found_wifi:
        return "", []
    problem, ssid = found_wifi.get("problem") or "", found_wifi.get("ssid", "")
    if not found_wifi.get("connected"):
        code = next((code for part, code in _JOINING if part in problem), "wifi.down")
        if code == "wifi.none" and not status.get("sinks"):
            return "no network is set, none is needed", []
        return f"{ssid or 'no network'}: not connected", [found(code, **_joining(problem, ssid))]
    findings, rssi, joins, uptime = [], found_wifi.get("rssi"), found_wifi.get("joins", 1), status.get("uptime_s", 0)
    parts = [ssid, found_wifi.get("address", "")]
    if rssi is not None:
        parts.append(f"{rssi} dBm")
        if rssi <= limits.WEAK_DBM:
            findings.append(found("wifi.weak", rssi=rssi))
        elif rssi < limits.FAIR_DBM:
            findings.append(found("wifi.fair", rssi=rssi))
    parts.append(f"joined {joins} time{'s' * (joins != 1)}")
    lost = joins - 1
    if lost >= limits.LEAST_JOINS and lost * limits.DAY_S > limits.JOINS_PER_DAY * max(uptime, 3600):
        findings.append(found("wifi.drops", count=lost, span=span(uptime), why=found_wifi.get("reason") or "unknown"))
    return ", ".join(part for part in parts if part), findings


def _joining(problem: str, ssid: str) -> dict[str, str]:
    """Which network was tried last, and what became of it."""
    match = re.match(r"cannot join (.*?): (.*)", problem)
    return {"ssid": match[1] if match else ssid or "the network", "why": match[2] if match else problem or "it is being tried"}


def clock(facts: dict) -> tuple[str, list[Finding]]:
    """Set or not, by whom, how far from this computer's."""
    status = facts.get("status", {})
    told = status.get("clock")
    if not told:
        return "", []
    if told.get("source") == "none":
        waits = status.get("wifi", {}).get("connected") is False
        return "not set", [found("clock.waits" if waits else "clock.unset")]
    findings = [found("clock.meter")] if told["source"] == "meter" and status.get("wifi", {}).get("connected") else []
    figure = f"set by {'the time server' if told['source'] == 'ntp' else 'the meter'}"
    utc, asked = starts.utc_of(told.get("utc") or ""), facts.get("computer", {}).get("asked")
    if utc is None or asked is None:
        return figure, findings
    middle, within = sum(asked) / 2, (asked[1] - asked[0]) / 2 + 0.5
    off = utc + 0.5 - middle  # it tells whole seconds
    figure += f", {abs(off):.1f} s {'ahead of' if off > 0 else 'behind'} this computer (within {within:.1f} s)"
    if abs(off) - within > limits.CLOCK_S:
        way = "ahead of" if off > 0 else "behind"
        code = "clock.far_off" if abs(off) - within > limits.CLOCK_BAD_S else "clock.off"
        findings.append(found(code, seconds=round(abs(off)), way=way, within=f"{within:.1f}"))
    return figure, findings


def sinks(facts: dict) -> tuple[str, list[Finding]]:
    """Each destination: reached, and what waits."""
    status = facts.get("status", {})
    if "sinks" not in status:
        return "", []
    if not status["sinks"]:
        return "none", [found("sinks.none")]
    findings, parts = [], []
    for name, sink in status["sinks"].items():
        parts.append(f"{name} {_STATES.get(sink['state'], sink['state'])}, {sink['backlog']} to send")
        findings += _sink(name, sink, facts)
    return "; ".join(parts), findings


def _sink(name: str, sink: dict, facts: dict) -> list[Finding]:
    status, findings = facts["status"], []
    backlog, age = sink["backlog"], sink.get("last_ack_age_s")
    if sink["state"] != "connected" or _fails(sink):
        findings.append(_unreached(name, sink, facts))
    elif backlog >= limits.BACKLOG:
        stuck = age is None or age > limits.LATE_S
        findings.append(found("sinks.stuck" if stuck else "sinks.backlog", name=name, backlog=backlog, age=age if age is not None else status.get("uptime_s")))
    if sink.get("lost"):
        findings.append(found("sinks.lost", name=name, count=sink["lost"]))
    if sink.get("undated"):
        findings.append(found("sinks.undated", name=name, count=sink["undated"]))
    return findings


def _fails(sink: dict) -> bool:
    """Connected, and something is refused: the newest acknowledgement is old, and a reading is named."""
    return sink.get("last_error", "").startswith("reading ") and sink["backlog"] > 0


def _unreached(name: str, sink: dict, facts: dict) -> Finding:
    """Why a destination is not connected; what it waits for where the cause lies elsewhere."""
    status, why, backlog = facts["status"], sink.get("last_error", ""), sink["backlog"]
    if status.get("wifi", {}).get("connected") is False:
        return found("sinks.waits", name=name, what="Wi-Fi", backlog=backlog)
    if not why:
        dated = name == "mqtt" or status.get("clock", {}).get("source") != "none"
        return found("sinks.waits", name=name, what="its first connection" if dated else "the clock", backlog=backlog)
    code = next((code for part, code in _DELIVERING if part in why), "")
    if not code:
        code = "sinks.server_error" if why[:1] == "5" else "sinks.rejects" if why[:1] in "34" and why[1:3].isdigit() else "sinks.down"
    if code == "sinks.future" and status.get("clock", {}).get("source") == "none":
        return found("sinks.waits", name=name, what="the clock", backlog=backlog)
    return found(code, name=name, why=why, view=_view(name, facts))


def _view(name: str, facts: dict) -> str:
    """What this computer sees of the same place."""
    seen = facts.get("computer", {}).get("targets", {}).get(name)
    if seen is None:
        return "not tried from this computer"
    return f"nor from this computer: {seen}" if seen else "this computer reaches it"
