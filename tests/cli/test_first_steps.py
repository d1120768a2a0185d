"""What somebody meets who begins: the folder of zips, files without content, hosts without an engine."""

from pathlib import Path

import pytest
from kit.commands import layerwright, pip_recipe, write_recipe
from kit.wheels import Index, make_wheel

from builder.engine import setting_up
from builder.model import facts


def test_git_leaves_a_folder_of_zips_alone_that_layerwright_makes(tmp_path: Path, index: Index) -> None:
    make_wheel(index.folder, "a", "1.0")
    write_recipe(tmp_path, "a", pip_recipe("a", "a=={version}"))
    (tmp_path / "own").mkdir()
    for folder, arguments in (("dist", ()), ("own", ("--output", "own"))):
        assert layerwright("build", "a", *arguments, cwd=tmp_path).code == 0
        assert (tmp_path / folder / "a-1.0-python3.13-arm64.zip").is_file()
    assert (tmp_path / "dist" / ".gitignore").read_text(encoding="utf-8") == "*\n"
    assert not (tmp_path / "own" / ".gitignore").exists(), "a folder that was there belongs to somebody"
    (tmp_path / "dist" / ".gitignore").unlink()
    assert layerwright("nightly", "--output", "night", "--patience", "0", cwd=tmp_path).code == 0
    assert (tmp_path / "night" / ".gitignore").is_file()
    assert layerwright("build", "a", "--rebuild", cwd=tmp_path).code == 0
    assert not (tmp_path / "dist" / ".gitignore").exists()


@pytest.mark.parametrize("arguments", [("build",), ("plan",), ("new", "a")])
@pytest.mark.parametrize("text", ["", "# nothing\n\n"])
def test_a_requirements_file_without_packages_is_named(tmp_path: Path, arguments: tuple[str, ...], text: str) -> None:
    (tmp_path / "own.txt").write_text(text, encoding="utf-8")
    result = layerwright(*arguments, "-r", "own.txt", cwd=tmp_path)
    assert result.code == 2
    assert "error: own.txt names no package" in result.err


def test_make_is_advised_to_those_who_have_the_makefile(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "`sudo make engine`" in setting_up.advice()
    monkeypatch.setattr(facts, "installed", lambda: True)
    script = setting_up.command().removeprefix("sudo sh ")
    assert Path(script).is_file()
    assert "make" not in setting_up.advice()
