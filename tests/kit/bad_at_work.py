"""Layers in which all seems to be in the right place and for the right system, and that fail at work."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import brotli
import zstandard

from kit.bad import MODULE, PROGRAM, WINDOWS, Bad, needs, one, patched, plain, tarred, wheel, zipped

ARM = b"\xb7\0"
"""EM_AARCH64."""
NODE = "nodejs/node_modules/p/"
OPENS = Path(__file__).parents[1] / "corpus" / "fuzz" / "Opens.class"
ELF_OPENS = '#include <dlfcn.h>\nvoid *f(void) { return dlopen("libodbc.so.2", RTLD_NOW); }'


def arm(data: bytes) -> bytes:
    """Return machine code as it is for arm64, by its header."""
    return patched(data, 18, ARM)


def _node(name: str, code: bytes, says: str) -> Bad:
    path = f"{NODE}index.js"
    return Bad(name, "loaded-by-name", says, plain({path: code}), path, runtime="nodejs22.x", warning=True)


def _python(name: str, code: bytes, says: str) -> Bad:
    path = "python/p/x.py"
    return Bad(name, "loaded-by-name", says, plain({path: code}), path, warning=True)


def _lacking(name: str, library: str, says: str, more: Mapping[str, bytes] | None = None) -> Bad:
    files = {library: b"", **(more or {})}
    return Bad(name, "plug-ins", says, plain(files), library, warning=True)


BY_NAME: Sequence[Bad] = (
    Bad(
        "wheel-that-opens-zbar",
        "loaded-by-name",
        "opens the library `zbar`",
        wheel("pyzbar", "3.13", "x86_64"),
        "python/pyzbar",
        warning=True,
    ),
    Bad(
        "wheel-that-opens-pango",
        "loaded-by-name",
        "opens the library `libpango-1.0-0`",
        wheel("weasyprint", "3.13", "x86_64"),
        "python/weasyprint",
        warning=True,
    ),
    _python(
        "opens-by-cffi", b"from cffi import FFI\nx = FFI().dlopen('libsodium.so.23')\n", "the library `libsodium.so.23`"
    ),
    _python(
        "tells-its-own-error",
        b"import ctypes\ntry:\n    x = ctypes.CDLL('liba.so.1')\nexcept OSError:\n    raise ImportError('no a')\n",
        "opens the library `liba.so.1` (line 3)",
    ),
    _python(
        "opens-outside-of-windows",
        b"import ctypes, sys\nif sys.platform != 'win32':\n    x = ctypes.CDLL('libusb-1.0.so.0')\n",
        "opens the library `libusb-1.0.so.0` (line 3)",
    ),
    _python(
        "starts-a-browser",
        b"from subprocess import Popen\nPopen(('wkhtmltopdf', '-', '-'))\n",
        "starts the program `wkhtmltopdf`",
    ),
    _node("koffi", b"const koffi = require('koffi');\nkoffi.load('libzbar.so.0');\n", "library `libzbar.so.0`"),
    _node("ffi-napi", b"const ffi = require('ffi-napi');\nffi.Library('libdmtx', {});\n", "library `libdmtx`"),
    _node("dlopen-of-node", b"process.dlopen(module, 'libmine.so.1');\n", "opens the library `libmine.so.1`"),
    Bad(
        "class-that-loads-a-library",
        "loaded-by-name",
        "opens the library `zbarjni` (class shop.Opens)",
        lambda _: {"java/lib/shop.jar": zipped({"shop/Opens.class": OPENS.read_bytes()})},
        "java/lib/shop.jar",
        runtime="java21",
        warning=True,
    ),
    Bad(
        "class-that-loads-a-path-of-opt",
        "loaded-by-name",
        "opens the library `/opt/lib/libgone.so`",
        lambda _: {
            "java/lib/shop.jar": zipped({"shop/Opens.class": OPENS.read_bytes()}),
            "lib/libzbarjni.so": b"",
        },
        "java/lib/shop.jar",
        runtime="java21",
        warning=True,
    ),
    Bad(
        "program-with-dlopen",
        "loaded-by-name",
        "opens the library `libodbc.so.2`",
        one("bin/x", f"{ELF_OPENS}\n{PROGRAM}", shared=False),
        "bin/x",
        warning=True,
    ),
)

PLUG_INS: Sequence[Bad] = (
    _lacking("imagemagick-without-coders", "lib/libMagickCore-6.Q16.so.6", "its coders"),
    _lacking("odbc-without-a-driver", "lib/libodbc.so.2", "a driver of a database"),
    _lacking("pixbuf-without-loaders", "lib/libgdk_pixbuf-2.0.so.0", "the list of its loaders"),
    _lacking("tesseract-without-a-language", "lib/libtesseract.so.5", "the data of a language"),
    _lacking("projections-without-their-database", "lib/libproj.so.25", "the database of coordinate systems"),
    _lacking("qt-without-a-platform", "lib/libQt6Gui.so.6", "a platform plug-in"),
)

SETS: Sequence[Bad] = (
    Bad(
        "compiled-here-for-another-processor",
        "architecture",
        "is code for AARCH64",
        lambda shop: {
            f"{NODE}build/Release/p.node": arm(shop.compiled(MODULE)),
            f"{NODE}prebuilds/linux-x64/p.node": shop.compiled(MODULE),
        },
        "build/Release/p.node",
        runtime="nodejs22.x",
    ),
    Bad(
        "package-for-another-processor",
        "architecture",
        "is code for AARCH64",
        lambda shop: {
            f"{NODE}package.json": b"{}",
            "nodejs/node_modules/@p/linux-arm64/package.json": b'{"os": ["linux"], "cpu": ["arm64"]}',
            "nodejs/node_modules/@p/linux-arm64/p.node": arm(shop.compiled(MODULE)),
        },
        "@p/linux-arm64/p.node",
        runtime="nodejs22.x",
    ),
    Bad(
        "addon-for-musl-alone",
        "musl",
        "of musl",
        needs(f"{NODE}prebuilds/linux-x64/p.musl.node", "libc.musl-x86_64.so.1"),
        "p.musl.node",
        runtime="nodejs22.x",
    ),
    Bad(
        "library-for-freebsd-alone",
        "musl",
        "of another system, such as FreeBSD",
        needs("lib/libp.so.1", "libc.so.7"),
        "lib/libp.so.1",
    ),
    Bad(
        "engine-compressed-by-brotli",
        "packed-code",
        "holds code for X86_64",
        lambda shop: {f"{NODE}bin/engine.br": brotli.compress(shop.compiled(PROGRAM, shared=False))},
        "engine.br",
        runtime="nodejs22.x",
        arch="arm64",
    ),
    Bad(
        "libraries-compressed-by-zstandard",
        "packed-code",
        "holds code for X86_64",
        lambda shop: {"python/p/libs.tar.zst": zstandard.compress(tarred({"libp.so": shop.compiled(MODULE)}))},
        "libs.tar.zst",
        arch="arm64",
    ),
    Bad(
        "jar-in-a-package-of-python",
        "packed-code",
        "holds code for X86_64",
        lambda shop: {"python/p/jars/p.jar": zipped({"linux/libp.so": shop.compiled(MODULE)})},
        "jars/p.jar",
        arch="arm64",
    ),
    Bad(
        "driver-in-a-zip-in-a-tar",
        "packed-code",
        "driver.zip/driver",
        lambda shop: {"python/p/a.tar": tarred({"driver.zip": zipped({"driver": shop.compiled(MODULE)})})},
        "python/p/a.tar",
        arch="arm64",
    ),
    Bad(
        "one-jar-for-many-platforms",
        "jar",
        "has native libraries for",
        lambda shop: {
            "java/lib/a-1.0.jar": zipped(
                {"linux/x86_64/liba.so": shop.compiled(MODULE), "windows/a.dll": bytes(3 << 20), "mac/a.dylib": b"x"}
            )
        },
        "a-1.0.jar",
        runtime="java21",
        warning=True,
    ),
    Bad(
        "classes-for-a-newer-java",
        "jar",
        "has classes for Java 25",
        lambda _: {"java/lib/a.jar": zipped({"A.class": b"\xca\xfe\xba\xbe\0\0\0\x45" + bytes(20)})},
        "a.jar",
        runtime="java21",
    ),
)

VERDICTS: Sequence[Bad] = (
    Bad(
        "pointer-of-git-lfs",
        "architecture",
        "has the name of a library and is none",
        plain({"lib/libp.so": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"}),
        "lib/libp.so",
    ),
    Bad(
        "archive-of-objects",
        "architecture",
        "has the name of a library and is none",
        plain({"lib/libp.so.1": b"!<arch>\n" + bytes(60)}),
        "lib/libp.so.1",
    ),
    Bad(
        "universal-library-of-a-mac",
        "architecture",
        "is a library for macOS",
        plain({"python/p/libp.dylib": b"\xca\xfe\xba\xbe\0\0\0\2" + bytes(60)}),
        "libp.dylib",
        warning=True,
    ),
    Bad(
        "library-of-windows-in-a-package",
        "architecture",
        "is a library for Windows",
        plain({"python/p/__init__.py": b"", "python/p/p.dll": WINDOWS}),
        "p.dll",
        warning=True,
    ),
    Bad(
        "static-program-for-another-processor",
        "architecture",
        "is code for AARCH64",
        lambda shop: {"extensions/x": arm(shop.compiled(PROGRAM, "-static", shared=False))},
        "extensions/x",
        modes={"extensions/x": 0o755},
    ),
    Bad(
        "wheel-without-libgomp",
        "unresolved-library",
        "needs `libgomp.so.1`",
        wheel("lightgbm", "3.13", "x86_64"),
        "lightgbm",
        warning=True,
    ),
    Bad(
        "extension-without-a-library",
        "unresolved-library",
        "needs `libmine.so.1`, which neither",
        needs("extensions/x", "libmine.so.1", shared=False),
        "extensions/x",
        modes={"extensions/x": 0o755},
    ),
    Bad(
        "bootstrap-of-another-interpreter",
        "script",
        "names the interpreter `/usr/bin/perl`",
        plain({"bootstrap": b"#!/usr/bin/perl\n"}),
        "bootstrap",
        runtime="provided.al2023",
        modes={"bootstrap": 0o755},
    ),
    Bad(
        "bootstrap-with-line-ends-of-windows",
        "script",
        "Windows line endings",
        plain({"bootstrap": b"#!/bin/sh\r\necho\r\n"}),
        "bootstrap",
        runtime="provided.al2023",
        modes={"bootstrap": 0o755},
    ),
    Bad("python-in-python", "layer-path", "never looks there", plain({"python/python/p.py": b""}), "python/python/"),
    Bad(
        "nodejs-in-nodejs",
        "layer-path",
        "never looks there",
        plain({"nodejs/nodejs/node_modules/p/index.js": b""}),
        "nodejs/",
        runtime="nodejs22.x",
    ),
    Bad(
        "site-packages-without-a-version",
        "layer-path",
        "never looks there",
        plain({"python/lib/site-packages/p/__init__.py": b""}),
        "python/lib/",
    ),
    Bad(
        "dist-packages-of-debian",
        "layer-path",
        "never looks there",
        plain({"python/lib/python3.13/dist-packages/p/__init__.py": b""}),
        "dist-packages",
    ),
    Bad(
        "module-for-a-test-build",
        "python-abi",
        "is for cpython-314",
        one("python/x.cpython-314-x86_64-linux-gnu.so", MODULE),
        "cpython-314",
    ),
)

CASES: Sequence[Bad] = (*BY_NAME, *PLUG_INS, *SETS, *VERDICTS)
