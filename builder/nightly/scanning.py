"""Vulnerability scans of the bills of materials by an external scanner, also of layers that did not change."""

import os
import shlex
import shutil
from collections.abc import Iterable
from pathlib import Path

from builder.base import processes
from builder.base.errors import UsageError
from builder.nightly.records import Record

PLACEHOLDER = "{sbom}"
"""Stands for the path in the command line; without it, the path is appended."""
_LINES = 40
"""Lines of a scanner's output that are kept."""


def scan(command: str, output: Path, records: Iterable[Record], jobs: int) -> dict[str, tuple[str, ...]]:
    """Run the scanner on each layer's bill of materials; return, by slot, the output where it did not exit with 0.

    For example `grype sbom:{sbom} --fail-on high`, `trivy sbom --exit-code 1 {sbom}`, `osv-scanner --sbom {sbom}`.
    """
    words = words_of(command)
    paths = {record.slot: output / f"{record.target}.cdx.json" for record in records if record.zip}
    present = [(slot, path) for slot, path in paths.items() if path.is_file()]

    def run(path: Path) -> tuple[str, ...] | None:
        finished = processes.run([word.replace(PLACEHOLDER, str(path)) for word in words])
        if finished.returncode == 0:
            return None
        lines = [line for line in f"{finished.stdout}\n{finished.stderr}".splitlines() if line.strip()]
        return tuple(line[:300] for line in lines[:_LINES]) or (f"exit code {finished.returncode}",)

    with processes.pool(max(1, jobs)) as pool:
        outputs = list(pool.map(run, [path for _, path in present]))
    return {slot: lines for (slot, _), lines in zip(present, outputs, strict=True) if lines is not None}


def words_of(command: str, *, windows: bool = os.name == "nt") -> list[str]:
    """Return the command line as words, the path of its program first, with a placeholder for the path of the bill.

    Words are those of a POSIX shell; on Windows a backslash is one. Raises UsageError when the line cannot be split
    into words, or when its program does not exist.
    """
    lexer = shlex.shlex(command, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters = True, ""
    if windows:
        lexer.escape = ""
    try:
        words = list(lexer)
    except ValueError as error:
        msg = f"--scan `{command}`: {error}"
        raise UsageError(msg) from None
    program = shutil.which(words[0]) if words else None
    if program is None:
        msg = f"--scan: there is no program `{words[0] if words else ''}`"
        raise UsageError(msg, hint="install a scanner that reads CycloneDX: grype, trivy, osv-scanner")
    rest = words[1:] if any(PLACEHOLDER in word for word in words) else [*words[1:], PLACEHOLDER]
    return [program, *rest]
