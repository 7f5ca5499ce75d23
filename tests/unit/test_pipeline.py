"""The pipeline gives back the code of protocols that it no longer listens for."""

import sys

from bridge.core.counters import Counters
from bridge.pipeline import Pipeline
from bridge.reading.builder import Builder


def _loaded(stem: str) -> list:
    return [name for name in sys.modules if name.startswith("bridge.decoding." + stem) or name.startswith("bridge.framing." + stem)]


def test_another_protocol_leaves_nothing_of_the_one_before():
    pipeline = Pipeline("hdlc", Builder(Counters()), None, None, Counters(), None)
    assert _loaded("dlms") and _loaded("hdlc")
    pipeline.search("sml")
    assert not _loaded("dlms") and not _loaded("hdlc") and _loaded("sml")
    pipeline.search("d0")
    assert not _loaded("sml") and _loaded("d0")
