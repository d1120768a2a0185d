"""Settings of a project in commands: after the command line and the environment, before the defaults."""

import os
import subprocess
from pathlib import Path

import pytest
from kit import published
from kit.commands import layerwright, layerwright_process, pip_recipe, write_recipe
from kit.front import Front
from kit.published import ACCOUNT, ORGANIZATION, OTHER, shared, versions
from kit.wheels import Index, make_wheel

TEAM = """\
[layer]
name        = "shared-data"
version     = "1.0"
description = "for tests"
license     = "MIT"

[targets]
runtimes = ["python3.12", "python3.13"]

[[step]]
uses  = "copy"
files = ["data.txt"]
to    = "python"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the folder of a repository."""
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    return folder


def settings(folder: Path, text: str) -> None:
    (folder / "layerwright.toml").write_text(text, encoding="utf-8")


def team(folder: Path) -> Path:
    """Write a catalogue with one recipe."""
    recipe = folder / "shared-data"
    recipe.mkdir(parents=True)
    (recipe / "recipe.toml").write_text(TEAM, encoding="utf-8")
    (recipe / "data.txt").write_text("shared\n", encoding="utf-8")
    return folder


def made(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.zip"))


def test_the_output_is_that_of_the_command_line_then_of_the_settings_then_the_default(
    project: Path, index: Index
) -> None:
    make_wheel(index.folder, "a", "1.0")
    write_recipe(project, "a", pip_recipe("a", "a=={version}"))
    below = project / "recipes" / "a"
    for expected, arguments in ((project / "dist", ()), (project / "x", ("--output", "x"))):
        assert layerwright("build", "a", *arguments, cwd=project).code == 0
        assert made(expected) == ["a-1.0-python3.13-arm64"]
    settings(project, 'output = "out"\nrecipes = "recipes"\n')
    assert layerwright("build", "a", cwd=below).code == 0
    assert made(project / "out") == ["a-1.0-python3.13-arm64"]
    assert '"sha256"' in layerwright("list", "--json", cwd=below).out
    assert layerwright("build", "a", "--output", "y", cwd=below).code == 0
    assert made(below / "y") == ["a-1.0-python3.13-arm64"]


def test_the_folder_of_recipes_is_that_of_the_environment_before_that_of_the_settings(project: Path) -> None:
    for name in ("layers", "others"):
        team(project / name)
    settings(project, 'recipes = "layers"\n')
    assert layerwright("lint", cwd=project).code == 0
    (project / "others" / "shared-data" / "recipe.toml").write_text("", encoding="utf-8")
    assert layerwright("lint", cwd=project, env={"LAYERWRIGHT_RECIPES": "others"}).code == 2
    assert layerwright("lint", "--recipes", "layers", cwd=project, env={"LAYERWRIGHT_RECIPES": "others"}).code == 0


def test_packages_without_a_recipe_are_built_for_runtimes_of_their_language(project: Path, index: Index) -> None:
    make_wheel(index.folder, "a", "1.0")
    settings(project, 'runtimes = ["node22", "3.12"]\narchitectures = ["aarch64"]\n')
    assert layerwright("build", "--pip", "a==1.0", cwd=project).code == 0
    assert made(project / "dist") == ["a-1.0-python3.12-arm64"]
    more = ("--runtime", "3.13", "--arch", "amd64", "--output", "more")
    assert layerwright("build", "--pip", "a==1.0", *more, cwd=project).code == 0
    assert made(project / "more") == ["a-1.0-python3.13-x86_64"]


def test_a_project_and_a_new_recipe_are_for_the_runtimes_of_the_settings(project: Path, index: Index) -> None:
    make_wheel(index.folder, "a", "1.0", files={"a.py": b""})
    service = project / "service"
    service.mkdir()
    (service / "requirements.txt").write_text("a==1.0\n", encoding="utf-8")
    settings(project, 'runtimes = ["python3.12"]\narchitectures = ["arm64"]\n')
    result = layerwright("build", "service", cwd=project)
    assert result.code == 0, result.err
    assert made(project / "dist") == ["service-1-python3.12-arm64"]
    assert layerwright("new", "a", "--pip", "a==1.0", cwd=project).code == 0
    text = (project / "recipes" / "a" / "recipe.toml").read_text(encoding="utf-8")
    assert '["python3.12"]' in text
    assert '["arm64"]' in text


def test_a_recipe_of_ones_own_says_itself_what_it_is_for(project: Path) -> None:
    team(project / "recipes")
    settings(project, 'runtimes = ["python3.11"]\narchitectures = ["arm64"]\n')
    assert layerwright("build", "shared-data", cwd=project).code == 0
    assert len(made(project / "dist")) == 4


def test_recipes_of_a_catalogue_are_built_for_what_the_settings_name_of_theirs(project: Path, tmp_path: Path) -> None:
    team(tmp_path / "team")
    catalogue = '[[catalogue]]\nfolder = "../team"\n'
    settings(project, f'runtimes = ["python3.13", "ruby3.4"]\narchitectures = ["arm64"]\n{catalogue}')
    result = layerwright("build", "shared-data", cwd=project)
    assert result.code == 0, result.err
    assert "from the catalogue: shared-data 1.0" in result.err
    assert made(project / "dist") == ["shared-data-1.0-python3.13-arm64"]
    assert layerwright("build", "shared-data", "--runtime", "3.12", cwd=project).code == 0
    assert layerwright("build", "shared-data", "--only", "*x86_64", "--output", "x", cwd=project).code == 0
    assert len(made(project / "x")) == 2
    settings(project, f'runtimes = ["ruby3.4"]\n{catalogue}')
    assert layerwright("build", "shared-data", "--output", "all", cwd=project).code == 0
    assert len(made(project / "all")) == 4, "none of its runtimes is named, so all are meant"


def test_a_catalogue_of_a_repository_is_fetched_once_at_its_commit(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "repository"
    team(repository / "recipes")
    hook = repository / ".git" / "hooks" / "post-checkout"
    git = ("git", "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@example.com")
    for command in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "first")):
        subprocess.run([*git, *command], check=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n", encoding="utf-8")
    hook.chmod(0o755)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, encoding="utf-8", check=True)
    address = f"file://{repository.as_posix()}"
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "cache"))
    settings(project, f'[[catalogue]]\ngit = "{address}"\ncommit = "{commit.stdout.strip()}"\n')
    assert "shared-data" in layerwright("list", "--catalogue", cwd=project).out
    assert layerwright("new", "mine", "--from", "shared-data", cwd=project).code == 0
    assert (project / "recipes" / "mine" / "data.txt").read_text(encoding="utf-8") == "shared\n"
    repository.rename(tmp_path / "gone")
    result = layerwright("build", "shared-data", "--runtime", "3.13", "--arch", "arm64", cwd=project)
    assert result.code == 0, result.err
    assert not (tmp_path / "ran").exists()
    settings(project, f'[[catalogue]]\ngit = "{address}"\ncommit = "{"0" * 40}"\n')
    refused = layerwright("build", "shared-data", cwd=project)
    assert refused.code == 4
    assert "does it have that commit" in refused.err


