"""Builds the package: host_tools/ with what its commands carry to a board, firmware/ and boards/, as its data in host_tools/shipped/."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
SHIPPED = ("firmware", "boards")


class BuildWithFirmware(build_py):
    """Copies the data folders; an editable install needs none of it, as the tools find them in the working copy."""

    def run(self) -> None:
        if self.editable_mode:
            super().run()
            return
        made = Path(self.build_lib) / "host_tools"
        shutil.rmtree(made, ignore_errors=True)  # of an earlier build: what has been deleted since must not go along
        super().run()
        for name in SHIPPED:
            shutil.copytree(HERE / name, made / "shipped" / name, ignore=shutil.ignore_patterns("__pycache__", "*.mpy"))


setup(cmdclass={"build_py": BuildWithFirmware})
