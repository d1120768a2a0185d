"""Requirements files: what uv gets of them, and what is refused before uv could run it."""

import os
import sys
from pathlib import Path

import pytest
from kit.commands import layerwright, pip_recipe, write_recipe
from kit.compiled import recipe
from kit.wheels import Index, make_sdist, make_wheel

from builder.base import files
from builder.base.errors import BuildError, LayerwrightError, UsageError
from builder.model.architectures import ARM64
from builder.model.runtimes import runtime
from builder.packages.pypi.requirements_file import read
from builder.packages.pypi.resolve import Wanted, resolve

ONE, TWO = "0" * 64, "ab" * 32
STEP = '[[step]]\nuses = "pip"\nfile = "requirements.txt"'
SETUP = "open({marker!r}, 'w').close()\nfrom setuptools import setup\nsetup(name='sub', version='1.0')\n"
BACKEND = """
def _run(*_, **__):
    exec(compile(open("setup.py").read(), "setup.py", "exec"), {"__name__": "__main__"})
    return []
class __legacy__:
    get_requires_for_build_editable = get_requires_for_build_wheel = build_editable = build_wheel = staticmethod(_run)
    prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel = staticmethod(_run)
"""
REFUSED = (
    "-e .",
    "-e ${SUB}",
    ".",
    "..",
    "../sub",
    "sub @ ${SUB}",
    "${SUB}",
    "./folder.whl",
    "git+https://git.test/sub.git",
    "git+file://{folder}/sub",
    "hg+https://hg.test/sub",
    "bzr+https://bzr.test/sub",
    "svn+https://svn.test/sub",
    "sub @ git+https://git.test/sub.git@main",
    "git@git.test:sub.git",
    "git://git.test/sub.zip",
    "sub @ https://git.test/sub",
    "--edit ./sub",
    "-r https://files.test/requirements.txt",
    "-r missing.txt",
    "sub @ ${NOBODY_SET_THIS}/sub.whl",
    "sub==1.0 --config-settings x=y",
    "sub = 1.0",
    "--index-url ftp://files.test/simple",
    "-i files.test/simple",
    "-igit+https://files.test/simple",
    "--extra-index-url=https://files.test/${SUB}",
    "--find-links ./missing",
    "-f https://files.test/links with spaces",
    "--trusted-host",
    "--index-url",
    "sub @ https://files.test/${SUB}/sub-1.0.tar.gz",
    "https://${SUB}.files.test/sub-1.0.tar.gz",
    "sub==${SUB}",
    "--no-binary ${SUB}",
    "-r ${SUB}/requirements.txt",
    "-r ../../outside.txt",
    "-c /etc/hostname",
    "-r linked.txt",
    "sub @ http://[/sub.whl",
    "sub ; " + "(" * 5000 + "python_version > '3'" + ")" * 5000,
)
PLACES = (
    "-e ./sub",
    "-e sub",
    "-e./sub",
    "-e ./sub[extra]",
    "--editable ./sub",
    "--editable=./sub",
    "-e \\\n  ./sub",
    "  -e ./sub  # ours",
    "./sub",
    "sub/",
    "./sub[extra] ; python_version > '3'",
    "{folder}/sub",
    "file:./sub",
    "{uri}/sub",
    "sub @ {uri}/sub",
    "sub @ ./sub",
)
"""The same in other words: the package in the folder `sub`."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder with a project that leaves a marker when its setup.py runs."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "folder.whl").mkdir()
    (tmp_path / "linked.txt").symlink_to("/etc/hostname")
    (tmp_path / "sub" / "setup.py").write_text(SETUP.format(marker=str(tmp_path / "marker")))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUB", "./sub")
    return tmp_path


def refused(*files: Path, requirements: tuple[str, ...] = ()) -> tuple[str, ...]:
    with pytest.raises(UsageError) as caught:
        read(files, requirements)
    assert caught.value.hint
    return caught.value.why


@pytest.mark.parametrize("text", REFUSED)
def test_what_would_be_built_where_it_lies_is_refused_with_its_line(project: Path, text: str) -> None:
    path = project / "requirements.txt"
    filled = text.replace("{folder}", project.as_posix()).replace("{uri}", project.as_uri())
    path.write_text(f"# ours\na==1.0\n{filled}\nb\n")
    (line,) = refused(path)
    assert line.startswith((f"{path.as_posix()}:3: ", f"{(project / 'missing.txt').as_posix()}: "))


@pytest.mark.parametrize("text", PLACES)
def test_a_folder_is_read_as_a_place_with_its_name_and_nothing_runs(project: Path, text: str) -> None:
    path = project / "requirements.txt"
    filled = text.replace("{folder}", project.as_posix()).replace("{uri}", project.as_uri())
    path.write_text(f"a==1.0\n{filled}\n")
    plain = read([path])
    address = (project / "sub").as_uri()
    assert plain.requirements[1].startswith(("sub @ ", "sub[extra] @ "))
    assert address in plain.requirements[1].split()
    assert plain.places[address].folder == project / "sub"
    assert plain.places[address].where == f"{path.as_posix()}:2"
    assert not (project / "marker").exists()


@pytest.mark.parametrize(
    "text",
    [
        "sub @ git+https://git.test/sub",
        "sub @ git+https://git.test/sub@0123456",
        "sub @ https://files.test/sub.whl\n-e ./sub",
        "sub ; python_version != 'x\n-e ./sub\n'",
    ],
)
def test_requirements_of_a_recipe_or_the_command_line_are_looked_at_as_well(project: Path, text: str) -> None:
    told = refused(requirements=("a==1.0", text, f"sub @ {project.as_uri()}/sub"))[0]
    assert told.startswith((" ".join(text.split()), f"{text}: {text}"))


def test_every_line_of_every_file_is_told_at_once(project: Path) -> None:
    (project / "deep").mkdir()
    (project / "requirements.txt").write_text("-e ./none\n-r deep/more.txt\n--constraint=deep/fixed.txt\n")
    (project / "deep" / "more.txt").write_text(
        "b\n-r ../requirements.txt\n-cfixed.txt\ngit+https://robot:word@git.test/x\n"
    )
    (project / "deep" / "fixed.txt").write_text("c==1\n\nx @ file:///nowhere/x\n")
    told = refused(project / "requirements.txt")
    assert [line.removeprefix(f"{project.as_posix()}/") for line in told] == [
        "requirements.txt:1: -e ./none (there is no such folder)",
        "deep/fixed.txt:3: x @ file:///nowhere/x (there is no such folder)",
        "deep/more.txt:4: git+https://git.test/x (write `NAME @ ` before it)",
    ]


def test_what_is_left_is_plain(project: Path) -> None:
    wheel = make_wheel(project / "sub", "w", "1.0")
    (project / "sub" / "fixed.txt").write_text("b==1\n")
    (project / "sub" / "requirements.txt").write_text(
        "\ufeff--only-binary=a\n"
        "a[x]>=1,<2 ; python_version > '3'  # a comment\n"
        f"b \\\n  --hash=sha256:{ONE} \\\n  --hash sha256:{TWO.upper()} --hash=sha512:{ONE}{TWO}\n"
        f"./{wheel.name}\n"
        "w @ https://files.test/w-1.0-py3-none-any.whl#sha256=00\n"
        "https://files.test/s-1.0.tar.gz\n"
        "-c fixed.txt\n"
        "-r requirements.txt\n",
        encoding="utf-8",
    )
    plain = read([project / "sub" / "requirements.txt"], ["z==1"])
    assert plain.options == ("--only-binary a",)
    assert plain.constraints == ("b==1",)
    assert plain.requirements == (
        "z==1",
        'a[x]<2,>=1; python_version > "3"',
        f"b --hash=sha256:{ONE} --hash=sha256:{TWO}",
        wheel.as_uri(),
        "w @ https://files.test/w-1.0-py3-none-any.whl#sha256=00",
        "https://files.test/s-1.0.tar.gz",
    )


@pytest.mark.parametrize(
    "option",
    [
        "--hash=sha256:abc",
        "--hash=sha256:",
        f"--hash=sha256:{'g' * 64}",
        f"--hash=sha256:{ONE}0",
        f"--hash=md5:{'0' * 32}",
        f"--hash=sha512:{ONE}{TWO}",
        f"--hash=foo:{ONE}",
        f"--hash={ONE}",
        f"--hash=sha256:{ONE} --hash=sha256:abc",
    ],
)
def test_a_hash_that_is_none_or_cannot_be_compared_is_refused(project: Path, option: str) -> None:
    path = project / "sub" / "requirements.txt"
    path.write_text(f"a==1 {option}\n", encoding="utf-8")
    (told,) = refused(path)
    assert "requirements.txt:1: a==1" in told
    assert "SHA-256" in told or "64 hexadecimal digits" in told or "not known" in told


def hashed(index: Index, folder: Path, text: str) -> set[str]:
    """Resolve a file in which `{name}` is the SHA-256 of a package's only file."""
    digests = {name: files.sha256(make_wheel(index.folder, name, "1.0", requires=needs)) for name, needs in PACKAGES}
    path = folder / "requirements.txt"
    path.write_text(text.format(**digests, upper=digests["low"].upper()), encoding="utf-8")
    return {each.name for each in resolve(Wanted(files=(path,)), runtime("python3.13"), ARM64)}


