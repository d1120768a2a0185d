import io
import os
import struct
import zipfile
from collections.abc import Mapping

import pytest
from kit.zips import entry, found, tree

from builder.layer.findings import Finding
from builder.layer.tree import EXECUTABLE, of
from builder.packages.maven.installed import installed

X86, ARM = 62, 183


def elf(machine: int) -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 3, machine) + bytes(44)


def class_file(java: int) -> bytes:
    return b"\xca\xfe\xba\xbe" + struct.pack(">HH", 0, java + 44) + bytes(20)


def jar(files: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


def java(data: bytes, architectures: tuple[str, ...] = ("arm64",), on: tuple[str, ...] = ("java21",)) -> list[Finding]:
    return found(tree({"java/lib/a.jar": data}), runtimes=on, architectures=architectures, only="jar")


def test_natives_must_be_there_for_each_architecture() -> None:
    natives = {"x/x86_64/liba.so": elf(X86)}
    (finding,) = java(jar(natives))
    assert finding.severity == "error"
    assert "native libraries for X86_64, and none for arm64" in finding.message
    assert java(jar(natives), ("x86_64",)) == []
    assert java(jar({**natives, "x/aarch64/liba.so": elf(ARM)}), ("x86_64", "arm64")) == []
    musl = {**natives, "x/Linux-Musl/aarch64/liba.so": elf(ARM)}
    assert len(java(jar(musl))) == 1
    assert java(jar({"a.txt": b"none"})) == []


def test_jars_of_one_artifact_with_classifiers_are_one_set() -> None:
    """The set must have something for each architecture; the jars for others only cost bytes."""
    stem = "java/lib/tiny-native-2.0.0"
    x86, arm, windows = (f"{stem}-{name}.jar" for name in ("linux-x86_64", "linux-aarch_64", "windows-x86_64"))
    whole = {
        f"{stem}.jar": jar({"a.txt": b"classes"}),
        x86: jar({"META-INF/native/libtiny.so": elf(X86)}),
        arm: jar({"META-INF/native/libtiny.so": elf(ARM)}),
        windows: jar({"META-INF/native/tiny.dll": b"MZ"}),
    }
    for arch, useless in (("arm64", {windows, x86}), ("x86_64", {windows, arm})):
        (cost,) = jars_of(whole, (arch,))
        assert (cost.severity, cost.path in useless) == ("warning", True)
        assert "and 1 more jars of it are for other platforms" in cost.message
    assert [one.severity for one in jars_of(whole, ("arm64", "x86_64"))] == ["warning"]
    for missing, arch in ((arm, "arm64"), (x86, "x86_64")):
        rest = {path: data for path, data in whole.items() if path != missing}
        errors = [one for one in jars_of(rest, (arch,)) if one.severity == "error"]
        assert len(errors) == 1
        assert f"and none for {arch}" in errors[0].message
    (alone,) = jars_of({f"{stem}-osx-x86_64.jar": jar({"libtiny.jnilib": b"x"})}, ("arm64",))
    assert (alone.severity, "native libraries for macOS, and none for arm64" in alone.message) == ("error", True)
    helpers = {"java/lib/helper-1.0.jar": jar({"helper.dll": b"MZ"})}
    assert jars_of(helpers, ("arm64",)) == []


def test_other_versions_and_artifacts_are_other_sets() -> None:
    """What the names begin with does not make a set: the version stands before the classifier."""
    files = {
        "java/lib/linux-native-1.0.jar": jar({"liba.so": elf(X86)}),
        "java/lib/windows-native-1.0.jar": jar({"libb.so": elf(ARM)}),
    }
    assert [one.path for one in jars_of(files, ("arm64",))] == ["java/lib/linux-native-1.0.jar"]
    versions = {
        "java/lib/a-1.0-linux-x86_64.jar": jar({"liba.so": elf(X86)}),
        "java/lib/a-2.0-linux-aarch_64.jar": jar({"liba.so": elf(ARM)}),
    }
    assert [one.severity for one in jars_of(versions, ("arm64",))] == ["error"]


def test_one_jar_for_all_platforms_tells_what_the_others_cost() -> None:
    large = {"x86_64/liba.so": elf(X86), "aarch64/liba.so": elf(ARM) + os.urandom(3_000_000)}
    (cost,) = java(jar(large), ("x86_64",))
    assert (cost.severity, cost.message) == ("warning", "has native libraries for AARCH64, too (3.0 MB)")
    assert java(jar({"x86_64/liba.so": elf(X86), "aarch64/liba.so": elf(ARM)}), ("x86_64",)) == []


def jars_of(files: dict[str, bytes], architectures: tuple[str, ...]) -> list[Finding]:
    return found(tree(files), runtimes=("java21",), architectures=architectures, only="jar")


def test_classes_must_not_be_newer_than_the_oldest_runtime() -> None:
    both = jar({"a/B.class": class_file(21), "META-INF/versions/25/a/B.class": class_file(25)})
    assert java(both) == []
    (finding,) = java(both, on=("java17.al2023", "java21"))
    assert "classes for Java 21, the layer is for Java 17" in finding.message


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 cut off", jar({"a.so": elf(X86)})[:-30]])
def test_a_damaged_jar_is_told(data: bytes) -> None:
    (finding,) = java(data)
    assert "is not a valid jar" in finding.message


def damaged(method: int, at: int) -> bytes:
    """Return a jar whose only class file has nonsense among its compressed bytes."""
    data = bytearray(jar({"A.class": class_file(21)}, method))
    start = data.index(b"A.class") + len("A.class") + at
    data[start : start + 8] = b"\xff" * 8
    return bytes(data)


def encrypted() -> bytes:
    data = bytearray(jar({"A.class": class_file(21)}))
    data[6] |= 1
    data[data.rindex(b"PK\1\2") + 8] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [damaged(zipfile.ZIP_DEFLATED, 0), damaged(zipfile.ZIP_LZMA, 4), encrypted()],
    ids=["deflate", "lzma", "encrypted"],
)
def test_a_file_that_cannot_be_unpacked_is_told_by_name(data: bytes) -> None:
    (finding,) = java(data)
    assert finding.path == "java/lib/a.jar"
    assert "A.class" in finding.message
    assert [(package.name, package.license) for package in installed(tree({"java/lib/a-1.0.jar": data}))] == [("a", "")]


