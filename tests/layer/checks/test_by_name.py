"""What Python code opens by name: found by reading it, with few words about what works."""

import pytest
from kit.commands import ROOT
from kit.zips import found, tree

from builder.engine.failure import package_names
from builder.layer.python_loads import LARGEST, may_open, opened
from builder.model import recipes
from builder.model.loaded_by_name import known

FINDS = 'from ctypes.util import find_library\npath = find_library("{}")\n'
STARTS = 'import subprocess\nsubprocess.run(["{}", "x"], check=True)\n'


def findings(code: str, more: dict[str, bytes] | None = None, runtime: str = "python3.13") -> list[tuple[str, str]]:
    layer = tree({"python/shop/lazy.py": code.encode(), **(more or {})})
    rows = found(layer, runtimes=(runtime,), only="loaded-by-name")
    assert all(row.severity == "warning" and row.path == "python/shop/lazy.py" for row in rows)
    return [(row.message, row.hint) for row in rows]


@pytest.mark.parametrize(
    ("code", "named"),
    [
        (
            FINDS.format("zbar"),
            "opens the library `zbar` (line 2), which neither the layer nor python3.13 on Lambda has",
        ),
        ('import ctypes\nctypes.cdll.LoadLibrary("libdmtx.so.0")\n', "opens the library `libdmtx.so.0` (line 2)"),
        ('import ctypes\ndef f():\n    return ctypes.CDLL("libmine.so.3", mode=2)\n', "`libmine.so.3` (line 3)"),
        ('from cffi import FFI\nx = FFI().dlopen("libsodium.so.23")\n', "opens the library `libsodium.so.23` (line 2)"),
        ("lib = _dlopen(ffi, 'pango-1.0-0', 'libpango-1.0.so.0', 'libpango-1.0.dylib')\n", "`pango-1.0-0` (line 1)"),
        ("lib = dlopen(ffi, ('gio-9', 'libgio-9.so.0'))\n", "`gio-9` (line 1)"),
        (STARTS.format("pdfinfo"), "starts the program `pdfinfo` (line 2), which neither"),
        ('from subprocess import Popen\nPopen(("wkhtmltopdf", "-"))\n', "starts the program `wkhtmltopdf` (line 2)"),
        ('try:\n    import ctypes\nfinally:\n    ctypes.CDLL("liba.so.1")\n', "`liba.so.1` (line 4)"),
        (
            'try:\n    ctypes.CDLL("liba.so.1")\nexcept OSError as error:\n    raise ImportError("no a") from error\n',
            "`liba.so.1` (line 2)",
        ),
        ('import sys\nif sys.platform != "win32":\n    ctypes.CDLL("liba.so.1")\n', "`liba.so.1` (line 3)"),
        ('if os.name == "nt":\n    pass\nelse:\n    ctypes.CDLL("liba.so.1")\n', "`liba.so.1` (line 4)"),
        ('if sys.platform in ("linux", "darwin"):\n    ctypes.CDLL("liba.so.1")\n', "`liba.so.1` (line 2)"),
        ('LIB = "liba.so.1"\ndef f():\n    return ctypes.CDLL(LIB)\n', "`liba.so.1` (line 3)"),
        ('class A:\n    LIB = "liba.so.1"\n    def f(self):\n        ctypes.CDLL(self.LIB)\n', "`liba.so.1` (line 4)"),
        ('class A:\n    LIB = "liba.so.1"\nctypes.CDLL(A.LIB)\n', "`liba.so.1` (line 3)"),
        ('def f(name="liba.so.1"):\n    ctypes.CDLL(name)\n', "`liba.so.1` (line 2)"),
        (
            'ctypes.CDLL({"linux": "liba.so.1", "darwin": "liba.dylib"}[sys.platform])\n',
            "`liba.so.1` (line 1)",
        ),
        (
            'N = {"Windows": "a.dll", "Linux": "liba.so.1"}\ndef f():\n    ctypes.CDLL(N.get(platform.system()))\n',
            "`liba.so.1` (line 3)",
        ),
        ('N = "a"\nV = f"{1}"\nctypes.CDLL(f"lib{N}.so.1")\n', "`liba.so.1` (line 3)"),
        ('N = "liba"\nctypes.CDLL(N + ".so" + ".1")\n', "`liba.so.1` (line 2)"),
        ('N = "a.dll" if sys.platform == "win32" else "liba.so.1"\nctypes.CDLL(N)\n', "`liba.so.1` (line 2)"),
        (
            (
                'if os.name == "nt":\n    N = "a.dll"\nelif sys.platform == "darwin":\n    N = "a.dylib"\n'
                'else:\n    N = "liba.so.1"\nctypes.CDLL(N)\n'
            ),
            "`liba.so.1` (line 7)",
        ),
        (
            (
                'for n in ("liba.so.2", "liba.so.1"):\n    try:\n        lib = ctypes.CDLL(n)\n        break\n'
                '    except OSError:\n        pass\nelse:\n    raise ImportError("no a")\n'
            ),
            "`liba.so.2` (line 3)",
        ),
        (
            (
                'NAMES = ["liba.so.2", "liba.so.1"]\ndef f():\n    for n in NAMES:\n        try:\n'
                "            return ctypes.CDLL(n)\n        except OSError:\n            continue\n"
                '    msg = "no a"\n    raise ImportError(msg)\n'
            ),
            "`liba.so.2` (line 5)",
        ),
        (
            (
                'lib = None\nfor n in ("liba.so.2", "liba.so.1"):\n    try:\n        lib = ctypes.CDLL(n)\n'
                '    except OSError:\n        pass\nif lib is None:\n    raise OSError("no a")\n'
            ),
            "`liba.so.2` (line 4)",
        ),
    ],
)
def test_what_is_not_there_is_named_with_its_line(code: str, named: str) -> None:
    ((message, hint),) = findings(code)
    assert named in message
    assert hint


