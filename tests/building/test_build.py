"""From a folder with recipes to zips, through the command line."""

import dataclasses
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from kit import shared
from kit.commands import ROOT, layerwright, pip_recipe, write_recipe
from kit.wheels import Index, make_wheel, serve

from builder.base.emitter import Events
from builder.base.errors import SmokeFailedError
from builder.building.job import Options
from builder.building.layer import Built, build
from builder.cli.views import built as view
from builder.model import recipes
from builder.model.target import targets
from builder.smoke import record
from builder.smoke.record import ImageTrial
from builder.smoke.results import SmokeResult
from builder.smoke.run import Trial

TARGET = "a-1.0-python3.13-arm64"
WELL_BEFORE_ITS_END = 20 << 20
"""Bytes of a zip of some 60 MB."""
SCRIPTS = Path("venv") / ("Scripts" if sys.platform == "win32" else "bin")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files(folder: Path) -> list[str]:
    """Return what lies in a folder, hidden files too, but for the file that tells git to leave it alone."""
    return sorted(one.name for one in folder.iterdir() if one.name != ".gitignore") if folder.exists() else []


def whole(target: str) -> list[str]:
    """Return what a build leaves of a target: the bill of materials, the manifest and the zip."""
    return [f"{target}{suffix}" for suffix in (".cdx.json", ".json", ".zip")]


@pytest.fixture
def work(tmp_path: Path, index: Index) -> Path:
    """Make a folder with one recipe and an index that has its package."""
    make_wheel(index.folder, "a", "1.0", files={"a/tests/t.py": b"", "a/data.txt": "größe".encode()}, scripts=("tool",))
    folder = tmp_path / "work"
    write_recipe(folder, "a", pip_recipe("a", "a=={version}"))
    return folder


def test_a_recipe_becomes_a_zip_a_manifest_and_a_summary(work: Path) -> None:
    result = layerwright("build", "a", cwd=work)
    assert result.code == 0, result.err
    path = work / "dist" / f"{TARGET}.zip"
    assert files(work / "dist") == whole(TARGET)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert b"a/__init__.py,,\n" in archive.read("python/a-1.0.dist-info/RECORD")
    assert "python/a/__init__.py" in names
    assert not [name for name in names if "tool" in name or name.endswith(("INSTALLER", "direct_url.json"))]
    manifest = json.loads((work / "dist" / f"{TARGET}.json").read_text(encoding="utf-8"))
    assert manifest["version"] == 1
    assert (manifest["name"], manifest["layer_version"], manifest["target"]) == ("a", "1.0", TARGET)
    assert manifest["zip"]["sha256"] == digest(path)
    assert manifest["zip"]["bytes"] == path.stat().st_size
    assert manifest["unzipped_bytes"] == sum(info.file_size for info in zipfile.ZipFile(path).infolist())
    assert manifest["packages"][0]["name"] == "a"
    assert {"route", "abi", "findings", "plan_digest", "image", "runtimes", "architectures"} <= set(manifest)
    for column in ("target", "route", "seconds", "zip MB", "unzipped MB", "headroom MB"):
        assert column in result.out
    assert manifest["zip"]["sha256"] not in result.out


def test_the_homepage_of_a_recipe_is_in_manifest_bill_plan_and_list(work: Path) -> None:
    home = "https://example.com/a"
    write_recipe(work, "a", pip_recipe("a", "a=={version}").replace("[layer]", f'[layer]\nhomepage = "{home}"'))
    assert layerwright("build", "a", cwd=work).code == 0
    manifest = json.loads((work / "dist" / f"{TARGET}.json").read_text(encoding="utf-8"))
    assert list(manifest)[-1] == "homepage"
    assert manifest["homepage"] == home
    bill = json.loads((work / "dist" / f"{TARGET}.cdx.json").read_text(encoding="utf-8"))
    assert bill["metadata"]["component"]["externalReferences"] == [{"type": "website", "url": home}]
    assert layerwright("plan", "a", "--json", cwd=work).json["plans"][0]["homepage"] == home
    assert layerwright("list", "--json", cwd=work).json["recipes"][0]["homepage"] == home


