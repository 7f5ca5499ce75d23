"""What the benchmarks on MicroPython share: a file of telegrams in, the pipeline's stages ready to be run out."""

from binascii import unhexlify

from bridge.core.clock import Clock
from bridge.core.counters import Counters
from bridge.core.log import Log
from bridge.pipeline import Pipeline
from bridge.reading.builder import Builder
from bridge.store.journal import Journal
from bridge.store.store import Store

_CHUNK = 512  # what the reader reads at most
JOURNAL_BYTES = 24 * 1024


def telegrams(path: str) -> list:
    """The telegrams of a file: a line with their lengths, one with the meter's keys in hex, then their bytes."""
    with open(path, "rb") as file:
        lengths = [int(word) for word in file.readline().split()]
        file.readline()
        return [bytearray(file.read(length)) for length in lengths]


def keys(path: str) -> tuple:
    """Encryption and authentication key of the meter whose telegrams are in a file; (None, None) of one that does not encrypt."""
    with open(path, "rb") as file:
        file.readline()
        return tuple([unhexlify(word) if word != b"-" else None for word in file.readline().split()])


def chunks(data) -> list:
    """Views of a telegram as the reader would hand them on."""
    view = memoryview(data)
    return [view[i : i + _CHUNK] for i in range(0, len(view), _CHUNK)]


def quiet(line: str) -> None:
    """A console that nobody reads."""


def store() -> Store:
    return Store(Journal(JOURNAL_BYTES, 60))


def pipeline(protocol: str, kept: Store, known: tuple) -> Pipeline:
    """`known`: keys; frame counters are not judged, as the same telegrams come again and again."""
    return Pipeline(protocol, Builder(Counters()), kept, Clock(), Counters(), Log(write=quiet), known, None, False)


class Stages:
    """Runs a telegram up to a stage: "framing", "decoding", "reading", "store"."""

    def __init__(self, protocol: str, last: str, known: tuple):
        self.builder = Builder(Counters())
        self.store = store()
        self.framer, self.decode = pipeline(protocol, self.store, known).links[0]
        self.last = last

    def run(self, views: list) -> None:
        framer = self.framer
        for view in views:
            used = 0
            while used < len(view):
                used += framer.feed(view, used)
                frame = framer.take()
                if frame is not None:
                    self.frame(frame)

    def frame(self, frame) -> None:
        if self.last == "framing":
            return
        if self.last == "decoding":
            self.decode(frame, _ignore)
            return
        self.builder.begin(frame)
        self.decode(frame, self.builder.add, self.builder.values)
        reading = self.builder.finish(self.store.next, 0, 2)
        if self.last == "store":
            self.store.append(reading)


def _ignore(register) -> None:
    pass