def test_other_runtimes_do_not_read_jars() -> None:
    assert found(tree({"java/lib/a.jar": b""}), runtimes=("python3.13",), only="jar") == []


# ---- programs ------------------------------------------------------------------------------------------------------


def started(
    path: str, data: bytes, more: Mapping[str, bytes] | None = None, on: str = "provided.al2023"
) -> list[Finding]:
    files = [entry(path, data, mode=EXECUTABLE), *(entry(name, content) for name, content in (more or {}).items())]
    return found(of(files), runtimes=(on,), only="script", own=True)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"#!/bin/bash\r\necho\r\n", "Windows line endings"),
        (b"#!/usr/bin/perl\n", "the interpreter `/usr/bin/perl`, which neither the layer nor Lambda has"),
        (b"#!/usr/bin/env ruby\n", "the interpreter `ruby`"),
        (b"#!/opt/bin/mine\n", "the interpreter `/opt/bin/mine`"),
        (b"#!\n", "the interpreter ``"),
        (b"echo\n", "neither a program nor a script"),
    ],
)
def test_a_bootstrap_that_the_kernel_cannot_start_is_an_error(data: bytes, message: str) -> None:
    (finding,) = started("bootstrap", data)
    assert finding.severity == "error"
    assert message in finding.message
    assert len(started("extensions/one", data)) == 1


def test_what_can_be_started_is_fine() -> None:
    assert started("bootstrap", b"#!/bin/bash\n") == []
    # A copy of a program of Amazon Linux 2023 is a script of coreutils.
    assert started("bin/true", b"#!/usr/bin/coreutils --coreutils-prog-shebang=true\n") == []
    assert len(started("bin/true", b"#!/usr/bin/coreutils --coreutils-prog-shebang=true\n", on="provided.al2")) == 1
    assert started("bootstrap", b"#!/usr/bin/env -S bash -eu\n") == []
    assert started("bootstrap", b"#!/opt/bin/mine\n", {"bin/mine": b"x"}) == []
    assert started("bootstrap", elf(X86)) == []
    assert started("bin/readme", b"text\n") == []
    assert started("bin/tool", b"#!/var/lang/bin/python3\n", on="python3.13") == []
    assert len(started("bin/tool", b"#!/usr/bin/env python3\n", on="nodejs22.x")) == 1


def test_a_bootstrap_that_may_not_be_executed_is_an_error() -> None:
    layer = of([entry("bootstrap", b"#!/bin/bash\n", mode=0o644)])
    (finding,) = found(layer, runtimes=("provided.al2023",), only="permissions")
    assert "a program that others cannot execute" in finding.message


def test_an_extension_in_a_folder_is_never_started() -> None:
    deep = entry("extensions/mine/run", b"#!/bin/sh\n", mode=EXECUTABLE)
    (finding,) = found(of([deep]), only="extension", own=True)
    assert "where Lambda never starts it" in finding.message
    assert found(of([deep, entry("extensions/mine.sh", b"#!/bin/sh\n", mode=EXECUTABLE)]), only="extension") == []
