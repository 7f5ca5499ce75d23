"""Local time in Europe: UTC in (seconds since 2000), civil time of a zone out (likewise, as if it were UTC), and when its days begin.

Summer time as in core/civil.py. Loaded where days and months are told apart.
"""

from bridge.core.civil import is_summer

_ZONES = "UTCWETCETEET"  # by their hours in winter, from WET on; UTC knows no summer


def local(utc: int, zone: str) -> int:
    """Civil time of `zone`: "CET", "WET", "EET" or "UTC"."""
    hours = _ZONES.find(zone) // 3 - 1
    return utc if hours < 0 else utc + (hours + is_summer(utc)) * 3600


def midnight(utc: int, zone: str) -> int:
    """When the local day began in which `utc` lies; the next one begins at midnight(that + 26 hours)."""
    start = utc - local(utc, zone) % 86400
    off = local(start, zone) % 86400  # the clocks were changed since: an hour past midnight, or short of it
    return start - (off + 43200) % 86400 + 43200
