"""Each known failure is a finding of its check; layers that work have none."""

import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
from auditwheel.elfutils import elf_find_versioned_symbols
from elftools.elf.elffile import ELFFile
from kit import bad, corpus
from kit.bad import ARCHIVE, Bad, Workshop
from kit.bad_cases import ARC4, CASES

from builder.layer import checks, elf, findings
from builder.layer.findings import Finding
from builder.layer.reader import BadArchiveError, LayerZip
from builder.layer.tree import Entry, OnDisk, Tree, of
from builder.model.architectures import X86_64, architecture
from builder.model.runtimes import runtime
from builder.model.symbol_versions import highest
from builder.packages import table

FAMILIES = ("GLIBC", "GLIBCXX", "CXXABI", "GCC")


@pytest.fixture(scope="module")
def fetched() -> Path:
    return corpus.folder()


def examined(path: Path, case: Bad) -> list[Finding]:
    with LayerZip(path) as layer:
        where = (runtime(case.runtime),), (architecture(case.arch),)
        subject = checks.examine(
            layer.tree, *where, packages=table.installed(layer.tree), own=False, directories=layer.directories
        )
        return list(checks.run(checks.weighed(subject, layer.bytes)))


@pytest.mark.network
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_layer_that_fails_is_caught_by_the_check_for_it(case: Bad, fetched: Path, tmp_path: Path) -> None:
    if reason := bad.usable():
        pytest.skip(reason)
    shop = Workshop(tmp_path, lambda *arguments: corpus.wheel(fetched, *arguments))
    path = bad.write(case, tmp_path / "layer.zip", shop)
    if case.check == ARCHIVE:
        with pytest.raises(BadArchiveError) as caught:
            examined(path, case)
        assert case.says in str(caught.value)
        assert case.names in str(caught.value)
        assert caught.value.hint
        return
    found = [one for one in examined(path, case) if one.check == case.check]
    meant = [one for one in found if case.says in f"{one.message} {one.details}" and case.names in (one.path or "")]
    assert meant, found
    assert {one.severity for one in meant} == {"warning" if case.warning else "error"}
    assert all(one.hint for one in meant)


def test_there_are_many_failures_and_every_check_has_one() -> None:
    assert len(CASES) >= 150
    assert len({case.name for case in CASES}) == len(CASES)
    # Only a build knows what it pruned; extensions have tests of their own.
    ours_alone = {"pruned-import", "extension"}
    assert {case.check for case in CASES} - {ARCHIVE} == set(checks.CHECKS) - ours_alone


def as_tree(files: dict[str, Path]) -> Tree:
    return of(
        Entry(path=name, mode=0o644, content=OnDisk(path=path, size=path.stat().st_size))
        for name, path in files.items()
    )


@pytest.mark.network
def test_packages_that_work_are_let_through(fetched: Path) -> None:
    refused = defaultdict(list)
    native = 0
    for name, files in corpus.good(fetched):
        subject = checks.examine(as_tree(files), (runtime("python3.13"),), (X86_64,), packages=(), own=False)
        native += bool(subject.elves)
        for one in findings.failures(checks.run(subject), strict=False):
            refused[name].append(f"{one.check} {one.path} {one.message}")
    assert dict(refused) == {}
    assert native >= 60


@pytest.mark.network
def test_symbol_ceilings_are_those_that_auditwheel_computes(fetched: Path) -> None:
    wheels, differing = 0, []
    for name, files in corpus.good(fetched):
        ours: dict[str, list[str]] = defaultdict(list)
        theirs: dict[str, list[str]] = defaultdict(list)
        for path in files.values():
            with path.open("rb") as stream:
                if stream.read(4) != elf.MAGIC:
                    continue
                stream.seek(0)
                for _, version in elf_find_versioned_symbols(ELFFile(stream)):
                    theirs["all"].append(version)
            ours["all"] += [need.version for need in elf.parse(path.read_bytes()).versions]
        if theirs["all"]:
            wheels += 1
            mine, other = ([highest(found["all"], family) for family in FAMILIES] for found in (ours, theirs))
            if mine != other:
                differing.append((name, mine, other))
    assert differing == []
    assert wheels >= 100


def test_a_layer_of_a_newer_distribution_is_refused_with_the_symbol(tmp_path: Path) -> None:
    """Programs that Debian 12 compiles are too new for Amazon Linux 2023 if they use a new symbol."""
    if reason := bad.usable():
        pytest.skip(reason)
    shop = Workshop(tmp_path, lambda *_: {})
    made = shop.compiled(f"{ARC4} int main(void) {{ return PyInit_x(); }}", shared=False)
    answer = subprocess.run(["getconf", "GNU_LIBC_VERSION"], capture_output=True, encoding="utf-8", check=True).stdout
    assert float(answer.split()[1]) > 2.34
    tree = of([Entry(path="bin/x", mode=0o755, content=OnDisk(path=tmp_path / "x.out", size=len(made)))])
    subject = checks.examine(tree, (runtime("provided.al2023"),), (X86_64,), packages=(), own=False)
    assert [one.message for one in findings.failures(checks.run(subject), strict=False)] == [
        "needs GLIBC_2.36 for `arc4random`, Amazon Linux 2023 has 2.34"
    ]
