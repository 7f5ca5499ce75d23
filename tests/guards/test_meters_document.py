"""The table of meters for owners: it names every simulated meter and nothing that is none, and the settings that it names exist."""

import re

from host_tools.meters import LOCKED, METERS
from tests.guards.sources import ROOT

TEXT = (ROOT / "docs" / "meters.md").read_text(encoding="utf-8")
FAMILIES = ("p1", "sml", "d0", "at", "ch", "no", "se", "dk", "lu")


def words() -> list[str]:
    return re.findall(r"`([^`]+)`", TEXT)


def test_every_simulated_meter_is_in_the_table():
    assert sorted(set(METERS | LOCKED) - set(words())) == []


def test_the_table_names_no_meter_that_is_not_simulated():
    named = {word for word in words() if re.fullmatch(f"({'|'.join(FAMILIES)})(-[a-z0-9-]+)?", word)}
    assert sorted(named - set(METERS | LOCKED)) == []


def test_settings_that_the_table_names_exist():
    settings = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for word in words():
        if re.fullmatch(r"meter_[a-z_]+", word):
            assert f"`{word}`" in settings, word
