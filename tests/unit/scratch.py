"""A folder of a test's own, on both Pythons: `Scratch` as a context gives its path and removes it with the files in it."""

import os
from binascii import hexlify


class Scratch:
    """The folder exists only once something is written to it, or after `make`."""

    def __init__(self):
        self.path = "%s/test-%s" % (os.getenv("TMPDIR") or "/tmp", str(hexlify(os.urandom(6)), "ascii"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for name in self.names():
            os.remove(self.path + "/" + name)
        try:
            os.rmdir(self.path)
        except OSError:
            pass

    def make(self):
        """The path of the folder, which exists now."""
        try:
            os.mkdir(self.path)
        except OSError:
            pass
        return self.path

    def names(self):
        """What is in it, in order."""
        try:
            return sorted(os.listdir(self.path))
        except OSError:
            return []

    def read(self, name):
        """A file's bytes."""
        with open(self.path + "/" + name, "rb") as file:
            return file.read()

    def write(self, name, data):
        """Makes a file."""
        with open(self.make() + "/" + name, "wb") as file:
            file.write(data)

    def size(self, unit=4096):
        """Bytes that all files take on a flash with blocks of `unit`."""
        return sum([-(-len(self.read(name)) // unit) * unit for name in self.names()])
