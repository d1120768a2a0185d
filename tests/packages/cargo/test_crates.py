"""What a recipe with `uses = "cargo"` plans, locks and refuses. The host's cargo is needed by one test only."""

import os
import tarfile
from pathlib import Path

import pytest
from kit.cargo import ROOT_ROW, forbid, project, row, step
from kit.commands import write_recipe
from kit.compiled import recipe
from kit.zips import entry

from builder.authoring.relock import Locked, relock
from builder.base.emitter import Events
from builder.base.errors import BuildError, UsageError
from builder.layer.tree import of
from builder.model import recipes
from builder.model.architectures import X86_64
from builder.model.recipes import Loaded
from builder.model.target import targets
from builder.nightly import inputs
from builder.packages.cargo import cargo
from builder.packages.cargo.ecosystem import ECOSYSTEM
from builder.plan import keys
from builder.plan.plan import Plan
from builder.plan.planning import plan

DEPENDS = '[dependencies]\none = "1.2"\n'
SHA, OTHER = "0" * 64, "1" * 64
OWN_LOCK = f"""version = 3

[[package]]
name = "one"
version = "1.0.0"
source = "registry"
checksum = "{OTHER}"

[[package]]
name = "tool"
version = "1.0.0"
source = "registry"
checksum = "{SHA}"
dependencies = [
 "one",
]
"""


@pytest.fixture(autouse=True)
def _no_cargo(monkeypatch: pytest.MonkeyPatch) -> None:
    forbid(monkeypatch)


def loaded(folder: Path, text: str) -> Loaded:
    write_recipe(folder, "a", recipe(text))
    return recipes.load(folder / "recipes", "a")


def planned(folder: Path, text: str = step(), *, wheels_only: bool = False) -> Plan:
    one = loaded(folder, text)
    return plan(one, targets(one.recipe)[0], wheels_only=wheels_only)


def beside(folder: Path) -> Path:
    return folder / "recipes" / "a" / "program"


def relocked(one: Loaded) -> list[Locked]:
    return relock(one, upgrade=False, events=Events())


def test_a_project_is_planned_from_its_lock_without_cargo(tmp_path: Path) -> None:
    project(beside(tmp_path), DEPENDS, ROOT_ROW + row("one", "1.4.0"))
    made = planned(tmp_path)
    assert made.route == "compile"
    assert made.locked
    assert [(one.name, one.version, one.ecosystem, one.sha256) for one in made.packages] == [
        ("program", "1.0.0", "cargo", None),
        ("one", "1.4.0", "cargo", SHA),
    ]


def test_the_dockerfile_fetches_with_the_network_and_compiles_without(tmp_path: Path) -> None:
    project(beside(tmp_path))
    more = 'features = ["fast", "one/std"]\ndefault-features = false\nbins = ["program"]\nto = "extensions"'
    text = planned(tmp_path, step(f'path = "program"\n{more}')).dockerfile
    fetching, compiling = (
        text.split("# step 1: program 1.0.0, built with cargo")[1].split("# libraries")[0].split("RUN ")[1:]
    )
    assert "--network" not in fetching
    assert fetching.split("\n    ")[-1].strip().startswith("sh /layerwright/inside/crates.sh fetch")
    assert compiling.startswith("--network=none ")
    options = "--no-default-features --features fast,one/std -- --bin program"
    assert f"sh /layerwright/inside/crates.sh build extensions {options} && " in compiling
    assert "FROM step-0 AS step-1-packages" in text


