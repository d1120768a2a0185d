"""`make benchmark-engine`: what containers cost, against doing the same by hand; `--write` writes it down."""

import json
import os
import shutil
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import deflate

from benchmarks.measure import RUNS, Row, medians, process, publish, row
from builder.layer.compression import LEVEL
from builder.model.architectures import X86_64
from builder.model.images import build_image
from builder.model.runtimes import runtime

ROOT = Path(__file__).parents[1]
WORK = ROOT / ".benchmarks" / "engine"
CACHE = WORK / "cache"
LAYERWRIGHT = [sys.executable, "-m", "builder"]
VERSION = "2.9.13"
BY_HAND = """\
FROM {image} AS build
RUN --mount=type=secret,id=ca LD_LIBRARY_PATH= dnf install -y libpq-devel
RUN --mount=type=secret,id=ca PIP_CERT=/run/secrets/ca pip install --no-cache-dir --no-binary psycopg2 \\
    --target /opt/python psycopg2=={version}
RUN mkdir -p /opt/lib && for lib in $(ldd /opt/python/psycopg2/*.so | awk '$3 ~ /^\\// {{ print $3 }}'); do \\
    cp -L "$lib" /opt/lib; done
FROM scratch
COPY --from=build /opt /
"""
TREE = """\
[layer]
name        = "tree"
version     = "1"
description = "for the benchmark"
license     = "MIT"

[targets]
runtimes      = ["provided.al2023"]
architectures = ["x86_64"]

[[step]]
uses = "script"
run  = '''
mkdir -p "$PREFIX/bin" "$PREFIX/lib"
cp -aL /usr/bin "$PREFIX/bin/programs"
find /usr/lib/gcc -name 'cc1*' -exec cp {} "$PREFIX/lib" ';'
'''

[slim]
strip = false

[libraries]
bundle = "off"

[[allow]]
check  = "layer-path"
reason = "only its size matters"

[[allow]]
check  = "unresolved-library"
reason = "only its size matters"

[[allow]]
check  = "leftovers"
reason = "only its size matters"

[[allow]]
check  = "permissions"
reason = "only its size matters"
"""


def ours(name: str, *more: str) -> float:
    return process([*LAYERWRIGHT, "build", name, "--arch", "x86_64", *more], cwd=WORK).wall


def psycopg2() -> Row:
    """Compile psycopg2, both with nothing kept but what was downloaded."""
    image = build_image(runtime("python3.13"), X86_64).reference
    context = WORK / "by-hand"
    context.mkdir(parents=True, exist_ok=True)
    (context / "Dockerfile").write_text(BY_HAND.format(image=image, version=VERSION))
    ca = os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")

    def by_hand() -> float:
        out = WORK / "by-hand-out"
        shutil.rmtree(out, ignore_errors=True)
        built: list[str | Path] = [
            "docker",
            "buildx",
            "build",
            "--no-cache",
            "--quiet",
            f"--secret=id=ca,src={ca}",
            f"--output={out}",
            context,
        ]
        return process(built, cwd=WORK).wall + process(["zip", "-q", "-r", "-9", "out.zip", "."], cwd=out).wall

    mine, theirs = medians(lambda: ours("psycopg2", "--runtime", "python3.13", "--no-cache"), by_hand)
    what = "psycopg2 compiled for x86_64, against a Dockerfile by hand and `zip -r9`"
    return row(what, (mine, "s"), (theirs, "s"), mine / theirs, "<= 1.15")


