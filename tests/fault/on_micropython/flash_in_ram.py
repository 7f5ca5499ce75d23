"""A flash in RAM that writes down what is done to it: steps in; the images that a power cut at each of them leaves out."""

BLOCK = 4096
_ERASED = b"\xff" * BLOCK
_HALF = BLOCK // 2


class Flash:
    """A block device for `os.VfsLfs2`, as strict as a real flash. `steps`: (where, bytes programmed or None for an erase) of each step."""

    def __init__(self, blocks: int):
        self.image = bytearray(_ERASED * blocks)
        self.steps = []
        self._blocks = blocks

    def readblocks(self, block, buffer, offset=0):
        at = block * BLOCK + offset
        buffer[:] = memoryview(self.image)[at : at + len(buffer)]

    def writeblocks(self, block, buffer, offset):
        at = block * BLOCK + offset
        if bytes(memoryview(self.image)[at : at + len(buffer)]).count(b"\xff") != len(buffer):
            raise RuntimeError("block %d is programmed at %d without having been erased" % (block, offset))
        self.steps.append((at, bytes(buffer)))
        self.image[at : at + len(buffer)] = buffer

    def ioctl(self, request, argument):
        if request == 4:
            return self._blocks
        if request == 5:
            return BLOCK
        if request == 6:
            self.steps.append((argument * BLOCK, None))
            at = argument * BLOCK
            self.image[at : at + BLOCK] = _ERASED
        return 0


def cuts(image: bytearray, steps: list, flash: Flash, first: int = 0, every: int = 1):
    """Cuts the power at each step that was done to `image`: (number of the step, what of it was done), `flash` being left as it is then.

    Of a program nothing, half, or all but a byte arrives; of an erase nothing, or one half is erased and of the other some bits.
    With `every` n only each n-th step is cut, from `first` on.
    """
    image = bytearray(image)
    for number, (at, data) in enumerate(steps):
        if number % every == first:
            for done in ("none", "half") if data is None else ("none", "half", "most"):
                flash.image[:] = image
                flash.steps.clear()
                tear(flash.image, at, data, done)
                yield number, done
        if data is None:
            image[at : at + BLOCK] = _ERASED
        else:
            image[at : at + len(data)] = data


def tear(image: bytearray, at: int, data, done: str) -> None:
    """Does a part of a step."""
    if done == "none":
        return
    if data is None:
        image[at : at + _HALF] = _ERASED[:_HALF]
        for place in range(at + _HALF, at + BLOCK, 7):
            image[place] |= 0x5A
    else:
        size = len(data) // 2 if done == "half" else len(data) - 1
        image[at : at + size] = data[:size]
