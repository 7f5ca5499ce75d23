"""All simulated meters of the DLMS family, of every country, in one table."""

from __future__ import annotations

from host_tools.meters.amis import AMIS_METERS
from host_tools.meters.at_meters import AT_METERS
from host_tools.meters.ch_meters import CH_METERS
from host_tools.meters.nordic_meters import NORDIC_METERS
from host_tools.meters.p1_sealed import SEALED_METERS

_BY_COUNTRY = {"at": 0, "ch": 1, "dk": 2, "lu": 3, "no": 4, "se": 5}
DLMS_METERS = tuple(sorted(
    (*AT_METERS, *AMIS_METERS, *SEALED_METERS, *CH_METERS, *NORDIC_METERS), key=lambda kind: _BY_COUNTRY[kind.name[:2]],
))
