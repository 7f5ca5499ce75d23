"""What the tests of this ring share: the compiled firmware and a broker, both made once."""

import pytest

from host_tools import build
from tests.brokers import available, make_broker


@pytest.fixture(scope="session")
def firmware(tmp_path_factory):
    """The folder of the firmware, compiled for the simulated board."""
    folder = tmp_path_factory.mktemp("firmware")
    build.build("sim", folder)
    return folder


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    """A broker that nothing happens to; the quickest there is."""
    with make_broker(available()[-1], tmp_path_factory.mktemp("broker")) as running:
        yield running
