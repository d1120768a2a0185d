"""Checks of machine code, with real compilers and real wheels."""

import platform
import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from kit.bad import WINDOWS
from kit.zips import entry, found, tree

from builder.base import fetch
from builder.layer.tree import Tree, of
from builder.model.architectures import ARM64, X86_64
from builder.model.runtimes import runtime
from builder.packages.pypi.resolve import Wanted, resolve

HOST_IS_X86 = platform.machine() == "x86_64"
HOST = "x86_64" if HOST_IS_X86 else "arm64"
MANAGED = b"MZ" + bytes(58) + b"\x40\0\0\0" + b"PE\0\0" + bytes(20) + b"\x0b\x02" + bytes(222) + b"\1\0\0\0" + bytes(64)
"""A library of .NET, which runs on Linux, too."""


def compiled(folder: Path, compiler: str, source: str, *flags: str) -> bytes:
    (folder / "x.cc").write_text(source)
    subprocess.run([compiler, "-o", str(folder / "x"), str(folder / "x.cc"), *flags], check=True)
    return (folder / "x").read_bytes()


def checked(layer: Tree, only: str, **where: object) -> list[tuple[str, str]]:
    return [(one.severity, one.message) for one in found(layer, only=only, **where)]  # type: ignore[arg-type]


@pytest.fixture
def too_new(tmp_path: Path, program: Callable[[str], str]) -> bytes:
    """Compile a library that needs a symbol of glibc 2.36, which Debian 12 and Ubuntu 24.04 have."""
    source = '#include <stdlib.h>\nextern "C" unsigned PyInit_x() { return arc4random(); }'
    try:
        return compiled(tmp_path, program("g++"), source, "-shared", "-fPIC")
    except subprocess.CalledProcessError:
        pytest.skip("this host's glibc has no arc4random")


def test_a_glibc_too_new_is_named_with_both_versions(too_new: bytes) -> None:
    layer = tree({"python/x.so": too_new})
    assert checked(layer, "glibc", architectures=(HOST,)) == [
        ("error", "needs GLIBC_2.36 for `arc4random`, Amazon Linux 2023 has 2.34")
    ]
    assert checked(layer, "glibc", architectures=(HOST,), runtimes=("python3.13", "python3.11")) == [
        ("error", "needs GLIBC_2.36 for `arc4random`, Amazon Linux 2 has 2.26")
    ]


def test_what_nothing_loads_is_only_suspicious_in_a_foreign_layer(too_new: bytes) -> None:
    layer = tree({"tools/data/x.bin": too_new.replace(b"PyInit_x", b"AnyOther")})
    assert [severity for severity, _ in checked(layer, "glibc", architectures=(HOST,))] == ["warning"]
    assert [severity for severity, _ in checked(layer, "glibc", architectures=(HOST,), own=True)] == ["error"]


def test_a_weak_reference_may_be_missing(tmp_path: Path, program: Callable[[str], str]) -> None:
    source = (
        'extern "C" unsigned arc4random() __attribute__((weak));\n'
        'extern "C" unsigned PyInit_x() { return arc4random ? arc4random() : 0; }'
    )
    data = compiled(tmp_path, program("g++"), source, "-shared", "-fPIC")
    assert checked(tree({"python/x.so": data}), "glibc", architectures=(HOST,)) == []


@pytest.mark.skipif(not HOST_IS_X86, reason="the versions differ by architecture")
@pytest.mark.parametrize(
    ("needed", "version", "severity"),
    [
        ("_ZSt4cout", "GLIBCXX_3.4.29", None),
        ("_ZSt4cout", "GLIBCXX_3.4.30", "warning"),
        ("_ZSt4cout", "GLIBCXX_3.4.34", "error"),
    ],
)
def test_a_newer_cxx_library_warns_until_no_image_has_it(
    tmp_path: Path, program: Callable[[str], str], needed: str, version: str, severity: str | None
) -> None:
    (tmp_path / "stub.c").write_text(f"int {needed};")
    (tmp_path / "stub.map").write_text(f"{version} {{ global: {needed}; }};")
    stub = tmp_path / "libstdc++.so.6"
    flags = ["-shared", "-fPIC", "-Wl,-soname,libstdc++.so.6", f"-Wl,--version-script,{tmp_path / 'stub.map'}"]
    subprocess.run([program("gcc"), *flags, "-o", str(stub), str(tmp_path / "stub.c")], check=True)
    (tmp_path / "x.c").write_text(f"extern int {needed}; int PyInit_x(void) {{ return {needed}; }}")
    out = tmp_path / "x.so"
    subprocess.run([program("gcc"), "-shared", "-fPIC", "-o", str(out), str(tmp_path / "x.c"), str(stub)], check=True)
    found_severities = [one for one, _ in checked(tree({"python/x.so": out.read_bytes()}), "glibcxx")]
    assert found_severities == ([severity] if severity else [])