@pytest.mark.network
def test_the_same_bytes_from_two_folders_umasks_locales_and_time_zones(tmp_path: Path) -> None:
    digests = set()
    for number, (name, env) in enumerate(
        {
            "plain": {"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
            "with spaces and größe": {"TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2", "COLUMNS": "40"},
        }.items()
    ):
        folder = tmp_path / name
        write_recipe(folder, "mixed", pip_recipe("mixed", "markupsafe==3.0.2", "jinja2==3.1.4", "lxml==5.3.0"))
        code = f"import os, sys; os.umask({0o077 if number else 0o022}); from builder.cli import run; sys.exit(run())"
        finished = subprocess.run(
            [sys.executable, "-c", code, "build", "mixed"],
            cwd=folder,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "LAYERWRIGHT_CACHE": str(tmp_path / f"cache ß {number}"),
                **env,
            },
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        digests.add(digest(folder / "dist" / "mixed-1.0-python3.13-arm64.zip"))
        digests.add(digest(folder / "dist" / "mixed-1.0-python3.13-arm64.json"))
    assert len(digests) == 2  # one zip, one manifest


def test_nothing_is_built_twice_and_every_change_is_detected(work: Path, index: Index) -> None:
    def state() -> str:
        result = layerwright("build", "a", "--json", cwd=work)
        assert result.code == 0, result.err
        built = result.json["built"][0]
        assert built["zip"]["sha256"] == digest(work / "dist" / f"{TARGET}.zip")
        return "unchanged" if built["unchanged"] else "built"

    assert (state(), state()) == ("built", "unchanged")
    (work / "dist" / f"{TARGET}.zip").write_bytes(b"damaged")
    assert (state(), state()) == ("built", "unchanged")
    write_recipe(work, "a", pip_recipe("a", "a=={version}", more='[slim]\nprune = ["tests/"]'))
    assert (state(), state()) == ("built", "unchanged")
    (work / "dist" / f"{TARGET}.json").write_text("{")
    assert (state(), state()) == ("built", "unchanged")
    assert index.url


def test_a_file_in_the_place_of_the_manifest_is_never_lost(work: Path) -> None:
    path = work / "dist" / f"{TARGET}.json"
    path.parent.mkdir()
    path.write_text('{"somebody": "else\'s"}')
    result = layerwright("build", "a", "--rebuild", cwd=work)
    assert result.code == 0, result.err
    assert "is not a valid manifest, and was renamed to" in result.err
    assert path.with_name(f"{path.name}.damaged").read_text() == '{"somebody": "else\'s"}'
    before = json.loads(path.read_text())
    path.write_text(json.dumps(before | {"version": 2}))
    for options in ((), ("--rebuild",)):
        newer = layerwright("build", "a", *options, cwd=work)
        assert (newer.code, "was written by a newer layerwright" in newer.err) == (2, True), newer.err
        assert json.loads(path.read_text())["version"] == 2


def test_two_builds_at_once_never_mix(work: Path) -> None:
    command = [sys.executable, "-m", "builder", "build", "a", "--rebuild", "--json"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = [subprocess.Popen(command, cwd=work, env=env, stdout=subprocess.PIPE) for _ in range(4)]
    outputs = [json.loads(process.communicate()[0]) for process in running]
    assert [process.returncode for process in running] == [0] * 4
    assert {one["built"][0]["zip"]["sha256"] for one in outputs} == {digest(work / "dist" / f"{TARGET}.zip")}
    assert files(work / "dist") == whole(TARGET)


def _stopped_while_writing(process: subprocess.Popen[str], dist: Path) -> bool:
    """Stop a build in the first part of its zip; tell whether it was caught there."""
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if list(dist.glob(".*.zip.*.part")):
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.1)  # until the kernel has stopped every thread
            parts = [path.stat().st_size for path in dist.glob(".*.zip.*.part")]
            if any(size < WELL_BEFORE_ITS_END for size in parts):
                return True
            process.send_signal(signal.SIGCONT)
            return False
        time.sleep(0.01)
    return False


@pytest.mark.network
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_build_leaves_no_half_file(tmp_path: Path, sign: signal.Signals) -> None:
    packages = ("pandas==2.2.3", "numpy==2.2.6")
    write_recipe(tmp_path, "big", pip_recipe("big", *packages, more='[slim]\nprune = ["tests/"]\nbytecode = "off"'))
    command = [sys.executable, "-m", "builder", "build", "big"]
    cache = tmp_path / "cache"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "LAYERWRIGHT_CACHE": str(cache)}
    for _ in range(5):  # a machine that is busy elsewhere may look too late
        process = subprocess.Popen([*command, "--rebuild"], cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True)
        if _stopped_while_writing(process, tmp_path / "dist"):
            break
        process.communicate()
        shutil.rmtree(tmp_path / "dist")
        shutil.rmtree(cache)
    else:
        pytest.fail("never saw a build that was writing its zip")
    process.send_signal(sign)
    process.send_signal(signal.SIGCONT)
    _, errors = process.communicate(timeout=60)
    assert not [name for name in files(tmp_path / "dist") if not name.startswith(".")]
    if sign == signal.SIGINT:
        assert process.returncode == 130, errors
        assert "interrupted" in errors
        assert "Traceback" not in errors
        assert files(tmp_path / "dist") == []
        assert files(cache / "work") == []
    again = layerwright("build", "big", cwd=tmp_path, env={"LAYERWRIGHT_CACHE": str(cache)})
    assert again.code == 0, again.err
    assert files(tmp_path / "dist") == whole("big-1.0-python3.13-arm64")