PACKAGES: tuple[tuple[str, tuple[str, ...]], ...] = (("top", ("low",)), ("low", ()))


@pytest.mark.parametrize(
    "text",
    [
        "top==1.0 --hash=sha256:{top}\nlow==1.0 --hash=sha256:{low}\n",
        "top==1.0 --hash=sha256:{top}\nlow==1.0 --hash=sha256:{upper}\n",
        "--require-hashes\ntop==1.0 --hash=sha256:{top}\nlow==1.0 --hash=sha256:{low}\n",
        "top==1.0\n",
    ],
)
def test_hashes_are_compared_for_all_packages_or_none(index: Index, tmp_path: Path, text: str) -> None:
    assert hashed(index, tmp_path, text) == {"top", "low"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("top==1.0 --hash=sha256:{top}\n", "no hash is given for low"),
        ("top==1.0 --hash=sha256:{top}\nlow==1.0\n", "no hash is given for low"),
        ("--require-hashes\ntop==1.0\n", "no hash is given for low, top"),
        ("top==1.0 --hash=sha256:{low}\nlow==1.0 --hash=sha256:{low}\n", "hash mismatch: the index has no file of top"),
    ],
)
def test_a_package_without_its_hash_is_refused(index: Index, tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(LayerwrightError) as caught:
        hashed(index, tmp_path, text)
    assert told in caught.value.what


def test_a_project_is_no_requirements_file(project: Path) -> None:
    assert refused(project / "sub" / "setup.py")[0].endswith("setup.py: is a project, no requirements file")


@pytest.mark.parametrize("command", ["plan", "lock", "lint"])
@pytest.mark.parametrize("text", ["-e ./sub", "-e ./recipes/a/sub", "./sub"])
def test_no_setup_py_runs_on_the_host(project: Path, index: Index, command: str, text: str) -> None:
    make_wheel(index.folder, "setuptools", "99.0", files={"setuptools/build_meta.py": BACKEND.encode()})
    folder = write_recipe(project, "a", recipe(STEP, runtime="python3.13", arch="arm64")).parent
    (project / "sub").rename(folder / "sub")
    (folder / "requirements.txt").write_text(f"{text}\n")
    result = layerwright(command, "a", cwd=project)
    assert not (project / "marker").exists()
    assert result.code == 0, result.err


def test_lint_knows_what_a_recipe_requires(project: Path) -> None:
    write_recipe(project, "a", pip_recipe("a", "a=={version}", "b @ git+https://git.test/b"))
    result = layerwright("lint", cwd=project)
    assert result.code == 2
    assert "b @ git+https://git.test/b" in result.err


def test_an_sdist_by_its_path_runs_nothing_either(project: Path, index: Index) -> None:
    make_wheel(index.folder, "setuptools", "99.0", files={"setuptools/build_meta.py": BACKEND.encode()})
    path = make_sdist(project, "s", "1.0", SETUP.format(marker=str(project / "marker")))
    (project / "requirements.txt").write_text(f"./{path.name}\n")
    for wanted in (Wanted(files=(project / "requirements.txt",)), Wanted(requirements=(f"s @ {path.as_uri()}",))):
        with pytest.raises((BuildError, LayerwrightError)):
            resolve(wanted, runtime("python3.13"), ARM64)
        assert not (project / "marker").exists()


def test_what_another_folder_holds_is_not_shown(project: Path) -> None:
    (project / "secret").write_text("root:x:0:0:root\n")
    (project / "mine").mkdir()
    path = project / "mine" / "requirements.txt"
    path.write_text("-r ../secret\n")
    assert refused(path) == (f"{project.as_posix()}/mine/../secret:1: this line",)


def test_a_file_without_end_is_refused(project: Path) -> None:
    path = project / "requirements.txt"
    path.write_text("-r endless.txt\n")
    (project / "endless.txt").touch()
    os.truncate(project / "endless.txt", 10**9)
    (line,) = refused(path)
    assert line.startswith(f"{project.as_posix()}/endless.txt: it has more than")


def test_a_recipe_may_name_files_of_its_repository_only(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project / "repository" / "recipes" / "a"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    (folder / "requirements.txt").write_text("-r ../../shared.txt\n-r ../../../outer.txt\n")
    (project / "repository" / "shared.txt").write_text("a==1\n")
    (project / "outer.txt").write_text("b==1\n")
    for marked in (folder / "recipe.toml", project / "repository" / ".git"):
        marked.touch()
        (line,) = refused(folder / "requirements.txt")
        assert line.endswith("requirements.txt:2: -r ../../../outer.txt (a file outside of the project)")


@pytest.mark.parametrize("text", ["-e .", ".", "git+https://git.test/sub", "-e ./none"])
def test_what_is_no_project_on_the_command_line_is_told(project: Path, text: str) -> None:
    result = layerwright("build", "--pip", text, "--name", "x", cwd=project)
    assert result.code == 2
    assert text in result.err
    assert "`uv build --wheel PATH -o wheels` makes a wheel" in result.err


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize("text", ["-e./sub", "--editable ./sub", "./sub"])
def test_a_folder_on_the_command_line_is_not_built_on_the_host(project: Path, text: str) -> None:
    result = layerwright("build", "--pip", text, "--name", "x", "--route", "wheels", cwd=project)
    assert result.code == 4
    assert "its setup.py is a program" in result.err
    assert "`uv build --wheel sub -o wheels`" in result.err
    assert not (project / "marker").exists()


def test_settings_of_a_project_build_nothing_on_the_host(project: Path, index: Index) -> None:
    """uv reads the pyproject.toml of the current folder, which can replace any package by a folder."""
    make_wheel(index.folder, "setuptools", "99.0", files={"setuptools/build_meta.py": BACKEND.encode()})
    make_wheel(index.folder, "a", "1.0", requires=("sub",))
    override = f'[tool.uv]\noverride-dependencies = ["sub @ {(project / "sub").as_uri()}"]\n'
    (project / "pyproject.toml").write_text(f'[project]\nname = "x"\nversion = "1"\n{override}')
    write_recipe(project, "a", pip_recipe("a", "a=={version}"))
    for command in ("plan", "lock", "update", "build"):
        result = layerwright(command, "a", cwd=project)
        assert not (project / "marker").exists()
        assert result.code in {0, 2, 4}, result.err


def test_a_keyring_starts_though_no_build_could(index: Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make_wheel(index.folder, "a", "1.0")
    program = tmp_path / "bin" / "keyring"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nopen({str(tmp_path / 'asked')!r}, 'w').close()\nprint('word')\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    monkeypatch.setenv("UV_KEYRING_PROVIDER", "subprocess")
    monkeypatch.setenv("UV_DEFAULT_INDEX", os.environ["UV_DEFAULT_INDEX"].replace("://", "://me@"))
    resolve(Wanted(requirements=("a",)), runtime("python3.13"), ARM64)
    assert (tmp_path / "asked").exists()
