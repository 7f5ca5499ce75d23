"""Runs a program for as long as its own standard input stays open: a command line in, the program's exit code out.

Whoever starts this holds the other end of that pipe. However the holder ends, even by a kill, the pipe closes and the
program is ended: nothing is left running. Run as `python -m host_tools.guard PROGRAM [WORD...]`.
"""

import signal
import subprocess
import sys
import threading

_PATIENCE_S = 3  # between asking a program to end and ending it


def end(process: subprocess.Popen) -> None:
    """Ask a program to end, and end it when it does not."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _watch_input(process: subprocess.Popen) -> None:
    sys.stdin.buffer.read()
    end(process)


def main(words: list[str]) -> int:
    """Run the program and wait for it."""
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: process.terminate())
    threading.Thread(target=_watch_input, args=(process,), daemon=True).start()
    code = process.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
