"""`make benchmark-checks`: what the checks miss, what they refuse without reason, and how fast they are.

The layer for the times is made of the corpus' packages: 500 programs and libraries, 250 MB. The baseline reads the same
files with `auditwheel show` and `readelf`, which is how people find out today. ARGS=--hostile adds 100,000 damaged
zips.
"""

import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.measure import Row, medians, peak, process, publish

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from kit import bad, corpus, real_layers  # noqa: E402
from kit.bad import ARCHIVE, Bad, Workshop  # noqa: E402
from kit.bad_cases import CASES  # noqa: E402

from builder.base.errors import CheckFailedError, LayerwrightError  # noqa: E402
from builder.layer import checks  # noqa: E402
from builder.layer.findings import Finding, failures  # noqa: E402
from builder.layer.reader import LayerZip  # noqa: E402
from builder.model.architectures import X86_64, architecture  # noqa: E402
from builder.model.runtimes import runtime  # noqa: E402
from builder.packages import table  # noqa: E402

BYTES, ELVES = 250_000_000, 500
HOSTILE = 100_000
SEED = 20261125
MAGIC = b"\x7fELF"


def findings(path: Path, name: str = "python3.13", arch: str = "x86_64") -> list[Finding]:
    with LayerZip(path) as layer:
        where = (runtime(name),), (architecture(arch),)
        subject = checks.examine(
            layer.tree, *where, packages=table.installed(layer.tree), own=False, directories=layer.directories
        )
        return list(checks.run(checks.weighed(subject, layer.bytes)))


def caught(case: Bad, folder: Path) -> bool:
    """Tell whether the check that is meant to finds the failure."""
    shop = Workshop(folder, lambda *asked: corpus.wheel(corpus.folder(), *asked))
    path = bad.write(case, folder / "layer.zip", shop)
    try:
        found = findings(path, case.runtime, case.arch)
    except CheckFailedError as error:
        return case.check == ARCHIVE and case.says in str(error)
    return any(one.check == case.check and case.says in f"{one.message} {one.details}" for one in found)


def recall() -> list[Row]:
    """Count misses among known failures, and refusals among packages that work."""
    with tempfile.TemporaryDirectory() as name:
        missed = [case.name for case in CASES if not caught(case, Path(name))]
        wrong, packages = [], 0
        for package, files in corpus.good(corpus.folder()):
            packages += 1
            path = Path(name) / "good.zip"
            write(path, files.items())
            wrong += [package] if failures(findings(path), strict=False) else []
    refused, layers = real()
    for what, names in (("missed", missed), ("refused without reason", [*wrong, *refused])):
        print(f"{what}: {', '.join(names) or 'none'}", file=sys.stderr)
    return [
        Row(
            what="failures missed", ours=str(len(missed)), theirs=f"{len(CASES)} layers", ratio=len(missed), goal="<= 0"
        ),
        Row(what="false alarms", ours=str(len(wrong)), theirs=f"{packages} packages", ratio=len(wrong), goal="<= 0"),
        Row(
            what="false alarms in zips and trees as they are published",
            ours=str(len(refused)),
            theirs=f"{layers} layers",
            ratio=len(refused),
            goal="<= 0",
        ),
    ]


def real() -> tuple[list[str], int]:
    """Return which published layers are refused, and how many there are."""
    refused, count = [], 0
    for layer in real_layers.every():
        count += 1
        with layer.opened() as tree:
            where = (runtime(layer.runtime),), (X86_64,)
            subject = checks.examine(tree, *where, packages=table.installed(tree), own=False)
            refused += [layer.name] if failures(list(checks.run(subject)), strict=False) else []
    return refused, count


