"""go.mod, go.sum, the lock of a recipe's packages, and what goes into a container."""

import os
import tarfile
from pathlib import Path

import pytest
from kit.commands import layerwright, write_recipe
from kit.compiled import recipe
from kit.heard import Heard

from builder.base.emitter import Events
from builder.base.errors import BuildError, UnreachableError, UsageError
from builder.model import recipes
from builder.model.architectures import X86_64
from builder.model.go_module import VERSION, is_import_path, is_module_path, program_name
from builder.model.target import targets
from builder.packages import table
from builder.packages.ecosystem import LockRequest, Request
from builder.packages.go import go, go_mod, go_sum, planning
from builder.packages.go.go_mod import Require
from builder.packages.go.resolution import Programs

H1 = "h1:xfD0iDuEKnDkl03q4limB+vH+GxLEtL/jb4xVJSWWEY="
OTHER = "h1:MVltZSvRTcU2ljQOhs94SXPftV6DCNnZViHeQps87pQ="
TOOL = "example.com/tools/cmd/tool"
STEP = f'[[step]]\nuses = "go"\npackage = "{TOOL}@v1.2.3"\n'
MOD = f"""// Written by `layerwright lock`, for {TOOL}@v1.2.3

module layer

go 1.17

require (
	example.com/tools v1.2.3 // indirect
	example.com/used v0.1.0 // indirect
	example.com/voted v0.1.0 // indirect
)
"""
SUM = f"""example.com/tools v1.2.3 {H1}
example.com/tools v1.2.3/go.mod {OTHER}
example.com/used v0.1.0 {OTHER}
example.com/used v0.1.0/go.mod {H1}
example.com/voted v0.1.0/go.mod {H1}
"""


def folder_of(where: Path, step: str = STEP, **files: str) -> Path:
    """Write a recipe with a step and files beside it."""
    path = write_recipe(where, "a", recipe(step))
    for name, text in files.items():
        file = path.parent / name.replace("__", "/")
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return path.parent


def locked(where: Path, mod: str = MOD, sums: str = SUM, step: str = STEP) -> Path:
    return folder_of(where, step, **{"go.mod": mod, "go.sum": sums})


def project(where: Path, mod: str, sums: str | None = None, more: str = "") -> Path:
    """Write a recipe with a program's folder beside it."""
    files = {"ext__go.mod": mod, "ext__main.go": "package main\n\nfunc main() {}\n"}
    step = f'[[step]]\nuses = "go"\npath = "ext"\nto = "extensions"\n{more}'
    return folder_of(where, step, **files, **({} if sums is None else {"ext__go.sum": sums}))


def planned(where: Path) -> Programs:
    loaded = recipes.load(where / "recipes", "a")
    target = targets(loaded.recipe)[0]
    return planning.planned(Request(loaded=loaded, target=target, steps=tuple(enumerate(loaded.recipe.step, 1))))


# ---- grammar -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["github.com/a/b", "example.com", "gopkg.in/yaml.v3", "a-b.example/~c/D_e"])
def test_a_module_path_begins_with_a_host(path: str) -> None:
    assert is_module_path(path)


@pytest.mark.parametrize(
    "path",
    [
        *("", "a", "a/b", "/example.com/a", "example.com/../a", "example.com//a", "example.com/a/", "example.com/a b"),
        *("example.com/a\n", "Example.com/a", "example.com/é", "example.com/.git", "example.com/a.", "-a.b/c"),
        "example.com/" + "x" * 500,
    ],
)
def test_what_is_not_a_module_path(path: str) -> None:
    assert not is_module_path(path)


def test_versions_are_exact() -> None:
    good = ["v1.2.3", "v0.0.0-20210601080250-7ecdf8ef093b", "v2.0.0+incompatible", "v1.0.0-rc.1"]
    assert all(VERSION.fullmatch(text) for text in good)
    bad = ["1.2.3", "v1.2", "v01.2.3", "latest", "main", "v1.2.3+meta", "v1.2.3\n", "v1.2.3/..", "v1.2.3 v2", "v1.2.٣"]
    assert not any(VERSION.fullmatch(text) for text in bad)


