"""Small named rules, all on. Each says what cannot work in Lambda or is suspicious, and the way out."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from builder.base.errors import CheckFailedError
from builder.layer.checks import binaries, content, java, libraries, paths, programs, python, size  # noqa: F401  importing them fills the list
from builder.layer.checks.examine import examine
from builder.layer.checks.model import CHECKS, ERROR, Finding, Subject, weighed
from builder.layer.slim import matcher
from builder.model.recipe import Allow

__all__ = ["CHECKS", "Finding", "Subject", "examine", "failure", "failures", "run", "weighed"]


_SHOWN = 10


def run(subject: Subject, allows: Sequence[Allow] = (), only: str | None = None) -> tuple[Finding, ...]:
    """Return what all checks, or one, find: errors first, each check's findings in the order of paths."""
    chosen = [check for check in CHECKS.values() if only in {None, check.name}]
    found = [finding for check in chosen for finding in check.rule(subject)]
    judged = [_allowed(finding, allows) for finding in found]
    return tuple(sorted(judged, key=lambda finding: (finding.severity != ERROR, finding.check, finding.path or "")))


def failures(findings: Iterable[Finding], *, strict: bool) -> tuple[Finding, ...]:
    """Return the findings that make a layer unfit."""
    return tuple(finding for finding in findings if finding.allowed is None and (strict or finding.severity == ERROR))


def failure(layer: str, failed: Sequence[Finding]) -> CheckFailedError:
    """Return the error that tells what is wrong with a layer."""
    names = ", ".join(dict.fromkeys(f"`{one.check}`" for one in failed))
    lines: list[str] = []
    for one in failed[:_SHOWN]:
        lines += [f"{one.path} {one.message}" if one.path else one.message, *(f"  {detail}" for detail in one.details)]
    if len(failed) > _SHOWN:
        lines.append(f"and {len(failed) - _SHOWN} more")
    return CheckFailedError(f"{layer}: check {names} failed", why=lines, hint=failed[0].hint)


def _allowed(finding: Finding, allows: Sequence[Allow]) -> Finding:
    for allow in allows:
        covers = allow.path is None or (finding.path is not None and matcher([allow.path]).match_file(finding.path))
        if allow.check == finding.check and covers:
            return replace(finding, allowed=allow.reason)
    return finding
