"""The stand-ins: what of them is made again after a change, and that they are as strict as Amazon's images are.

`docs/amazon-images.md` has the source of each fact, and what differs still.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from kit import bake, boxes, standin
from kit.boxes import Box
from kit.commands import ROOT

from builder.engine.client import Engine
from builder.model.runtimes import runtime

PROVIDED, PYTHON, NODEJS = (f"sam/build-{name}:latest" for name in ("provided.al2023", "python3.13", "nodejs22.x"))
AL2, AL2_PYTHON = "sam/build-provided.al2:latest", "sam/build-python3.11:latest"
RUN_AL2, RUN_AL2_PYTHON = "lambda/provided:al2", "lambda/python:3.11"
RUN_PYTHON, RUN_NODEJS, RUN_PROVIDED = "lambda/python:3.13", "lambda/nodejs:22", "lambda/provided:al2023"
BoxOf = Callable[[str], Box]


@pytest.fixture
def box_of(engine: Engine) -> BoxOf:
    """Return a function that gives the box of an image."""
    return lambda name: boxes.standin(engine, name)


# ---- what is made again ----------------------------------------------------------------------------------------------


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Copy the stand-ins' files and return the images of a registry, which is empty at first."""
    kept: set[str] = set()
    monkeypatch.setattr(bake, "HERE", Path(shutil.copytree(ROOT / "tests" / "standin", tmp_path / "standin")))
    monkeypatch.setattr(bake, "digest", lambda registry, name, tag: "x" if f"{registry}/{name}:{tag}" in kept else None)
    return kept


def made(kept: set[str], folder: Path, capsys: pytest.CaptureFixture[str]) -> set[str]:
    """Make what is missing and return its names."""
    bake.main("registry", str(folder), "context")
    out = capsys.readouterr().out
    targets = json.loads(out)["target"] if out else {}
    kept.update(tag for target in targets.values() for tag in target["tags"])
    return set(targets)


