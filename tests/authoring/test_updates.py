"""`layerwright update`: newer packages and images as a patch or a branch, with a real git and a real index."""

import os
import subprocess
from pathlib import Path

import pytest
from kit.commands import layerwright, pip_recipe, write_recipe
from kit.wheels import Index, make_wheel


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout.strip()


@pytest.fixture
def work(tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a repository whose locks are older than the index."""
    for name, value in {"AUTHOR": "t", "COMMITTER": "t"}.items():
        monkeypatch.setenv(f"GIT_{name}_NAME", value)
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "t@example.com")
    make_wheel(index.folder, "a", "1.0")
    make_wheel(index.folder, "c", "1.0")
    folder = tmp_path / "work"
    write_recipe(folder, "a", pip_recipe("a", "a>=1"))
    write_recipe(folder, "c", pip_recipe("c", "c>=1"))
    locked = layerwright("lock", "--all", cwd=folder)
    assert locked.code == 0, locked.err
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "-A")
    git(folder, "commit", "--quiet", "-m", "begin")
    return folder


def newer(index: Index) -> None:
    tag = "cp313-cp313-manylinux_2_28_aarch64"
    news = "https://example.com/a/news"
    make_wheel(index.folder, "a", "1.1", tag=tag, requires=("b",), files={"a/more.bin": b"x" * 1000}, changelog=news)
    make_wheel(index.folder, "b", "2.0")


def test_nothing_newer_is_told(work: Path) -> None:
    result = layerwright("update", "--no-pins", cwd=work)
    assert result.code == 3
    assert "nothing is newer" in result.err
    assert not (work / "dist").exists()


def test_a_patch_with_a_summary_that_git_takes(work: Path, index: Index) -> None:
    newer(index)
    before = git(work, "status", "--porcelain")
    result = layerwright("update", "--no-pins", cwd=work)
    assert result.code == 0, result.err
    assert "| a | 1.0 | 1.1 | https://example.com/a/news |" in result.out
    assert "| b | (new) | 2.0 |  |" in result.out
    assert "none → manylinux_2_28" in result.out
    assert "### c" not in result.out
    assert (work / "dist" / "updates" / "updates.md").read_text(encoding="utf-8") == result.out
    assert git(work, "status", "--porcelain", "--", "recipes") == before
    git(work, "apply", "dist/updates/updates.patch")
    lock = (work / "recipes" / "a" / "requirements.lock").read_text()
    assert "a==1.1" in lock
    assert "b==2.0" in lock
    built = layerwright("build", "a", cwd=work)
    assert built.code == 0, built.err


def test_a_pipe_in_the_folder_of_a_recipe_is_not_waited_for(work: Path, index: Index) -> None:
    newer(index)
    os.mkfifo(work / "recipes" / "a" / "pipe")
    result = layerwright("update", "--no-pins", cwd=work)
    assert result.code == 0, result.err
    assert "| a | 1.0 | 1.1 |" in result.out


def test_a_branch_of_its_own_and_never_the_one_at_hand(work: Path, index: Index) -> None:
    newer(index)
    head = git(work, "rev-parse", "HEAD")
    result = layerwright("update", "--no-pins", "--branch", "layers/updates", cwd=work)
    assert result.code == 0, result.err
    assert (git(work, "rev-parse", "HEAD"), git(work, "branch", "--show-current")) == (head, "main")
    assert git(work, "rev-parse", "layers/updates~1") == head
    assert "a==1.1" in git(work, "show", "layers/updates:recipes/a/requirements.lock")
    message = git(work, "log", "-1", "--format=%B", "layers/updates")
    assert message.startswith("Updates of 1 recipes and 0 images")
    assert "| a | 1.0 | 1.1 |" in message
    assert git(work, "worktree", "list").count("\n") == 0
    assert not (work / "dist").exists()
    refused = layerwright("update", "--no-pins", "--branch", "main", cwd=work)
    assert refused.code == 2
    assert "is checked out" in refused.err
    # The next night makes it anew instead of stumbling over it.
    again = layerwright("update", "--no-pins", "--branch", "layers/updates", "--json", cwd=work)
    assert again.code == 0, again.err
    assert [change["new"] for change in again.json["recipes"]["a"]] == ["1.1", "2.0"]
    assert (again.json["branch"], again.json["patch"], again.json["errors"]) == ("layers/updates", None, {})


def test_one_recipe_without_an_answer_leaves_the_others(work: Path, index: Index) -> None:
    newer(index)
    (index.folder / "c-1.0-py3-none-any.whl").unlink()
    result = layerwright("update", "--no-pins", cwd=work)
    assert result.code == 0, result.err
    assert "c could not be examined" in result.out
    assert "| a | 1.0 | 1.1 |" in result.out


def test_outside_of_a_repository_there_is_nothing_to_propose_to(tmp_path: Path, index: Index) -> None:
    make_wheel(index.folder, "a", "1.0")
    write_recipe(tmp_path, "a", pip_recipe("a", "a>=1"))
    result = layerwright("update", cwd=tmp_path, env={"GIT_CEILING_DIRECTORIES": str(tmp_path.parent)})
    assert result.code == 2
    assert "is not in a git repository" in result.err