def test_a_name_of_ones_own_fetches_no_catalogue(project: Path) -> None:
    team(project / "recipes")
    settings(project, f'[[catalogue]]\ngit = "file:///nowhere"\ncommit = "{"0" * 40}"\n')
    assert layerwright("build", "shared-data", "--runtime", "3.13", "--arch", "arm64", cwd=project).code == 0


def test_a_layer_is_published_as_the_settings_say(cloud: Front, project: Path) -> None:
    path = published.layer(project / "dist")
    settings(
        project, f'[publish]\naccount = "{ACCOUNT}"\nregions = ["us-east-1", "eu-west-1"]\nshare = ["{ORGANIZATION}"]\n'
    )
    name = "sample-python313-arm64"
    result = layerwright("publish", path, "--yes", cwd=project)
    assert result.code == 0, result.err
    for region in ("us-east-1", "eu-west-1"):
        assert list(versions(cloud, region, name)) == [1]
        assert shared(cloud, region, name, 1) == [ORGANIZATION]
    listed = layerwright("versions", "list", name, "--json", cwd=project)
    assert {row["region"] for row in listed.json["versions"]} == {"us-east-1", "eu-west-1"}
    settings(project, '[publish]\naccount = "999999999999"\nregions = ["us-east-1"]\n')
    refused = layerwright("publish", path, "--yes", cwd=project)
    assert refused.code == 2
    assert f"the credentials belong to account {ACCOUNT}, not to 999999999999" in refused.err
    own = layerwright("publish", path, "--account", ACCOUNT, "--share", OTHER, "--regions", "us-west-2", cwd=project)
    assert own.code == 0, own.err
    assert "us-west-2" in own.out
    assert "us-east-1" not in own.out