def test_only_what_belongs_to_the_project_goes_into_the_build(tmp_path: Path) -> None:
    folder = project(beside(tmp_path))
    for name in (
        ".cargo/config.toml",
        "target/release/program",
        "rust-toolchain",
        "src/.cargo/config",
        "src/target/mod.rs",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("", encoding="utf-8")
    (folder / "link").symlink_to("src/main.rs")
    (resolution,) = planned(tmp_path).resolutions
    resolution.write(tmp_path, frozenset({"tree"}), X86_64)
    with tarfile.open(tmp_path / "cargo.tar") as archive:
        names = archive.getnames()
    assert names == [
        f"source/{name}" for name in ("Cargo.lock", "Cargo.toml", "link", "src/main.rs", "src/target/mod.rs")
    ]


def test_a_file_that_changes_while_it_is_built_is_told(tmp_path: Path) -> None:
    folder = project(beside(tmp_path))
    (resolution,) = planned(tmp_path).resolutions
    (folder / "src" / "main.rs").write_text("fn main() {}\n// other", encoding="utf-8")
    with pytest.raises(UsageError, match="changed while it was built"):
        resolution.write(tmp_path, frozenset({"tree"}), X86_64)


def test_every_file_of_the_project_decides_the_layer(tmp_path: Path) -> None:
    folder = project(beside(tmp_path))
    before = planned(tmp_path)
    (folder / "target").mkdir()
    assert planned(tmp_path).digest == before.digest
    (folder / "src" / "main.rs").write_text("fn main() { }", encoding="utf-8")
    after = planned(tmp_path)
    assert after.digest != before.digest
    assert before.container is not None
    assert after.container is not None
    assert keys.parts(after.container)[0].key != keys.parts(before.container)[0].key


@pytest.mark.parametrize("more", ["", "[libraries]\nlicences = false\n"])
def test_texts_of_licenses_stay_out_where_the_recipe_says_so(tmp_path: Path, more: str) -> None:
    project(beside(tmp_path))
    (resolution,) = planned(tmp_path, step() + more).resolutions
    names = ["bin/program", "share/licenses/cargo/one-1.0.0/LICENSE", "share/licenses/cargo/program.json"]
    content = resolution.assemble(of(entry(name) for name in names), {}, tmp_path)
    assert [found.path for found in content] == [name for name in names if not (more and "LICENSE" in name)]


def test_links_that_leave_the_project_are_refused_together(tmp_path: Path) -> None:
    folder = project(beside(tmp_path))
    (folder / "one").symlink_to("../recipe.toml")
    (folder / "two").symlink_to("../requirements.txt")
    with pytest.raises(UsageError, match="symbolic links lead out of") as raised:
        planned(tmp_path)
    assert raised.value.why == ("one points to ../recipe.toml", "two points to ../requirements.txt")
    (folder / "two").unlink()
    (folder / "two").symlink_to("/etc")
    with pytest.raises(UsageError, match="symbolic links lead out of") as raised:
        planned(tmp_path)
    assert raised.value.why == (f"{folder.name}/two -> /etc",)


def test_a_folder_that_is_a_link_out_of_the_recipes_own_is_refused(tmp_path: Path) -> None:
    folder = project(beside(tmp_path))
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="symbolic links lead out of"):
        planned(tmp_path)


def test_what_is_neither_a_file_nor_a_folder_is_left_alone(tmp_path: Path) -> None:
    folder = project(beside(tmp_path))
    os.mkfifo(folder / "pipe")
    assert planned(tmp_path).packages


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    (project(beside(tmp_path)) / "one").symlink_to("one")
    with pytest.raises(UsageError, match="symbolic links lead out of"):
        planned(tmp_path)


def test_what_no_registry_offers_is_refused_together(tmp_path: Path) -> None:
    more = """
[dependencies]
a = { git = "https://name:secret@git.example/a" }
b = { path = "../b" }
c = { version = "1", registry = "other" }
d = { path = "d" }
[target.'cfg(unix)'.build-dependencies]
e = { path = "/e" }
[patch.crates-io]
f = { git = "https://git.example/f" }
"""
    project(beside(tmp_path), more)
    with pytest.raises(UsageError, match="Crates are not packages of an index") as raised:
        planned(tmp_path)
    assert [text.partition("/Cargo.toml: ")[2].partition(":")[0] for text in raised.value.why] == [
        *("dependencies.a", "dependencies.b", "dependencies.c"),
        *("target.cfg(unix).build-dependencies.e", "patch.crates-io.f"),
    ]
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("rows", ["", row("one", "1.1.9"), row("two", "1.2.0")])
def test_a_lock_that_does_not_fit_is_refused_with_the_same_sentence(tmp_path: Path, rows: str) -> None:
    project(beside(tmp_path), DEPENDS, ROOT_ROW + rows)
    with pytest.raises(UsageError, match=r"the program/Cargo.lock of a does not fit its recipe") as raised:
        planned(tmp_path)
    assert "asks for one 1.2, the lock" in raised.value.why[0]
    assert raised.value.hint == "`layerwright lock a` brings it up to date"


def test_what_others_call_by_another_name_is_looked_for_by_its_own(tmp_path: Path) -> None:
    more = '[dependencies]\nother = { package = "one", version = "1.2" }\nlocal = { path = "local", version = "9" }\n'
    project(beside(tmp_path), more, ROOT_ROW + row("one", "1.2.0"))
    assert planned(tmp_path).locked