def test_a_program_is_called_as_go_install_calls_it() -> None:
    assert program_name("github.com/a/b/cmd/tool") == "tool"
    assert program_name("github.com/a/tool/v4") == "tool"
    assert program_name("github.com/a/v1") == "v1"
    assert program_name("log-requests") == "log-requests"
    assert is_import_path("log-requests")


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ('package = "example.com/a@latest"', "is not `path@version`"),
        ('package = "tool@v1.0.0"', "is not `path@version`"),
        ('package = "example.com/a@v1.0.0"\npath = "ext"', "needs either `package` or `path`"),
        ("", "needs either `package` or `path`"),
        ('path = "."', "a folder beside the recipe"),
        ('path = "../other"', "leaves its folder"),
        ('package = "example.com/a@v1.0.0"\nmain = "cmd/a"', "`main` goes with `path`"),
        ('path = "ext"\nname = "a/b"', "name"),
        ('path = "ext"\nto = "lib"', "to"),
        ('path = "ext"\ntags = ["a b"]', "tags"),
        ('path = "ext"\nvariables = { "main.x" = "a\'b" }', "variables"),
        ('path = "ext"\nvariables = { "x" = "1" }', "is not `package.variable`"),
    ],
)
def test_a_step_that_makes_no_sense_is_told(tmp_path: Path, more: str, problem: str) -> None:
    folder_of(tmp_path, f'[[step]]\nuses = "go"\n{more}\n')
    with pytest.raises(UsageError) as error:
        recipes.load(tmp_path / "recipes", "a")
    assert problem in "\n".join(error.value.why)


# ---- go.sum --------------------------------------------------------------------------------------------------------


def test_a_go_sum_is_read() -> None:
    zips = go_sum.read(SUM, "go.sum", "x").zips
    assert zips == {("example.com/tools", "v1.2.3"): H1, ("example.com/used", "v0.1.0"): OTHER}


def test_all_mistakes_of_a_go_sum_are_told_together() -> None:
    lines = [
        f"example.com/../a v1.0.0 {H1}",
        f"example.com/a latest {H1}",
        "example.com/a v1.0.0 h1:short=",
        "example.com/a v1.0.0 h1:xfD0iDuEKnDkl03q4limB+vH+GxLEtL/jb4xVJSWWEZ=",  # bits that encode nothing
        "example.com/a v1.0.0 sha256:" + "0" * 64,
        "example.com/a v1.0.0",
        "x" * 5000,
    ]
    good = [f"example.com/b v1.0.0 {H1}", f"example.com/b v1.0.0 {OTHER}"]
    with pytest.raises(UsageError, match=r"go\.sum is not a valid go\.sum") as error:
        go_sum.read("\n".join([*lines, *good]), "go.sum", "go mod tidy")
    assert len(error.value.why) == len(lines) + 1
    assert error.value.why[-1] == "example.com/b v1.0.0 has two hashes"
    assert max(map(len, error.value.why)) < 200
    assert error.value.hint == "`go mod tidy` writes it anew"


# ---- go.mod --------------------------------------------------------------------------------------------------------


def test_a_go_mod_is_read() -> None:
    text = """module "example.com/main" // a comment

go 1.24.0
toolchain go1.24.4
godebug default=go1.21
require example.com/a v1.0.0
require (
	example.com/b v1.0.0 // indirect; and why
	`example.com/c` v1.0.0
	local v0.0.0
)
exclude example.com/a v0.9.0
retract [v1.0.0, v1.1.0] // all of it
tool example.com/a/cmd/x
replace (
	example.com/b => example.com/fork v1.0.1
	example.com/c v0.9.0 => example.com/other v1.0.0
	local => ./internal/local
)
"""
    mod = go_mod.read(text, "go.mod", "x")
    assert mod.module == "example.com/main"
    assert list(mod.modules) == [
        Require(path="example.com/a", version="v1.0.0"),
        Require(path="example.com/fork", version="v1.0.1", indirect=True),
        Require(path="example.com/c", version="v1.0.0"),
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("replace example.com/a => example.com/b", "is not `module => module version`"),
        ("replace example.com/a", "is not `module => module version`"),
        ("require example.com/a latest", "is not a module and its version"),
        ("require ../a v1.0.0", "is not a module and its version"),
        ("go two", "names no version of Go"),
        ("include x", "`include` is not a directive of go.mod"),
        ('require "example.com/a v1.0.0', "is not a line of go.mod"),
    ],
)
def test_mistakes_of_a_go_mod_are_told(line: str, problem: str) -> None:
    with pytest.raises(UsageError, match=r"go\.mod is not a valid go\.mod") as error:
        go_mod.read(f"module example.com/m\ngo 1.21\n{line}\nnonsense\n", "go.mod", "x")
    assert problem in error.value.why[0]
    assert error.value.why[-1] == "`nonsense` is not a directive of go.mod"


