"""The meter's line and its PIN: facts in (see `doctor`), (figure, findings) of each area out."""

from host_tools import runtime
from host_tools.doctor import Finding, found, limits

_KEYS = ("key_missing", "key_wrong", "tag_wrong", "length")
_CODES = {"silence": "line.silence", "held": "line.held", "noise": "line.noise", "bytes": "line.bytes", "replay": "line.replay", "s1": "line.s1"}
_COUNTED = ("frames", "crc_errors", "noise_bytes", "oversize", "resyncs", "received_bytes", "undecodable")


def line(facts: dict) -> tuple[str, list[Finding]]:
    """What is heard, how much of it is good: since the start, or between two looks where there were two."""
    meter = facts.get("status", {}).get("meter")
    if not meter:
        return "", []
    counts = counted(facts)
    good, damaged = counts["frames"], counts["crc_errors"]
    figure = f"{meter.get('protocol')} at {meter.get('line')}: {good} telegrams, {damaged} damaged, {counts['noise_bytes']} B of noise"
    if facts.get("later"):
        figure += f" in {facts['seconds']} s"
    return figure, [*_heard(meter, facts), *_counts(counts, facts["status"])]


def counted(facts: dict) -> dict[str, int]:
    """The line's counters; the difference of two status documents where there are two of the same search."""
    before, after = (facts.get(key, {}).get("meter", {}) for key in ("status", "later"))
    counts = {name: before.get(name) or 0 for name in _COUNTED}
    if after:
        grown = {name: (after.get(name) or 0) - counts[name] for name in _COUNTED}
        if min(grown.values()) >= 0:
            return grown
    return counts


def _heard(meter: dict, facts: dict) -> list[Finding]:
    heard = meter.get("heard", "")
    if heard == "telegrams":
        age = meter.get("age_s") or 0
        return [found("line.late", seconds=age)] if age >= facts.get("settings", {}).get("meter_timeout_s", 60) else []
    if not heard:
        return []
    if heard in ("noise", "bytes") and facts.get("settings", {}).get("meter_line"):
        return [found("line.fixed", line=meter.get("line"))]
    if meter.get("advice") and meter["advice"] == _advice("searching"):
        return [found("line.searching")]
    if heard in _KEYS:
        return [found("line.key", why=heard.replace("_", " "), advice=meter.get("advice") or _advice(heard))]
    return [found(_CODES.get(heard, "line.unknown"), why=heard, advice=meter.get("advice") or _advice(heard) or "Send a capture with a bug report: meterbridge capture")]


def _advice(heard: str) -> str:
    """The firmware's own words, for both kinds of port."""
    runtime.firmware_importable()
    from bridge.uart.advice import text

    return text(heard, ("p1", "ir"))


def _counts(counts: dict[str, int], status: dict) -> list[Finding]:
    findings, good, damaged = [], counts["frames"], counts["crc_errors"]
    everything = good + damaged
    if not good and damaged >= limits.ALL_BAD:
        findings.append(found("line.all_bad", count=damaged))
    elif damaged >= limits.LEAST_DAMAGED and damaged >= limits.DAMAGED_SHARE * everything:
        code = "line.broken" if damaged >= limits.BROKEN_SHARE * everything else "line.damaged"
        findings.append(found(code, share=_percent(damaged, everything), count=damaged, all=everything))
    noise, received = counts["noise_bytes"], counts["received_bytes"]
    if good and noise >= limits.LEAST_NOISE_BYTES and noise >= limits.NOISE_SHARE * received:
        findings.append(found("line.noisy", share=_percent(noise, received)))
    if counts["oversize"] >= limits.LEAST_DAMAGED:
        findings.append(found("line.oversize", count=counts["oversize"]))
    if counts["undecodable"] >= limits.LEAST_DAMAGED:
        findings.append(found("line.undecodable", count=counts["undecodable"]))
    doubted = sum(status.get("counters", {}).get(name, 0) for name in ("counter_falls", "doubted_telegrams"))
    if doubted:
        findings.append(found("line.doubted", count=doubted))
    return findings


def _percent(part: int, whole: int) -> str:
    share = 100 * part / max(1, whole)
    return f"{share:.0f} %" if share >= 10 else f"{share:.1f} %"


def pin(facts: dict) -> tuple[str, list[Finding]]:
    """How it stands with the PIN of a German meter."""
    told = facts.get("status", {}).get("meter", {}).get("pin")
    if not told:
        return "", []
    runtime.firmware_importable()
    from bridge.unlock.texts import STATES

    state, reason = told.get("state", ""), told.get("reason", "")
    why = STATES.get(reason, reason)
    figure = {"entered": "the meter shows all it has", "missing": "the meter hides its power", "failed": "the PIN failed", "pending": "on its way"}.get(state, state or "not known yet")
    if state == "failed":
        return figure, [found("pin.failed", why=why or "unknown")]
    if state == "missing":
        return figure, [found("pin.relocks", why=why) if reason else found("pin.missing")]
    return figure, []