def test_a_missing_lock_is_told_with_what_writes_it(tmp_path: Path) -> None:
    project(beside(tmp_path), lock=None)
    with pytest.raises(UsageError, match=r"there is no Cargo.lock beside .*Cargo.toml") as raised:
        planned(tmp_path)
    assert raised.value.hint == "`cargo generate-lockfile` writes it"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[", "is not a valid Cargo.toml"),
        ("[workspace]\n", "has no \\[package\\]"),
        ('[package]\nname = "a\\nRUN evil"\nversion = "1.0.0"\n', "has no \\[package\\]"),
        ('[package]\nname = "a"\nversion = "1.0.0\\nRUN evil"\n', "has no \\[package\\]"),
    ],
)
def test_a_manifest_that_names_no_package_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    (project(beside(tmp_path)) / "Cargo.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=problem):
        planned(tmp_path)


def test_a_workspace_names_versions_for_its_packages(tmp_path: Path) -> None:
    folder = project(beside(tmp_path), lock=ROOT_ROW + row("one", "1.2.0"))
    text = '[package]\nname = "program"\nversion.workspace = true\n[workspace]\nmembers = ["crates/*"]\n'
    more = '[workspace.package]\nversion = "1.0.0"\n[workspace.dependencies]\nunused = "7"\none = "1.2"\n'
    (folder / "Cargo.toml").write_text(text + more, encoding="utf-8")
    project(folder / "crates" / "member", '[dependencies]\none = { workspace = true }\ntwo = "2"\n', lock=None)
    with pytest.raises(UsageError, match="does not fit") as raised:
        planned(tmp_path)
    assert raised.value.why == (
        "crates/member/Cargo.toml: dependencies.two: asks for two 2, the lock does not have it",
    )


def test_without_a_container_nothing_is_compiled(tmp_path: Path) -> None:
    project(beside(tmp_path))
    with pytest.raises(BuildError, match="needs an engine"):
        planned(tmp_path, wheels_only=True)


def test_lint_reads_the_project_and_its_lock(tmp_path: Path) -> None:
    project(beside(tmp_path), DEPENDS)
    with pytest.raises(UsageError, match="does not fit"):
        ECOSYSTEM.lint(loaded(tmp_path, step()))
    ECOSYSTEM.lint(loaded(tmp_path / "unlocked", step('crate = "tool@1.0.0"')))


def test_two_programs_are_two_layers_or_one_project(tmp_path: Path) -> None:
    project(beside(tmp_path))
    with pytest.raises(UsageError, match='two steps say `uses = "cargo"`') as raised:
        planned(tmp_path, step() + step('crate = "tool@1.0.0"'))
    assert "one project" in str(raised.value.hint)


@pytest.mark.parametrize(
    "more", ["", 'path = "program"\ncrate = "tool@1.0.0"', 'crate = "tool"', 'crate = "tool@^1"', 'path = "./"']
)
def test_a_step_names_either_a_folder_or_an_exact_crate(tmp_path: Path, more: str) -> None:
    with pytest.raises(UsageError, match="is not a valid recipe|mistake"):
        loaded(tmp_path, step(more))


# ---- a published crate ---------------------------------------------------------------------------------------------


def crate(folder: Path, text: str = OWN_LOCK, version: str = "1.0.0") -> Plan:
    (folder / "recipes" / "a").mkdir(parents=True, exist_ok=True)
    (folder / "recipes" / "a" / "cargo.lock").write_text(text, encoding="utf-8")
    return planned(folder, step(f'crate = "tool@{version}"'))


def test_a_crate_is_planned_from_its_lock_without_cargo(tmp_path: Path) -> None:
    made = crate(tmp_path)
    assert made.locked
    assert {one.name: one.sha256 for one in made.packages} == {"one": OTHER, "tool": SHA}
    assert f"crates.sh fetch tool-1.0.0 {SHA}" in made.dockerfile
    made.resolutions[0].write(tmp_path, frozenset({"tree"}), X86_64)
    with tarfile.open(tmp_path / "cargo.tar") as archive:
        texts = {name: (archive.extractfile(name) or archive).read().decode() for name in archive.getnames()}  # type: ignore[union-attr]
    assert 'tool = "=1.0.0"' in texts["asking/Cargo.toml"]
    assert SHA in texts["asking.lock"]
    assert SHA not in texts["source.lock"]
    assert not any("://" in text for text in texts.values())


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (OWN_LOCK, "1.0.1"),
        (OWN_LOCK.replace('"tool"', '"other"'), "1.0.0"),
        (OWN_LOCK.replace(f'source = "registry"\nchecksum = "{SHA}"\n', ""), "1.0.0"),
    ],
)
def test_the_lock_of_another_crate_is_stale(tmp_path: Path, text: str, version: str) -> None:
    with pytest.raises(UsageError, match=r"the cargo.lock of a does not fit its recipe"):
        crate(tmp_path, text, version)