def write(path: Path, files: Iterable[tuple[str, Path]]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, source in files:
            archive.write(source, name)


def sample() -> list[tuple[str, Path]]:
    """Return 500 programs and libraries and other files, 250 MB in all."""
    every = [(name, path) for _, files in corpus.good(corpus.folder()) for name, path in files.items()]
    with_magic: list[tuple[str, Path]] = []
    others: list[tuple[str, Path]] = []
    for name, path in every:
        with path.open("rb") as stream:
            (with_magic if stream.read(4) == MAGIC else others).append((name, path))
    with_magic.sort(key=lambda one: (one[1].stat().st_size, one[0]))
    chosen = with_magic[: ELVES - 3]
    room = BYTES - sum(path.stat().st_size for _, path in chosen)
    for name, path in reversed(with_magic[ELVES - 3 :]):
        if len(chosen) < ELVES and path.stat().st_size < room:
            chosen.append((name, path))
            room -= path.stat().st_size
    for name, path in others:
        if path.stat().st_size < room:
            chosen.append((name, path))
            room -= path.stat().st_size
    return chosen


def speed(folder: Path) -> list[Row]:
    """Time a check of a large layer against the tools that people use."""
    chosen = sample()
    layer = folder / "layer.zip"
    write(layer, chosen)
    wheel = folder / "layer-1.0-cp313-cp313-linux_x86_64.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, path in chosen:
            archive.write(path, name)
        archive.writestr("layer-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: layer\nVersion: 1.0\n")
        archive.writestr("layer-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: cp313-cp313-linux_x86_64\n")
        archive.writestr("layer-1.0.dist-info/RECORD", "".join(f"{name},,\n" for name, _ in chosen))
    elves = [path for _, path in chosen if path.read_bytes()[:4] == MAGIC]
    total = sum(path.stat().st_size for _, path in chosen)
    arguments = ["check", str(layer), "--runtime", "python3.13", "--arch", "x86_64"]
    check = [sys.executable, "-c", "from builder.cli import run; run()", *arguments]
    env = {"PYTHONPATH": str(ROOT)}
    show = [shutil.which("auditwheel", path=str(Path(sys.executable).parent)) or "auditwheel", "show", str(wheel)]

    readelf = shutil.which("readelf") or sys.exit("needs readelf")

    def theirs() -> float:
        started = time.perf_counter()
        subprocess.run(show, capture_output=True, check=True)
        subprocess.run([readelf, "-d", "-V", *elves], capture_output=True, check=True)
        return time.perf_counter() - started

    ours, other = medians(lambda: process(check, cwd=folder, env=env).wall, theirs)
    memory = peak(arguments, cwd=folder, env=env)
    what = f"check of {total / 1e6:.0f} MB with {len(elves)} programs and libraries"
    return [
        Row(what=what, ours=f"{ours:.2f} s", theirs="2 s", ratio=ours / 2, goal="<= 1"),
        Row(
            what="the same, against auditwheel show and readelf, times as fast",
            ours=f"{ours:.2f} s",
            theirs=f"{other:.2f} s",
            ratio=other / ours,
            goal=">= 3",
        ),
        Row(what="its memory", ours=f"{memory / 1e6:.0f} MB", theirs="200 MB", ratio=memory / 200e6, goal="<= 1"),
    ]


def originals() -> list[bytes]:
    """Return small layers of every kind of entry, to be damaged."""
    import io

    tool = Path("/bin/true").read_bytes()
    found = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", method) as archive:
            archive.writestr("python/p/__init__.py", "import os\n" * 20)
            archive.writestr("python/p-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: p\nVersion: 1\n\n")
            archive.writestr("bin/true", tool)
            link = zipfile.ZipInfo("lib/libx.so")
            link.create_system, link.external_attr = 3, 0o120777 << 16
            archive.writestr(link, "libx.so.1")
        found.append(stream.getvalue())
    return found


def damage(seed: int, count: int) -> tuple[int, int, str]:
    """Read damaged zips; return how many were refused, this process' peak in bytes, and what crashed."""
    # Not for secrets: the same damage each time.
    chance = random.Random(seed)  # noqa: S311
    base = originals()
    refused, crash = 0, ""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "x.zip"
        for _ in range(count):
            data = bytearray(chance.choice(base))
            for _ in range(chance.randint(1, 8)):
                # Half of the damage where the zip keeps its tables.
                low = len(data) - 500 if chance.random() < 0.5 else 0  # noqa: PLR2004
                data[chance.randrange(low, len(data))] = chance.choice((0, 1, 0x7F, 0xFF, chance.randrange(256)))
            if chance.random() < 0.1:  # noqa: PLR2004
                del data[chance.randrange(len(data)) :]
            path.write_bytes(data)
            try:
                with LayerZip(path) as layer:
                    subject = checks.examine(
                        layer.tree, (runtime("python3.13"),), (X86_64,), packages=table.installed(layer.tree), own=False
                    )
                    checks.run(subject)
            except LayerwrightError:
                refused += 1
            except Exception as error:  # noqa: BLE001  that is what is looked for
                crash = f"{type(error).__name__}: {error}"
            if os.listdir(name) != ["x.zip"]:  # noqa: PTH208
                crash = "wrote a file"
    return refused, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, crash


def hostile() -> list[Row]:
    """Damage 100,000 zips and read them."""
    jobs = os.cpu_count() or 1
    with ProcessPoolExecutor(jobs) as pool:
        found = list(pool.map(damage, range(SEED, SEED + jobs), [HOSTILE // jobs] * jobs))
    crashes = [crash for _, _, crash in found if crash]
    print(f"refused {sum(one[0] for one in found)} of {HOSTILE}; {crashes or 'no crash'}", file=sys.stderr)
    memory = max(one[1] for one in found)
    return [
        Row(
            what="crashes on damaged zips",
            ours=str(len(crashes)),
            theirs=f"{HOSTILE:,}",
            ratio=len(crashes),
            goal="<= 0",
        ),
        Row(what="memory for them", ours=f"{memory / 1e6:.0f} MB", theirs="200 MB", ratio=memory / 200e6, goal="<= 1"),
    ]


def main() -> None:
    found = recall()
    with tempfile.TemporaryDirectory() as name:
        found += speed(Path(name))
    if "--hostile" in sys.argv:
        found += hostile()
    publish(
        found, "benchmark-checks", f"Medians of 5; {os.cpu_count()} processors; packages of tests/corpus/wheels.txt."
    )


if __name__ == "__main__":
    main()
