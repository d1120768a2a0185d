"""The known failures, one layer each; see bad.py for how they are made."""

import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
from collections.abc import Mapping, Sequence

from kit.bad import ARCHIVE, MODULE, Bad, Workshop, claimed, flagged, needs, one, patched, plain, wheel


def _mixed(shop: Workshop) -> Mapping[str, bytes]:
    return {**shop.wheel("markupsafe", "3.12", "x86_64"), **shop.wheel("markupsafe", "3.13", "x86_64")}


X = "python/x.cpython-313-x86_64-linux-gnu.so"
ARC4 = "unsigned arc4random(void); int PyInit_x(void) { return arc4random(); }"
KEY = b"-----BEGIN RSA PRIVATE KEY-----\n" + b"MIIEpAIBAAKCAQEAu5Yq7WkZq9Zr0nL2x8V4m1C6d3H0s8T5b7N9" * 2 + b"\n"
TOKEN = b"id = 'AKIAQ3ZT7YHJ2LPW8KMD'\n"
LICENSE = b"Metadata-Version: 2.1\nName: p\nVersion: 1\nLicense: "
PROGRAM = "int main(void) { return 0; }"
WINDOWS = b"MZ" + bytes(58) + b"\x40\0\0\0" + b"PE\0\0" + bytes(200)
LINK = stat.S_IFLNK | 0o777


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def _through_a_library(shop: Workshop) -> Mapping[str, bytes]:
    """A program that finds its library, which in turn does not find its own: that lies in lib64/."""
    second = shop.stub("libsecond.so.1", symbol="second")
    source = "int second(void); int thing(void) { return second(); }"
    library = shop.compiled(source, second, "-Wl,-soname,libfirst.so.1")
    (shop.folder / "libfirst.so.1").write_bytes(library)
    flags = [str(shop.folder / "libfirst.so.1"), "-Wl,--allow-shlib-undefined"]
    program = shop.compiled("int thing(void); int main(void) { return thing(); }", *flags, shared=False)
    return {
        "bin/x": program,
        "lib/libfirst.so.1": library,
        "lib64/libsecond.so.1": (shop.folder / "libsecond.so.1").read_bytes(),
    }


