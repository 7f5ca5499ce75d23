"""The import table of the design: imports point the way the data flows, hardware stays behind hal."""

import pytest

from tests.guards.sources import BRIDGE, FIRMWARE, HARDWARE, ROOT, imported, python_files

# package: the packages of ours that it may import ("framing.frame" = that module alone)
TABLE = {
    "core": set(),
    "framing": {"core"},
    "decoding": {"core", "framing.frame"},
    "reading": {"core", "decoding"},
    "uart": {"core", "framing"},
    "store": {"core", "reading"},
    "push": {"core", "reading", "store", "config", "update"},
    "serve": {"core", "reading", "store", "config", "update"},
    "unlock": {"core"},
    "wifi": {"core"},
    "portal": {"core", "config", "hal", "push", "serve", "update", "wifi"},
    "config": {"core"},
    "update": {"core"},
    "hal": {"core"},
    "pipeline": {"framing", "decoding", "reading", "store", "core"},
}
PURE = ("framing", "decoding", "reading")
NOT_PURE = {"asyncio", "time", "utime", "os", "io", "socket", "select", "ssl", "gc"} | HARDWARE
MODULES = python_files(BRIDGE)


def package(path):
    return path.relative_to(BRIDGE).parts[0].removesuffix(".py")


def name(path):
    return str(path.relative_to(FIRMWARE))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_follow_the_table(path):
    here = package(path)
    if here in ("app", "care", "safe", "__init__"):
        return
    assert here in TABLE, f"{name(path)} is in no package of the design"
    for module in imported(path):
        if not module.startswith("bridge."):
            continue
        inside = module[len("bridge.") :]
        allowed = TABLE[here] | {here}
        assert any(inside == one or inside.startswith(one + ".") for one in allowed), f"{name(path)} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_only_hal_imports_hardware(path):
    if package(path) != "hal":
        assert not imported(path) & HARDWARE


@pytest.mark.parametrize("path", [p for p in MODULES if package(p) in PURE], ids=name)
def test_pure_stages_know_no_clock_file_or_network(path):
    assert not {module.split(".")[0] for module in imported(path)} & NOT_PURE


def test_simulated_meters_share_nothing_with_the_firmware():
    for path in python_files(ROOT / "host_tools" / "meters"):
        assert not [module for module in imported(path) if module.split(".")[0] == "bridge"], path


def test_the_guard_sees_a_forbidden_import(tmp_path):
    bad = tmp_path / "bad.py"
    bad.write_text("def f():\n    from bridge.push.sink import Sink\n    import machine\n")
    assert imported(bad) >= {"bridge.push.sink", "machine"}
