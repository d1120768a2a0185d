"""Surveys of the stand-ins."""

import json
from pathlib import Path

import pytest
from kit.commands import layerwright

from builder.engine.client import Engine
from builder.model import image_facts, runtimes


@pytest.fixture
def folder(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    assert engine.version
    monkeypatch.setenv("LAYERWRIGHT_PINS", str(tmp_path))
    runtimes.forget()
    return tmp_path


def test_a_survey_writes_what_images_have_and_tells_what_differs(folder: Path) -> None:
    first = layerwright("images", "survey", "--all", "--runtime", "python3.13", "--json", cwd=folder)
    assert first.code == 0, first.err
    document = json.loads(first.out)
    assert len(document["images"]) == 4
    assert document["failed"] == []
    built = next(one for one in document["images"] if one["path"] == "sam/build-python3.13:latest-x86_64")
    facts = image_facts.parsed(Path(built["file"]))
    assert facts.programs["gcc"].endswith("/bin/gcc")
    assert facts.libraries["libc.so.6"]
    assert facts.language_libraries["libpython3.13.so.1.0"] is not None
    assert facts.environment["LD_LIBRARY_PATH"].startswith("/var/lang/lib:")
    path = Path(built["file"])
    path.write_text(path.read_text(encoding="utf-8").replace('gcc = "', 'gone = "/x"\ngcc = "'), encoding="utf-8")
    again = layerwright("images", "survey", "--all", "--runtime", "python3.13", cwd=folder)
    assert f"{built['path']}: programs that are gone: gone" in again.out
    assert "4 images" in again.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "name one image, or give --all"),
        (("x:1", "--all"), "name one image, or give --all"),
        (("x:1", "--runtime", "python3.13"), "--runtime chooses among --all"),
    ],
)
def test_combinations_without_a_meaning_are_refused(arguments: tuple[str, ...], told: str, tmp_path: Path) -> None:
    result = layerwright("images", "survey", *arguments, cwd=tmp_path)
    assert result.code == 2
    assert told in result.err


def test_images_that_cannot_be_asked_are_named(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert engine.version
    monkeypatch.setenv("LAYERWRIGHT_REGISTRY", "127.0.0.1:1/nowhere")
    monkeypatch.setenv("LAYERWRIGHT_PINS", str(tmp_path))
    result = layerwright("images", "survey", "--all", "--runtime", "python3.13", cwd=tmp_path)
    assert result.code == 3
    assert "none of the 4 images could be asked" in result.err
    assert not (tmp_path / "facts").exists()