def test_a_bundled_cxx_library_is_nobodys_business(tmp_path: Path, program: Callable[[str], str]) -> None:
    (tmp_path / "stub.c").write_text("int thing;")
    (tmp_path / "stub.map").write_text("GLIBCXX_3.4.99 { global: thing; };")
    stub = tmp_path / "libstdc++.so.6"
    flags = ["-shared", "-fPIC", "-Wl,-soname,libstdc++.so.6", f"-Wl,--version-script,{tmp_path / 'stub.map'}"]
    subprocess.run([program("gcc"), *flags, "-o", str(stub), str(tmp_path / "stub.c")], check=True)
    (tmp_path / "x.c").write_text("extern int thing; int PyInit_x(void) { return thing; }")
    out = tmp_path / "x.so"
    link = [program("gcc"), "-shared", "-fPIC", "-o", str(out), str(tmp_path / "x.c"), str(stub)]
    subprocess.run([*link, "-Wl,--disable-new-dtags,-rpath,$ORIGIN/../libs"], check=True)
    files = {"python/p/x.so": out.read_bytes(), "python/libs/libstdc++.so.6": stub.read_bytes()}
    assert checked(tree(files), "glibcxx", architectures=(HOST,)) == []
    subprocess.run([*link, "-Wl,--enable-new-dtags,-rpath,$ORIGIN/../libs"], check=True)  # loses to LD_LIBRARY_PATH
    assert checked(tree({**files, "python/p/x.so": out.read_bytes()}), "glibcxx", architectures=(HOST,)) != []
    assert checked(tree({"python/p/x.so": files["python/p/x.so"]}), "glibcxx", architectures=(HOST,)) != []


def wheel(name: str, arch: str, folder: Path, *, musl: bool = False) -> Tree:
    """Return a real wheel of the index as a tree."""
    on, machine = runtime("python3.13"), {"arm64": ARM64, "x86_64": X86_64}[arch]
    if musl:
        import urllib.request

        from builder.packages.pypi import uv

        finished = uv.run(
            [
                *("compile", "-", "--format", "pylock.toml", "--no-deps", "--quiet", *uv.NO_CODE),
                *("--python-version", "3.13", "--python-platform", f"{machine.machine}-unknown-linux-musl"),
            ],
            stdin=name,
        )
        from builder.packages.pypi.pylock import candidates

        only = candidates(finished.stdout)[0].wheels[0]
        path = folder / only.filename
        with urllib.request.urlopen(str(only.url)) as stream:
            path.write_bytes(stream.read())
    else:
        from builder.packages.pypi.resolve import best

        chosen = best(resolve(Wanted(requirements=(name,)), on, machine)[0], on, machine)
        assert chosen is not None
        path = fetch.into(folder, str(chosen.url), chosen.sha256, chosen.filename)
    with zipfile.ZipFile(path) as archive:
        return of(entry(f"python/{one}", archive.read(one)) for one in archive.namelist() if not one.endswith("/"))


@pytest.mark.network
def test_a_wheel_for_the_other_architecture_is_refused(tmp_path: Path) -> None:
    layer = wheel("orjson", "x86_64", tmp_path)
    assert checked(layer, "architecture") == []
    assert checked(layer, "architecture", architectures=("arm64",)) == [
        ("error", "is code for X86_64, the layer is for arm64")
    ]
    assert checked(layer, "architecture", architectures=("x86_64", "arm64")) == [
        ("error", "is code for X86_64, the layer is for x86_64 and arm64")
    ]