CASES: Sequence[Bad] = (
    # ---- symbol versions
    Bad("glibc-module", "glibc", "GLIBC_2.36 for `arc4random`", one(X, ARC4), X),
    Bad(
        "glibc-program",
        "glibc",
        "GLIBC_2.36",
        one("bin/x", ARC4 + " int main(void) { return PyInit_x(); }", shared=False),
        "bin/x",
    ),
    Bad(
        "openssl-of-the-future",
        "symbol-version",
        "needs OPENSSL_9.0.0 of",
        needs(X, "libssl.so.3", version="OPENSSL_9.0.0"),
        X,
    ),
    Bad("glibc-library", "glibc", "GLIBC_2.36", one("lib/libx.so.1", ARC4), "lib/libx.so.1"),
    Bad(
        "glibc-extension",
        "glibc",
        "GLIBC_2.36",
        one("extensions/x", ARC4 + PROGRAM, shared=False),
        "extensions/x",
        modes={"extensions/x": 0o755},
    ),
    Bad(
        "glibc-of-al2023-on-al2",
        "glibc",
        "Amazon Linux 2 has 2.26",
        wheel("cryptography", "3.11", "x86_64"),
        runtime="python3.11",
        names="cryptography",
    ),
    Bad("glibcxx", "glibcxx", "GLIBCXX_3.4.34", needs(X, "libstdc++.so.6", version="GLIBCXX_3.4.34"), X),
    Bad(
        "glibcxx-newest-image-only",
        "glibcxx",
        "older hosts 3.4.29",
        needs(X, "libstdc++.so.6", version="GLIBCXX_3.4.32"),
        X,
        warning=True,
    ),
    Bad("cxxabi", "glibcxx", "CXXABI_1.3.99", needs(X, "libstdc++.so.6", version="CXXABI_1.3.99"), X),
    Bad("libgcc", "glibcxx", "GCC_15.0.0", needs(X, "libgcc_s.so.1", version="GCC_15.0.0"), X),
    Bad(
        "glibcxx-by-runpath",
        "glibcxx",
        "GLIBCXX_3.4.99",
        needs(
            X,
            "libstdc++.so.6",
            "-Wl,--enable-new-dtags,-rpath,$ORIGIN/x.libs",
            version="GLIBCXX_3.4.99",
            beside="python/x.libs/libstdc++.so.6",
        ),
        X,
    ),
    # ---- architecture and system
    Bad(
        "x86-on-arm",
        "architecture",
        "is code for X86_64",
        wheel("markupsafe", "3.13", "x86_64"),
        arch="arm64",
        names="markupsafe",
    ),
    Bad(
        "arm-on-x86", "architecture", "is code for AARCH64", wheel("markupsafe", "3.13", "aarch64"), names="markupsafe"
    ),
    Bad(
        "mac-wheel", "architecture", "is a library for macOS", wheel("markupsafe", "3.13", "macos"), names="markupsafe"
    ),
    Bad(
        "windows-wheel",
        "architecture",
        "is a library for Windows",
        wheel("markupsafe", "3.13", "windows"),
        names="markupsafe",
    ),
    Bad(
        "32-bit",
        "architecture",
        "is code for 386",
        lambda shop: {"bin/x": patched(patched(shop.compiled(PROGRAM, shared=False), 4, b"\1"), 18, b"\3\0")},
        "bin/x",
    ),
    Bad(
        "big-endian",
        "architecture",
        "is code for S390",
        lambda shop: {"lib/x.so": patched(patched(shop.compiled(MODULE), 5, b"\2"), 16, b"\0\3\0\x16")},
        "lib/x.so",
    ),
    Bad("cut-off", "architecture", "damaged ELF file", lambda shop: {X: shop.compiled(MODULE)[:600]}, X, warning=True),
    Bad(
        "program-in-a-folder-of-its-own",
        "architecture",
        "is code for X86_64, the layer is for arm64",
        one("kubectl/kubectl", PROGRAM, shared=False),
        "kubectl/kubectl",
        arch="arm64",
    ),
    Bad(
        "library-in-a-package",
        "architecture",
        "is code for X86_64",
        one("python/p/libs/libp.so", MODULE),
        "python/p/libs/libp.so",
        arch="arm64",
    ),
    Bad(
        "prebuilds-of-others",
        "architecture",
        "is code for X86_64",
        one("nodejs/node_modules/p/prebuilds/linux-x64/p.node", MODULE),
        "linux-x64",
        runtime="nodejs22.x",
        arch="arm64",
    ),
    Bad(
        "installed-on-a-mac",
        "architecture",
        "is a program for macOS",
        plain({"nodejs/node_modules/@p/darwin-arm64/bin/p": b"\xcf\xfa\xed\xfe" + bytes(60)}),
        "darwin-arm64",
        runtime="nodejs22.x",
    ),
    Bad(
        "program-of-a-mac",
        "architecture",
        "is a program for macOS",
        plain({"tools/jq": b"\xcf\xfa\xed\xfe" + bytes(60)}),
        "tools/jq",
    ),
    Bad("program-of-windows", "architecture", "is a program for Windows", plain({"tools/jq.exe": WINDOWS}), "tools/jq"),
    Bad(
        "module-of-windows",
        "architecture",
        "is a library for Windows",
        plain({"python/p/_p.cp313-win_amd64.pyd": WINDOWS}),
        "_p.cp313-win_amd64.pyd",
    ),
    Bad(
        "wheel-of-windows-by-its-tag",
        "architecture",
        "was installed for win_amd64",
        plain(
            {
                "python/p-1.dist-info/WHEEL": b"Wheel-Version: 1.0\nTag: py3-none-win_amd64\n",
                "python/p/p.dll": WINDOWS,
            }
        ),
        "WHEEL",
    ),
    Bad(
        "flattened-link",
        "architecture",
        "holds the name `libx.so.1.2`",
        lambda shop: {"lib/libx.so.1": b"libx.so.1.2", "lib/libx.so.1.2": shop.compiled(MODULE)},
        "lib/libx.so.1",
    ),
    Bad(
        "page-instead-of-a-library",
        "architecture",
        "has the name of a library and is none",
        plain({"lib/libx.so": b"<!DOCTYPE html><title>404</title>"}),
        "lib/libx.so",
    ),
    Bad("empty-library", "architecture", "is none", plain({"lib/libx.so.1": b""}), "lib/libx.so.1"),
    Bad(
        "others-platforms-cost",
        "architecture",
        "are for other platforms",
        lambda shop: {
            "nodejs/node_modules/p/prebuilds/linux-x64/p.node": shop.compiled(MODULE),
            "nodejs/node_modules/p/prebuilds/linux-arm64/p.node": patched(shop.compiled(MODULE), 18, b"\xb7\0"),
            "nodejs/node_modules/p/prebuilds/win32-x64/p.node": WINDOWS,
        },
        "prebuilds/",
        runtime="nodejs22.x",
        warning=True,
    ),
    Bad("musl", "musl", "of musl", wheel("markupsafe", "3.13", "musl"), names="markupsafe"),
    Bad("cpu-v4", "cpu-baseline", "x86-64-v4", one(X, MODULE, "-Wl,-z,x86-64-v4"), X),
    Bad("cpu-v3", "cpu-baseline", "x86-64-v3", one(X, MODULE, "-Wl,-z,x86-64-v3"), X, warning=True),
    # ---- what code opens by name
    Bad(
        "opens-zbar",
        "loaded-by-name",
        "opens the library `zbar` (line 2)",
        plain({"python/p/x.py": b"from ctypes.util import find_library\nx = find_library('zbar')\n"}),
        "python/p/x.py",
        warning=True,
    ),
    Bad(
        "opens-soname",
        "loaded-by-name",
        "opens the library `libdmtx.so.0` (line 2)",
        plain({"python/p/x.py": b"import ctypes\nx = ctypes.cdll.LoadLibrary('libdmtx.so.0')\n"}),
        "python/p/x.py",
        warning=True,
    ),
    Bad(
        "starts-pdfinfo",
        "loaded-by-name",
        "starts the program `pdfinfo` (line 2)",
        plain({"python/p/x.py": b"import subprocess\nsubprocess.run(['pdfinfo', 'a.pdf'], check=True)\n"}),
        "python/p/x.py",
        warning=True,
    ),
    Bad(
        "browser-in-an-archive",
        "packed-code",
        "holds code for X86_64",
        lambda shop: {"nodejs/node_modules/p/bin/p.gz": gzip.compress(shop.compiled(PROGRAM, shared=False))},
        "bin/p.gz",
        runtime="nodejs22.x",
        arch="arm64",
    ),
    Bad(
        "libraries-in-a-compressed-tar",
        "packed-code",
        "holds code for X86_64",
        lambda shop: {"python/p/libs.tar.xz": lzma.compress(tarred({"lib/libp.so": shop.compiled(MODULE)}))},
        "libs.tar.xz",
        arch="arm64",
    ),
    Bad(
        "module-in-a-wheel",
        "packed-code",
        "holds code for X86_64",
        lambda shop: {"python/p/bundled/q-1-py3-none-any.whl": zipped({"q/_q.so": shop.compiled(MODULE)})},
        "q-1-py3-none-any.whl",
        arch="arm64",
    ),
    # ---- jars
    Bad(
        "jar-for-another-processor",
        "jar",
        "native libraries for X86_64, and none for arm64",
        lambda shop: {"java/lib/a-1.0-linux-x86_64.jar": zipped({"liba.so": shop.compiled(MODULE)})},
        "a-1.0-linux-x86_64.jar",
        runtime="java21",
        arch="arm64",
    ),
    Bad(
        "jar-of-a-mac",
        "jar",
        "native libraries for macOS, and none for arm64",
        lambda _: {"java/lib/a-1.0-osx-aarch_64.jar": zipped({"liba.jnilib": b"x"})},
        "a-1.0-osx-aarch_64.jar",
        runtime="java21",
        arch="arm64",
    ),
    Bad(
        "jars-for-other-platforms",
        "jar",
        "are for other platforms",
        lambda shop: {
            "java/lib/a-1.0-linux-x86_64.jar": zipped({"liba.so": shop.compiled(MODULE)}),
            "java/lib/a-1.0-osx-x86_64.jar": zipped({"liba.jnilib": b"x"}),
            "java/lib/a-1.0-windows-x86_64.jar": zipped({"a.dll": b"x"}),
        },
        "java/lib/a-1.0-",
        runtime="java21",
        warning=True,
    ),
    Bad(
        "no-fonts",
        "plug-ins",
        "a font: text is rendered as empty boxes",
        plain({"lib/libfontconfig.so.1": b"", "etc/fonts/fonts.conf": b"<fontconfig/>"}),
        "lib/libfontconfig.so.1",
        warning=True,
    ),
    # ---- interpreters
    Bad("cp312-on-3.13", "python-abi", "cannot import it", wheel("markupsafe", "3.12", "x86_64"), names="markupsafe"),
    Bad("two-pythons", "foreign-abi", "never imports", _mixed, names="cpython-312", warning=True),
    Bad(
        "free-threaded",
        "python-abi",
        "is for cpython-313t",
        one("python/x.cpython-313t-x86_64-linux-gnu.so", MODULE),
        "cpython-313t",
    ),
    Bad("pypy", "python-abi", "is for pypy311", one("python/x.pypy311-pp73-x86_64-linux-gnu.so", MODULE), "pypy311"),
    Bad(
        "debug-python",
        "python-abi",
        "is for cpython-313d",
        one("python/x.cpython-313d-x86_64-linux-gnu.so", MODULE),
        "cpython-313d",
    ),
    # ---- libraries
    Bad("missing-library", "unresolved-library", "needs `libpq.so.5`, which neither", needs(X, "libpq.so.5"), X),
    Bad(
        "wheel-without-its-library",
        "unresolved-library",
        "libodbc.so.2",
        wheel("pyodbc", "3.13", "x86_64"),
        "pyodbc",
    ),
    Bad(
        "missing-for-program",
        "unresolved-library",
        "libssl.so.1.1",
        needs("bin/x", "libssl.so.1.1", shared=False),
        "bin/x",
    ),
    Bad("allowed-by-manylinux", "unresolved-library", "libexpat.so.1", needs(X, "libexpat.so.1"), X),
    Bad("gone-in-al2023", "unresolved-library", "libcrypt.so.1", needs(X, "libcrypt.so.1"), X),
    Bad("libnsl", "unresolved-library", "libnsl.so.1", needs(X, "libnsl.so.1"), X),
    Bad("openssl-of-al2", "unresolved-library", "libssl.so.10", needs("bin/x", "libssl.so.10", shared=False), "bin/x"),
    Bad("libgomp", "unresolved-library", "libgomp.so.1", needs(X, "libgomp.so.1"), X),
    Bad(
        "package-manager-only",
        "unresolved-library",
        "the managed runtime may not",
        needs(X, "libyaml-0.so.2"),
        X,
        warning=True,
    ),
    Bad(
        "needed-by-a-library-of-a-program",
        "unresolved-library",
        "where the loader does not look when bin/x starts",
        _through_a_library,
        "lib/libfirst.so.1",
    ),
    Bad(
        "in-lib64",
        "unresolved-library",
        "where the loader does not look",
        needs(X, "libmine.so.1", beside="lib64/libmine.so.1"),
        X,
        warning=True,
    ),
    Bad(
        "no-rpath",
        "unresolved-library",
        "where the loader does not look",
        needs(X, "libmine.so.1", beside="python/x.libs/libmine.so.1"),
        X,
        warning=True,
    ),
    Bad(
        "shadowed-zlib",
        "shadowed-library",
        "is never used",
        needs(X, "libz.so.1", beside="lib/libz.so.1"),
        "lib/libz.so.1",
        warning=True,
    ),
    Bad(
        "shadowed-by-runpath",
        "shadowed-library",
        "gets the system's instead",
        needs(
            "bin/x",
            "libcurl.so.4",
            "-Wl,--enable-new-dtags,-rpath,$ORIGIN/../lib",
            shared=False,
            beside="lib/libcurl.so.4",
        ),
        "lib/libcurl.so.4",
        warning=True,
    ),
    Bad(
        "own-c-library",
        "shadowed-library",
        "part of a second C library",
        needs(X, "libm.so.6", "-Wl,--disable-new-dtags,-rpath,$ORIGIN/../lib", beside="lib/libm.so.6"),
        "lib/libm.so.6",
    ),
    Bad(
        "shadowed-command",
        "shadowed-command",
        "is not what `curl` starts",
        one("bin/curl", PROGRAM, shared=False),
        "bin/curl",
        warning=True,
    ),
    Bad(
        "shadowed-python",
        "shadowed-command",
        "is not what `python3` starts",
        one("bin/python3", PROGRAM, shared=False),
        "bin/python3",
        warning=True,
    ),
    # ---- places
    Bad(
        "site-packages-at-the-top",
        "layer-path",
        "never looks there",
        plain({"site-packages/p/__init__.py": b""}),
        "site-packages/",
    ),
    Bad(
        "one-folder-too-many",
        "layer-path",
        "never looks there",
        plain({"layer/python/p.py": b""}),
        "layer/",
    ),
    Bad(
        "other-python-directory",
        "layer-path",
        "never looks there",
        plain({"python/lib/python3.12/site-packages/p.py": b""}),
        "python3.12",
    ),
    Bad(
        "node-modules-at-the-top",
        "layer-path",
        "never looks there",
        plain({"node_modules/p/index.js": b""}),
        "node_modules/",
        runtime="nodejs22.x",
    ),
    Bad(
        "other-ruby",
        "layer-path",
        "never looks there",
        plain({"ruby/gems/3.2.0/gems/p/p.rb": b""}),
        "ruby/",
        runtime="ruby3.4",
    ),
    Bad(
        "nested-jar",
        "layer-path",
        "never looks there",
        plain({"java/lib/deps/p.jar": b"PK"}),
        "java/",
        runtime="java21",
    ),
    Bad("lib64", "layer-path", "never looks there", plain({"lib64/libx.so.1": b"x"}), "lib64/"),
    Bad(
        "layer-in-folders",
        "layer-path",
        "never looks there",
        plain({"dist/layer/python/p.py": b"", "dist/layer/lib/libx.so.1": b""}),
        "dist/",
    ),
    Bad("opt-in-the-zip", "layer-path", "never looks there", one("opt/bin/x", PROGRAM, shared=False), "opt/"),
    Bad(
        "nodejs-in-a-folder",
        "layer-path",
        "never looks there",
        plain({"layer/nodejs/node_modules/p/index.js": b""}),
        "layer/",
        runtime="nodejs22.x",
    ),
    Bad("python3-folder", "layer-path", "never looks there", plain({"python3/p/__init__.py": b""}), "python3/"),
    Bad("python-in-capitals", "layer-path", "never looks there", plain({"Python/p/__init__.py": b""}), "Python/"),
    Bad(
        "target-folder-of-pip",
        "layer-path",
        "never looks there",
        plain({"vendor/p/__init__.py": b"", "vendor/p-1.0.dist-info/METADATA": b""}),
        "vendor/",
    ),
    Bad(
        "packages-at-the-top",
        "layer-path",
        "never looks there",
        plain({"p/__init__.py": b"", "p-1.0.dist-info/METADATA": b"", "six.py": b""}),
        "p-1.0.dist-info/",
    ),
    Bad(
        "virtual-environment",
        "layer-path",
        "never looks there",
        plain({".venv/lib/python3.13/site-packages/p/__init__.py": b"", ".venv/bin/activate": b""}),
        ".venv/",
    ),
    Bad(
        "prefix-of-pip",
        "layer-path",
        "never looks there",
        plain({"lib/python3.13/site-packages/p/__init__.py": b""}),
        "lib/python3.13/site-packages/",
    ),
    Bad(
        "packages-below-python",
        "layer-path",
        "never looks there",
        plain({"python/site/p/__init__.py": b"", "python/site/p-1.0.dist-info/METADATA": b""}),
        "python/site/",
    ),
    Bad(
        "packages-below-nodejs",
        "layer-path",
        "never looks there",
        plain({"nodejs/p/package.json": b"{}", "nodejs/p/index.js": b""}),
        "nodejs/",
        runtime="nodejs22.x",
    ),
    Bad(
        "other-nodejs",
        "layer-path",
        "never looks there",
        plain({"nodejs/node18/node_modules/p/index.js": b""}),
        "nodejs/",
        runtime="nodejs22.x",
    ),
    Bad(
        "packages-of-npm-at-the-top",
        "layer-path",
        "never looks there",
        plain({"p/package.json": b"{}", "p/index.js": b"", "q/package.json": b"{}"}),
        "p/",
        runtime="nodejs22.x",
    ),
    Bad(
        "another-language",
        "layer-path",
        "never looks there",
        plain({"nodejs/node_modules/p/index.js": b""}),
        "nodejs/",
    ),
    Bad(
        "gems-of-bundler",
        "layer-path",
        "never looks there",
        plain({"vendor/bundle/ruby/3.4.0/specifications/p-1.gemspec": b""}),
        "vendor/",
        runtime="ruby3.4",
    ),
    Bad(
        "gems-at-the-top", "layer-path", "never looks there", plain({"gems/p-1/p.rb": b""}), "gems/", runtime="ruby3.4"
    ),
    Bad("jar-at-the-top", "layer-path", "never looks there", plain({"p.jar": b"PK"}), "p.jar", runtime="java21"),
    Bad("jar-in-java", "layer-path", "never looks there", plain({"java/p.jar": b"PK"}), "java/", runtime="java21"),
    Bad("library-at-the-top", "layer-path", "never looks there", one("libx.so.1", MODULE), "libx.so.1"),
    Bad("tree-of-a-package", "layer-path", "never looks there", one("usr/lib64/libx.so.1", MODULE), "usr/"),
    Bad("zip-in-the-zip", "layer-path", "never looks there", plain({"layer.zip": b"PK"}), "layer.zip"),
    Bad("wheel-in-the-zip", "layer-path", "never looks there", plain({"p-1-py3-none-any.whl": b"PK"}), "p-1-py3-none"),
    Bad("nothing-but-a-readme", "layer-path", "never looks there", plain({"README.md": b"x"}), "README.md"),
    # ---- sizes, modes, links
    Bad(
        "too-big", "size", "over Lambda's limit", lambda _: {f"python/data{n}.bin": bytes(70_000_000) for n in range(4)}
    ),
    Bad("needs-s3", "size", "needs S3", lambda _: {"python/data.bin": os.urandom(53_000_000)}, warning=True),
    Bad(
        "unreadable",
        "permissions",
        "others cannot read",
        plain({"python/p.py": b""}),
        "python/p.py",
        modes={"python/p.py": 0o600},
    ),
    Bad(
        "bootstrap-not-executable",
        "permissions",
        "others cannot execute",
        plain({"bootstrap": b"#!/bin/sh\n"}),
        "bootstrap",
        runtime="provided.al2023",
        modes={"bootstrap": 0o644},
    ),
    Bad(
        "extension-not-executable",
        "permissions",
        "others cannot execute",
        plain({"extensions/e": b"#!/bin/sh\n"}),
        "extensions/e",
        modes={"extensions/e": 0o644},
    ),
    Bad(
        "made-on-windows",
        "permissions",
        "no unix mode",
        one("bin/x", PROGRAM, shared=False),
        "bin/x",
        modes={"bin/x": 0},
    ),
    Bad(
        "closed-directory",
        "permissions",
        "others cannot enter",
        plain({"python/p/": b"", "python/p/a.py": b""}),
        "python/p",
        modes={"python/p/": stat.S_IFDIR | 0o700},
    ),
    Bad(
        "setuid",
        "setuid",
        "set-user-id",
        one("bin/x", PROGRAM, shared=False),
        "bin/x",
        modes={"bin/x": 0o104755},
        warning=True,
    ),
    Bad(
        "link-outside",
        "symlink-escape",
        "outside /opt",
        plain({"lib/x": b"../../home/me/x"}),
        "lib/x",
        modes={"lib/x": LINK},
    ),
    Bad(
        "link-to-nothing",
        "symlink-escape",
        "does not have",
        plain({"lib/libx.so": b"libx.so.1"}),
        "lib/libx.so",
        modes={"lib/libx.so": LINK},
        warning=True,
    ),
    Bad(
        "link-in-a-circle",
        "symlink-escape",
        "points to itself",
        plain({"lib/a": b"b", "lib/b": b"a"}),
        "lib/a",
        modes={"lib/a": LINK, "lib/b": LINK},
    ),
    Bad(
        "case",
        "case-collision",
        "differs only in case",
        plain({"python/A.py": b"", "python/a.py": b""}),
        "python/A.py",
        warning=True,
    ),
    Bad("git-folder", "leftovers", "version control", plain({"python/p/.git/HEAD": b"ref"}), ".git", warning=True),
    # ---- what should not be given away
    Bad("aws-key", "secret", "an AWS access key", plain({"python/conf.py": TOKEN}), "python/conf.py", warning=True),
    Bad("private-key", "secret", "a private key", plain({"python/k.pem": KEY}), "python/k.pem", warning=True),
    Bad(
        "password-in-url",
        "secret",
        "a password in an address",
        plain({"python/c.ini": b"index = https://ann:Zx9vQp2LmR@pkg.corp.net/simple\n"}),
        "python/c.ini",
        warning=True,
    ),
    Bad(
        "netrc",
        "secret",
        "meant for credentials",
        plain({"python/.netrc": b"machine x"}),
        "python/.netrc",
        warning=True,
    ),
    Bad(
        "agpl",
        "license",
        "AGPL",
        plain({"python/p-1.dist-info/METADATA": LICENSE + b"AGPL-3.0-only\n\n"}),
        "p-1.dist-info",
        warning=True,
    ),
    Bad(
        "proprietary",
        "license",
        "does not allow sharing",
        plain({"python/p-1.dist-info/METADATA": LICENSE + b"Proprietary\n\n"}),
        "p-1.dist-info",
        warning=True,
    ),
    # ---- zips
    Bad("path-traversal", ARCHIVE, "leaves the layer", plain({"python/../../etc/x": b""}), "etc/x"),
    Bad("absolute-path", ARCHIVE, "is an absolute path", plain({"/etc/x": b""}), "/etc/x"),
    Bad("backslashes", ARCHIVE, "backslash", plain({"python\\p.py": b""}), "p.py"),
    Bad(
        "file-and-directory",
        ARCHIVE,
        "is a file and a directory",
        plain({"python/a": b"", "python/a/b": b""}),
        "python/a",
    ),
    Bad(
        "device",
        ARCHIVE,
        "is a device",
        plain({"python/d": b""}),
        "python/d",
        modes={"python/d": stat.S_IFCHR | 0o644},
    ),
    Bad(
        "cut-off-zip",
        ARCHIVE,
        "is not a zip",
        plain({"python/p.py": b"x" * 99}),
        damage=lambda data: data[: len(data) // 2],
    ),
    Bad("no-zip", ARCHIVE, "is not a zip", plain({"python/p.py": b""}), damage=lambda _: b"\x1f\x8b" + bytes(60)),
    Bad(
        "wrong-checksum",
        ARCHIVE,
        "cannot be unpacked",
        plain({"python/p.py": b"hello world"}),
        "python/p.py",
        damage=lambda data: data.replace(b"hello", b"jello", 1),
    ),
    Bad("bomb", ARCHIVE, "decompression bomb", plain({"python/b": b"x"}), damage=lambda data: claimed(data, 3 << 30)),
    Bad(
        "encrypted",
        ARCHIVE,
        "is encrypted",
        plain({"python/p.py": b"x"}),
        "python/p.py",
        damage=lambda data: flagged(data, 1),
    ),
)
