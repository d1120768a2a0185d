"""The command line: help, exit codes, messages, machine-readable output."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import need
from kit import fleet, zips
from kit.commands import ROOT, layerwright, pip_recipe, write_recipe

from builder.layer import manifest

COMMANDS = ("build", "check", "inspect", "lint", "list", "lock", "new", "plan", "runtimes", "schema", "wheel")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    write_recipe(tmp_path, "numpy", pip_recipe("numpy", "numpy=={version}", version="2.3.2"))
    return tmp_path


def test_help_lists_every_command_and_the_exit_codes(tmp_path: Path) -> None:
    result = layerwright("--help", cwd=tmp_path)
    assert result.code == 0
    assert all(f"\n  {command} " in result.out for command in COMMANDS)
    assert "5 a check failed" in result.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, tmp_path: Path) -> None:
    result = layerwright(command, "--help", cwd=tmp_path)
    assert result.code == 0
    assert len(result.out.splitlines()) > 4


def test_the_old_spelling_of_licenses_works_with_a_warning(tmp_path: Path) -> None:
    zips.write(tmp_path / "a.zip", {"python/a.py": b""})
    old = layerwright("licences", "a.zip", "--json", cwd=tmp_path)
    new = layerwright("licenses", "a.zip", "--json", cwd=tmp_path)
    assert (old.code, old.out) == (new.code, new.out)
    assert old.err == "warning: the command `licences` is deprecated; use `licenses`\n"
    assert not new.err
    listed = layerwright("--help", cwd=tmp_path).out
    assert "\n  licenses " in listed
    assert "licences" not in listed


def test_help_does_not_load_what_it_does_not_need() -> None:
    code = "import sys; from builder.cli import run; run(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    finished = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    heavy = {"pydantic", "rich", "deflate", "packaging", "sqlite3", "tomli", "platformdirs", "filelock"}
    assert not heavy & {name.strip("'") for name in finished.stderr.strip("[]\n").split(", ")}


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (["build", "numpi"], "there is no recipe `numpi` in recipes; did you mean `numpy`?", 2),
        (["build", "./nowhere"], "there is no folder ./nowhere", 2),
        (["build", "numpy", "--runtime", "pyton3.13"], "unknown runtime `pyton3.13`; did you mean `python3.13`?", 2),
        (["build", "numpy", "--runtime", "python3.6"], "runtime `python3.6` is retired: blocked by Lambda", 2),
        (["build", "numpy", "--arch", "arm46"], "unknown architecture `arm46`; did you mean `arm64`?", 2),
        (["build", "numpy", "--runtime", "python3.12"], "no target is selected", 3),
        (["build", "numpy", "--only", "pandas*"], "no target is selected", 3),
        (["build"], "nothing to do: no recipe is named", 2),
        (["build", "numpy", "--pip", "x"], "recipes and packages cannot be built in one call", 2),
        (["build", "--pip", "a b"], "`a b` is not a valid requirement", 2),
        (["build", "-r", "none.txt", "--name", "x"], "there is no file none.txt", 2),
        (["build", "numpy", "--jobs", "0"], "Invalid value for '--jobs'", 2),
        (["biuld"], "No such command 'biuld'", 2),
        (["lint", "numpi"], "did you mean `numpy`?", 2),
        (["lock"], "no recipe is named", 2),
        (["new", "numpy", "--pip", "numpy"], "exists already", 2),
        (["new", "fresh"], "a new recipe needs at least one package", 2),
        (["new", "../fresh", "--pip", "x"], "`../fresh` is not a valid name for a recipe", 2),
        (["new", "two words", "--pip", "x"], "`two words` is not a valid name for a recipe", 2),
        (["check", "none.zip", "--runtime", "python3.13", "--arch", "arm64"], "there is no file none.zip", 2),
        (["inspect", "none.zip"], "there is no file none.zip", 2),
    ],
)
def test_wrong_input_is_a_clear_error(work: Path, arguments: list[str], message: str, code: int) -> None:
    result = layerwright(*arguments, cwd=work)
    assert result.code == code
    assert message in result.err
    assert "Traceback" not in result.err
    assert not result.out
    assert not (work / "dist").exists()


def test_lint_shows_every_mistake_of_every_file(work: Path) -> None:
    write_recipe(work, "one", pip_recipe("one", "a b", version=""))
    write_recipe(work, "two", "[layer")
    result = layerwright("lint", cwd=work)
    assert result.code == 2
    assert "recipes/one/recipe.toml has 2 mistakes" in result.err
    assert "recipes/two/recipe.toml is not valid TOML" in result.err
    assert layerwright("lint", "numpy", cwd=work).code == 0


def test_a_folder_without_recipes_says_how_to_begin(tmp_path: Path) -> None:
    for command in (["list"], ["lint"], ["build", "--all"], ["build"], ["plan"]):
        result = layerwright(*command, cwd=tmp_path)
        assert result.code == 2
        assert "`layerwright new NAME --pip SPEC` writes one" in result.err
        assert "`layerwright list`" not in result.err
    assert "there is no folder of recipes `recipes`" in layerwright("build", "--all", cwd=tmp_path).err
    (tmp_path / "recipes").mkdir()
    result = layerwright("build", "--all", cwd=tmp_path)
    assert "there are no recipes in the folder `recipes`" in result.err
    assert f"looked in {tmp_path.as_posix()}/recipes" in result.err


def test_list_shows_what_was_built(work: Path) -> None:
    built = fleet.manifest("numpy", "python3.13", "arm64", 13_100_000)
    (work / "dist").mkdir()
    path = work / "dist" / "numpy-2.3.2-python3.13-arm64.json"
    path.write_text(manifest.render(built), encoding="utf-8")
    text = layerwright("list", cwd=work).out
    assert "1/1" in text
    assert "13.1" in text
    document = layerwright("list", "--json", cwd=work).json
    assert document["version"] == 1
    assert document["recipes"][0]["built"][0]["bytes"] == 13_100_000


def test_list_shows_the_good_ones_and_fails_for_the_broken_one(work: Path) -> None:
    write_recipe(work, "bad", "")
    result = layerwright("list", cwd=work)
    assert result.code == 2
    assert "numpy" in result.out
    assert "recipes/bad/recipe.toml has" in result.err


def test_runtimes_are_data_for_people_and_programs(tmp_path: Path) -> None:
    text = layerwright("runtimes", cwd=tmp_path).out
    assert "python3.14" in text
    assert "Amazon Linux 2023" in text
    document = layerwright("runtimes", "--json", cwd=tmp_path).json
    by_name = {one["name"]: one for one in document["runtimes"]}
    assert by_name["python3.13"]["glibc"] == "2.34"
    assert by_name["nodejs22.x"]["directories"][1] == "nodejs/node22/node_modules/"
    assert "python3.6" in document["retired"]


def test_check_reports_findings_and_its_exit_code(tmp_path: Path) -> None:
    zips.write(tmp_path / "good.zip", {"python/a.py": b"x"})
    zips.write(tmp_path / "odd.zip", {"tool/x": b"x"})
    zips.write(tmp_path / "bad.zip", {"python/a.cpython-39-x86_64-linux-gnu.so": b"x"})
    where = ("--runtime", "python3.13", "--arch", "x86_64")
    good = layerwright("check", "good.zip", *where, cwd=tmp_path)
    assert (good.code, good.out) == (0, "good.zip: no error found for python3.13 on x86_64 (0 findings)\n")
    odd = layerwright("check", "odd.zip", *where, cwd=tmp_path)
    assert odd.code == 0
    assert "warning: [layer-path] tool/ python3.13 never looks there" in odd.out
    assert layerwright("check", "odd.zip", "--strict", *where, cwd=tmp_path).code == 5
    bad = layerwright("check", "good.zip", "bad.zip", "--json", *where, cwd=tmp_path)
    assert bad.code == 5
    assert [(one["zip"], one["fit"]) for one in bad.json["checked"]] == [("good.zip", True), ("bad.zip", False)]
    assert "python-abi" in {finding["check"] for finding in bad.json["checked"][1]["findings"]}


def test_thousands_of_findings_alike_are_counted(tmp_path: Path) -> None:
    names = [f"python/a{number:03}.py" for number in range(50)]
    zips.write(tmp_path / "many.zip", dict.fromkeys(names, b"x"), modes=dict.fromkeys(names, 0o600))
    where = ("--runtime", "python3.13", "--arch", "x86_64")
    shown = layerwright("check", "many.zip", *where, cwd=tmp_path).out
    assert shown.count("a file that others cannot read") == 20
    assert "error: [permissions] 30 more like these; `--json` has all of them" in shown
    assert "(50 findings)" in shown
    (checked,) = layerwright("check", "many.zip", "--json", *where, cwd=tmp_path).json["checked"]
    assert len(checked["findings"]) == 50
    zips.write(tmp_path / "some.zip", dict.fromkeys(names[:30], b"x"), modes=dict.fromkeys(names[:30], 0o600))
    assert layerwright("check", "some.zip", *where, cwd=tmp_path).out.count("a file that others cannot read") == 30


def test_check_takes_the_destination_from_the_manifest_and_else_asks(tmp_path: Path) -> None:
    zips.write(tmp_path / "a.zip", {"python/a.py": b"x"})
    asked = layerwright("check", "a.zip", cwd=tmp_path)
    assert asked.code == 2
    assert "hint: add for example `--runtime python3.13 --arch arm64`" in asked.err
    built = fleet.manifest("a", "python3.12", "arm64", 1000)
    (tmp_path / "a.json").write_text(manifest.render(built), encoding="utf-8")
    assert "for python3.12 on arm64" in layerwright("check", "a.zip", cwd=tmp_path).out


def test_a_hostile_zip_is_an_error_with_code_5(tmp_path: Path) -> None:
    zips.write(tmp_path / "x.zip", {"../../etc/passwd": b"x"})
    (tmp_path / "y.zip").write_bytes(b"nothing")
    for name in ("x.zip", "y.zip"):
        for command in (["check", name, "--runtime", "python3.13", "--arch", "arm64"], ["inspect", name]):
            result = layerwright(*command, cwd=tmp_path)
            assert result.code == 5
            assert result.err.startswith("error: ")
            assert "Traceback" not in result.err


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read the Linux way")
def test_a_layer_that_unpacks_to_a_gigabyte_is_read_in_little_memory(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, start, size in (("python/zeros", b"", 500), ("lib/liar.so", b"\x7fELF", 400)):
            with archive.open(name, "w") as stream:
                stream.write(start)
                for _ in range(size):
                    stream.write(bytes(1 << 20))
    code = "from builder.cli import run; print(run(), open('/proc/self/status').read())"
    finished = subprocess.run(
        [sys.executable, "-c", code, "check", "x.zip", "--runtime", "python3.13", "--arch", "arm64"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert "over Lambda's limit" in finished.stdout
    assert "damaged" not in finished.stdout
    assert "\n5 Name:" in finished.stdout
    peak = re.search(r"VmHWM:\s+(\d+) kB", finished.stdout)
    assert peak is not None
    assert int(peak[1]) < 150_000


def test_a_library_over_the_limit_is_read_as_any_other(tmp_path: Path) -> None:
    need("gcc")
    library = tmp_path / "libbig.so"
    command = ["gcc", "-shared", "-x", "c", "/dev/null", "-Wl,-soname,libbig.so.2", "-o", str(library)]
    subprocess.run(command, check=True)
    data = library.read_bytes() + bytes(283_000_000)
    with zipfile.ZipFile(tmp_path / "big.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("lib/libbig.so.2", data)
    where = ("--runtime", "python3.13", "--arch", "x86_64")
    result = layerwright("check", "big.zip", *where, cwd=tmp_path)
    assert result.code == 5
    assert "over Lambda's limit" in result.out + result.err
    assert "damaged" not in result.out + result.err
    assert "libbig.so.2" in layerwright("inspect", "big.zip", "--json", cwd=tmp_path).out


def test_a_path_that_is_no_recipe_is_told_with_the_way(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("six==1.17.0\n", encoding="utf-8")
    file = layerwright("build", "requirements.txt", cwd=tmp_path)
    assert (file.code, "`layerwright build -r requirements.txt`" in file.err) == (2, True)
    folder = layerwright("build", ".", "numpy", cwd=tmp_path)
    assert (folder.code, ". is a folder without a recipe" in folder.err) == (2, True)


def test_one_hostile_zip_does_not_hide_the_others(tmp_path: Path) -> None:
    zips.write(tmp_path / "bad.zip", {"/etc/passwd": b""})
    zips.write(tmp_path / "good.zip", {"python/a.py": b""})
    result = layerwright(
        *("check", "bad.zip", "good.zip", "--runtime", "python3.13", "--arch", "arm64", "--json"), cwd=tmp_path
    )
    assert result.code == 5
    assert [(one["zip"], one["fit"]) for one in result.json["checked"]] == [("bad.zip", False), ("good.zip", True)]
    assert "is an absolute path" in result.json["checked"][0]["why"][0]


def test_inspect_says_what_is_in_it(tmp_path: Path) -> None:
    files = {
        "python/a/__init__.py": b"x" * 5_000_000,
        "python/a-1.2.dist-info/METADATA": b"",
        "nodejs/node_modules/@x/y/package.json": b'{"name": "@x/y", "version": "3.4.5"}',
    }
    zips.write(tmp_path / "a.zip", files)
    text = layerwright("inspect", "a.zip", cwd=tmp_path).out
    assert "@x/y 3.4.5, a 1.2" in text
    assert "python/a" in text
    document = layerwright("inspect", "a.zip", "--json", cwd=tmp_path).json
    assert document["unzipped_bytes"] == sum(map(len, files.values()))
    assert document["headroom_bytes"] == 262_144_000 - document["unzipped_bytes"]
    assert document["largest"][0] == {"path": "python/a", "bytes": 5_000_000}


def test_no_colour_where_there_is_no_terminal(work: Path) -> None:
    result = layerwright("build", "numpi", cwd=work, env={"TERM": "xterm-256color"})
    assert "\x1b" not in result.err


def test_a_reader_that_goes_away_is_no_error(work: Path) -> None:
    command = f'"{sys.executable}" -m builder runtimes --json | head -1'
    finished = subprocess.run(
        ["sh", "-c", command],
        cwd=work,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert "Traceback" not in finished.stderr
    assert finished.stdout == "{\n"


def test_the_version_is_the_packages() -> None:
    from builder import __version__

    assert layerwright("--version", cwd=ROOT).out == f"layerwright, version {__version__}\n"


def test_lint_warns_of_packages_that_the_system_is_not_known_to_have(tmp_path: Path) -> None:
    more = '[[step]]\nuses = "packages"\ninstall = ["libpq-dvel", "zip"]\n'
    write_recipe(tmp_path, "a", pip_recipe("a", "a", more=more))
    result = layerwright("lint", cwd=tmp_path)
    assert result.code == 0
    assert "no list of al2023 has a package `libpq-dvel`; did you mean `libpq-devel`?" in result.err
    assert "`zip`" not in result.err


@pytest.mark.network
def test_node_packages_need_no_recipe(tmp_path: Path) -> None:
    where = ("--runtime", "nodejs22.x", "--arch", "arm64", "--no-test")
    built = layerwright("build", "--npm", "is-number@7.0.0", *where, "--json", cwd=tmp_path)
    assert built.code == 0, built.err
    (made,) = built.json["built"]
    assert (made["target"], made["route"]) == ("is-number-7.0.0-nodejs22.x-arm64", "npm")
    assert [(one["name"], one["version"]) for one in made["packages"]] == [("is-number", "7.0.0")]
    both = layerwright("build", "--npm", "a@1", "--pip", "b", cwd=tmp_path)
    assert (both.code, "one layer is for Python or for Node.js" in both.err) == (2, True)
    other = layerwright("build", "--npm", "a@1", "--runtime", "python3.13", cwd=tmp_path)
    assert (other.code, "python3.13 has no Node.js" in other.err) == (2, True)
    odd = layerwright("plan", "--npm", "no good@1", cwd=tmp_path)
    assert (odd.code, "is not `name@version`" in odd.err) == (2, True)


def test_a_command_whose_result_is_json_fails_in_json(tmp_path: Path) -> None:
    write_recipe(tmp_path, "bad", '[layer]\nname = "bad"\nversion = 1\n')
    for words, what in (
        (("build", "nosuch", "--json"), "there is no recipe `nosuch` in recipes"),
        (("lock", "bad", "--json"), "mistakes"),
        (("plan", "--json", "--nothing"), "No such option '--nothing'"),
    ):
        failed = layerwright(*words, cwd=tmp_path)
        error = failed.json["error"]
        assert what in error["what"]
        assert (error["exit_code"], failed.code) == (2, 2)
        assert error["what"] in failed.err
    assert {fault["line"] for fault in layerwright("lock", "bad", "--json", cwd=tmp_path).json["error"]["faults"]} >= {
        3
    }
    assert layerwright("build", "nosuch", cwd=tmp_path).out == ""
