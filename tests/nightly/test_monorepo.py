"""A monorepo: recipes that follow its services are built when what they take of a lock changes, and only then."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from kit.commands import Result, layerwright
from kit.wheels import Index, make_wheel
from uv import find_uv_bin

SERVICES = {"orders": "tiny-codec", "billing": "tiny-bill", "mail": "tiny-mail"}
SHARED = '[project]\nname = "shared"\nversion = "0.3.0"\n[build-system]\nrequires = ["hatchling"]\n'


def project(name: str, *dependencies: str, more: str = "") -> str:
    listed = ", ".join(f'"{each}"' for each in dependencies)
    head = f'[project]\nname = "{name}"\nversion = "1"\nrequires-python = ">=3.10"\n'
    return f"{head}dependencies = [{listed}]\n{more}"


def write(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")


def lock(folder: Path, *arguments: str) -> None:
    command = [find_uv_bin(), "lock", "--directory", str(folder), "--no-python-downloads", *arguments]
    finished = subprocess.run(command, check=False, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr


@pytest.fixture
def work(tmp_path: Path, index: Index) -> Path:
    """Make a repository: two services are members of a workspace with one lock, the third has its own and a folder."""
    for name in ("tiny_codec", "tiny_bill", "tiny_mail"):
        make_wheel(index.folder, name, "1.0")
    work = tmp_path / "work"
    (work / ".git").mkdir(parents=True)
    write(work, project("all", more='[tool.uv.workspace]\nmembers = ["services/orders", "services/billing"]\n'))
    shared = '[tool.uv.sources]\nshared = { path = "../../libs/shared", editable = true }\n'
    write(work / "services" / "orders", project("orders", "tiny-codec"))
    write(work / "services" / "billing", project("billing", "tiny-bill"))
    write(work / "services" / "mail", project("mail", "tiny-mail", "shared", more=shared))
    write(work / "libs" / "shared", f'{SHARED}build-backend = "hatchling.build"\n')
    (work / "libs" / "shared" / "shared").mkdir()
    (work / "libs" / "shared" / "shared" / "__init__.py").write_text("kept = 1\n", encoding="utf-8")
    for folder in (work, work / "services" / "mail"):
        lock(folder)
    for name in SERVICES:
        made = layerwright("new", name, "--from", f"services/{name}", "--arch", "arm64", cwd=work)
        assert made.code == 0, made.err
    return work


def nightly(folder: Path, services: Iterable[str] = SERVICES) -> dict[str, list[str]]:
    """Run a night; return the reasons of what was built."""
    result: Result = layerwright("nightly", "--json", "--patience", "0", cwd=folder)
    assert result.code == 0, result.err
    rows = {row["recipe"]: row for row in result.json["targets"]}
    assert set(rows) == set(services)
    return {name: row["reasons"] for name, row in rows.items() if row["state"] != "unchanged"}


def test_a_night_builds_the_services_whose_packages_changed(work: Path, index: Index) -> None:
    assert set(nightly(work)) == set(SERVICES)
    assert nightly(work) == {}
    make_wheel(index.folder, "tiny_bill", "1.1")
    lock(work, "--upgrade-package", "tiny-bill")
    assert nightly(work) == {"billing": ["uv.lock: tiny-bill 1.0 -> 1.1"]}
    (work / "services" / "orders" / "handler.py").write_text("pass\n", encoding="utf-8")
    assert nightly(work) == {}
    (work / "libs" / "shared" / "shared" / "__init__.py").write_text("kept = 2\n", encoding="utf-8")
    assert nightly(work) == {"mail": ["libs/shared changed"]}


@pytest.mark.long
def test_of_thirty_services_those_are_built_whose_packages_changed(tmp_path: Path, index: Index) -> None:
    """Half of them are members of a workspace with one lock; the others have their own, and three of them a folder."""
    for number in range(6):
        make_wheel(index.folder, f"tiny_{number}", "1.0")
    names = [f"service-{number:02}" for number in range(30)]
    members, others = names[:15], names[15:]
    (tmp_path / ".git").mkdir()
    listed = ", ".join(f'"services/{name}"' for name in members)
    write(tmp_path, project("all", more=f"[tool.uv.workspace]\nmembers = [{listed}]\n"))
    write(tmp_path / "libs" / "shared", f'{SHARED}build-backend = "hatchling.build"\n')
    (tmp_path / "libs" / "shared" / "shared.py").write_text("kept = 1\n", encoding="utf-8")
    shared = '[tool.uv.sources]\nshared = { path = "../../libs/shared" }\n'
    for number, name in enumerate(names):
        needs, more = (["shared"], shared) if number >= 27 else ([], "")
        write(tmp_path / "services" / name, project(name, f"tiny-{number % 6}", *needs, more=more))
    for folder in (tmp_path, *(tmp_path / "services" / name for name in others)):
        lock(folder)
    for name in names:
        made = layerwright("new", name, "--from", f"services/{name}", "--arch", "arm64", cwd=tmp_path)
        assert made.code == 0, made.err
    assert set(nightly(tmp_path, names)) == set(names)
    assert nightly(tmp_path, names) == {}
    make_wheel(index.folder, "tiny_4", "1.1")
    lock(tmp_path, "--upgrade-package", "tiny-4")
    changed = ["uv.lock: tiny-4 1.0 -> 1.1"]
    assert nightly(tmp_path, names) == {"service-04": changed, "service-10": changed}
    lock(tmp_path / "services" / "service-16", "--upgrade-package", "tiny-4")
    (tmp_path / "libs" / "shared" / "shared.py").write_text("kept = 2\n", encoding="utf-8")
    assert nightly(tmp_path, names) == {
        "service-16": ["services/service-16/uv.lock: tiny-4 1.0 -> 1.1"],
        **{name: ["libs/shared changed"] for name in names[27:]},
    }


def test_a_lock_that_is_behind_its_project_is_told_and_the_others_are_built(work: Path) -> None:
    assert set(nightly(work)) == set(SERVICES)
    write(work / "services" / "orders", project("orders", "tiny-codec>=1", "tiny-mail"))
    result = layerwright("nightly", "--json", "--patience", "0", cwd=work)
    assert result.code != 0
    rows = {row["recipe"]: row for row in result.json["targets"]}
    assert "uv.lock is older than" in rows["orders"]["failure"]["what"]
    told = "uv.lock is older than services/orders/pyproject.toml, which asks for something else"
    assert rows["orders"]["reasons"] == [told]
    assert rows["orders"]["failure"]["why"] == ["what differs: tiny-codec, tiny-mail"]
    assert rows["mail"]["state"] == "unchanged"
    assert rows["billing"]["state"] == "unchanged"
    lock(work)
    assert nightly(work) == {"orders": ["uv.lock changed", "it failed the last time"]}


def test_a_new_recipe_follows_a_project_of_its_repository_only(work: Path, tmp_path: Path) -> None:
    text = (work / "recipes" / "orders" / "recipe.toml").read_text(encoding="utf-8")
    assert 'project = "../../services/orders"' in text
    assert layerwright("lint", cwd=work).code == 0
    write(tmp_path / "elsewhere", project("elsewhere", "tiny-codec"))
    refused = layerwright("new", "elsewhere", "--from", "../elsewhere", cwd=work)
    assert refused.code == 2
    assert "leads out of" in refused.err
    unknown = layerwright("new", "again", "--from", "services/orders", "--group", "dev", cwd=work)
    assert unknown.code == 2
    assert "has no group `dev`" in unknown.err
    assert not (work / "recipes" / "again").exists()
    both = layerwright("new", "again", "--from", "services/orders", "--pip", "tiny-codec", cwd=work)
    assert both.code == 2


def test_the_tools_of_a_project_lock_and_update_it(work: Path) -> None:
    locked = layerwright("lock", "--all", cwd=work)
    assert locked.code == 0, locked.err
    assert "orders: the lock of its project decides" in locked.err
    assert not list((work / "recipes").glob("*/*.lock"))
    subprocess.run(["git", "-C", str(work), "init", "-q"], check=True)
    updated = layerwright("update", "orders", cwd=work)
    assert "no project of Python" not in updated.err
    assert "orders:" not in updated.err
    divided = layerwright("split", "orders", "--anyway", cwd=work)
    assert divided.code == 2
    assert "follows a project" in divided.err