def test_a_night_publishes_recipes_without_regions_to_those_of_the_settings(
    cloud: Front, project: Path, index: Index
) -> None:
    make_wheel(index.folder, "a", "1.0")
    write_recipe(project, "a", pip_recipe("a", "a=={version}"))
    settings(project, f'[publish]\naccount = "{ACCOUNT}"\nregions = ["eu-west-1"]\n')
    assert layerwright("nightly", "--patience", "0", cwd=project).code == 0, "the account is for --publish alone"
    result = layerwright("nightly", "--publish", "--untested", "--patience", "0", cwd=project)
    assert result.code == 0, result.err
    assert list(versions(cloud, "eu-west-1", "a-python313-arm64")) == [1]


def test_the_doctor_tells_the_file_and_what_it_sets(project: Path) -> None:
    alone = {"PATH": os.devnull}
    assert "no layerwright.toml" in layerwright("doctor", cwd=project, env=alone).out
    settings(project, 'output = "out"\n[cache]\ngb = 3\n')
    told = layerwright("doctor", cwd=project, env={**alone, "LAYERWRIGHT_CACHE_GB": "5"}).out
    line = next(line for line in told.splitlines() if " settings " in line)
    assert f"{project / 'layerwright.toml'}: output = out, cache.gb = 3; set in the environment: " in line
    assert "LAYERWRIGHT_CACHE_GB" in line
    settings(project, "outputs = 1\n")
    broken = layerwright("doctor", cwd=project, env=alone)
    assert broken.code == 7
    assert "layerwright.toml:1:1: outputs: unknown key; did you mean `output`?" in broken.out


def test_lint_tells_mistakes_of_settings_and_of_recipes_together(project: Path) -> None:
    write_recipe(project, "a", pip_recipe("a", "a").replace("license", "licence"))
    settings(project, "outputs = 1\n")
    result = layerwright("lint", cwd=project)
    assert result.code == 2
    assert "layerwright.toml:1:1: outputs: unknown key" in result.err
    assert "recipes/a/recipe.toml:5:1: layer.licence: unknown key; did you mean `license`?" in result.err


@pytest.mark.parametrize("arguments", [("list",), ("build", "--all"), ("cache", "list")])
def test_no_command_works_with_settings_that_are_wrong(project: Path, arguments: tuple[str, ...]) -> None:
    team(project / "recipes")
    settings(project, "outputs = 1\n")
    result = layerwright(*arguments, cwd=project)
    assert result.code == 2
    assert not result.out
    assert "layerwright.toml:1:1: outputs: unknown key" in result.err
    assert layerwright(*arguments, "--help", cwd=project).code == 0
    assert layerwright("--version", cwd=project).code == 0


def test_completion_knows_the_settings_and_heeds_no_mistakes(project: Path, tmp_path: Path) -> None:
    team(project / "layers")
    team(tmp_path / "team")
    (tmp_path / "team" / "shared-data").rename(tmp_path / "team" / "shared-more")
    words = {"_LAYERWRIGHT_COMPLETE": "bash_complete", "COMP_WORDS": "layerwright build shared", "COMP_CWORD": "2"}
    settings(project, 'recipes = "layers"\n[[catalogue]]\nfolder = "../team"\n')
    assert "shared-data" in layerwright_process(cwd=project, env=words).out
    assert "shared-more" in layerwright_process(cwd=project, env=words).out
    settings(project, "outputs = 1\n")
    assert "numpy" in layerwright_process(cwd=project, env={**words, "COMP_WORDS": "layerwright build num"}).out
