"""A 32-bit MicroPython, the ESP32's word size: Debian's i386 package, unpacked in a folder of the project's cache, nothing installed.

    python -m bench.micropython32        fetches it if needed and prints the command that runs it

Needs apt-get, dpkg-deb and Debian's archive keyring on an x86-64 Linux; elsewhere `command()` is None.
"""

import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "micropython32"
LIBRARIES = "usr/lib/i386-linux-gnu"
SUITE = "trixie"
PACKAGES = ("micropython", "libc6", "libffi8", "libmbedcrypto16", "libmbedtls21", "libmbedx509-7", "libgcc-s1")
KEYRING = pathlib.Path("/usr/share/keyrings/debian-archive-keyring.gpg")
DEFAULT_MIRROR = "http://deb.debian.org/debian"
SCRIPT = CACHE / "micropython"


class Missing(Exception):
    """Why there is no 32-bit MicroPython here, in one line."""


def mirror() -> str:
    """The Debian mirror that this machine uses, else the public one."""
    for path in sorted(pathlib.Path("/etc/apt").glob("sources.list*")) + sorted(pathlib.Path("/etc/apt/sources.list.d").glob("*")):
        if path.is_file():
            found = re.search(r"^(?:URIs:|deb(?: \[[^]]*\])?)\s*(https?://\S*/debian)/?\s", path.read_text(errors="replace"), re.MULTILINE)
            if found:
                return found[1]
    return DEFAULT_MIRROR


def fetch() -> None:
    """Downloads and unpacks the packages. Raises Missing."""
    if platform.machine() != "x86_64" or sys.platform != "linux":
        raise Missing("32-bit MicroPython runs on x86-64 Linux only")
    for tool in ("apt-get", "dpkg-deb"):
        if not shutil.which(tool):
            raise Missing(f"32-bit MicroPython comes from Debian: {tool} is not here")
    if not KEYRING.exists():
        raise Missing("32-bit MicroPython needs the package debian-archive-keyring")
    work = CACHE / "apt"
    for folder in ("lists/partial", "cache/archives/partial", "status"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    (work / "status" / "status").write_text("")
    (work / "sources.list").write_text(f"deb [arch=i386 signed-by={KEYRING}] {mirror()} {SUITE} main\n")
    options = {
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::Lists": work / "lists",
        "Dir::Cache": work / "cache",
        "Dir::State::status": work / "status" / "status",
        "APT::Architecture": "i386",
        "APT::Architectures": "i386",
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", "-q", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
    for action in (["update"], ["download", *PACKAGES]):
        done = subprocess.run(apt + action, cwd=work, capture_output=True, text=True)
        if done.returncode:
            raise Missing("32-bit MicroPython could not be fetched: " + (done.stderr.strip().split("\n") or ["apt-get failed"])[-1])
    for package in work.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", str(package), str(CACHE / "root")], check=True)
    root = CACHE / "root"
    SCRIPT.write_text(
        f'#!/bin/sh\nexec "{root}/{LIBRARIES}/ld-linux.so.2" --library-path "{root}/{LIBRARIES}" "{root}/usr/bin/micropython" "$@"\n'
    )
    SCRIPT.chmod(0o755)
    shutil.rmtree(work)


def command() -> str | None:
    """Path of a script that runs it, None when it was never fetched or does not run here."""
    if not SCRIPT.exists():
        return None
    done = subprocess.run([str(SCRIPT), "-c", "import sys; print(sys.maxsize)"], capture_output=True, text=True)
    return str(SCRIPT) if done.stdout.strip() == str(2**31 - 1) else None


def need() -> str:
    """`command()`, fetched first if it is not there. Raises Missing."""
    if not command():
        fetch()
    found = command()
    if not found:
        raise Missing("32-bit MicroPython was fetched but does not run here")
    return found


if __name__ == "__main__":
    try:
        print(need())
    except Missing as problem:
        sys.exit(f"meterbridge: {problem}")
