"""The page of the manual: current, valid, whole, and in the wheel."""

import subprocess
import zipfile
from pathlib import Path

from conftest import need
from hatchling.builders.wheel import WheelBuilder
from kit import man
from kit.command_tree import every_command
from kit.commands import ROOT

from builder.cli import RENAMED


def test_the_page_is_made_of_the_texts_of_the_commands_as_they_are() -> None:
    assert man.PAGE.read_text(encoding="utf-8") == man.text(), "run `make readme`"


def test_the_page_is_valid_and_shows_every_command_and_option() -> None:
    need("groff")
    command = ["groff", "-man", "-Tascii", "-P-cbou", "-ww", "-rLL=200n", str(man.PAGE)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert done.stderr == ""
    shown = done.stdout
    for name, found in every_command():
        if name.partition(" ")[0] in RENAMED:
            continue
        assert f"layerwright {name}" in shown
        longest = [max(option.opts, key=len) for option in found.params if option.param_type_name == "option"]
        assert [option for option in longest if option not in shown] == []


def test_the_wheel_brings_the_page_to_where_man_finds_it(tmp_path: Path) -> None:
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".data/data/share/man/man1/layerwright.1")]
        assert archive.read(name) == man.PAGE.read_bytes()