@pytest.mark.parametrize("folder", ["../a", "./x/../../a", '"./a//../../b"', "/etc", "C:\\a", "..\\a"])
def test_a_folder_of_this_host_is_refused(folder: str) -> None:
    text = f"module example.com/m\ngo 1.21\nreplace example.com/a => {folder}\nreplace example.com/b => /b\n"
    with pytest.raises(UsageError, match="Go modules are not packages of an index") as error:
        go_mod.read(text, "ext/go.mod", "x")
    path = folder.strip('"')
    assert list(error.value.why) == [
        f"ext/go.mod: example.com/a is a folder of this host, {path}",
        "ext/go.mod: example.com/b is a folder of this host, /b",
    ]
    assert "below the folder of go.mod" in str(error.value.hint)


@pytest.mark.parametrize("line", ["", "go 1.16\n"])
def test_a_go_mod_that_names_only_some_modules_is_refused(line: str) -> None:
    with pytest.raises(UsageError) as error:
        go_mod.read(f"module m\n{line}require example.com/a v1.0.0\n", "go.mod", "x")
    assert "names every module only from 1.17 on" in error.value.why[0]


# ---- package = -----------------------------------------------------------------------------------------------------


def test_a_lock_decides_without_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    locked(tmp_path)
    made = planned(tmp_path)
    assert made.locked
    assert [(row.name, row.version, row.integrity) for row in made.packages] == [
        ("example.com/tools", "v1.2.3", H1),
        ("example.com/used", "v0.1.0", OTHER),
    ]
    assert {row.ecosystem for row in made.packages} == {"golang"}
    ((number, block),) = made.blocks
    assert (number, block.template, block.installs) == (1, "go", ("golang",))
    assert block.values["file"] == "bin/tool"


@pytest.mark.parametrize(
    ("mod", "sums", "why"),
    [
        (MOD.replace("tool@v1.2.3", "tool@v1.2.2"), SUM, "the recipe asks for example.com/tools/cmd/tool@v1.2.3"),
        (MOD.replace("tools v1.2.3", "tools v1.2.2"), SUM, "the recipe asks for example.com/tools/cmd/tool@v1.2.3"),
        (MOD.replace(", for ", ", for example.com/x@v1.0.0 "), SUM, "the lock is for example.com/x@v1.0.0"),
        (MOD, SUM.replace("tools v1.2.3 ", "tools v1.2.4 "), "example.com/tools v1.2.3 is in go.mod and not in go.sum"),
    ],
)
def test_a_stale_lock_is_refused(tmp_path: Path, mod: str, sums: str, why: str) -> None:
    locked(tmp_path, mod, sums)
    with pytest.raises(UsageError, match=r"the go\.mod of a does not fit its recipe") as error:
        planned(tmp_path)
    assert any(line.startswith(why) for line in error.value.why)
    assert error.value.hint == "`layerwright lock a` brings it up to date"


