"""Symbol versions of OpenSSL, zlib and others, with libraries that a real linker makes."""

import platform
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from kit.zips import found, tree

from builder.model import libraries
from builder.model.architectures import X86_64
from builder.model.runtimes import runtime

HOST = "x86_64" if platform.machine() == "x86_64" else "arm64"
Linked = Callable[..., bytes]


@pytest.fixture
def linked(tmp_path: Path, program: Callable[[str], str]) -> Linked:
    """Return a function that links a library against one that defines a symbol version."""
    gcc = program("gcc")

    def link(soname: str, version: str, symbol: str, *flags: str) -> bytes:
        (tmp_path / "d.c").write_text(f"int {symbol}(void) {{ return 1; }}\n", encoding="utf-8")
        (tmp_path / "d.map").write_text(f"{version} {{ global: {symbol}; local: *; }};\n", encoding="utf-8")
        (tmp_path / "u.c").write_text(
            f"int {symbol}(void); int PyInit_u(void) {{ return {symbol}(); }}\n", encoding="utf-8"
        )
        script = ["-Wl,--version-script=d.map", f"-Wl,-soname,{soname}"]
        subprocess.run([gcc, "-shared", "-fPIC", "-o", soname, "d.c", *script], cwd=tmp_path, check=True)
        subprocess.run([gcc, "-shared", "-fPIC", "-o", "u.so", "u.c", soname, *flags], cwd=tmp_path, check=True)
        return (tmp_path / "u.so").read_bytes()

    return link


def checked(data: bytes, *runtimes: str, **more: bytes) -> list[tuple[str, str]]:
    files = {"python/u.so": data, **more}
    findings = found(tree(files), runtimes=runtimes, architectures=(HOST,), only="symbol-version")
    return [(one.severity, one.message) for one in findings]


def test_nodejs_finds_its_own_openssl_before_the_systems(linked: Linked) -> None:
    data = linked("libcrypto.so.3", "OPENSSL_3.4.0", "EVP_new")
    (only,) = checked(data, "nodejs22.x")
    assert only == (
        "error",
        "needs OPENSSL_3.4.0 of `libcrypto.so.3` for `EVP_new`; nodejs22.x has OPENSSL_3.3.0 in /var/lang/lib",
    )


def test_hosts_that_lag_behind_the_newest_image_are_a_warning(linked: Linked) -> None:
    data = linked("libcrypto.so.3", "OPENSSL_3.4.0", "EVP_new")
    (only,) = checked(data, "python3.13")
    assert only[0] == "warning"
    assert only[1].endswith("python3.13 has OPENSSL_3.2.0 in /lib64, and only the newest image OPENSSL_3.5.0")
    (both,) = checked(data, "python3.13", "nodejs24.x")
    assert both[0] == "error"
    assert "python3.13 has" in both[1]
    assert "nodejs24.x has" in both[1]


def test_nobody_has_a_version_of_the_future(linked: Linked) -> None:
    (only,) = checked(linked("libssl.so.3", "OPENSSL_3.9.0", "SSL_new"), "provided.al2023")
    assert only == (
        "error",
        "needs OPENSSL_3.9.0 of `libssl.so.3` for `SSL_new`; provided.al2023 has OPENSSL_3.2.0 in /lib64",
    )


def test_zlib_of_amazon_linux_2_is_older(linked: Linked) -> None:
    data = linked("libz.so.1", "ZLIB_1.2.9", "inflate_new")
    (only,) = checked(data, "provided.al2")
    assert only == (
        "error",
        "needs ZLIB_1.2.9 of `libz.so.1` for `inflate_new`; provided.al2 has ZLIB_1.2.5.2 in /lib64",
    )
    assert checked(data, "provided.al2023") == []


@pytest.mark.parametrize(
    ("system", "version", "known"),
    [("provided.al2", "LIBXML2_2.9.8", "LIBXML2_2.9.1"), ("provided.al2023", "LIBXML2_2.12.0", "LIBXML2_2.10.0")],
)
def test_libxml2_names_its_versions_after_its_releases(linked: Linked, system: str, version: str, known: str) -> None:
    (only,) = checked(linked("libxml2.so.2", version, "xmlNew"), system)
    assert only == ("error", f"needs {version} of `libxml2.so.2` for `xmlNew`; {system} has {known} in /lib64")


@pytest.mark.parametrize(
    ("soname", "version"),
    [
        ("libxml2.so.2", "LIBXML2_2.9.11"),
        ("libcrypto.so.3", "OPENSSL_3.0.0"),
        ("libcrypto.so.3", "OPENSSL_3.2.0"),
        ("libz.so.1", "ZLIB_1.2.9"),
        ("libexpat.so.1", "EXPAT_9.9"),  # of whose versions nothing is known
        ("libcrypto.so.3", "OTHER_9.9"),
        ("libcrypto.so.3", "words_only"),
    ],
)
def test_what_every_host_has_or_nothing_is_known_of_is_no_finding(linked: Linked, soname: str, version: str) -> None:
    assert checked(linked(soname, version, "f"), "python3.13") == []


def test_a_library_of_the_layer_is_not_the_systems(linked: Linked, tmp_path: Path) -> None:
    data = linked("libcrypto.so.3", "OPENSSL_3.9.0", "EVP_new", "-Wl,--disable-new-dtags,-rpath,$ORIGIN/../lib")
    own = {"lib/libcrypto.so.3": (tmp_path / "libcrypto.so.3").read_bytes()}
    assert [severity for severity, _ in checked(data, "python3.13")] == ["error"]
    assert checked(data, "python3.13", **own) == []


def test_the_loader_looks_into_the_languages_folder_first() -> None:
    nodejs, python = (
        libraries.versions_of("libssl.so.3", runtime(name), X86_64) for name in ("nodejs22.x", "python3.13")
    )
    assert nodejs is not None
    assert python is not None
    assert (nodejs.folder, python.folder) == ("/var/lang/lib", "/lib64")
    assert libraries.versions_of("libnothing.so.1", runtime("python3.13"), X86_64) is None


def test_libcurl_is_certain_on_amazon_linux_2023_only() -> None:
    assert "libcurl.so.4" in libraries.provided([runtime("python3.13")], X86_64)
    assert "libcurl.so.4" not in libraries.provided([runtime("python3.11")], X86_64)
    assert "libcurl.so.4" not in libraries.provided([runtime("python3.13"), runtime("python3.11")], X86_64)
