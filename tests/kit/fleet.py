"""Records of many layers, made up: what a report is tried with."""

import base64
import gzip
import json
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from builder.model.manifest import Manifest, parse
from builder.nightly import journal, records
from builder.nightly.records import Failure, LastRun, Point, Record

RUNTIMES = ("python3.11", "python3.12", "python3.13", "nodejs22.x", "ruby3.3")
ARCHITECTURES = ("x86_64", "arm64")
STATES = ("unchanged", "built", "same", "failed")
NIGHTS = 12


def manifest(name: str, runtime: str, arch: str, size: int, **more: Any) -> Manifest:
    """Return a manifest; `more` are keys of the file that replace the made-up ones."""
    found = parse(json.dumps({**_manifest(name, runtime, arch, size), **more}).encode())
    assert found
    return found


def _manifest(name: str, runtime: str, arch: str, size: int) -> dict[str, Any]:
    target = f"{name}-1.0-{runtime}-{arch}"
    return {
        "version": 1,
        "name": name,
        "layer_version": "1.0",
        "description": f"{name} for tests",
        "license": "MIT",
        "target": target,
        "runtimes": [runtime],
        "architectures": [arch],
        "os": "al2023",
        "route": "wheels",
        "locked": True,
        "bytecode": None,
        "zip": {"path": f"{target}.zip", "bytes": size, "sha256": f"{size:064x}", "code_sha256": f"{size:043x}="},
        "unzipped_bytes": size * 3,
        "files": 100,
        "abi": {"glibc": "2.28", "glibcxx": None, "cxxabi": None},
        "packages": [
            {"name": f"{name}-{part}", "version": f"1.{part}", "ecosystem": "pypi", "route": "wheel", "file": "x.whl"}
            | {"sha256": None}
            for part in range(8)
        ],
        "libraries": [{"soname": "libz.so.1", "package": "zlib", "version": "1.2.11", "license": "Zlib", "bytes": 9}],
        "sources": [],
        "licences": [{"package": f"{name}-7", "version": "1.7", "license": "Beerware", "texts": []}],
        "notes": [],
        "findings": [
            {"severity": "warning", "check": "size", "path": None, "message": "near the limit"}
            | {"hint": "prune", "details": [], "allowed": None}
        ],
        "plan_digest": "0" * 64,
        "image": {"name": "lambda/python:3.13", "digest": None},
        "build_image": None,
    }


def record(name: str, runtime: str, arch: str, state: str, chance: random.Random) -> Record:
    size = chance.randrange(200_000, 70_000_000)
    error = Failure(what=f"{name}: step `tree` failed", why=("a.c:1: error: no",), hint="mend it", tail=("line",) * 30)
    return Record(
        slot=f"{name}-{runtime}-{arch}",
        target=f"{name}-1.0-{runtime}-{arch}",
        recipe=name,
        layer_version="1.0",
        runtimes=(runtime,),
        architectures=(arch,),
        description=f"{name} for tests",
        revision=3,
        last=LastRun(
            run="00012",
            at="2026-11-25T02:00:00+00:00",
            status="failed" if state == "failed" else "built",
            reasons=("recipe.toml changed",),
            seconds=chance.uniform(1, 300),
            stages={"planning": 0.4, "slimming": 1.2},
            attempts=1,
            failure=error if state == "failed" else None,
        ),
        history=tuple(
            Point(
                run=f"{night:05}",
                at=f"2026-11-{night + 1:02}T02:00:00+00:00",
                revision=night // 4,
                bytes=size + night * 1000 * chance.randrange(100),
                unzipped_bytes=size * 3,
                seconds=chance.uniform(1, 300),
                cold_ms=chance.uniform(20, 900),
            )
            for night in range(NIGHTS)
        ),
        manifest=manifest(name, runtime, arch, size),
        content=tuple(
            (f"python/{name}/part{part}/file{part}.so", chance.randrange(10_000, 9_000_000)) for part in range(40)
        ),
        changes=({"kind": "package", "name": f"{name}-1", "old": "1.0", "new": "1.1", "bytes": 0},),
        tests=({"what": "python", "runtime": runtime, "arch": arch, "cold_ms": 80.0, "emulated": False},),
    )


def fill(output: Path, count: int) -> list[Record]:
    """Write records for so many targets, and the night that looked at them."""
    chance = random.Random(count)
    found, states = [], {}
    for number in range(count):
        arch = ARCHITECTURES[number % 2]
        runtime = RUNTIMES[number // 2 % len(RUNTIMES)]
        state = "failed" if number % 50 == 3 else STATES[number % 3]
        found.append(record(f"layer{number // 10:03}", runtime, arch, state, chance))
        records.write(output, found[-1])
        states[found[-1].slot] = state
    with journal.beginning(output, {}, tuple(states)) as run:
        journal.write(output, journal.closed(replace(run, states=states), 61.5))
    return found


def on_page(html: str) -> dict[str, Any]:
    """Return what the page of a report holds of each layer for its script, by slot."""
    pieces = re.findall(r'type="application/gzip\+base64"[^>]*>([^<]+)<', html)
    told: dict[str, Any] = {}
    for piece in pieces:
        told |= json.loads(gzip.decompress(base64.b64decode(piece)))
    return told