@pytest.mark.network
@pytest.mark.parametrize("arch", ["x86_64", "arm64"])
def test_a_musl_wheel_is_refused(tmp_path: Path, arch: str) -> None:
    layer = wheel("orjson", arch, tmp_path, musl=True)
    findings = checked(layer, "musl", architectures=(arch,))
    assert [severity for severity, _ in findings] == ["error"]
    assert "of musl" in findings[0][1]
    assert checked(wheel("orjson", arch, tmp_path), "musl", architectures=(arch,)) == []


@pytest.mark.parametrize(
    ("path", "magic", "severity"),
    [
        ("python/a/_a.cpython-313-darwin.so", b"\xcf\xfa\xed\xfe", "error"),
        ("lib/a.dylib", b"\xca\xfe\xba\xbe", "error"),
        ("python/a/a.pyd", b"MZ\0\0", "error"),
        ("nodejs/node_modules/x/prebuilds/darwin-x64/x.node", b"\xcf\xfa\xed\xfe", "error"),
        ("python/a/tool.exe", b"MZ\0\0", None),
        ("python/a/liba.dylib", b"\xcf\xfa\xed\xfe", "warning"),
        ("lib/managed.dll", MANAGED, None),
        ("tools/managed.dll", MANAGED, None),
    ],
)
def test_libraries_of_other_systems_are_recognised(path: str, magic: bytes, severity: str | None) -> None:
    findings = checked(tree({path: magic + bytes(60)}), "architecture")
    assert [one for one, _ in findings] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("python/bin/f2py.exe", True),
        ("python/lib/python3.13/site-packages/bin/f2py.exe", True),
        ("python/setuptools/cli-64.exe", False),
        ("python/pip/_vendor/distlib/t64.exe", False),
    ],
)
def test_launchers_of_an_installation_on_windows_are_told(path: str, told: bool) -> None:  # noqa: FBT001
    findings = checked(tree({path: WINDOWS, "python/p.py": b""}), "architecture")
    assert findings == ([("warning", "is a program for Windows")] if told else [])


