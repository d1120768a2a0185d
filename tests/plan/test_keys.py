"""What a key follows and what it leaves alone, each by a change in layerwright's own data, programs and tools."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from kit.commands import ROOT
from kit.golden import GOLDEN, stored

from builder.base import programs
from builder.base.significant import significant
from builder.model import facts, libraries
from builder.model.runtimes import operating_system
from builder.model.steps import Build
from builder.model.tools import tools
from builder.plan import dockerfile, keys, program_texts
from builder.plan.container import Container
from builder.plan.decide import decide
from builder.plan.formats import FORMATS

COMPILED = [name for name in GOLDEN if decide(stored(name)).container]
Keys = dict[str, str]
"""By plan and stage."""


def every_key() -> Keys:
    program_texts.forget()
    libraries._table.cache_clear()  # noqa: SLF001
    return {f"{name} {part.stage}": part.key for name, container in containers() for part in keys.parts(container)}


def containers() -> Iterator[tuple[str, Container]]:
    """Yield the containers of all plans, and one that repairs its wheel."""
    for name in COMPILED:
        container = decide(stored(name)).container
        assert container is not None
        yield name, container
        if name == "pip":
            yield name, dataclasses.replace(container, repair=True)


def made_by(template: str) -> set[str]:
    """Return the parts whose Dockerfile has a template, by its words."""
    return {
        f"{name} {stage}"
        for name, container in containers()
        for stage, named in keys.inputs(container)
        if f"template {template}" in named
    }


def changed(before: Keys) -> set[str]:
    after = every_key()
    return {name for name in before if before[name] != after[name]}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a copy of the data and programs that can be changed."""
    for folder, module in ((facts.folder(), facts), (programs.folder(), programs)):
        copy = tmp_path / folder.name
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("__pycache__"))
        monkeypatch.setattr(module, "folder", lambda copy=copy: copy)
    every_key()
    yield tmp_path
    program_texts.forget()
    libraries._table.cache_clear()  # noqa: SLF001


def edit(path: Path, text: Callable[[str], str]) -> None:
    path.write_text(text(path.read_text(encoding="utf-8")), encoding="utf-8")


def test_another_uv_leaves_jq_alone_and_compiles_wheels_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    def of(name: str) -> Keys:
        container = decide(stored(name)).container
        assert container is not None
        return {part.stage: part.key for part in keys.parts(container)}

    jq, one = of("autotools"), of("several")
    with monkeypatch.context() as patch:
        newer = dataclasses.replace(tools().uv, version="99.0")
        patch.setattr("builder.packages.pypi.resolution.tools", lambda: SimpleNamespace(uv=newer))
        assert of("autotools") == jq
        other = of("several")
    assert {stage for stage in one if one[stage] != other[stage]} == {"wheel-lz4"}
    before = every_key()
    monkeypatch.setattr("builder.packages.pypi.uv.version", lambda: "99.0")
    assert not changed(before), "only what is resolved asks for it"


def test_a_changed_template_changes_exactly_the_parts_made_by_it(own: Path) -> None:
    before = every_key()
    parts = set(before)
    trees = {part for part in parts if part.endswith(" tree")}
    expected = {
        "Dockerfile.j2": parts,
        "tree.j2": trees,
        "pip.j2": {part for part in parts if not part.endswith(" tree")},
        "repair.j2": {"pip repaired-psycopg2"},
        "npm.j2": {"npm tree"},
        "gem.j2": {"gem tree"},
        "cargo.j2": {"cargo tree", "cargo-project tree"},
        "go.j2": {"go tree", "go-project tree", "go-after-script tree"},
        "script.j2": {
            *("script tree", "script-packages tree", "several tree", "several wheel-lz4"),
            *("go-after-script tree", "pip-after-script tree", "pip-after-script wheel-lz4"),
        },
        "carried.j2": {"packages tree", "packages-al2 tree"},
        "toolchain.j2": parts - {"packages tree", "packages-al2 tree"},
    }
    for path in sorted((own / "images" / "templates").iterdir()):
        text = path.read_text(encoding="utf-8")
        edit(path, lambda text: f"{text}RUN true\n")
        found = changed(before)
        assert found == made_by(path.name)
        assert found == expected.get(path.name, found), path.name
        assert found, path.name
        path.write_text(text, encoding="utf-8")
    assert not changed(before)


