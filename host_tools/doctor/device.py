"""Contact, power, tasks, firmware, configuration: facts in (see `doctor`), (figure, findings) of each area out."""

import re
from urllib.parse import urlsplit

from host_tools.doctor import Finding, found, limits, starts

_POWER, _WATCHDOG, _RESET = "power on", "watchdog", "reset"
_HUNG = re.compile(r"error supervisor: no sign of life from (\w+)")
_REFUSED = re.compile(r"refused (\S+): ")
_SINKS = ("mqtt", "http", "influx")


def contact(facts: dict) -> tuple[str, list[Finding]]:
    """Whether the dongle answers, and this computer reaches it over the network."""
    findings = [found(code, **values) for code, values in facts.get("contact", [])]
    status, seen = facts.get("status", {}), facts.get("computer", {})
    if not status:
        return "", findings
    parts = [f"answers by {'USB' if facts['way'] == 'serial' else 'network'} in {seen.get('answer_s', 0):.1f} s"]
    wifi, network = status.get("wifi", {}), status.get("network", {})
    if facts["way"] == "serial" and wifi.get("address") and "reach" in seen:
        parts.append(f"network {wifi['address']}" + ("" if seen["reach"] else " reached"))
        if seen["reach"]:
            findings.append(found("contact.elsewhere", address=wifi["address"], why=seen["reach"]))
    if network.get("refused", 0) >= limits.REFUSED:
        who = [match[1] for line in facts.get("access_log", []) if (match := _REFUSED.search(line))]
        findings.append(found("contact.refused", count=network["refused"], who=who[-1] if who else "an address that its log names"))
    return ", ".join(parts), findings


def power(facts: dict) -> tuple[str, list[Finding]]:
    """Why it started, how often within a day."""
    heard = facts.get("brownouts", 0)
    findings = [found("power.brownout", count=heard)] if heard else []
    status = facts.get("status", {})
    if "reset_cause" not in status:
        return f"brown-outs heard: {heard}" if heard else "", findings
    at = facts.get("at", starts.now())
    recent = starts.within(facts.get("starts", []), at - limits.DAY_S)
    causes = [start.cause for start in recent] or [status["reset_cause"]]
    count = causes.count(_POWER)
    if count >= limits.POWER_STARTS and not heard:
        findings.append(found("power.very_often" if count >= limits.POWER_STARTS_BAD else "power.often", count=count))
    if _WATCHDOG in causes:
        findings.append(found("power.watchdog", count=causes.count(_WATCHDOG)))
    if causes.count(_RESET) >= limits.RESETS:
        findings.append(found("power.resets", count=causes.count(_RESET)))
    figure = f"up {span(status.get('uptime_s', 0))}, start {status.get('device', {}).get('boot')} ({status['reset_cause']})"
    return figure + (f", {len(recent)} within a day" if recent else ""), findings


def tasks(facts: dict) -> tuple[str, list[Finding]]:
    """What died and was started again."""
    found_tasks = facts.get("status", {}).get("tasks", {})
    findings = []
    for name, task in found_tasks.items():
        if not task.get("restarts") or "MemoryError" in task.get("error", ""):
            continue  # memory says it
        if task.get("state") != "running":
            findings.append(found("tasks.down", name=name, why=task["error"] or "no error is known"))
        else:
            findings.append(found("tasks.died", name=name, count=task["restarts"], why=task["error"] or "no error is known"))
    hung = {match[1] for line in facts.get("log", []) if (match := _HUNG.search(line))}
    findings += [found("tasks.hung", name=name) for name in sorted(hung)]
    if not found_tasks:
        return "", findings
    restarts = sum(task.get("restarts", 0) for task in found_tasks.values())
    return f"{len(found_tasks)} run, {restarts} restart{'s' * (restarts != 1)}", findings


def firmware(facts: dict) -> tuple[str, list[Finding]]:
    """Version, updates, safe mode."""
    status, tool = facts.get("status", {}), facts.get("tool", "")
    if "safe_mode" in status:
        return "safe mode", [found("firmware.safe_mode", why=status["safe_mode"] or "unknown")]
    theirs = status.get("device", {}).get("version", "")
    if not theirs:
        return "", []
    update = status.get("update", {})
    findings = []
    if "taken back" in update.get("last", ""):
        findings.append(found("firmware.taken_back", why=update["last"]))
    if update.get("state"):
        findings.append(found("firmware.trial"))
    if (order := _compare(theirs, tool)) < 0:
        findings.append(found("firmware.older", theirs=theirs, ours=tool))
    elif order > 0:
        findings.append(found("firmware.newer", theirs=theirs, ours=tool))
    return f"meterbridge {theirs}" + (f", slot {update['slot']}" if update.get("slot") else ""), findings


def _compare(theirs: str, ours: str) -> int:
    try:
        first, second = ([int(part) for part in text.split(".")] for text in (theirs, ours))
    except ValueError:
        return 0
    return (first > second) - (first < second)


def config(facts: dict) -> tuple[str, list[Finding]]:
    """What the dongle found wrong in its files, and what nobody can have meant."""
    status, settings = facts.get("status", {}), facts.get("settings", {})
    findings = [found("config.board" if text.startswith("board.json") else "config.problem", why=text) for text in status.get("problems", [])]
    if facts.get("access", {}).get("token") == "":
        findings.append(found("config.no_token"))
    own = {"localhost", "127.0.0.1", status.get("wifi", {}).get("address") or "localhost"}
    for name in _SINKS:
        host = host_of(settings.get(f"{name}_url", ""))
        if host in own and status.get("device", {}).get("board") != "sim":
            findings.append(found("config.itself", name=name, host=host))
    if not status.get("device"):
        return "", findings
    count = len(status.get("problems", []))
    return f"{count} problem{'s' * (count != 1)}" if count else "read without a problem", findings


def host_of(url: str) -> str:
    """The host in a URL, "" when it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def span(seconds: int) -> str:
    """Such as "3 d 4 h", "12 min"."""
    if seconds >= 2 * limits.DAY_S:
        return f"{seconds // limits.DAY_S} d {seconds % limits.DAY_S // 3600} h"
    if seconds >= 7200:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min"
    return f"{seconds // 60} min" if seconds >= 120 else f"{seconds} s"
