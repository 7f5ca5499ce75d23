"""Makes a command line whose process dies with the one that starts it, also when that one is killed and cannot clean up."""

import os
import sys

# Linux tells a child that its parent's thread is gone (prctl 1 = PR_SET_PDEATHSIG, 9 = SIGKILL). Elsewhere a guard process looks
# twice a second. Both run before the command replaces the interpreter, so no code runs between fork and exec of a threaded host.
_GUARD = """
import os, sys, time
parent, kind, terminal, command = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]
if terminal:
    import fcntl, termios
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
if kind == "prctl":
    import ctypes
    ctypes.CDLL(None).prctl(1, 9)
else:
    me = os.getpid()
    if os.fork() == 0:
        for fd in (0, 1, 2):
            os.close(fd)
        while os.getppid() == me:
            try:
                os.kill(parent, 0)
            except OSError:
                os.kill(me, 9)
            time.sleep(0.5)
        os._exit(0)
if kind != "prctl" or os.getppid() == parent:
    try:
        os.execv(command[0], command)
    except OSError as error:
        sys.exit("%s: %s" % (command[0], error.strerror))
"""


def guarded(command: list[str], kind: str = "", terminal: bool = False) -> list[str]:
    """Wraps `command` (absolute path first). `kind` is "prctl" or "guard"; by default what this system has.

    On Linux the tie is to the thread that starts the process: start it from a thread that stays. `terminal`: its standard input
    becomes its controlling terminal, so that Ctrl-C interrupts it (start it in a new session).
    """
    kind = kind or ("prctl" if sys.platform.startswith("linux") else "guard")
    return [sys.executable, "-I", "-S", "-c", _GUARD, str(os.getpid()), kind, "tty" if terminal else "", *command]