def again() -> list[Row]:
    """Build what is there already, and what only differs in [slim]."""
    asked = ("psycopg2", "--runtime", "python3.13", "--no-test")
    full = ours(*asked, "--no-cache")
    recipe = WORK / "recipes" / "psycopg2" / "recipe.toml"
    text = recipe.read_text()
    count = 0

    def slimmed() -> float:
        nonlocal count
        count += 1
        recipe.write_text(text.replace("[slim]\n", f'[slim]\nkeep = ["never/{count}"]\n'))
        return ours(*asked)

    changed = medians(slimmed)[0]
    recipe.write_text(text)
    ours(*asked)
    unchanged = medians(lambda: ours(*asked))[0]
    return [
        row("built again, nothing changed", (unchanged, "s"), (0.3, "s"), unchanged / 0.3, "<= 1"),
        row("built again, only [slim] changed, without its test", (changed, "s"), (0.45, "s"), changed / 0.45, "<= 1"),
        row("the same, against the first time", (changed, "s"), (full, "s"), changed / full),
    ]


def export() -> Row:
    """Bring a tree of 200 MB out of the engine into a checked zip; its steps are in the engine's cache."""
    folder = WORK / "recipes" / "tree"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.toml").write_text(TREE)
    ours("tree")
    path = WORK / "dist" / "tree-1-provided.al2023-x86_64.zip"
    with zipfile.ZipFile(path) as archive:
        content = [archive.read(info) for info in archive.infolist()]
    dockerfile = WORK / "export"
    dockerfile.mkdir(exist_ok=True)
    planned = json.loads(process_output([*LAYERWRIGHT, "plan", "tree", "--arch", "x86_64", "--json"]))
    (dockerfile / "Dockerfile").write_text(planned["plans"][0]["dockerfile"].partition("\n# scripts/")[0])
    context = prepared(dockerfile)

    def mine() -> float:
        shutil.rmtree(CACHE / "parts", ignore_errors=True)
        shutil.rmtree(CACHE / "derived", ignore_errors=True)
        return ours("tree", "--rebuild")

    def least() -> float:
        exported: list[str | Path] = [
            "docker",
            "buildx",
            "build",
            "--quiet",
            f"--output=type=tar,dest={WORK / 'tree.tar'}",
            context,
        ]
        seconds = process(exported, cwd=WORK).wall
        started = time.perf_counter()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in pool.map(lambda data: deflate.deflate_compress(data, LEVEL) if data else b"", content):
                pass
        return seconds + time.perf_counter() - started

    own, floor = medians(mine, least)
    size = sum(map(len, content)) / 1e6
    what = f"a tree of {size:.0f} MB to a checked zip, caches empty, against `--output type=tar` and deflate alone"
    return row(what, (own, "s"), (floor, "s"), own / floor, "<= 1.25")


def process_output(command: list[str]) -> str:
    import subprocess

    return subprocess.run(command, cwd=WORK, capture_output=True, encoding="utf-8", check=True).stdout


def prepared(folder: Path) -> Path:
    """Lay out a context that the plan's Dockerfile can be built in, with the engine's cache of our own build."""
    from builder.building import compiling
    from builder.building.compiling import Work
    from builder.model import recipes
    from builder.model.target import targets
    from builder.plan import keys
    from builder.plan.mode import EngineOptions
    from builder.plan.planning import plan

    loaded = recipes.load(WORK / "recipes", "tree")
    planned = plan(loaded, targets(loaded.recipe)[0])
    if planned.container is None:
        sys.exit("the tree is made in a container")
    choice = EngineOptions()
    context = folder / "context"
    shutil.rmtree(context, ignore_errors=True)
    work = Work(container=planned.container, folder=loaded.folder, options=choice)
    compiling.write_context(work, context, keys.parts(planned.container))
    return context


def main() -> None:
    shutil.rmtree(WORK / "recipes", ignore_errors=True)
    shutil.copytree(ROOT / "recipes" / "psycopg2", WORK / "recipes" / "psycopg2")
    os.environ.update(PYTHONPATH=str(ROOT), LAYERWRIGHT_CACHE=str(CACHE))
    rows = [psycopg2(), *again(), export()]
    registry = build_image(runtime("python3.13"), X86_64).name.split("/")[0]
    publish(rows, "engine", f"Medians of {RUNS}, {os.cpu_count()} processors, one run, images of {registry}.")


main()