def test_an_index_decides_a_crate_without_a_lock(tmp_path: Path) -> None:
    one = loaded(tmp_path, step('crate = "tool@1.0.0"'))
    assert inputs.unlocked(one)
    with pytest.raises(UsageError, match="there is no cargo on this host") as raised:
        plan(one, targets(one.recipe)[0])
    assert "apt install cargo" in str(raised.value.hint)


def test_a_layer_version_that_no_crate_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"`1.0` is not a valid version of a crate"):
        planned(tmp_path, step('crate = "tool@{version}"'))


# ---- locks -----------------------------------------------------------------------------------------------------------


def test_a_lock_that_fits_stays_as_it_is_without_cargo(tmp_path: Path) -> None:
    folder = project(beside(tmp_path), DEPENDS, ROOT_ROW + row("one", "1.4.0"))
    before = (folder / "Cargo.lock").read_bytes()
    one = loaded(tmp_path, step())
    (locked,) = relocked(one)
    assert (locked.packages, locked.changes) == (2, ())
    assert (folder / "Cargo.lock").read_bytes() == before
    assert not inputs.unlocked(one)


def test_the_projects_settings_name_no_program_for_the_hosts_cargo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: object
) -> None:
    monkeypatch.undo()
    assert callable(program)
    program("cargo")
    marker = tmp_path / "ran"
    evil = f"#!/bin/sh\ntouch {marker}\n"
    folder = project(beside(tmp_path), '[dependencies]\nlocal = { path = "local" }\n', lock=None)
    (folder / "build.rs").write_text(f'fn main() {{ std::fs::write("{marker}", "").unwrap(); }}', encoding="utf-8")
    (folder / "local" / "src").mkdir(parents=True)
    (folder / "local" / "Cargo.toml").write_text('[package]\nname = "local"\nversion = "1.0.0"\n', encoding="utf-8")
    (folder / "local" / "src" / "lib.rs").touch()
    (folder / "evil.sh").write_text(evil, encoding="utf-8")
    (folder / "evil.sh").chmod(0o755)
    (folder / ".cargo").mkdir()
    (folder / ".cargo" / "config.toml").write_text(
        '[build]\nrustc = "./evil.sh"\nrustc-wrapper = "./evil.sh"\n', encoding="utf-8"
    )
    (folder / "rust-toolchain.toml").write_text('[toolchain]\npath = "/nowhere"\n', encoding="utf-8")
    monkeypatch.setenv("RUSTC_WRAPPER", str(folder / "evil.sh"))
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "cache"))
    (locked,) = relocked(loaded(tmp_path, step()))
    assert locked.packages == 2
    assert (folder / "Cargo.lock").is_file()
    assert not marker.exists()
    assert not (folder / "target").exists()


def test_failures_of_cargo_are_told_in_our_words(monkeypatch: pytest.MonkeyPatch) -> None:
    from builder.base.processes import Finished

    def failing(text: str) -> None:
        monkeypatch.setattr("builder.packages.cargo.cargo.shutil.which", lambda _: "cargo")
        finished = Finished(returncode=101, stdout="", stderr=text)
        monkeypatch.setattr("builder.packages.cargo.cargo.processes.run", lambda *_, **__: finished)

    failing("    Updating index\nerror: no matching package named `tool` found\nlocation searched: the index\n")
    with pytest.raises(BuildError, match="the registry does not have what tool 1.0.0 asks for") as raised:
        cargo.resolve("tool", "1.0.0")
    assert raised.value.why[0] == "no matching package named `tool` found"
    failing("warning: spurious network error\nerror: Couldn't resolve host name\n")
    with pytest.raises(UsageError, match="did not respond"):
        cargo.resolve("tool", "1.0.0")
