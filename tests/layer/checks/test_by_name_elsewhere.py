"""What JavaScript, Java and machine code open by name: read from files that real compilers made."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from kit import zips
from kit.zips import found, tree

from builder.layer import java_loads, node_loads
from builder.layer.findings import Finding


def findings(files: dict[str, bytes], runtime: str) -> list[Finding]:
    rows = found(tree(files), runtimes=(runtime,), only="loaded-by-name")
    assert {row.severity for row in rows} <= {"warning"}
    return rows


# ---- Node.js -------------------------------------------------------------------------------------------------------

NODE = "nodejs/node_modules/p/index.js"


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("const ffi = require('ffi-napi');\nffi.Library('libzbar', {});\n", "`libzbar` (line 2)"),
        ('import koffi from "koffi";\nconst lib = koffi.load("libsodium.so.23");\n', "`libsodium.so.23` (line 2)"),
        ("const {open} = require('ffi-rs');\nopen({library: 'x', path: 'a'});\n", "`x` (line 2)"),
        ("var f = require('ffi');\nnew f.Library('dmtx', {f: ['int', []]});\n", "`dmtx` (line 2)"),
        ("process.dlopen(module, 'libmine.so.1');\n", "`libmine.so.1` (line 1)"),
        ("const k = require('koffi');\nif (x) { try { y() } catch {} }\nk.koffi.load('a.so');\n", "`a.so` (line 3)"),
    ],
)
def test_what_javascript_opens_is_named_with_its_line(code: str, named: str) -> None:
    (row,) = findings({NODE: code.encode()}, "nodejs22.x")
    assert row.path == NODE
    assert f"opens the library {named}, which neither the layer nor nodejs22.x on Lambda has" in row.message
    assert row.hint


@pytest.mark.parametrize(
    "code",
    [
        "const ffi = require('ffi-napi');\nffi.Library('libc', {});\nffi.Library('libm', {});\n",
        "const f = require('ffi-napi');\nf.Library('user32', {});\nf.Library('a.dll', {});\nf.Library(name, {});\n",
        "const koffi = require('koffi');\ntry { koffi.load('libx.so'); } catch { }\n",
        "const koffi = require('koffi');\nif (process.platform === 'win32') {\n  koffi.load('mine');\n}\n",
        "const koffi = require('koffi');\nconst a = process.platform === 'darwin' ? koffi.load('mine') : null;\n",
        "process.dlopen(module, require.resolve('./a.node'));\nprocess.dlopen(module, 'a.node');\n",
        "class Library { }\nnew Library('books');\n",
        "dlopen('x');\n",
    ],
)
def test_what_is_there_handled_computed_or_of_another_system_is_no_finding(code: str) -> None:
    assert findings({NODE: code.encode()}, "nodejs22.x") == []


def test_a_library_of_the_layer_is_there_and_what_is_no_code_opens_nothing() -> None:
    code = b"const koffi = require('koffi');\nkoffi.load('libmine.so.1');\n"
    assert findings({NODE: code, "lib/libmine.so.1": b"x"}, "nodejs22.x") == []
    assert findings({"nodejs/node_modules/p/test/a.js": code}, "nodejs22.x") == []
    assert findings({"nodejs/node_modules/p/a.md": code}, "nodejs22.x") == []
    assert node_loads.opened(b"'koffi' koffi.load('x')" + b" " * (1 << 20)) == ()


CP = 'const cp = require("child_process");\n'


@pytest.mark.parametrize(
    "code",
    [
        *(f'{CP}cp.{name}("gs", ["-q"]);\n' for name in ("spawn", "spawnSync", "execFile", "execFileSync", "exec")),
        f"{CP}cp.execSync(`gs ${{path}}`);\n",
        "const cp = require('node:child_process');\ncp.spawn('gs');\n",
        'const { spawn } = require("child_process");\nspawn("gs");\n',
        'const { exec, spawn: start } = require("node:child_process");\nstart("gs");\n',
        'import { spawn } from "child_process";\nspawn("gs");\n',
        'import { exec as e } from "node:child_process";\ne("gs -q a.pdf");\n',
        'import * as cp from "child_process";\ncp.spawn("gs");\n',
        'import cp, { exec } from "child_process";\ncp.spawn("gs");\n',
        '\nrequire("child_process").exec("gs -q");\n',
        'const spawn = require("child_process").spawn;\nspawn("gs");\n',
        'const child_process_1 = require("child_process");\n(0, child_process_1.spawn)("gs", []);\n',
        'const cp = __importStar(require("child_process"));\ncp.spawn("gs");\n',
        'var a=require("fs"),b=require("child_process"),c=1;\nb.execSync("gs -q");\n',
        'const {exec} = require("child_process"); const run = util.promisify(exec);\nawait run("gs -q");\n',
        'const run = require("util").promisify(require("child_process").execFile);\nawait run("gs");\n',
    ],
)
def test_what_javascript_starts_is_named_with_its_line(code: str) -> None:
    (row,) = findings({NODE: code.encode()}, "nodejs22.x")
    assert row.path == NODE
    assert "starts the program `gs` (line 2), which neither the layer nor nodejs22.x on Lambda has" in row.message
    assert findings({NODE: code.encode(), "bin/gs": b"x"}, "nodejs22.x") == []
    assert findings({"nodejs/node_modules/p/bin/a.js": code.encode()}, "nodejs22.x") == []


@pytest.mark.parametrize(
    "code",
    [
        f'{CP}cp.spawn("git");\ncp.spawn("node");\ncp.spawn(gs);\ncp.spawn("gs -q");\n',
        f'{CP}try {{ cp.execSync("gs -q"); }} catch {{ }}\n',
        f'{CP}if (process.platform === "win32") {{ cp.spawn("gs"); }}\n',
        f'{CP}cp.exec("gs --version");\ncp.spawn("gs", ["-v"]);\ncp.exec("gs -v 2>&1", f);\n',
        f'{CP}run(cp.exec("gs -q"));\n'.replace('"gs', '"x gs'),
        f'{CP}const e = util.promisify(cp.exec);\ne("gs -q", {{a: f(1)}}).catch(() => null);\n',
        f'{CP}if (which.sync("gs", {{nothrow: true}})) cp.spawn("gs");\n',
        f'{CP}// cp.spawn("gs")\n/**\n * cp.exec("gs -q")\n */\n',
        f'{CP}/gs /.exec("gs x");\ndb.exec("gs x");\nexec("gs x");\nspawn("gs");\n',
        'import { spawn } from "cross-spawn";\n// child_process\nspawn("gs");\n',
    ],
)
def test_programs_without_which_javascript_goes_on_are_no_finding(code: str) -> None:
    assert findings({NODE: code.encode()}, "nodejs22.x") == []


# ---- Java ----------------------------------------------------------------------------------------------------------

CODE = """
package shop;
public class Opens {
    static final String JAR = "inthejar";
    interface Tesseract { Tesseract IT = com.sun.jna.Native.load("tess-of-nobody", Tesseract.class); }
    static void plain() { System.loadLibrary("zbarjni"); Runtime.getRuntime().loadLibrary("fromruntime"); }
    static void path() { System.load("/opt/lib/libgone.so"); System.load("/opt/lib/libhere.so"); }
    static void packed() { System.loadLibrary(JAR); }
    static void jdk() { System.loadLibrary("net"); com.sun.jna.Native.register("c"); }
    static void windows() { com.sun.jna.Native.load("kernel32", Tesseract.class); }
    static void computed(String name) { System.loadLibrary(name); System.loadLibrary("x" + name); }
    static void handled() {
        try { System.loadLibrary("optional"); } catch (UnsatisfiedLinkError error) { System.err.println(error); }
        try { System.loadLibrary("also"); } catch (Throwable error) { }
    }
    static void cleaned() { try { System.loadLibrary("needed"); } finally { System.gc(); } }
    static long big(double d) { long l = 5_000_000_000L; return l + (long) (d * 2.5e300); }
    static String text() { return "System.loadLibrary(text)"; }
}
"""
JNA = """
package com.sun.jna;
public class Native {
    public static <T> T load(String name, Class<T> kind) { System.loadLibrary("own"); return null; }
    public static void register(String name) { }
}
"""


@pytest.mark.parametrize("piece", [b"a", b"a.", b" ", b"\n", b"{", b"a=", b"a=require(", b"spawn(", b"'", b"which"])
def test_a_bundle_with_megabytes_of_one_kind_is_searched_once(piece: bytes) -> None:
    """Bundles have data in them. A search that began at each letter of a word would not end before the tests do."""
    data = b"const c = require('child_process');\n" + piece * (1_000_000 // len(piece)) + b"\nc.spawn('ffmpeg')"
    (only,) = node_loads.opened(data)
    assert only.names == ("ffmpeg",)


@pytest.fixture
def classes(tmp_path: Path, program: Callable[[str], str]) -> dict[str, bytes]:
    program("javac")
    for name, text in (("shop/Opens", CODE), ("com/sun/jna/Native", JNA)):
        path = tmp_path / f"{name}.java"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    sources = [str(path) for path in tmp_path.rglob("*.java")]
    subprocess.run(["javac", "--release", "17", "-d", str(tmp_path / "out"), *sources], check=True)
    out = tmp_path / "out"
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*.class"))}


def test_what_classes_open_is_named_with_the_class(
    classes: dict[str, bytes], tmp_path: Path, program: Callable[[str], str]
) -> None:
    program("gcc")
    native = tmp_path / "native.so"
    subprocess.run(["gcc", "-shared", "-x", "c", "-", "-o", str(native)], input=b"int x;", check=True)
    jar = zips.raw({**classes, "linux-x86-64/libinthejar.so": native.read_bytes()})
    rows = findings({"java/lib/shop.jar": jar, "lib/libhere.so": b"x"}, "java21")
    assert {row.path for row in rows} == {"java/lib/shop.jar"}
    told = {row.message.partition("`")[2].partition("`")[0]: row.message for row in rows}
    assert told.keys() == {"tess-of-nobody", "zbarjni", "fromruntime", "/opt/lib/libgone.so", "needed"}
    assert "(class shop.Opens)" in told["zbarjni"]
    assert "(class shop.Opens$Tesseract)" in told["tess-of-nobody"]
    assert findings({"java/lib/shop.jar": jar}, "python3.13") == []


def test_damaged_classes_open_nothing(classes: dict[str, bytes]) -> None:
    data = classes["shop/Opens.class"]
    assert "zbarjni" in java_loads.opened(data)
    for size in range(0, len(data), 7):
        java_loads.opened(data[:size])
    assert java_loads.opened(b"loadLibrary") == ()


# ---- machine code --------------------------------------------------------------------------------------------------

OPENS = """
#include <dlfcn.h>
#include <stdio.h>
void *f(void) { return dlopen("libodbc.so.2", RTLD_NOW); }
void g(void) { puts("librsvg-2.so.2"); puts("libGLX_nobody.so.0"); puts("see libpq.so.5 there"); }
"""


@pytest.mark.parametrize("path", ["bin/tool", "lib/libtool.so", "python/p/_p.so"])
def test_what_stands_beside_dlopen_is_named_if_a_package_is_known(
    path: str, tmp_path: Path, program: Callable[[str], str]
) -> None:
    program("gcc")
    (tmp_path / "a.c").write_text(OPENS)
    command = ["gcc", "-shared", "-fPIC", "-o", str(tmp_path / "a"), str(tmp_path / "a.c"), "-ldl"]
    subprocess.run(command, check=True)
    data = (tmp_path / "a").read_bytes()
    rows = findings({path: data}, "python3.13")
    assert [row.message.partition("`")[2].partition("`")[0] for row in rows] == ["libodbc.so.2", "librsvg-2.so.2"]
    assert '`install = ["unixODBC"]`' in rows[0].hint
    assert [row.path for row in findings({path: data, "lib/libodbc.so.2": b"x"}, "python3.13")] == [path]
    (tmp_path / "a.c").write_text(OPENS.replace("dlopen(", "(void *)puts(").replace(", RTLD_NOW", ""))
    subprocess.run(command, check=True)
    assert findings({path: (tmp_path / "a").read_bytes()}, "python3.13") == []
