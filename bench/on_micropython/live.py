"""From a telegram's last chunk to the bytes of the live push: repetitions, protocol, file in; nothing out but instructions.

What the reader does with the chunk, and what the MQTT sink does before it writes: the state's JSON.
"""

import sys

import parts

from bridge.core.clock import Clock
from bridge.push.payload import state_pieces
from bridge.push.sink import Context, Identity


def main(repetitions: int, protocol: str, path: str) -> None:
    views = [parts.chunks(telegram) for telegram in parts.telegrams(path)]
    store = parts.store()
    pipeline = parts.pipeline(protocol, store, parts.keys(path))
    clock = Clock()
    context = Context(store, clock, None, {}, Identity("mb-a1b2c3", "0.1.0", "sim", 1), None)
    size = 0
    for number in range(repetitions):
        chunks = views[number % len(views)]
        for chunk in chunks:
            pipeline.feed(chunk, 0)
        size += len(b"".join(state_pieces(store.live, context)))
    if store.next != repetitions + 1:
        raise SystemExit("%d readings of %d telegrams" % (store.next - 1, repetitions))


main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
