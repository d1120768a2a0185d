"""Vulnerabilities, as an existing scanner sees them in the bills of materials; also of layers that did not change."""

import shlex
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from builder.base import processes
from builder.base.errors import UsageError
from builder.nightly.records import Record

PLACE = "{sbom}"
"""Stands for the path in the command line; without it, the path comes last."""
_LINES = 40


def scan(command: str, output: Path, known: Iterable[Record], jobs: int) -> dict[str, tuple[str, ...]]:
    """Run the scanner on each layer's SBOM; return what it said, by slot, where it ended with anything but 0.

    For example `grype sbom:{sbom} --fail-on high`, `trivy sbom --exit-code 1 {sbom}`, `osv-scanner --sbom {sbom}`.
    """
    words = words_of(command)
    all_paths = {one.slot: output / f"{one.target}.cdx.json" for one in known if one.zip}
    present = [(slot, path) for slot, path in all_paths.items() if path.is_file()]

    def run(path: Path) -> tuple[str, ...] | None:
        finished = processes.run([word.replace(PLACE, str(path)) for word in words])
        if finished.returncode == 0:
            return None
        lines = [line for line in f"{finished.stdout}\n{finished.stderr}".splitlines() if line.strip()]
        return tuple(line[:300] for line in lines[:_LINES]) or (f"exit code {finished.returncode}",)

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        said = list(pool.map(run, [path for _, path in present]))
    return {slot: lines for (slot, _), lines in zip(present, said, strict=True) if lines is not None}


def words_of(command: str) -> list[str]:
    """Return the command line as words, with a place for the path; UsageError when there is no such program."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        msg = f"--scan `{command}`: {error}"
        raise UsageError(msg) from None
    if not words or shutil.which(words[0]) is None:
        msg = f"--scan: there is no program `{words[0] if words else ''}`"
        raise UsageError(msg, hint="install a scanner that reads CycloneDX: grype, trivy, osv-scanner")
    return words if any(PLACE in word for word in words) else [*words, PLACE]