sets_limits = pytest.mark.skipif(sys.platform == "win32", reason="the limit is set the POSIX way")


def with_install(work: Path, body: str) -> subprocess.CompletedProcess[str]:
    """Build in a process with a changed installation of packages."""
    code = (
        "import resource, sys; from builder.packages.pypi import resolution; from builder.cli import run\n"
        f"real = resolution.install\ndef install(*a):\n    {body}\n"
        "resolution.install = install\nsys.exit(run())"
    )
    return subprocess.run(
        [sys.executable, "-c", code, "build", "a"],
        cwd=work,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@sets_limits
def test_a_cache_without_room_is_an_error_too(work: Path, index: Index) -> None:
    make_wheel(index.folder, "a", "1.1", files={"a/big.bin": os.urandom(3 << 20)})
    write_recipe(work, "a", pip_recipe("a", "a==1.1"))
    finished = with_install(work, "raise OSError(28, 'No space left on device')")
    assert finished.returncode == 4, finished.stderr
    assert "there is no room left to write to\n  No space left on device" in finished.stderr
    assert files(work / "dist") == []


@sets_limits
def test_a_full_disk_is_an_error_and_the_old_zip_stays(work: Path, index: Index) -> None:
    assert layerwright("build", "a", cwd=work).code == 0
    before = digest(work / "dist" / f"{TARGET}.zip")
    make_wheel(index.folder, "a", "1.1", files={"a/big.bin": os.urandom(3 << 20)})
    write_recipe(work, "a", pip_recipe("a", "a==1.1"))
    layerwright("plan", "a", cwd=work)
    finished = with_install(work, "real(*a); resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))")
    assert finished.returncode == 4, finished.stderr
    assert f"cannot write dist/{TARGET}.zip" in finished.stderr
    assert "hint: is the disk full or read-only?" in finished.stderr
    assert digest(work / "dist" / f"{TARGET}.zip") == before
    assert files(work / "dist") == whole(TARGET)


@sets_limits
def test_a_full_disk_leaves_no_manifest_without_its_zip(work: Path, index: Index) -> None:
    """The zip has room, the larger files that describe it have none."""
    code = (
        "import resource, sys; from builder.building import describing; from builder.cli import run\n"
        "real = describing.describe\ndef describe(*a):\n    resource.setrlimit(resource.RLIMIT_FSIZE, (1200, 1200))\n"
        "    return real(*a)\ndescribing.describe = describe\nsys.exit(run())"
    )
    command, env = [sys.executable, "-c", code, "build", "a"], {**os.environ, "PYTHONPATH": str(ROOT)}
    finished = subprocess.run(command, cwd=work, env=env, capture_output=True, encoding="utf-8", check=False)
    assert finished.returncode == 4, finished.stderr
    assert files(work / "dist") == []
    assert layerwright("build", "a", cwd=work).code == 0
    before = {path.name: path.read_bytes() for path in (work / "dist").iterdir()}
    make_wheel(index.folder, "a", "1.1", files={"a/small.bin": b"x"})
    write_recipe(work, "a", pip_recipe("a", "a==1.1"))
    finished = subprocess.run(command, cwd=work, env=env, capture_output=True, encoding="utf-8", check=False)
    assert finished.returncode == 4, finished.stderr
    assert {path.name: path.read_bytes() for path in (work / "dist").iterdir()} == before


def test_a_zip_comes_before_what_describes_it(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    real = Path.replace

    def replace(path: Path, target: Path) -> Path:
        order.append(Path(target).name)
        return real(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    assert layerwright("build", "a", cwd=work).code == 0
    assert [name for name in order if name.startswith(TARGET)] == [
        f"{TARGET}{end}" for end in (".zip", ".cdx.json", ".json")
    ]


def test_an_unwritable_output_is_reported_before_any_work(work: Path) -> None:
    (work / "file").write_text("")
    for output in ("file/dist", "/proc/none" if sys.platform == "linux" else "file/x"):
        result = layerwright("build", "a", "--output", output, cwd=work)
        assert result.code == 2
        assert f"cannot write to {output}" in result.err.replace("\\", "/")
        assert "Traceback" not in result.err


def test_a_lock_is_written_used_and_enforced(work: Path, index: Index, tmp_path: Path) -> None:
    make_wheel(index.folder, "below", "1.0")
    make_wheel(index.folder, "top", "1.0", requires=("below",))
    write_recipe(work, "top", pip_recipe("top", "top=={version}"))
    assert layerwright("lock", "top", cwd=work).code == 0
    lock = work / "recipes" / "top" / "requirements.lock"
    first = lock.read_text()
    assert "://" not in first
    assert "below==1.0" in first

    make_wheel(index.folder, "below", "2.0")
    other = {"UV_CACHE_DIR": str(tmp_path / "other")}
    assert layerwright("lock", "top", cwd=work, env=other).code == 0
    assert lock.read_text() == first
    built = layerwright("build", "top", "--json", cwd=work, env=other).json["built"][0]
    assert {one["name"]: one["version"] for one in built["packages"]} == {"below": "1.0", "top": "1.0"}
    assert built["locked"] is True

    upgraded = layerwright("lock", "top", "--upgrade", cwd=work, env=other)
    assert "below 1.0 -> 2.0" in upgraded.err
    write_recipe(work, "top", pip_recipe("top", "top=={version}", "a"))
    stale = layerwright("build", "top", cwd=work, env=other)
    assert stale.code == 2
    assert "the recipe requires a, the lock has no a" in stale.err
    assert "hint: `layerwright lock top` brings it up to date" in stale.err


def test_a_file_that_differs_from_the_lock_is_refused(work: Path, index: Index, tmp_path: Path) -> None:
    assert layerwright("lock", "a", cwd=work).code == 0
    make_wheel(index.folder, "a", "1.0", files={"a/evil.py": b""})
    result = layerwright("build", "a", cwd=work, env={"UV_CACHE_DIR": str(tmp_path / "other")})
    assert result.code == 4
    assert "hash mismatch: a 1.0 is not what the lock of a says" in result.err
    assert files(work / "dist") == []


def test_a_failed_check_writes_nothing(work: Path) -> None:
    more = '[[step]]\nuses = "copy"\nfiles = ["data.txt"]\nto = "data"'
    write_recipe(work, "a", pip_recipe("a", "a=={version}", more=more))
    (work / "recipes" / "a" / "data.txt").write_text("x")
    result = layerwright("build", "a", cwd=work)
    assert result.code == 5
    assert f"error: {TARGET}: check `layer-path` failed" in result.err
    assert "python3.13 never looks there" in result.err
    assert files(work / "dist") == []


def test_an_allowed_finding_is_built_and_kept_in_the_manifest(work: Path) -> None:
    more = '[[step]]\nuses = "copy"\nfiles = ["data.txt"]\nto = "data"\nexecutable = true\n'
    more += '[[allow]]\ncheck = "layer-path"\nreason = "read by its full path"'
    write_recipe(work, "a", pip_recipe("a", "a=={version}", more=more))
    (work / "recipes" / "a" / "data.txt").write_text("x")
    built = layerwright("build", "a", "--json", cwd=work).json["built"][0]
    assert [one["allowed"] for one in built["findings"]] == ["read by its full path"]
    with zipfile.ZipFile(work / "dist" / f"{TARGET}.zip") as archive:
        assert archive.getinfo("data/data.txt").external_attr >> 16 == 0o100755


def test_strict_makes_a_warning_a_failure(work: Path, index: Index, tmp_path: Path) -> None:
    make_wheel(index.folder, "a", "1.0", files={"a/A.py": b"", "a/a.py": b""})
    env = {"UV_CACHE_DIR": str(tmp_path / "fresh")}
    loose = layerwright("build", "a", cwd=work, env=env)
    assert loose.code == 0
    assert "[case-collision]" in loose.err
    strict = layerwright("build", "a", "--strict", cwd=work, env=env)
    assert strict.code == 5


def test_private_credentials_are_stored_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "private"
    folder.mkdir()
    make_wheel(folder, "a", "1.0")
    work = tmp_path / "work"
    write_recipe(work, "a", pip_recipe("a", "a=={version}"))
    cache = tmp_path / "cache"
    with serve(folder, credentials="robot:verysecret") as private:
        monkeypatch.setenv("UV_DEFAULT_INDEX", private.url)
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
        env = {"LAYERWRIGHT_CACHE": str(cache)}
        assert layerwright("lock", "a", cwd=work, env=env).code == 0
        result = layerwright("build", "a", "--json", cwd=work, env=env)
    assert result.code == 0, result.err
    assert "verysecret" not in result.out + result.err
    with zipfile.ZipFile(work / "dist" / f"{TARGET}.zip") as archive:
        assert not [name for name in archive.namelist() if b"verysecret" in archive.read(name)]
        assert not [name for name in archive.namelist() if b"127.0.0.1" in archive.read(name)]
    written = [one for root in (work, cache) for one in root.rglob("*") if one.is_file() and one.suffix != ".zip"]
    assert not [one for one in written if b"verysecret" in one.read_bytes()]
    assert not [one for one in (work / "recipes").rglob("*.lock") if b"127.0.0.1" in one.read_bytes()]


def test_one_failure_stops_the_rest_without_keep_going(work: Path) -> None:
    write_recipe(work, "b", pip_recipe("b", "missing"))
    stopped = layerwright("build", "b", "a", "--jobs", "1", cwd=work)
    assert stopped.code == 4
    assert files(work / "dist") == []
    going = layerwright("build", "b", "a", "--jobs", "1", "--keep-going", cwd=work)
    assert going.code == 4
    assert f"{TARGET}.zip" in files(work / "dist")
    assert "missing" in going.err


def test_packages_that_the_runtime_includes_are_reported(work: Path, index: Index) -> None:
    make_wheel(index.folder, "six", "1.0")
    make_wheel(index.folder, "boto3", "1.0", requires=("six",))
    write_recipe(work, "sdk", pip_recipe("sdk", "boto3"))
    result = layerwright("build", "sdk", cwd=work)
    assert "warning: python3.13 already provides boto3, six; the layer's copies take precedence" in result.err


def test_a_version_with_an_epoch_makes_a_name_for_a_file(work: Path, index: Index) -> None:
    make_wheel(index.folder, "epochal", "1!2.0")
    result = layerwright("build", "--pip", "epochal==1!2.0", "--runtime", "python3.13", "--arch", "arm64", cwd=work)
    assert result.code == 0, result.err
    assert "epochal-1-2.0-python3.13-arm64.zip" in files(work / "dist")


@pytest.mark.network
def test_wheels_larger_than_the_limit_are_reported_before_they_are_fetched(tmp_path: Path) -> None:
    result = layerwright("plan", "--pip", "torch==2.5.1", "--runtime", "python3.12", "--arch", "x86_64", cwd=tmp_path)
    assert result.code == 0, result.err
    assert "MB packed, more than Lambda accepts unpacked" in result.err


@pytest.mark.network
@pytest.mark.parametrize(
    ("how", "code", "told"),
    [
        (("--pip", "a; sys_platform == 'win32'"), 4, ["empty", "marker"]),
        (("-r", "requirements.txt"), 2, ["requirements.txt names no package"]),
    ],
)
def test_packages_that_no_target_needs_leave_the_old_zip(
    work: Path, how: tuple[str, str], code: int, told: list[str]
) -> None:
    name = ("--name", "a", "--runtime", "python3.13", "--arch", "arm64")
    (work / "requirements.txt").write_text("# nothing yet\n")
    assert layerwright("build", "--pip", "a", *name, cwd=work).code == 0
    before = {path.name: digest(path) for path in (work / "dist").iterdir()}
    result = layerwright("build", *how, *name, cwd=work)
    assert result.code == code, result.err
    assert [words for words in told if words not in result.err] == []
    assert {path.name: digest(path) for path in (work / "dist").iterdir()} == before


def test_packages_without_a_recipe(tmp_path: Path) -> None:
    result = layerwright(
        *("build", "--pip", "markupsafe==3.0.2", "--runtime", "python3.13", "--arch", "arm64", "--json"), cwd=tmp_path
    )
    assert result.code == 0, result.err
    assert result.json["built"][0]["target"] == "markupsafe-3.0.2-python3.13-arm64"
    (tmp_path / "requirements.txt").write_text("jinja2==3.1.4\n")
    arguments = ("build", "-r", "requirements.txt", "--runtime", "python3.12", "--arch", "x86_64")
    unnamed = layerwright(*arguments, cwd=tmp_path)
    assert unnamed.code == 0, unnamed.err
    assert f"{tmp_path.name}-1-python3.12-x86_64.zip" in files(tmp_path / "dist")
    named = layerwright(*arguments, "--name", "my-deps", cwd=tmp_path)
    assert named.code == 0, named.err
    assert "my-deps-1-python3.12-x86_64.zip" in files(tmp_path / "dist")


@pytest.mark.network
def test_a_new_recipe_lints_and_builds(tmp_path: Path) -> None:
    made = layerwright("new", "templates", "--pip", "jinja2", "--pip", "orjson", cwd=tmp_path)
    assert made.code == 0, made.err
    text = (tmp_path / "recipes" / "templates" / "recipe.toml").read_text()
    assert 'requirements = ["jinja2=={version}", "orjson==' in text
    assert "import jinja2\n" in text
    assert "import orjson\n" in text
    assert layerwright("lint", cwd=tmp_path).code == 0
    built = layerwright("build", "templates", "--arch", "arm64", "--runtime", "python3.13", cwd=tmp_path)
    assert built.code == 0, built.err
    again = layerwright("new", "templates", "--pip", "jinja2", cwd=tmp_path)
    assert again.code == 2
    assert "exists already" in again.err


@pytest.mark.network
def test_a_wheel_for_people_who_want_no_layer(tmp_path: Path) -> None:
    result = layerwright(
        *("wheel", "orjson==3.10.18", "--runtime", "python3.13", "--arch", "arm64", "--arch", "x86_64"), cwd=tmp_path
    )
    assert result.code == 0, result.err
    names = [Path(line).name for line in result.out.splitlines()]
    assert names == files(tmp_path / "dist" / "wheels") == sorted(names)
    assert all(zipfile.ZipFile(tmp_path / line).testzip() is None for line in result.out.splitlines())
    asked = ("wheel", "psycopg2==2.9.10", "--runtime", "python3.13", "--arch", "arm64")
    none = layerwright(*asked, cwd=tmp_path, env={"PATH": str(tmp_path)})
    assert none.code == 7
    assert "no container engine is installed" in none.err


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build layerwright's own wheel and install it into an environment that cannot see the checkout."""
    return shared.once(tmp_path_factory, "installed", _installed) / SCRIPTS / "layerwright"


def _installed(folder: Path) -> None:
    from uv import find_uv_bin

    def uv(*arguments: str | Path) -> None:
        subprocess.run([find_uv_bin(), *map(str, arguments)], check=True, capture_output=True)

    python = folder / SCRIPTS / ("python.exe" if sys.platform == "win32" else "python")
    uv("build", "--wheel", "--python", sys.executable, "--out-dir", folder, ROOT)
    uv("venv", "--python", sys.executable, folder / "venv")
    requirements = ROOT / "requirements" / "run.txt"
    uv("pip", "install", "--python", python, "--require-hashes", "-r", requirements)
    uv("pip", "install", "--python", python, "--no-deps", next(folder.glob("layerwright-*.whl")))


@pytest.mark.network
def test_the_installed_command_works_in_any_folder_with_recipes(installed: Path, work: Path) -> None:
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    for arguments in (["list"], ["lint"], ["runtimes"], ["schema"], ["build", "a"]):
        finished = subprocess.run(
            [str(installed), *arguments], cwd=work, env=env, capture_output=True, encoding="utf-8", check=False
        )
        assert finished.returncode == 0, finished.stderr
    assert f"{TARGET}.zip" in files(work / "dist")


@pytest.fixture(scope="session")
def installed_by_pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install layerwright's wheel with pip, which byte-compiles; what it needs is taken from these tests' Python."""
    return shared.once(tmp_path_factory, "pip", _installed_by_pip) / SCRIPTS / "layerwright"


def _installed_by_pip(folder: Path) -> None:
    def python(program: str | Path, *arguments: str | Path) -> str:
        command = [str(program), *map(str, arguments)]
        return subprocess.run(command, check=True, capture_output=True, encoding="utf-8", cwd=folder).stdout.strip()

    own = folder / SCRIPTS / "python"
    python(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    python(sys.executable, "-m", "venv", folder / "venv")
    wheel = next(folder.glob("layerwright-*.whl"))
    python(own, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--compile", wheel)
    places = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages, needed = python(own, "-c", places), python(sys.executable, "-c", places)
    (Path(packages) / "needed.pth").write_text(f"{needed}\n", encoding="utf-8")


@pytest.mark.engine
def test_what_pip_installs_builds_layers(installed_by_pip: Path, index: Index, tmp_path: Path) -> None:
    make_wheel(index.folder, "a", "1.0")
    folder = tmp_path / "empty"
    folder.mkdir()
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    programs = next((installed_by_pip.parents[1]).rglob("builder/container/steps"))
    assert (programs / "__pycache__").is_dir()
    command = [str(installed_by_pip), "build", "--pip", "a==1.0", "--runtime", "python3.13", "--arch", "arm64"]
    finished = subprocess.run(command, cwd=folder, env=env, capture_output=True, encoding="utf-8", check=False)
    assert finished.returncode == 0, finished.stderr
    assert [path for path in files(folder / "dist") if path.endswith(".zip")]


@pytest.fixture
def tries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stand in for the engine, and tell which zips were tried in it."""
    monkeypatch.setenv("LAYERWRIGHT_CACHE", str(tmp_path / "cache"))
    tried: list[str] = []

    def layer(_: object, zip_path: Path, *__: object, **___: object) -> Trial:
        tried.append(digest(zip_path))
        return Trial(runs=(said(result),))

    result = SmokeResult(what="a test", runtime="python3.13", arch="arm64", seconds=0.1, cold_ms=1.0, emulated=False)
    monkeypatch.setattr("builder.smoke.run.layer", layer)
    monkeypatch.setattr("builder.plan.mode.EngineOptions.engine", lambda _: None)
    monkeypatch.setattr("builder.engine.client.present", lambda *_: None)
    return tried


def said(*results: SmokeResult, failure: str | None = None) -> ImageTrial:
    """Return what tests said in an image whose digest has only ones."""
    return ImageTrial(
        runtime="python3.13",
        arch="arm64",
        image="lambda/python:3.13",
        digest=f"sha256:{'1' * 64}",
        emulated=False,
        at="2026-01-01T00:00:00+00:00",
        results=results,
        failure=failure,
    )


def test_a_zip_that_was_never_tested_is_tested_once_without_building_it_again(work: Path, tries: list[str]) -> None:
    def built(test: str, *, rebuild: bool = False) -> Built:
        options = Options(output=work / "dist", test=test, rebuild=rebuild, catch_up=False)
        loaded = recipes.load(work / "recipes", "a")
        return build(loaded, targets(loaded.recipe)[0], options, Events())

    first = built("never")
    written = {path.name: path.stat().st_mtime_ns for path in (work / "dist").iterdir()}
    assert (first.tested, tries) == (None, [])
    assert (built("auto").tested, tries) == (None, [])
    second, third = built("always"), built("always")
    assert second.unchanged
    assert second.tested
    assert second.tested.passed
    assert second.tested == third.tested
    assert built("auto").tested == built("never").tested == second.tested
    assert tries == [digest(first.path)]
    now = {path.name: path.stat().st_mtime_ns for path in (work / "dist").iterdir()}
    assert set(now) - set(written) == {first.path.with_suffix(".tests.json").name}
    assert {name: now[name] for name in written} == written
    (work / "recipes" / "a" / "recipe.toml").write_text(pip_recipe("a", "a=={version}", more='[[test]]\npython = "1"'))
    assert built("always").tested
    assert built("always", rebuild=True).tested
    assert len(tries) == 3


@pytest.mark.parametrize(
    ("runs", "has", "lack", "way"),
    [
        (True, False, "image", "the engine has no image of the runtime on hand, which `layerwright test {}` pulls"),
        (
            False,
            True,
            "architecture",
            "the engine runs none of that architecture, and `layerwright doctor` tells what does",
        ),
        (None, True, None, "`layerwright test {}` does it, with a container engine"),
    ],
)
def test_what_an_engine_lacks_for_tests_is_told(
    work: Path,
    tries: list[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    runs: bool | None,
    has: bool,
    lack: str | None,
    way: str,
) -> None:
    engine = None if runs is None else SimpleNamespace(can=lambda _: runs)
    monkeypatch.setattr("builder.engine.client.present", lambda *_: engine)
    monkeypatch.setattr("builder.engine.containers.has", lambda *_: has)
    loaded = recipes.load(work / "recipes", "a")
    result = build(loaded, targets(loaded.recipe)[0], Options(output=work / "dist", test="auto"), Events())
    assert (result.lack, result.tested, tries) == (lack, None, [])
    assert view.untested([result]) == [f"not tested: {result.target}; {way.format(result.path)}"]
    assert len(view.untested([result, dataclasses.replace(result, lack=None)])) == (1 if lack is None else 2)


def test_a_zip_with_nothing_to_test_needs_no_engine(work: Path, tries: list[str]) -> None:
    loaded = recipes.load(work / "recipes", "a")
    result = build(loaded, targets(loaded.recipe)[0], Options(output=work / "dist", test="always"), Events())
    assert (len(tries), view.untested([result])) == (1, [])
    assert result.tested
    for trial, lines in ((said(), 0), (said(failure="no"), 1)):
        record = dataclasses.replace(result.tested, runs=(trial,))
        assert len(view.untested([dataclasses.replace(result, tested=record)])) == lines


def test_the_record_of_tests_is_bound_to_the_zip_the_image_and_the_tests(
    work: Path, tries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lies beside the zip and tells what ran where; the cache has one for the same zip in another folder."""
    loaded = recipes.load(work / "recipes", "a")

    def built(output: str = "dist") -> Built:
        options = Options(output=work / output, test="always")
        return build(loaded, targets(loaded.recipe)[0], options, Events())

    first = built()
    written = json.loads(first.path.with_suffix(".tests.json").read_text(encoding="utf-8"))
    assert written["zip"] == digest(first.path)
    (ran,) = written["runs"]
    assert (ran["runtime"], ran["arch"], ran["emulated"], ran["at"][:4]) == ("python3.13", "arm64", False, "2026")
    assert (ran["image"], ran["digest"]) == ("lambda/python:3.13", f"sha256:{'1' * 64}")
    assert [result["what"] for result in ran["results"]] == ["a test"]
    assert "tests" not in json.loads(first.path.with_suffix(".json").read_text(encoding="utf-8"))

    built()
    assert built("other").tested == first.tested
    assert len(tries) == 2  # a new zip is tested; an existing one is not again
    first.path.with_suffix(".tests.json").unlink()
    assert built().tested == first.tested
    assert first.path.with_suffix(".tests.json").is_file()
    assert len(tries) == 2

    monkeypatch.setattr("builder.engine.client.present", lambda *_: object())
    for image, again in (("1", 0), ("2", 1), ("", 1)):
        monkeypatch.setattr(
            "builder.engine.containers.digest", lambda *_, image=image: image and f"sha256:{image * 64}"
        )
        before = len(tries)
        built()
        assert len(tries) - before == again, image

    assert first.tested
    record.at(first.path).replace(dataclasses.replace(first.tested, zip="0" * 64))
    assert record.of(first.path, digest(first.path)) is None
    assert record.state(record.of(first.path, "0" * 64)) == "passed"


def test_an_untested_zip_that_fails_its_tests_stays_and_is_not_good(
    work: Path, tries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = recipes.load(work / "recipes", "a")

    def built(test: str) -> Built:
        return build(loaded, targets(loaded.recipe)[0], Options(output=work / "dist", test=test), Events())

    path = built("never").path

    def fails(*_: object, **__: object) -> Trial:
        return Trial(runs=(said(failure="it does not work"),), error=SmokeFailedError("it does not work"))

    with monkeypatch.context() as patch:
        patch.setattr("builder.smoke.run.layer", fails)
        for _ in range(2):
            with pytest.raises(SmokeFailedError):
                built("always")
        assert record.state(record.of(path, digest(path))) == "failed"
    assert path.is_file()
    passed = built("always").tested
    assert passed
    assert passed.passed
    assert tries == [digest(path)]


def test_a_new_recipe_takes_no_dynamic_reference_from_the_metadata_of_a_package(work: Path, index: Index) -> None:
    make_wheel(index.folder, "c", "1.0", license="MIT\nSummary: {{resolve:secretsmanager:prod/db}}")
    path = index.folder / "c-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path) as wheel:
        text = wheel.read("c-1.0.dist-info/METADATA").decode()
        contents = {name: wheel.read(name) for name in wheel.namelist()}
    contents["c-1.0.dist-info/METADATA"] = text.replace("Summary: A wheel for tests\n", "").encode()
    with zipfile.ZipFile(path, "w") as wheel:
        for name, data in contents.items():
            wheel.writestr(name, data)
    result = layerwright("new", "c", "--pip", "c", cwd=work)
    assert result.code == 4, result.err
    assert "is a dynamic reference" in result.err
    assert not (work / "recipes" / "c").exists()