def test_an_addon_for_alpine_linux_is_an_error_unless_one_for_glibc_lies_beside_it(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    """As `npm install` in an image of Alpine leaves it. In a set with both the one that fits is taken."""
    made = {}
    for name in ("libc.musl-x86_64.so.1", "libc.so.6", "libc.so.7"):
        (tmp_path / "stub.c").write_text("int thing(void) { return 1; }")
        (tmp_path / "x.c").write_text("int thing(void); int napi(void) { return thing(); }")
        run = [program("gcc"), "-shared", "-fPIC", "-nostdlib"]
        subprocess.run([*run, f"-Wl,-soname,{name}", "-o", name, "stub.c"], cwd=tmp_path, check=True)
        subprocess.run([*run, "-o", "x.so", "x.c", f"./{name}"], cwd=tmp_path, check=True)
        made[name] = (tmp_path / "x.so").read_bytes()
    musl, glibc, freebsd = made.values()
    package = "nodejs/node_modules/@img/sharp-{}-x64/lib/sharp-{}-x64.node"
    alone = {package.format("linuxmusl", "linuxmusl"): musl}
    assert checked(tree(alone), "musl") == [("error", "needs `libc.musl-x86_64.so.1` of musl")]
    both = tree({**alone, package.format("linux", "linux"): glibc})
    assert checked(both, "musl") == []
    assert checked(both, "unresolved-library") == []
    program_of = "nodejs/node_modules/@datadog/libdatadog-extras/prebuilds/{}-x64/crashtracker-receiver"
    both = tree({program_of.format("linuxmusl"): musl, program_of.format("linuxglibc"): glibc})
    assert checked(both, "musl") == []
    assert checked(both, "unresolved-library") == []
    addon = "nodejs/node_modules/argon2/prebuilds/{}-x64/argon2.glibc.node"
    alone = {addon.format("freebsd"): freebsd}
    assert checked(tree(alone), "musl") == [("error", "needs `libc.so.7` of another system, such as FreeBSD")]
    assert checked(tree({**alone, addon.format("linux"): glibc}), "unresolved-library") == []


def test_text_that_begins_like_a_program_is_none() -> None:
    texts = {
        "python/a/notes.txt": b"MZ is the beginning of " * 9,
        "lib/libx.so": b"/* GNU ld script */\nINPUT(libx.so.1)",
    }
    assert checked(tree(texts), "architecture") == []


def test_a_file_for_another_processor_is_an_error_unless_the_one_that_fits_lies_beside_it() -> None:
    """Whatever the folders are called, the files for several platforms are one set."""
    x86, arm = elf_of(62), elf_of(183)
    for first, second in (
        (
            "nodejs/node_modules/a/prebuilds/linux-x64/a.node",
            "nodejs/node_modules/a/prebuilds/linux-arm64/a.armv8.node",
        ),
        ("python/a/linux/x86_64/tool", "python/a/linux/aarch64/tool"),
        ("tools/tool-linux-amd64", "tools/tool-linux-arm64"),
        ("nodejs/node_modules/@a/b-linux-x64/lib/libb.so.1", "nodejs/node_modules/@a/b-linux-arm64/lib/libb.so.1"),
    ):
        for fitting, foreign, arch in ((first, second, "x86_64"), (second, first, "arm64")):
            files = {first: x86, second: arm}
            both = checked(tree(files), "architecture", architectures=(arch,))
            assert [severity for severity, _ in both] == ["warning"], foreign
            assert "is for another platform" in both[0][1]
            alone = checked(tree({foreign: files[foreign]}), "architecture", architectures=(arch,))
            assert [severity for severity, _ in alone] == ["error"], foreign
            assert checked(tree({fitting: files[fitting]}), "architecture", architectures=(arch,)) == []
        assert checked(tree({first: x86, second: arm}), "architecture", architectures=("x86_64", "arm64")) == []


def test_an_addon_that_was_compiled_makes_up_for_prebuilds_and_nothing_for_it() -> None:
    package = "nodejs/node_modules/bufferutil"
    compiled, prebuilt = f"{package}/build/Release/bufferutil.node", f"{package}/prebuilds/linux-x64/bufferutil.node"
    x86, arm = elf_of(62), elf_of(183)
    findings = checked(tree({compiled: arm, prebuilt: x86}), "architecture", architectures=("arm64",))
    assert [severity for severity, _ in findings] == ["warning"]
    taken = checked(tree({compiled: arm, prebuilt: x86}), "architecture", architectures=("x86_64",))
    assert [severity for severity, _ in taken] == ["error"]


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("python/a/tests/data/x86.so", "library"),
        ("python/a/kernel.o", "object"),
        ("python/a/attach_linux_x86.so", "library"),
    ],
)
def test_code_that_nothing_runs_is_only_suspicious(path: str, data: str) -> None:
    content = elf_of(62, kind=1 if data == "object" else 3)
    files = {path: content, "python/a/attach_windows_amd64.dll": b"MZ" + bytes(70)}
    findings = checked(tree(files), "architecture", architectures=("arm64",))
    assert {severity for severity, _ in findings} == {"warning"}


def elf_of(machine: int, kind: int = 3) -> bytes:
    """Return a whole header of an ELF file: of a library, without segments."""
    head = b"\x7fELF\x02\x01\x01" + bytes(9)
    return head + struct.pack("<HHIQQQIHHHHHH", kind, machine, 1, 0, 0, 0, 0, 64, 56, 0, 0, 0, 0)


def test_java_classes_are_no_mac_libraries() -> None:
    assert checked(tree({"java/lib/A.class": b"\xca\xfe\xba\xbe" + bytes(20)}), "architecture") == []


def test_a_damaged_elf_file_is_told_not_crashed_on() -> None:
    layer = tree({"python/x.so": b"\x7fELF" + b"\xff" * 60})
    assert [severity for severity, _ in checked(layer, "architecture")] == ["warning"]
    assert [severity for severity, _ in checked(layer, "architecture", own=True)] == ["error"]