@pytest.mark.parametrize(
    "code",
    [
        *(FINDS.format(name) for name in ("c", "m", "magic", "z", "crypto", "Carbon", "kernel32", "user32")),
        'import ctypes\nctypes.CDLL("libc.so.6")\nctypes.CDLL(None)\nctypes.windll.LoadLibrary("mine")\n',
        'import ctypes\nctypes.CDLL("mine.dll")\nctypes.CDLL("libmine.dylib")\nctypes.CDLL("C:mine")\n',
        'import ctypes\nctypes.CDLL(where)\nctypes.CDLL(f"lib{name}.so")\nctypes.CDLL("/usr/lib/libx.so.1")\n',
        'try:\n    ctypes.CDLL("liba.so.1")\nexcept OSError:\n    fast = None\n',
        'import sys\nif sys.platform == "darwin":\n    ctypes.CDLL("liba.so.1")\n',
        'x = ctypes.CDLL("liba.so.1") if sys.platform.startswith("win32") else None\n',
        'ffi.dlopen("liba.so.1", "libz.so.1")\n',
        STARTS.format("git"),
        'import subprocess\nmodel.run(["pdfinfo"])\nrun(["pdfinfo"])\nsubprocess.run(command)\n',
        'x = _dlopen(ffi, "libharfbuzz-subset.so.0", allow_fail=True)\n',
        'try:\n    info("dot")\nexcept OSError:\n    pass\nelse:\n    subprocess.run(["pdftocairo", "-v"])\n',
        'from ctypes.util import find_library\nx = find_library("yajl") or find_library("cuda")\n',
        'import ctypes\nctypes.CDLL("libcuda.so.1")\nctypes.CDLL("libnvidia-ml.so.1")\n',
        'LIB = "liba.so.1"\nLIB = where()\nctypes.CDLL(LIB)\n',
        'LIB = "liba.so.1"\ndef f(LIB):\n    ctypes.CDLL(LIB)\n',
        'LIB = "liba.so.1"\ndef f():\n    global LIB\n    LIB = where()\nctypes.CDLL(LIB)\n',
        'LIB = "liba.so.1"\nctypes.CDLL(os.path.join(here, LIB))\n',
        'class A:\n    LIB = "liba.so.1"\n    def f(self):\n        self.LIB = x\n        ctypes.CDLL(self.LIB)\n',
        'A = "a"\nctypes.CDLL(f"lib{A!r}.so")\nctypes.CDLL(f"lib{A:>3}.so")\nctypes.CDLL(f"lib{B}.so")\n',
        "A = B\nB = A\nctypes.CDLL(A)\nC = C + C\nctypes.CDLL(C)\n",
        'ctypes.CDLL({"win32": "a.dll", "darwin": "a.dylib"}[sys.platform])\nctypes.CDLL({"linux": "a.so"}[x])\n',
        (
            'for n in ("liba.so.2", "liba.so.1"):\n    try:\n        lib = ctypes.CDLL(n)\n        break\n'
            "    except OSError:\n        pass\n"
        ),
        (
            'for n in ("liba.so.2", "libz.so.1"):\n    try:\n        lib = ctypes.CDLL(n)\n        break\n'
            '    except OSError:\n        pass\nelse:\n    raise ImportError("no a")\n'
        ),
        'for n in ("a", "b"):\n    if find_library(n):\n        break\n',
        'def f():\n    ctypes.CDLL("liba.so.1")\ntry:\n    f()\nexcept OSError:\n    pass\n',  # as numba looks for TBB
        'if __name__ == "__main__":\n    ctypes.CDLL("liba.so.1")\n',
        '"""CDLL("liba.so.1") in words"""\n# ctypes.CDLL("liba.so.1")\n',
        'this is no Python: CDLL("liba.so.1")\n',
    ],
)
def test_what_is_there_or_optional_or_for_another_system_is_not_told(code: str) -> None:
    assert findings(code) == []


def test_what_the_layer_has_is_found_there() -> None:
    assert findings(FINDS.format("zbar"), {"lib/libzbar.so.0": b"x"}) == []
    assert findings('import ctypes\nctypes.CDLL("libdmtx.so.0")\n', {"python/shop/libdmtx.so.0": b"x"}) == []
    assert findings(STARTS.format("pdfinfo"), {"bin/pdfinfo": b"#!/bin/sh\n"}) == []


