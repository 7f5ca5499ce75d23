"""`meterbridge update`: a signed update and a dongle (serial port or network address) in; the dongle runs it on trial, and says so, out."""

import argparse
import http.client
import json
import sys
from pathlib import Path

from host_tools import bundle, dongle_http
from host_tools.errors import FAILED, OK, USAGE, UserError

HELP = "give a running dongle a signed update, over the network or its serial port"
EXAMPLES = """
meterbridge update meterbridge-0.2.0.update --host 192.168.1.20 --token-file token.txt
meterbridge update meterbridge-0.2.0.update --port /dev/ttyUSB0
meterbridge update meterbridge-0.1.9.update --port COM3 --force
"""
_SILENCE_S = 60  # the dongle writes between two telegrams of the meter
_PIECE = 4096


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `meterbridge update`."""
    parser.add_argument("file", help="what 'meterbridge release' made")
    parser.add_argument("--port", help="serial port of the dongle, such as /dev/ttyUSB0 or COM3; it runs on meanwhile")
    dongle_http.add_arguments(parser)
    parser.add_argument("--force", action="store_true", help="also an older version than the one that runs")


def run(args: argparse.Namespace) -> int:
    """Looks at the file, sends it, says what the dongle said."""
    try:
        data = Path(args.file).read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"{args.file}: no such file") from error
    told = bundle.look(data)
    if bool(args.host) == bool(args.port):
        raise UserError("say where the dongle is: --host ADDRESS or --port PORT", USAGE)
    print(f"{args.file}: version {told.version}, {len(told.files)} files, {len(data) / 1024:.0f} KB")
    if args.port:
        done = _by_serial(args.port, data, args.force)
    else:
        done = _by_network(args.host, dongle_http.read_token(args.token_file), data, args.force)
    print(f"version {done['version']} is on the dongle, which restarts and tries it")
    print("it stays once a reading came and a destination was reached, within ten minutes; else the one before runs again ('update' in the status)")
    return OK


def _progress(done: int, total: int) -> None:
    if sys.stdout.isatty():
        print(f"\r{done * 100 // total:3d} %\033[K", end="" if done < total else "\n", flush=True)


def _by_network(host: str, token: str, data: bytes, force: bool) -> dict:
    link = http.client.HTTPConnection(*dongle_http.address_of(host), timeout=_SILENCE_S)

    def pieces():
        for at in range(0, len(data), _PIECE):
            yield data[at : at + _PIECE]
            _progress(min(at + _PIECE, len(data)), len(data))

    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream", "Content-Length": str(len(data))}
    try:
        try:
            link.request("POST", "/api/update" + ("?force=1" if force else ""), pieces(), headers)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it said why before it had all
        answer = link.getresponse()
        status, body = answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise UserError(f"{host}: no answer from the dongle: {error or type(error).__name__}; is it on, and in this network?", FAILED) from error
    finally:
        link.close()
    try:
        told = json.loads(body)
    except ValueError:
        told = {}
    if status != 202:
        raise UserError(f"{host}: {told.get('error') or f'the dongle answered {status}'}", FAILED)
    return told


def _by_serial(port: str, data: bytes, force: bool) -> dict:
    from host_tools.dongle_console import Console

    with Console(port) as console:
        return console.update(data, force, lambda done: _progress(done, len(data)))