def test_half_a_lock_and_a_damaged_one_are_told(tmp_path: Path) -> None:
    folder = locked(tmp_path)
    (folder / "go.sum").write_text("what\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"go\.sum is not a valid go\.sum"):
        planned(tmp_path)
    (folder / "go.mod").write_bytes(b"\xff")
    with pytest.raises(UsageError, match=r"go\.mod is not a valid go\.mod"):
        planned(tmp_path)
    (folder / "go.sum").unlink()
    with pytest.raises(UsageError, match=r"is there without go\.sum"):
        planned(tmp_path)


def test_without_go_and_lock_the_hint_names_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    folder_of(tmp_path)
    with pytest.raises(UsageError, match="there is no Go on this host") as error:
        planned(tmp_path)
    assert "with a lock, none is needed" in str(error.value.hint)


def fake_go(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str, version: str = "go1.24.4") -> Path:
    """Put a program called go in front of the others; return the file with what it was given."""
    program = folder / "bin" / "go"
    program.parent.mkdir()
    program.write_text(f"""#!/bin/sh
echo "$*|$PWD|$GOFLAGS|$GOTOOLCHAIN|$GOWORK" >>{folder}/told
case "$*" in
    "env GOVERSION") echo {version}; exit ;;
    "env GOFLAGS") echo -buildvcs=false; exit ;;
esac
{body}
""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return folder / "told"


def test_go_runs_elsewhere_and_only_gets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sum").write_text(SUM, encoding="utf-8")
    (tmp_path / "mod").write_text(MOD.partition("\n\n")[2], encoding="utf-8")
    told = fake_go(tmp_path, monkeypatch, f"cp {tmp_path}/mod go.mod; cp {tmp_path}/sum go.sum")
    folder = folder_of(tmp_path, **{"go.work": "go 1.24\n"})
    loaded = recipes.load(tmp_path / "recipes", "a")
    locks = list(table.of_recipe(loaded)[0].lock(LockRequest(loaded=loaded, upgrade=False)))
    assert {lock.path.name: lock.text for lock in locks} == {"go.mod": MOD, "go.sum": SUM}
    assert locks[0].changes == (("example.com/tools", None, "v1.2.3"), ("example.com/used", None, "v0.1.0"))
    *_, last = told.read_text(encoding="utf-8").splitlines()
    command, where, flags, toolchain, workspace = last.split("|")
    assert command == f"get -- {TOOL}@v1.2.3"
    assert (flags, toolchain, workspace) == ("-buildvcs=false -mod=mod", "local", "off")
    assert not where.startswith(str(folder))


def test_an_old_go_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = fake_go(tmp_path, monkeypatch, "exit 1", version="go1.17.13")
    with pytest.raises(UsageError, match=r"is go1\.17\.13, and modules are resolved by 1\.21 or newer"):
        go.resolve([f"{TOOL}@v1.2.3"], None)
    assert "get" not in told.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("said", "kind", "text"),
    [
        ("go: a: dial tcp: lookup x: no such host", UnreachableError, "the module proxy did not respond"),
        (f"go: {TOOL}@v1.2.3: reading it: 404 Not Found", BuildError, f"has no {TOOL}@v1.2.3"),
        ("go: x requires go >= 1.99 (running go 1.24)", UsageError, "a module needs Go 1.99 or newer"),
        ("go: https://me:it@inner.example: no", BuildError, "Go could not resolve"),
        ("go: a@v1.0.0: unzip /x/v1.0.0.zip: a: malformed file path", BuildError, "the module proxy sent an invalid"),
        ("go: a@v1.0.0: parsing go.mod: go.mod:5: no", BuildError, f"sent an invalid module for {TOOL}@v1.2.3"),
    ],
)
def test_errors_of_go_in_our_words(said: str, kind: type[Exception], text: str) -> None:
    error = go.failure(said, [f"{TOOL}@v1.2.3"])
    assert isinstance(error, kind)
    assert text in str(error)
    assert "me:it" not in "".join(error.why)


# ---- path = --------------------------------------------------------------------------------------------------------


def test_a_program_of_the_standard_library_needs_no_go_sum(tmp_path: Path) -> None:
    project(tmp_path, "module log-requests\n\ngo 1.15\n")
    made = planned(tmp_path)
    assert (made.packages, made.locked) == ((), True)
    (program,) = made.programs
    assert (program.file, program.package) == ("extensions/log-requests", ".")
    assert [file.path for file in program.files] == ["go.mod", "main.go"]


def test_a_missing_and_a_stale_go_sum_are_told(tmp_path: Path) -> None:
    mod = "module m\n\ngo 1.21\n\nrequire example.com/a v1.0.0\n"
    folder = project(tmp_path, mod)
    with pytest.raises(UsageError, match=r"there is no go\.sum beside") as error:
        planned(tmp_path)
    assert error.value.hint == "`go mod tidy` writes it"
    (folder / "ext" / "go.sum").write_text(f"example.com/a v0.9.0 {H1}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"the ext/go\.sum of a does not fit its recipe") as error:
        planned(tmp_path)
    assert error.value.hint == "`go mod tidy` brings it up to date"
    (folder / "ext" / "go.sum").write_text(f"example.com/a v1.0.0 {H1}\n", encoding="utf-8")
    assert [row.file for row in planned(tmp_path).packages] == ["example.com/a@v1.0.0"]
    (folder / "ext" / "go.mod").unlink()
    assert "there is no go.mod in" in layerwright("lint", "a", cwd=tmp_path).err


def test_links_that_leave_the_folder_are_refused(tmp_path: Path) -> None:
    folder = project(tmp_path, "module m\n")
    (folder / "ext" / "inside.go").symlink_to("main.go")
    assert planned(tmp_path).programs[0].files[1].link == "main.go"
    (folder / "ext" / "one").symlink_to("../../secret")
    (folder / "ext" / "two").symlink_to("/etc/passwd")
    with pytest.raises(UsageError, match="symbolic links lead out of `.*/recipes/a`") as error:
        planned(tmp_path)
    assert list(error.value.why) == ["ext/one -> ../../secret", "ext/two -> /etc/passwd"]
    for name, link in {"one": "../recipe.toml", "two": "./x/../../recipe.toml"}.items():  # still the recipe's own
        (folder / "ext" / name).unlink()
        (folder / "ext" / name).symlink_to(link)
    with pytest.raises(UsageError, match="symbolic links lead out of `ext`") as error:
        planned(tmp_path)
    assert list(error.value.why) == ["ext/one -> ../recipe.toml", "ext/two -> x/../../recipe.toml"]


def test_a_folder_that_is_a_link_to_another_place_is_refused(tmp_path: Path) -> None:
    folder = project(tmp_path, "module m\n")
    (folder / "ext").rename(tmp_path / "elsewhere")
    (folder / "ext").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="symbolic links lead out of `.*/recipes/a`"):
        planned(tmp_path)


def test_two_programs_of_one_name_are_refused(tmp_path: Path) -> None:
    project(tmp_path, "module m\n", more='\n[[step]]\nuses = "go"\npath = "ext"\nto = "extensions"\n')
    with pytest.raises(UsageError, match="two programs in Go would both be extensions/m"):
        planned(tmp_path)


def test_the_context_holds_the_folder_without_version_control(tmp_path: Path) -> None:
    folder = project(tmp_path, "module m\n", more='main = "./cmd/x/"\nname = "y"\n')
    (folder / "ext" / ".git").mkdir()
    (folder / "ext" / ".git" / "HEAD").write_text("x", encoding="utf-8")
    made = planned(tmp_path)
    assert (made.programs[0].package, made.programs[0].file) == ("./cmd/x", "extensions/y")
    before = made.inputs()
    context = tmp_path / "context"
    context.mkdir()
    made.write(context, frozenset(), X86_64)
    assert not list(context.iterdir())
    made.write(context, frozenset({"tree"}), X86_64)
    with tarfile.open(context / "go-1.tar") as archive:
        assert archive.getnames() == ["go.mod", "main.go"]
    (folder / "ext" / "main.go").write_text("package main\n", encoding="utf-8")
    assert planned(tmp_path).inputs() != before
    with pytest.raises(UsageError, match="changed while it was built"):
        made.write(context, frozenset({"tree"}), X86_64)


def test_the_lock_of_a_project_is_its_own(tmp_path: Path) -> None:
    text = "module m\n\ngo 1.21\n"
    folder = project(tmp_path, text)
    loaded = recipes.load(tmp_path / "recipes", "a")
    told = Heard()
    (lock,) = planning.locks(LockRequest(loaded=loaded, upgrade=True, events=Events(told)))
    assert (lock.path, lock.text, lock.changes) == (folder / "ext" / "go.mod", text, ())
    assert told.words == ["ext: `go mod tidy` in that folder writes its lock"]
    assert planning.lock_path(loaded) == folder / "ext" / "go.mod"


def test_values_reach_the_linker_as_single_words(tmp_path: Path) -> None:
    project(tmp_path, "module m\n", more='variables = { "main.version" = "v{version} (x)" }\ntags = ["a", "b"]\n')
    ((_, block),) = planned(tmp_path).blocks
    assert block.values["ldflags"] == """'-s -w -buildid= '"'"'-X=main.version=v1.0 (x)'"'"''"""
    assert block.values["tags"] == "a,b"


def test_settings_of_the_module_proxy_reach_containers_and_flags_do_not() -> None:
    assert {"GOPROXY", "GOPRIVATE", "GONOSUMDB"} <= table.environment()
    assert "GOFLAGS" not in table.environment()
