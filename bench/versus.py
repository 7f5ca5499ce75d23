"""Figures of our decoders beside CPython libraries for the same: the same telegrams in, our time / theirs out, in one run.

Everybody is given the bytes of whole telegrams and produces all values, checksums and tags verified. Rounds alternate between ours
and theirs, and of each the fastest round counts, in seconds of the processor: what else the machine does hits the slower one harder. Ours on CPython are the firmware's portable twins of its machine code.
smllib has two ways to all values; the faster one is taken. DLMS is a push in HDLC frames with block transfer, encrypted and
authenticated; gurux-dlms stands for the libraries as it takes such a push from the wire to its values by itself.
"""

import contextlib
import importlib.util
import io
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

from bench import callgrind, samples
from host_tools import runtime
from host_tools.errors import FAILED, MISSING, UserError

ROUNDS = 30
MICROPYTHON_ROUNDS = 6
REPEATS = 2  # the whole, on MicroPython: other programs of this machine come and go
# Name in the design's list, protocol, package on CPython.
RIVALS = (("dsmr_parser", "p1", "dsmr_parser"), ("smllib", "sml", "smllib"), ("gurux", "hdlc", "gurux_dlms"))


def figures() -> Iterator[tuple]:
    """(name, value, unit) of each figure."""
    runtime.firmware_importable()
    sys.path.append(str(callgrind.HERE / "on_micropython"))
    from every_value import Reader

    with tempfile.TemporaryDirectory() as folder:
        for name, protocol, package in RIVALS:
            if importlib.util.find_spec(package) is None:
                raise UserError(f"{package} is not installed: run 'make bench', which installs requirements-dev.txt", MISSING)
            path = samples.write(samples.SAMPLES[protocol][0], pathlib.Path(folder) / protocol)
            telegrams, keys = read(path)
            reader = Reader(protocol, keys)
            ways = [globals()[f"_{name}"](telegrams, keys), lambda: [reader.read(one) for one in telegrams]]
            ways[:1] = ways[0]
            check(name, ways)
            *theirs, ours = fastest(ways)
            micropython = min(on_micropython(protocol, path) for _ in range(REPEATS))
            scale = 1e6 / len(telegrams)
            yield f"vs.{name}.cpython", round(ours / min(theirs), 3), "our time / theirs"
            yield f"vs.{name}.micropython", round(micropython / (min(theirs) * scale), 3), "our time / theirs"
            yield f"vs.{name}.ours_us", round(ours * scale, 1), "us"
            yield f"vs.{name}.theirs_us", round(min(theirs) * scale, 1), "us"
            yield f"vs.{name}.ours_micropython_us", round(micropython, 1), "us"


def read(path: pathlib.Path) -> tuple[list[bytes], tuple]:
    """Telegrams and keys of a file that samples.write made."""
    head, keys, data = path.read_bytes().split(b"\n", 2)
    telegrams = []
    for length in map(int, head.split()):
        telegrams.append(data[:length])
        data = data[length:]
    return telegrams, tuple(None if word == b"-" else bytes.fromhex(word.decode()) for word in keys.split())


def check(name: str, ways: list[Callable[[], list]]) -> None:
    """Everybody found values in every telegram. Raises UserError."""
    for number, way in enumerate(ways):
        found = [len(values) for values in way()]
        if not found or min(found) < 5:
            raise UserError(f"vs.{name}: way {number} found {found} values", FAILED)


def fastest(ways: list[Callable[[], list]]) -> list[float]:
    """Seconds of the fastest of ROUNDS rounds, of each."""
    best = [float("inf")] * len(ways)
    for _ in range(ROUNDS):
        for number, way in enumerate(ways):
            begin = time.process_time()
            way()
            best[number] = min(best[number], time.process_time() - begin)
    return best


def on_micropython(protocol: str, path: pathlib.Path) -> float:
    """Microseconds per telegram of ours on MicroPython."""
    script = str(callgrind.HERE / "on_micropython" / "every_value.py")
    command = [runtime.find_micropython(), "-X", "heapsize=1m", script, protocol, str(path), str(MICROPYTHON_ROUNDS)]
    done = subprocess.run(command, capture_output=True, text=True, env=runtime.environment(callgrind.HERE / "on_micropython"))
    if done.returncode:
        raise UserError(f"every_value.py failed: {(done.stdout + done.stderr)[-300:]}", FAILED)
    return float(done.stdout.split()[1])


def _dsmr_parser(telegrams: list[bytes], _keys: tuple) -> list[Callable]:
    from dsmr_parser import telegram_specifications
    from dsmr_parser.clients.telegram_buffer import TelegramBuffer
    from dsmr_parser.parsers import TelegramParser

    parser = TelegramParser(telegram_specifications.V5)
    buffer = TelegramBuffer()

    def way() -> list:
        found = []
        for telegram in telegrams:
            buffer.append(telegram.decode("ascii"))
            for text in buffer.get_all():
                found.append(list(parser.parse(text)))
        return found

    return [way]


def _smllib(telegrams: list[bytes], _keys: tuple) -> list[Callable]:
    from smllib import SmlStreamReader

    reader = SmlStreamReader()

    def frames() -> Iterator:
        for telegram in telegrams:
            reader.add(telegram)
            yield reader.get_frame()

    def messages() -> list:
        return [[entry.get_value() for entry in frame.parse_frame()[1].message_body.val_list] for frame in frames()]

    def entries() -> list:
        return [[entry.get_value() for entry in frame.get_obis()] for frame in frames()]

    return [messages, entries]


def _gurux(telegrams: list[bytes], keys: tuple) -> list[Callable]:
    from gurux_dlms import GXByteBuffer, GXReplyData
    from gurux_dlms.enums import Authentication, InterfaceType, Security
    from gurux_dlms.secure import GXDLMSSecureClient

    client = GXDLMSSecureClient(True, 1, 1, Authentication.NONE, None, InterfaceType.HDLC)
    client.ciphering.security = Security.AUTHENTICATION_ENCRYPTION
    client.ciphering.blockCipherKey = bytearray(keys[0])
    client.ciphering.authenticationKey = bytearray(keys[1])

    def way() -> list:
        found = []
        with contextlib.redirect_stdout(io.StringIO()):  # it prints that encryption is applied
            for telegram in telegrams:
                data, reply, notification = GXByteBuffer(telegram), GXReplyData(), GXReplyData()
                while data.position < len(data):
                    client.getData(data, reply, notification)
                found.append(list(notification.value))
        return found

    return [way]
