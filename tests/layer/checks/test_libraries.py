"""Libraries that files need: the loader's rules, and compiled modules without which their package works."""

import platform
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from kit.zips import found, tree

from builder.layer.optional_imports import is_optional

HOST = "x86_64" if platform.machine() == "x86_64" else "arm64"
POOL = "python/pools/fast/omp.cpython-313-x86_64-linux-gnu.so"
HANDLED = (
    b"def pool():\n    try:\n        from pools.fast import omp as lib\n    except ImportError:\n        lib = None\n"
)


@pytest.fixture
def linked(tmp_path: Path, program: Callable[[str], str]) -> Callable[..., bytes]:
    """Return a function that links a library against others of the test, by their sonames."""

    def link(name: str, *needed: str, rpath: str = "", source: str = "") -> bytes:
        code, out = tmp_path / "code.c", tmp_path / name
        code.write_text(source or f"int f_{len(list(tmp_path.iterdir()))};")
        flags = ["-shared", "-fPIC", "-nostdlib", f"-Wl,-soname,{name},--no-as-needed", *([rpath] if rpath else [])]
        subprocess.run(
            [program("gcc"), *flags, "-o", str(out), str(code), *(str(tmp_path / each) for each in needed)], check=True
        )
        return out.read_bytes()

    return link


@pytest.mark.parametrize(
    ("tags", "inner", "lost"),
    [
        ("--disable-new-dtags", "", []),
        ("--enable-new-dtags", "", ["libinner-0a1b2c3d.so.1"]),  # DT_RUNPATH is for the file's own libraries alone
        ("--disable-new-dtags", "-Wl,--enable-new-dtags,-rpath,/none", ["libinner-0a1b2c3d.so.1"]),
    ],
)
def test_rpath_of_a_module_leads_to_libraries_of_libraries(
    linked: Callable[..., bytes], tags: str, inner: str, lost: list[str]
) -> None:
    """As in the wheels of faiss-cpu, fiona and pyFFTW."""
    files = {
        "python/x.libs/libinner-0a1b2c3d.so.1": linked("libinner-0a1b2c3d.so.1"),
        "python/x.libs/libouter-0a1b2c3d.so.1": linked("libouter-0a1b2c3d.so.1", "libinner-0a1b2c3d.so.1", rpath=inner),
        "python/x/x.so": linked("x.so", "libouter-0a1b2c3d.so.1", rpath=f"-Wl,{tags},-rpath,$ORIGIN/../x.libs"),
    }
    findings = found(tree(files), architectures=(HOST,), only="unresolved-library")
    assert [name for name in lost if any(f"needs `{name}`" in each.message for each in findings)] == lost
    assert len(findings) == len(lost)


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize(
    ("importing", "severity"),
    [
        (HANDLED, "warning"),
        (HANDLED.replace(b"pools.fast", b".fast"), "warning"),
        (b"try:\n    import pools.fast.omp\nexcept (OSError, ImportError):\n    pass\n", "warning"),
        (HANDLED.replace(b"lib = None", b"raise RuntimeError from None"), "error"),
        (HANDLED.replace(b"ImportError", b"KeyError"), "error"),
        (HANDLED + b"from pools.fast import omp\n", "error"),
        (b"from .fast.omp import start\n", "error"),
        (b"omp = None\n", "error"),
        (b"omp = = None\n", "error"),
    ],
)
def test_a_module_without_which_its_package_works_is_no_error(
    linked: Callable[..., bytes], importing: bytes, severity: str, *, own: bool
) -> None:
    """As the thread pools of numba, for OpenMP and TBB."""
    linked("libtbb.so.12")
    pool = linked("omp.so", "libtbb.so.12", source="int PyInit_omp(void) { return 0; }")
    tests = {"python/pools/tests/test_omp.py": b"from pools.fast import omp\n"}
    layer = tree({"python/pools/__init__.py": importing, POOL: pool, **tests})
    (finding,) = found(layer, architectures=(HOST,), own=own, only="unresolved-library")
    assert (finding.path, finding.severity) == (POOL, severity)
    assert ("its package works without this file" in finding.message) == (severity == "warning")


def test_a_module_at_the_top_is_what_functions_import() -> None:
    layer = tree({"python/other/__init__.py": HANDLED.replace(b"pools.fast", b"pools")})
    assert not is_optional("python/omp.so", layer)
    assert not is_optional("lib/omp.so", layer)
