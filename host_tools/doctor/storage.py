"""Memory and flash: facts in (see `doctor`), (figure, findings) of each area out."""

from host_tools.doctor import Finding, found, limits

_KB = 1024
_FULL = "full"


def memory(facts: dict) -> tuple[str, list[Finding]]:
    """Python's heap and the system's: what is free, in pieces of what size, and what died of it."""
    status = facts.get("status", {})
    told = status.get("memory")
    if not told:
        return "", []
    findings = []
    starved = {name: task["restarts"] for name, task in status.get("tasks", {}).items() if task.get("restarts") and "MemoryError" in task.get("error", "")}
    if starved:
        findings.append(found("memory.out", who=" and ".join(starved), count=sum(starved.values())))
    live, all_of_it = told.get("heap_live") or told["heap_used"], told["heap_used"] + told["heap_free"]
    share = live / max(1, all_of_it)
    if share > limits.FULL_SHARE:
        findings.append(found("memory.full", share=f"{share:.0%}"))
    free, largest = told["system_free"], told["system_largest"]
    if largest < limits.LEAST_PIECE_BYTES:
        findings.append(found("memory.short", kb=largest // _KB))
    elif largest < limits.TLS_PIECE_BYTES and _wants_tls(facts.get("settings", {})):
        findings.append(found("memory.system", kb=largest // _KB))
    elif largest < limits.CRUMBS_SHARE * free:
        findings.append(found("memory.crumbs", kb=largest // _KB, all=free // _KB))
    return f"{share:.0%} of {all_of_it // _KB} KB in use; system {free // _KB} KB free, largest piece {largest // _KB} KB", findings


def _wants_tls(settings: dict) -> bool:
    """Also when the settings are not known: then it may."""
    urls = [settings.get(f"{name}_url", "") for name in ("mqtt", "http", "influx")]
    return not settings or any(url.startswith(("mqtts:", "https:")) for url in urls)


def years(flash: dict, room: dict) -> float:
    """That the flash stands at a write a minute, spread over the journal's blocks and the free ones."""
    blocks = (flash.get("capacity", 0) + room.get("free", 0)) / limits.BLOCK_BYTES
    return limits.ERASES * blocks / (limits.WRITES_PER_DAY * limits.ERASES_PER_WRITE) / 365.25


def flash(facts: dict) -> tuple[str, list[Finding]]:
    """What is kept there, how long it stands that, what room is left."""
    status, room = facts.get("status", {}), facts.get("room", {})
    journal = status.get("journal")
    if not journal:
        return "", []
    findings, parts = [], [f"{max(0, journal['next'] - journal['oldest'])} readings kept"]
    kept = journal.get("flash")
    if not kept:
        if facts.get("settings", {}).get("journal_flash_kb", 1):
            findings.append(found("flash.none"))
        parts.append("in RAM alone")
    else:
        parts.append(f"{kept['bytes'] // _KB} of {kept['capacity'] // _KB} KB")
        if kept["problem"]:
            findings.append(found("flash.full" if _FULL in kept["problem"] else "flash.problem", why=kept["problem"]))
        lasting = years(kept, room)
        parts.append(f"lasts {lasting:.0f} years" if lasting < 100 else "lasts longer than 100 years")
        if lasting < limits.YEARS:
            findings.append(found("flash.wear", years=f"{lasting:.1f}"))
    if room.get("size"):
        free = room["free"] - max(0, kept["capacity"] - kept["bytes"] if kept else 0)  # what the journal will take
        parts.append(f"{room['free'] // _KB} KB free")
        if room["free"] < limits.LEAST_ROOM_BYTES:
            findings.append(found("flash.room", kb=room["free"] // _KB))
        elif free < limits.UPDATE_ROOM_BYTES and status.get("update", {}).get("slot"):
            findings.append(found("flash.update_room", kb=max(0, free) // _KB))
    if status.get("profile", {}).get("problem"):
        findings.append(found("flash.profile", why=status["profile"]["problem"]))
    return ", ".join(parts), findings