def test_a_change_makes_again_what_it_is_in(
    registry: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    everything = made(registry, tmp_path, capsys)
    expected = {"python-3-13-amd64", "ruby-3-3-arm64", "rpms-arm64", "maker-amd64", "coreutils-8-32-amd64"}
    assert {*expected, "lambda-java-21-x86_64"} <= everything
    assert made(registry, tmp_path, capsys) == set()

    def changed(name: str) -> set[str]:
        (bake.HERE / name).write_text("another", encoding="utf-8")
        return made(registry, tmp_path, capsys)

    newer = {name for name in everything if name.startswith("newer-glibc-")}
    assert len(newer) == 4
    assert changed("glibc.Dockerfile") == newer
    pythons = newer | {name for name in everything if name.startswith("lambda-python-")}
    assert changed("bootstrap") == pythons
    assert changed("bootstrap.py") == pythons
    al2 = {name for name in everything if re.search("-al2-|-python-?3-11-", name)}
    assert len(al2) == 8
    assert changed("yum") == al2
    assert changed("microdnf") == {name for name in everything if name.startswith(("sam-", "lambda-", "newer-"))} - al2
    assert changed("engine.sh") == {name for name in everything if name.startswith("sam-build-")}
    compiled = {name for name in everything if name.startswith(("python-", "ruby-", "coreutils-"))}
    assert changed("rpms.py") == everything - compiled


def test_other_sources_compile_one_interpreter_again(
    registry: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert made(registry, tmp_path, capsys)
    (tmp_path / "python3.14.orig.tar.xz").write_bytes(b"newer")
    again = made(registry, tmp_path, capsys)
    assert {"python-3-14-amd64", "sam-build-python3-14-latest-arm64"} <= again
    assert not [name for name in again if "3-14" not in name]


def test_another_glibc_makes_images_with_it_again(
    registry: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert made(registry, tmp_path, capsys)
    (tmp_path / "libc6-arm64.deb").write_bytes(b"newer")
    again = made(registry, tmp_path, capsys)
    assert again == {f"newer-glibc-lambda-python-{series}-arm64" for series in ("3-13", "3-14")}


# ---- package managers ------------------------------------------------------------------------------------------------


def microdnf(*words: str) -> str:
    """Return what microdnf's check of options says on this host, where it has no engine behind it."""
    command = ["bash", str(bake.HERE / "microdnf"), *words]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 1
    return done.stderr.strip()


def test_microdnf_takes_the_options_of_its_table_only() -> None:
    wrong = 'error: (--setopt) Invalid boolean value "True" in: keepcache=True'
    assert microdnf("install", "--setopt=keepcache=True", "a") == wrong
    assert microdnf("install", "--setopt=sslcacert=/ca", "a") == "error: (--setopt) Unable to handle: sslcacert=/ca"
    assert microdnf("provides", "a") == "error: Unknown command: 'provides'"
    assert microdnf("install", "--allowerasing", "a") == "error: Unknown option --allowerasing"


@pytest.mark.parametrize("name", ["provided.al2023", "python3.13", "nodejs26.x"])
def test_microdnf_takes_what_layerwright_asks_for(name: str) -> None:
    manager = runtime(name).manager
    _, *words = manager.install.split()
    assert microdnf(*words, f"{manager.ca}/run/secrets/ca", "zlib-devel").startswith("error: Failed to synchronize")


def test_dnf_is_microdnf_where_amazons_is(box_of: BoxOf) -> None:
    assert box_of(PROVIDED).run("readlink /usr/bin/dnf; dnf --version") == "microdnf\n3.8.1\n"
    assert box_of(RUN_PROVIDED).run("dnf --version") == "3.8.1\n"
    out = box_of(PYTHON).run("export LD_LIBRARY_PATH=; dnf --version; command -v microdnf || echo none")
    assert out.startswith("4.")
    assert out.endswith("none\n")


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (PROVIDED, "error: No package matches 'nosuch'"),
        (PYTHON, "No match for argument: nosuch\nError: Unable to find a match: nosuch"),
    ],
)
def test_an_unknown_package_is_refused_in_the_words_of_its_package_manager(
    box_of: BoxOf, image: str, message: str
) -> None:
    assert message in box_of(image).run("LD_LIBRARY_PATH= dnf -y install nosuch 2>&1", code=1)


@pytest.mark.parametrize("image", [PROVIDED, PYTHON])
def test_packages_come_with_what_they_need_and_can_conflict(box_of: BoxOf, image: str) -> None:
    box = box_of(image)
    out = box.run(
        r"""
        export LD_LIBRARY_PATH=
        dnf -y install --setopt=install_weak_deps=0 --setopt=keepcache=1 libxml2-devel lcms2-devel >/tmp/log 2>&1
        rpm -q --queryformat '%{NAME}\n' libxml2-devel lcms2-devel lcms2 libicu-devel || true
        test -e /usr/lib64/liblcms2.so.2
        rpm -qf --queryformat '%{NAME} %{SOURCERPM}\n' /usr/lib64/libgomp.so.1
        ls /usr/share/licenses/libgcc; ls /usr/share/licenses/libgomp 2>/dev/null || echo nothing
        """
    )
    assert out.startswith("libxml2-devel\nlcms2-devel\n")
    assert "libgomp gcc-" in out
    assert out.endswith("COPYING\nnothing\n")
    conflict = box.run("LD_LIBRARY_PATH= dnf -y install openssl-libs 2>&1", code=1)
    assert "openssl-snapsafe-libs" in conflict
    assert "conflicts with openssl-libs" in conflict


def test_yum_goes_on_without_a_name_that_it_does_not_know_unless_it_is_told(box_of: BoxOf) -> None:
    """As yum 3.4.3 of Amazon Linux 2, whose option for it came with mountpoint-s3's issue 31."""
    box = box_of(AL2)
    out = box.run("yum -y install nosuch zlib-devel 2>&1; test -e /usr/include/zlib.h; rpm -q zlib-devel")
    assert "No package nosuch available." in out
    strict = "yum -y install --setopt=skip_missing_names_on_install=False nosuch zlib-devel 2>&1"
    said = box.run(strict, code=1)
    assert "Not tolerating missing names on install" in said
    assert "Error: Nothing to do" in box.run("yum -y install nosuch 2>&1", code=1)
    assert "no such option: --allowerasing" in box.run("yum -y install --allowerasing zlib 2>&1", code=1)
    assert "No such command: module" in box.run("yum module list 2>&1", code=1)


@pytest.mark.parametrize("name", ["provided.al2", "python3.11"])
def test_yum_takes_what_layerwright_asks_for(box_of: BoxOf, name: str) -> None:
    image = {"provided.al2": AL2, "python3.11": AL2_PYTHON}[name]
    manager = runtime(name).manager
    box_of(image).run(f"{manager.install} {manager.ca}/etc/pki/tls/cert.pem zlib-devel; test -e /usr/include/zlib.h")


def test_cmake_of_amazon_linux_2_is_older_than_options_of_today(box_of: BoxOf) -> None:
    out = box_of(AL2).run(
        """
        yum -y install cmake cmake3 >/dev/null 2>&1
        cmake --version | head -n 1; cmake -S . -B b 2>&1 && exit 1
        cmake3 --version | head -n 1
        """
    )
    assert out.startswith("cmake version 2.8.12.2\nCMake Error")
    assert out.splitlines()[-1].startswith("cmake version 3.")


# ---- the system ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("image", [PROVIDED, PYTHON, NODEJS, RUN_PYTHON, RUN_NODEJS])
def test_coreutils_are_scripts_of_one_program(box_of: BoxOf, image: str) -> None:
    out = box_of(image).run("head -n 1 /usr/bin/cat; head -c 4 /usr/bin/coreutils | tail -c 3; readlink /bin/sh")
    assert out == "#!/usr/bin/coreutils --coreutils-prog-shebang=cat\nELFbash\n"
    box_of(image).run("echo 1 >a; install -m 700 a /tmp/b; test -x /tmp/b; test $(stat -c %a /tmp) = 1777")


@pytest.mark.parametrize(
    ("image", "absent", "present"),
    [
        (
            PROVIDED,
            "find diff cmp autoconf automake libtool bison flex patch which apt-get dpkg",
            "tar gzip unzip python3 jq git make gcc g++ rsync ps",
        ),
        (PYTHON, "apt-get dpkg", "find diff cmp autoconf patch tar which"),
        (
            RUN_PYTHON,
            "find diff cmp tar gzip autoconf apt-get dpkg perl gcc which ps /usr/bin/python3 openssl",
            "curl gawk grep sed rpm",
        ),
        ("lambda/java:21", "find diff tar gzip python3 perl", "java base64"),
    ],
)
def test_images_lack_the_programs_that_amazons_lack(box_of: BoxOf, image: str, absent: str, present: str) -> None:
    box_of(image).run(
        f"""
        for name in {absent}; do ! command -v $name >&2 || exit 1; done
        for name in {present}; do command -v $name || exit 2; done
        """
    )


@pytest.mark.parametrize("image", [AL2, AL2_PYTHON, RUN_AL2, RUN_AL2_PYTHON])
def test_programs_of_amazon_linux_2_are_programs_of_their_own(box_of: BoxOf, image: str) -> None:
    box = box_of(image)
    out = box.run(". /etc/os-release; echo $ID $VERSION_ID; head -c 4 /usr/bin/cat | tail -c 3; readlink /bin/sh")
    assert out == "amzn 2\nELFbash\n"
    box.run("for name in dnf microdnf patchelf meson; do ! command -v $name || exit 1; done; command -v yum")


def test_python_of_amazon_linux_2_is_old_or_absent_and_its_liblzma_comes_twice(box_of: BoxOf) -> None:
    assert box_of(AL2).run("/usr/bin/python3 -c 'import sys; print(sys.version_info[:2])'") == "(3, 7)\n"
    box_of(AL2_PYTHON).run("! test -e /usr/bin/python3; /var/lang/bin/python3 -c 'import lzma, ssl, sqlite3'")
    box_of(RUN_AL2_PYTHON).run("test -e /var/lang/lib/liblzma.so.5; test -e /usr/lib64/liblzma.so.5")


def test_the_environment_is_amazons(box_of: BoxOf) -> None:
    out = box_of(PROVIDED).run('echo "$PATH"; echo "$GOPROXY $LANG"; echo "${LD_LIBRARY_PATH%%:*}"')
    path, others, library = out.splitlines()
    assert path.startswith("/root/.local/bin:/var/lang/bin:")
    assert path.endswith(":/usr/local/go/bin:/usr/local/opt/lambda-builders/bin")
    assert (others, library) == ("direct en_US.UTF-8", "/var/lang/lib")
    assert box_of(RUN_PYTHON).run('echo "${PYTHONPATH-unset}"') == "unset\n"


def test_libraries_lie_in_lib64(box_of: BoxOf) -> None:
    box_of(RUN_PYTHON).run("test -e /usr/lib64/libc.so.6; test -L /lib64; test -L /bin; test -L /usr/lib/*-linux-gnu")


@pytest.mark.parametrize("name", ["lambda/python:3.13", "lambda/python:3.14"])
def test_images_with_a_newer_glibc_have_the_same_python(box_of: BoxOf, name: str) -> None:
    older, newer = box_of(name), box_of(f"{standin.NEWER.removeprefix(standin.REGISTRY)[1:]}/{name}")
    asked = "import os, sys; print(os.confstr('CS_GNU_LIBC_VERSION'), sys.version)"
    printed = newer.run(f'/var/lang/bin/python3 -c "{asked}"')
    assert printed.startswith(f"glibc {standin.NEWER_GLIBC} ")
    assert older.run(f'/var/lang/bin/python3 -c "{asked}"') == printed.replace(standin.NEWER_GLIBC, standin.GLIBC)


def test_node_brings_an_older_openssl_that_programs_of_the_system_find_first(box_of: BoxOf) -> None:
    """As in aws-lambda-base-images, issue 482."""
    box = box_of(NODEJS)
    assert box.run("LD_LIBRARY_PATH= /usr/bin/python3 -c 'import _hashlib; print(1)'") == "1\n"
    assert "version `OPENSSL_" in box.run("/usr/bin/python3 -c 'import _hashlib' 2>&1", code=1)


def test_a_function_in_python_starts_as_in_lambda(box_of: BoxOf) -> None:
    """Code, layers and then the runtime; `.pth` files act; PYTHONPATH of a function hides the layers."""
    files = {
        "opt/python/extra.pth": "sub\n",
        "opt/python/sub/inside.py": "",
        "var/runtime/awslambdaric/__main__.py": "def main(args):\n    import sys\n    print(*sys.path)\n",
    }
    start = "export _HANDLER=a.b; /var/lang/bin/python3 /var/runtime/bootstrap.py"
    box = box_of(RUN_PYTHON)
    layers = "/opt/python/lib/python3.13/site-packages /opt/python"
    path = box.run(start, files)
    assert path.startswith(f"/var/task {layers} /var/lang/lib/python3.13/site-packages /var/runtime")
    assert "/opt/python/sub" in path.split()
    assert "/opt" not in box.run(f"export PYTHONPATH=/x; {start}", files)
