"""The process of the embedded MQTT broker: a port to listen on in, "ready PORT" on standard output; ends with its standard input.

The broker is its own process so that its work and its memory never disturb what is simulated. Its standard input is a
pipe whose other end its parent holds: however the parent ends, even by a kill, the pipe closes and the broker ends too.
"""

import asyncio
import logging
import signal
import sys

CANNOT_LISTEN = 10  # exit code: the port is taken
_LINGER_S = 2  # how long clients may take to be sent away at the end


def config(port: int) -> dict:
    """A broker for this machine only, for anyone on it; port 0 takes a free one."""
    return {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }


async def serve(port: int) -> int:
    """Run the broker until standard input closes or a signal comes; the exit code."""
    from amqtt.broker import Broker
    from amqtt.errors import BrokerError

    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, over.set)
    loop.add_reader(sys.stdin.fileno(), over.set)
    broker = Broker(config(port), loop=loop)
    try:
        await broker.start()
    except BrokerError:
        return CANNOT_LISTEN
    listening = broker._servers["default"].instance.sockets[0]  # the port that was given; it has no public name
    print(f"ready {listening.getsockname()[1]}", flush=True)
    await over.wait()
    try:
        await asyncio.wait_for(broker.shutdown(), _LINGER_S)
    except asyncio.TimeoutError:
        pass
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("transitions").setLevel(logging.ERROR)
    sys.exit(asyncio.run(serve(int(sys.argv[1]))))
