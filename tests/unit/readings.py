"""Readings for tests of what is kept of them: a meter of which a test sets the quantities, a folder that is empty at first."""

import gc
import os

from bridge.reading.quantities import COUNT, quantity
from bridge.reading.reading import EXPONENT_ZERO, METER, Meter, Reading, Schemas

if hasattr(gc, "freeze"):
    gc.freeze()  # what is loaded by now need not be looked at each time the firmware gives memory back


def empty_folder(name):
    """A folder of that name that does not exist, whatever a test before left behind."""
    folder = "/tmp/meterbridge-unit-" + name
    try:
        for entry in os.listdir(folder):
            os.remove(folder + "/" + entry)
        os.rmdir(folder)
    except OSError:
        pass
    return folder


class Source:
    """Makes readings of `meter` with the quantities that were last set, and whole numbers of their units."""

    def __init__(self, id="M1", source=METER):
        self.meter = Meter(id)
        self.source = source
        self.values = {}
        self.schemas = Schemas()
        self.seq = 0

    def set(self, **values):
        for name, value in values.items():
            if value is None:
                self.values.pop(quantity(name), None)
            else:
                self.values[quantity(name)] = value

    def reading(self, time):
        self.seq += 1
        form = bytearray(COUNT)
        for id in self.values:
            form[id] = EXPONENT_ZERO
        schema = self.schemas.of(bytes(form))
        return Reading(self.meter, self.seq, time, self.source, schema, [self.values[id] for id in schema.ids])
