"""docs/pin.md: every word that unlocking says is explained in it, its numbers and pictures are the firmware's, its makers and boards are ours."""

import ast
import json
import re
import xml.etree.ElementTree

import pytest

from bridge.unlock import plan, profiles, session, texts, verdict
from host_tools import boards
from tests.guards import pin_picture
from tests.guards.sources import BRIDGE, ROOT, tree

TEXT = (ROOT / "docs" / "pin.md").read_text(encoding="utf-8")
TABLES = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.split("\n") if line.startswith("|")]
MAKERS = [row for row in TABLES if len(row) == 6 and row[0] != "maker" and "---" not in row[0]]
NOTES = {"locks": "locks", "key": "mechanical key", "install": "installation mode", "guess": "nothing published", "": ""}
NO_WORDS = {session.COMPARE, ""}


def words(name: str) -> set[str]:
    """The words that a module of the firmware deals with: its text constants without descriptions."""
    module = tree(BRIDGE / "unlock" / f"{name}.py")
    described = {ast.get_docstring(node, clean=False) for node in ast.walk(module) if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))}
    return {node.value for node in ast.walk(module) if isinstance(node, ast.Constant) and isinstance(node.value, str)} - described - NO_WORDS


@pytest.mark.parametrize("word", sorted(words("verdict") | words("session") | set(texts.STATES) | set(texts.REFUSED)))
def test_each_word_is_explained(word):
    assert any(f"`{word}`" in row[:4] for row in TABLES), f"{word} begins no row of a table"


def test_the_words_are_found_in_the_firmware():
    assert {"missing", "pending", "entered", "failed", "nothing_seen", "inf_off"} <= words("verdict")
    assert {"checking", "keeping", "already_unlocked", "too_soon"} <= words("session")


@pytest.mark.parametrize("word, said", sorted([*texts.STATES.items(), *texts.REFUSED.items()]))
def test_what_the_dongle_says_stands_beside_its_word(word, said):
    assert any(f"`{word}`" in row[:-1] and said in row for row in TABLES), f"{word}: {said}"


def seconds(ms: int) -> str:
    return f"{ms / 1000:g}"


@pytest.mark.parametrize("maker", profiles.makers())
def test_each_maker_has_a_row_that_agrees_with_its_profile(maker):
    found = [row for row in MAKERS if f"`{maker or '*'}`" in row[1]]
    assert len(found) == 1, maker
    _, _, published, light, inf, different = found[0]
    its = profiles.profile(maker)
    zero = f"{seconds(its.zero_wait_ms)} s more" if its.zero_wait_ms else "ten pulses"
    assert light == f"{seconds(its.on_ms)} / {seconds(its.off_ms)} / {seconds(its.digit_wait_ms)} s; 0: {zero}"
    assert inf and NOTES[its.note] in f"{published}, {different}"
    assert ("nothing published" in published) == (its.note == "guess")


def test_the_table_names_no_other_letters():
    assert {letters for row in MAKERS for letters in re.findall(r"`(.+?)`", row[1])} == {maker or "*" for maker in profiles.makers()}
    generic = next(row for row in MAKERS if row[1] == "`*`")
    assert [row[3] for row in MAKERS if not row[1].startswith("`")] == [generic[3]]


def test_times_are_the_firmware_s():
    every = [profiles.profile(maker) for maker in profiles.makers()]
    lasts = [plan.duration_ms(plan.entry(plan.digits(pin), its)) / 1000 for its in every for pin in ("0000", "1111", "9999")]
    low, high = re.search(r"then, (\d+) to (\d+) s", TEXT).groups()
    assert int(low) <= min(lasts) < int(low) + 1 and int(high) - 1 < max(lasts) <= int(high)
    assert {its.wake for its in every} == {2} and {its.long_ms for its in every} == {6000} and "6 s for a long one" in TEXT
    assert f"A pulse of {seconds(profiles.NEVER_FROM_MS)} to {seconds(profiles.NEVER_TO_MS)} s." in TEXT
    assert f"Why it waits {session._IDLE_S} s." in TEXT
    assert f"Do nothing for {verdict.STAYS_S} s." in TEXT
    assert f"{session._MENU_S - session._COUNTDOWN_S} s for each step" in TEXT
    assert f"countdown of {session._COUNTDOWN_S} s" in TEXT
    assert f"flashes once each {session._FLASH_S} s" in TEXT and f"every {session._AGAIN_S // 60} minutes" in TEXT
    assert f"wait {verdict._INSTALLATION_S // 60} minutes" in TEXT


def kind(board: dict) -> str:
    """What the document says of such a board."""
    if "ir" not in board["interfaces"]:
        return "no"
    return "yes" if board.get("light") or board["uart"]["tx"] is not None else "once"


def test_each_board_is_where_it_belongs():
    rows = {re.match("[a-z]+", row[1])[0]: re.findall(r"`(.+?)`", row[0]) for row in TABLES if len(row) == 2 and re.match("(yes|once|no)\\b", row[1])}
    wanted = {answer: [] for answer in rows}
    for name in boards.names():
        wanted[kind(boards.load(name))].append(name)
    assert rows == wanted


def test_the_light_of_the_example_fits_the_boards_that_need_one():
    light = json.loads("{" + re.search(r'^"light": .+$', TEXT, re.MULTILINE)[0] + "}")
    for name in boards.names():
        if kind(boards.load(name)) == "once":
            board = {**boards.load(name), **light}
            assert boards.check(board, boards.capabilities()) == [] and kind(board) == "yes"


def test_links_within_the_document_lead_somewhere():
    heads = {re.sub(r"[^a-z0-9 -]", "", head.lower()).replace(" ", "-") for head in re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)}
    for target in re.findall(r"\]\(#(.+?)\)", TEXT):
        assert target in heads, target


def test_the_picture_of_the_pulses_is_the_plan():
    assert pin_picture.PICTURE.read_text(encoding="utf-8") == pin_picture.draw(), "write it anew: python -m tests.guards.pin_picture"


def test_the_picture_shows_each_pulse_of_the_plan():
    """Read back from the file by its own scale, beside the numbers of an independent list: two presses, 2, 0, 1, 3."""
    drawn = [one for one in xml.etree.ElementTree.parse(pin_picture.PICTURE).getroot().iter() if one.get("fill") == "#f2b01e"]
    begun = [0, 1400, 2800, 3500, 2800 + 700 + 400 + 3800 + 3100, 15000, 15700, 16400]
    assert [float(one.get("x")) for one in drawn] == [round(92 + ms * 0.033, 1) for ms in begun]


@pytest.mark.parametrize("name", ["pin-head.svg", "pin-pulses.svg"])
def test_pictures_are_small_and_have_their_own_ground(name):
    """So that they are readable on white and on dark; a title says what is on them."""
    path = ROOT / "docs" / name
    root = xml.etree.ElementTree.parse(path).getroot()
    space = "{http://www.w3.org/2000/svg}"
    ground = root.find(space + "rect")
    assert (ground.get("width"), ground.get("height")) == (root.get("width"), root.get("height")) and ground.get("fill") == "#f6f8fa"
    assert root.find(space + "title").text and path.stat().st_size < 20000 and f"]({name})" in TEXT
