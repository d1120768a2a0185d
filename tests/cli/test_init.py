"""`layerwright init`: what it writes lints and builds, what exists stays, and a terminal is asked five questions."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from kit.commands import ROOT, layerwright
from kit.terminals import on_a_terminal

QUESTIONS = ("Runtimes", "Architectures", "First recipe", "Regions to publish to", "Workflow for")

WRITTEN = ("layerwright.toml", "recipes/example/recipe.toml", ".github/workflows/layers.yml", ".gitignore")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the root of an empty repository."""
    (tmp_path / ".git").mkdir()
    return tmp_path


def written(folder: Path) -> dict[str, str]:
    """Return the text of every file by its path."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and ".git" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def test_what_is_written_lints_and_builds(folder: Path) -> None:
    result = layerwright("init", "--yes", "--runtime", "3.13", "--regions", "eu-west-1", "--json", cwd=folder)
    assert result.code == 0, result.err
    assert result.json["files"] == [{"path": name, "done": "wrote"} for name in WRITTEN]
    assert set(written(folder)) == {
        *("layerwright.toml", ".gitignore", ".github/workflows/layers.yml"),
        *("recipes/example/recipe.toml", "recipes/example/hello"),
    }
    for name in WRITTEN:
        assert f"wrote {name}" in result.err
    assert written(folder)["layerwright.toml"].splitlines()[1:] == [
        'runtimes = ["python3.13"]',
        'architectures = ["x86_64", "arm64"]',
        'recipes = "recipes"',
        'output = "dist"',
        "",
        "[publish]",
        'regions = ["eu-west-1"]',
    ]
    assert layerwright("lint", cwd=folder).code == 0
    built = layerwright("build", "--all", cwd=folder / "recipes" / "example")
    assert built.code == 0, built.err
    assert [path.name for path in (folder / "dist").glob("*.zip")] == ["example-1.0.0.zip"]


def test_without_a_terminal_nothing_is_asked(folder: Path) -> None:
    assert layerwright("init", cwd=folder).code == 0
    assert "layerwright.toml" in written(folder)


def test_what_exists_is_kept_and_named(folder: Path) -> None:
    (folder / "layerwright.toml").write_text('output = "mine"\n', encoding="utf-8")
    (folder / ".gitignore").write_text("*.pyc\ndist", encoding="utf-8")
    (folder / "recipes" / "own").mkdir(parents=True)
    (folder / "recipes" / "own" / "recipe.toml").write_text("mine\n", encoding="utf-8")
    before = written(folder)
    result = layerwright("init", "--ci", "none", cwd=folder)
    assert result.code == 0, result.err
    assert written(folder) == before
    for name in ("layerwright.toml", ".gitignore", "recipes"):
        assert f"kept {name} as it is" in result.err
    assert layerwright("init", "--ci", "gitlab", cwd=folder).code == 0
    assert written(folder)[".gitignore"] == "*.pyc\ndist\n/.cache/\n"
    again = written(folder)
    assert "kept .gitlab-ci.yml as it is" in layerwright("init", "--ci", "gitlab", cwd=folder).err
    assert written(folder) == again


def test_the_first_recipe_may_be_one_of_the_catalogue(folder: Path) -> None:
    assert layerwright("init", "--recipe", "bash-runtime", "--ci", "none", cwd=folder).code == 0
    assert layerwright("build", "bash-runtime", cwd=folder).code == 0
    refused = layerwright("init", "--recipe", "bash-runtme", cwd=folder)
    assert refused.code == 2
    assert "no catalogue has a recipe `bash-runtme`; did you mean `bash-runtime`?" in refused.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--runtime", "pyhton3.13"), "did you mean `python3.13`?"),
        (("--arch", "riscv"), "unknown architecture `riscv`"),
    ],
)
def test_a_wrong_answer_writes_nothing(folder: Path, arguments: tuple[str, ...], told: str) -> None:
    result = layerwright("init", *arguments, cwd=folder)
    assert result.code == 2
    assert told in result.err
    assert written(folder) == {}


def test_a_workflow_belongs_to_the_root_of_the_repository(folder: Path) -> None:
    below = folder / "layers"
    below.mkdir()
    refused = layerwright("init", "--ci", "github", cwd=below)
    assert refused.code == 2
    assert "belongs to the root of the repository" in refused.err
    assert layerwright("init", cwd=below).code == 0
    assert "layers/layerwright.toml" in written(folder)
    assert not list(folder.rglob("*.yml"))


def test_the_workflow_of_github_trusts_no_tag_and_builds_on_machines_of_each_kind(folder: Path) -> None:
    assert layerwright("init", "--arch", "aarch64", cwd=folder).code == 0
    path = folder / ".github/workflows/layers.yml"
    text = path.read_text(encoding="utf-8")
    job = yaml.safe_load(text)["jobs"]["layers"]
    assert job["strategy"]["matrix"]["include"] == [{"arch": "arm64", "runner": "ubuntu-24.04-arm"}]
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert used
    own = (ROOT / ".github/workflows/nightly.yml").read_text(encoding="utf-8")
    assert [name for name in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", name)] == []
    assert [name for name in used if name.partition("@")[2] not in own] == [], (
        "the same commits as those of our own workflows"
    )
    assert "@" not in re.sub(r"@[0-9a-f]{40}|@COMMIT", "", text)
    zizmor = [str(Path(sys.executable).with_name("zizmor")), "--offline", "--no-progress", "--quiet", str(path)]
    assert subprocess.run(zizmor, capture_output=True, check=False).returncode == 0


def test_the_pipeline_of_gitlab_has_a_job_for_each_architecture(folder: Path) -> None:
    assert layerwright("init", "--ci", "gitlab", cwd=folder).code == 0
    job = yaml.safe_load((folder / ".gitlab-ci.yml").read_text(encoding="utf-8"))["layers"]
    assert job["parallel"]["matrix"] == [{"ARCH": ["x86_64", "arm64"]}]
    assert 'layerwright build --all --arch "$ARCH" --keep-going' in job["script"]


# A fork in a process with threads is what pytest-xdist's workers are; the child only calls execv.
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pty module")
def test_a_terminal_is_asked_five_questions(folder: Path) -> None:
    answers = "3.13 node22\nriscv\naarch64\n\neu-west-1, eu-north-1\ngitlab\n"
    asked = on_a_terminal(["init"], folder, typed=answers)
    shown = asked.text
    assert asked.code == 0, shown
    for question in QUESTIONS:
        assert question in shown
    assert "unknown architecture `riscv`" in shown
    files = written(folder)
    assert ".gitlab-ci.yml" in files
    assert 'runtimes = ["python3.13", "nodejs22.x"]' in files["layerwright.toml"]
    assert 'architectures = ["arm64"]' in files["layerwright.toml"]
    assert 'regions = ["eu-west-1", "eu-north-1"]' in files["layerwright.toml"]