def test_what_a_wheel_bundles_under_a_name_of_its_own_is_there() -> None:
    """As psycopg looks for libpq, which psycopg-binary has; psycopg alone needs the system's."""
    assert findings(FINDS.format("pq"), {"python/psycopg_binary.libs/libpq-62b26f10.so.5.17": b"x"}) == []
    assert findings(FINDS.format("pq"), {"python/psycopg_binary.libs/libpqxx-62b26f10.so.5.17": b"x"}) != []
    assert findings('ctypes.CDLL("liba.so.1", handle=None)\n') != []


@pytest.mark.parametrize(
    ("top", "more", "told"),
    [
        (b"", {}, True),  # functions import shop.lazy themselves, as pyzbar.pyzbar
        (b"from shop import lazy\n", {}, True),
        (b"from . import other\n", {"python/shop/other.py": b"from .lazy import x\n"}, True),
        (b"from . import other\n", {"python/shop/other.py": b"x = 1\n"}, False),  # as django.contrib.gis
        (b"import json\n", {}, True),
    ],
)
def test_modules_that_a_package_does_not_import_are_no_concern_of_those_who_use_it(
    top: bytes, more: dict[str, bytes], *, told: bool
) -> None:
    layer = {"python/shop/__init__.py": top, **more}
    assert [bool(findings(code, layer)) for code in (FINDS.format("zbar"), STARTS.format("pdfinfo"))] == [told, told]


def test_tests_of_packages_start_what_they_like() -> None:
    assert found(tree({"python/shop/tests/lazy.py": STARTS.format("java").encode()}), only="loaded-by-name") == []


def test_only_code_that_python_imports_is_read() -> None:
    code = FINDS.format("zbar").encode()
    assert found(tree({"share/lazy.py": code, "nodejs/x/lazy.py": code}), only="loaded-by-name") == []


@pytest.mark.parametrize(
    ("code", "way"),
    [
        (
            STARTS.format("pdftoppm"),
            '`layerwright build poppler-utils` of the catalogue; or `install = ["poppler-utils"]`',
        ),
        (STARTS.format("tesseract"), "a layer of it: `layerwright build tesseract` of the catalogue"),
        (STARTS.format("wkhtmltopdf"), "Amazon Linux has no package with `wkhtmltopdf`"),
        (FINDS.format("MagickWand-7.Q16"), '`install = ["ImageMagick-libs"]` of a `packages` step brings it'),
        (FINDS.format("zbar"), "find_library finds only what the system has"),
    ],
)
def test_the_hint_says_what_brings_it(code: str, way: str) -> None:
    ((_, hint),) = findings(code)
    assert way in hint


def test_what_the_data_names_is_there() -> None:
    packages = set(package_names("al2023"))
    named = [*known().libraries.values(), *(each.package for each in known().programs.values() if each.package)]
    assert set(named) <= packages
    in_catalogue = set(recipes.names(ROOT / "recipes"))
    assert {each.recipe for each in known().programs.values() if each.recipe} <= in_catalogue
    assert all(name == name.lower() for name in known().other_systems)


def test_what_a_module_puts_together_from_parts_stands_in_the_data() -> None:
    """Wand tries names of many versions and options; docutils starts pandoc where a setting says so."""
    wand = b"import ctypes\nlib = ctypes.util.find_library('MagickWand' + suffix)\n"
    layer = {"python/wand/api.py": wand, "python/wand/__init__.py": b"from .version import VERSION\n"}
    layer["python/wand/version.py"] = b"VERSION = 1\n"
    ((message, path),) = [(row.message, row.path) for row in found(tree(layer), only="loaded-by-name")]
    assert message.startswith("opens the library `MagickWand`, which neither")
    assert path == "python/wand/api.py"
    assert found(tree({**layer, "lib/libMagickWand-6.Q16.so.6": b"x"}), only="loaded-by-name") == []
    pandoc = STARTS.format("pandoc").encode()
    assert found(tree({"python/docutils/utils/math/tex2mathml_extern.py": pandoc}), only="loaded-by-name") == []


def test_a_module_that_is_too_large_or_too_deep_opens_nothing() -> None:
    assert not may_open(b'import ctypes\nctypes.CDLL("liba.so.1")\n' + b"#" * LARGEST)
    assert may_open(b'import ctypes\nctypes.CDLL("liba.so.1")\n')
    assert not may_open(b'model.run(["pdfinfo"])\n')
    assert not may_open(b'import subprocess\nsubprocess.run(["git"])\n')
    assert opened(b"x = " + b"(" * 5000 + b")" * 5000 + b'\nCDLL("liba.so.1")\n') == ()
    assert opened(b"x = " + b"-" * 50_000 + b'1\nCDLL("liba.so.1")\n') == ()
    assert opened(b"x = '\\d'; CDLL('liba.so.1')\n")[0].names == ("liba.so.1",)
