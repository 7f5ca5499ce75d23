"""A capture of any kind in; what of it may be shared, by the protocol that explains most of it, out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from host_tools.anonymising import links, sml, text
from host_tools.anonymising.names import Names
from host_tools.anonymising.vault import Vault
from host_tools.splitting import hdlc, mbus

LINKS = {"hdlc": links.hdlc, "mbus": links.mbus, "amis": links.amis, "dlms": links.bare}
TEXTS = {"sml": sml.files, "d0": text.d0, "p1": text.p1}


@dataclass
class Result:
    """`protocol`: as `meterbridge decode --protocol` names it. `refused` counts why telegrams were left out. `sealed`: encrypted with the published keys."""

    protocol: str
    telegrams: list[bytes]
    names: Names
    refused: Counter
    sealed: bool = False

    @property
    def size(self) -> int:
        return sum(map(len, self.telegrams))


def anonymised(data: bytes, secret: bytes, key: bytes | None, auth_key: bytes | None) -> Result:
    """The best of all ways to read it; without any telegram `refused` says why, where that is known."""
    ways = dict(LINKS)
    if any(hdlc.units(data)) or any(mbus.units(data)):
        del ways["dlms"]  # what lies in frames is not to be taken out of them
    results = [_try(name, secret, partial(way, data), key, auth_key) for name, way in ways.items()]
    results += [_try(name, secret, lambda names, _, way=way: way(data, names), None, None) for name, way in TEXTS.items()]
    return max(results, key=lambda one: (one.size, one.refused.total()))


def _try(name: str, secret: bytes, way: Callable[[Names, Vault], Iterator[bytes]], key: bytes | None, auth_key: bytes | None) -> Result:
    names, vault = Names(secret), Vault(key, auth_key)
    telegrams = list(way(names, vault))
    return Result(name, telegrams, names, vault.refused, bool(vault.sealed))
