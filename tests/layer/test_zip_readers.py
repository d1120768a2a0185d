"""`check` is never friendlier than the strictest reader: what it takes, all readers read, and they read the same."""

import random
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from kit import zip_readers
from kit.zip_corpus import MORE, REFUSED, TAKEN
from kit.zip_readers import Seen, digest

from builder.base.errors import CheckFailedError
from builder.layer.reader import LayerZip

MUTANTS = 400
"""Zips with a few other bytes in a header, from one seed."""


def taken(path: Path) -> Seen:
    """Return what layerwright sees after reading all of it; None for a zip that it refuses."""
    try:
        with LayerZip(path) as layer:
            return {entry.path: digest(entry.content.read()) for entry in layer.tree}
    except CheckFailedError:
        return None


def mutants() -> Mapping[str, bytes]:
    """Return sound zips with one to three bytes changed."""
    chosen = random.Random(20)
    sources = list(TAKEN.values())
    out = {}
    for number in range(MUTANTS):
        data = bytearray(chosen.choice(sources))
        for _ in range(chosen.randint(1, 3)):
            data[chosen.randrange(len(data))] = chosen.choice((0, 1, 0x2F, 0x41, 0x80, 0xFF, chosen.randrange(256)))
        out[f"mutant {number}"] = bytes(data)
    return out


def differing(zips: Mapping[str, bytes], folder: Path, go: Path, java: Path) -> tuple[dict[str, Seen], list[str]]:
    """Return what layerwright sees in each zip, and each reader that sees something else in one that it takes."""
    paths = []
    for number, data in enumerate(zips.values()):
        paths.append(folder / f"{number}.zip")
        paths[-1].write_bytes(data)
    ours = {name: taken(path) for name, path in zip(zips, paths, strict=True)}
    table, stream = zip_readers.by_java(paths, java)
    readers: dict[str, list[Seen]] = {
        "Python": [zip_readers.by_python(path) for path in paths],
        "Go": zip_readers.by_go(paths, go),
        "Java": table,
        "Java's stream": stream,
    }
    different = [
        f"{name}: {reader} sees {seen[number]}, layerwright {ours[name]}"
        for reader, seen in readers.items()
        for number, name in enumerate(zips)
        if ours[name] is not None and seen[number] != ours[name]
    ]
    for program in zip_readers.FOLDERS:
        for number, (name, path) in enumerate(zip(zips, paths, strict=True)):
            if ours[name] is None:
                continue
            seen = zip_readers.unpacked(path, folder / f"{number}-{program}", program)
            if seen != ours[name]:
                different.append(f"{name}: {program} sees {seen}, layerwright {ours[name]}")
    return ours, different


@pytest.fixture
def _programs(program: Callable[[str], str]) -> None:
    for name in ("unzip", "bsdtar", "java", "cat"):
        program(name)


@pytest.mark.usefixtures("_programs")
def test_what_check_takes_every_reader_reads_alike(tmp_path: Path, zipdump: Path, java_zipdump: Path) -> None:
    corpus = {**{name: data for name, (data, _) in REFUSED.items()}, **TAKEN, **MORE}
    ours, different = differing(corpus, tmp_path, zipdump, java_zipdump)
    assert different == []
    assert all(ours[name] is None for name in REFUSED)
    assert all(ours[name] for name in TAKEN)


@pytest.mark.usefixtures("_programs")
def test_no_damage_makes_check_friendlier_than_a_reader(tmp_path: Path, zipdump: Path, java_zipdump: Path) -> None:
    ours, different = differing(mutants(), tmp_path, zipdump, java_zipdump)
    assert different == []
    assert MUTANTS / 20 < sum(seen is not None for seen in ours.values()) < MUTANTS


@pytest.mark.usefixtures("_programs")
def test_a_zip_of_readers_that_disagree_is_seen_by_the_comparison(
    tmp_path: Path, zipdump: Path, java_zipdump: Path
) -> None:
    """The comparison can fail: in a zip with another name in its local header, readers do see different files."""
    path = tmp_path / "x.zip"
    path.write_bytes(REFUSED["another name"][0])
    table, stream = zip_readers.by_java([path], java_zipdump)
    assert table != stream
    assert zip_readers.by_go([path], zipdump) == table


def test_the_programs_are_those_that_are_meant(program: Callable[[str], str]) -> None:
    told = subprocess.run([program("bsdtar"), "--version"], capture_output=True, check=True, encoding="utf-8").stdout
    assert "libarchive" in told