def test_a_changed_program_changes_the_parts_that_run_it(own: Path) -> None:
    before = every_key()
    expected = {
        "repair.sh": {"pip repaired-psycopg2"},
        "crates.py": {"cargo tree", "cargo-project tree"},
        "gems.rb": {"gem tree"},
        "go.sh": {"go tree", "go-project tree", "go-after-script tree"},
        "npm.sh": {"npm tree"},
        "packages.py": {"packages tree", "packages-al2 tree"},
        "script.sh": {
            *("script tree", "script-packages tree", "several tree", "several wheel-lz4"),
            *("go-after-script tree", "pip-after-script tree", "pip-after-script wheel-lz4"),
        },
        "autotools.sh": {"autotools tree", "autotools-al2 tree"},
        "meson.sh": {"meson tree"},
        "make.sh": {"make tree"},
        "cmake.sh": {"cmake tree", "several tree", "several wheel-lz4", "several-sources tree"},
    }
    for path in program_files(own):
        text = path.read_text(encoding="utf-8")
        path.write_text(f"{text}\nexit\n", encoding="utf-8")
        found = changed(before)
        assert found, f"{path.name} is run by no template"
        assert found == expected.get(path.name, found), path.name
        path.write_text(text, encoding="utf-8")


COMMENTS = {
    ".py": ("'''Says something.'''\n", "\n# why\n\n"),
    ".sh": ("# why\n\n", "\n# why"),
    ".rb": ("# why\n\n", "\n# why"),
    ".c": ("// why\n/* and\n * why */\n", "\n// why"),
    ".j2": ("{#- why -#}", "{# why\n #}"),
}


def test_comments_and_docstrings_change_nothing(own: Path) -> None:
    before = every_key()
    paths = (*program_files(own), *(own / "images" / "templates").iterdir())
    for path in paths:
        begin, end = COMMENTS[path.suffix]
        edit(path, lambda text, begin=begin, end=end: begin + text + end)  # type: ignore[misc]
    assert len({path.suffix for path in paths}) == len(COMMENTS)
    assert not changed(before)


def program_files(own: Path) -> Iterator[Path]:
    yield from (path for path in (own / "container" / "steps").rglob("*") if path.is_file())


def test_facts_of_others_leave_a_key_alone(own: Path) -> None:
    before = every_key()
    lists = own / "images" / "libraries"
    edit(lists / "al2-x86_64.txt", lambda text: f"{text}libnew.so.1\n")
    assert not changed(before), "no plan is for it"
    edit(lists / "al2-arm64.txt", lambda text: f"{text}libnew.so.1\n")
    assert changed(before) == {part for part in before if "-al2 " in part}
    edit(lists / "al2023-arm64.txt", lambda text: text.replace("libz.so.1\n", "libz.so.1 ZLIB_99\n"))
    assert changed(before) == {part for part in before if "-al2 " in part}, "versions of symbols bundle nothing"


def test_tools_that_repair_count_only_where_repair_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    before = every_key()
    same = {"wheels": tools().wheels, "node_headers": tools().node_headers}
    newer = SimpleNamespace(repair_inputs=("auditwheel==99.0",), patchelf=tools().patchelf, **same)
    monkeypatch.setattr(keys, "tools", lambda: newer)
    assert changed(before) == {"pip repaired-psycopg2"}
    newer.patchelf = SimpleNamespace(version="99.0")
    trees = {part for part in before if part.endswith(" tree")}
    assert changed(before) == {"pip repaired-psycopg2"} | trees, "patchelf leads programs of /opt to its libraries"


def test_build_tools_of_layerwright_are_used_where_the_system_has_none_or_old_ones() -> None:
    container = decide(stored("cmake")).container
    assert container
    assert container.own_tools == ()
    before = [part.key for part in keys.parts(container)]
    old = dataclasses.replace(container.target.base, os=operating_system("al2"))
    target = dataclasses.replace(container.target, runtimes=(old,))
    step = next(step for _, step in container.steps if isinstance(step, Build))
    for other in (
        dataclasses.replace(container, target=target),
        dataclasses.replace(container, steps=((1, step),)),
    ):
        assert other.own_tools == ("cmake", "ninja")
        assert [part.key for part in keys.parts(other)] != before
        assert "source=tools,target=/layerwright/tools" in dockerfile.render(other, keys.parts(other))
    assert "/layerwright/tools" not in dockerfile.render(container, keys.parts(container))
    meson = dataclasses.replace(step, build="meson")
    assert dataclasses.replace(container, steps=((1, meson),)).own_tools == ("meson", "ninja")
    assert dataclasses.replace(container, steps=((1, dataclasses.replace(step, build="make")),)).own_tools == ()


def test_formats_of_others_leave_a_key_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    before = every_key()
    for name, parts in {
        "npm": {"npm tree"},
        "pip": {part for part in before if not part.endswith(" tree")},
        "bytecode": set(),
        "container": set(before),
    }.items():
        with monkeypatch.context() as patch:
            patch.setitem(FORMATS, name, dataclasses.replace(FORMATS[name], version=99))
            assert changed(before) == parts


def test_a_comment_in_a_command_leaves_the_digest_of_a_plan_as_it_was(tmp_path: Path) -> None:
    """In a copy of the tree, so that it is the code that runs."""
    copy = tmp_path / "tree"
    for name in ("builder", "images"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    before = digests(copy)
    commands = sorted((copy / "builder" / "cli").rglob("*.py"))
    assert len(commands) > 10
    for path in commands:
        edit(path, lambda text: f"{text}\n# A comment.\n")
    edit(
        copy / "builder" / "layer" / "archive.py",
        lambda text: f"{text}\n\ndef unused() -> None:\n    '''Do nothing.'''\n",
    )
    for path in programs.files("steps"):
        to = copy / "builder" / "container" / path.relative_to(programs.folder())
        edit(to, lambda text, begin=COMMENTS[path.suffix][0]: f"{begin}{text}")  # type: ignore[misc]
    assert digests(copy) == before


def digests(tree: Path) -> dict[str, str]:
    """Plan in a process of its own, of numpy's wheels and of what is compiled."""
    code = """
import json, sys
from pathlib import Path
from types import SimpleNamespace
from builder.plan.decide import decide
from builder.plan.resolved import from_json
print(json.dumps({path: decide(from_json(json.loads(Path(path).read_text("utf-8")))).digest for path in sys.argv[1:]}))
"""
    paths = [
        str(ROOT / "tests" / "plan" / "golden" / f"{name}.resolution.json") for name in ("wheels", "pip", "several")
    ]
    env = {**os.environ, "PYTHONPATH": str(tree)}
    command = [sys.executable, "-c", code, *paths]
    found: dict[str, str] = json.loads(subprocess.check_output(command, env=env, cwd=tree))
    assert len(set(found.values())) == len(paths)
    return found


@pytest.mark.network
def test_plan_prints_the_same_digest_after_a_comment_in_a_command(tmp_path: Path) -> None:
    copy = tmp_path / "tree"
    for name in ("builder", "images", "recipes"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "builder", "plan", "numpy", "--json", "--runtime", "python3.13", "--arch", "arm64"]
    env = {**os.environ, "PYTHONPATH": str(copy)}
    before = json.loads(subprocess.check_output(command, env=env, cwd=copy))
    for path in sorted((copy / "builder" / "cli").rglob("*.py")):
        edit(path, lambda text: f'"""Another docstring."""\n{text}\n# A comment.\n')
    assert json.loads(subprocess.check_output(command, env=env, cwd=copy)) == before


@pytest.mark.parametrize("path", programs.files("steps"), ids=lambda path: path.name)
def test_what_is_hashed_of_a_program_still_is_the_program(path: Path) -> None:
    text = significant(path.read_text(encoding="utf-8"), path.suffix)
    assert "  # " not in text
    if path.suffix == ".py":
        compile(text, path.name, "exec")
    if path.suffix == ".sh":
        subprocess.run(["sh", "-n"], input=text.encode(), check=True)
