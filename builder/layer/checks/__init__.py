"""Checks of a layer: small named rules, all enabled. A finding states a problem and its remedy."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from builder.base.errors import CheckFailedError
from builder.layer.checks import (  # noqa: F401  importing them registers the checks
    architecture,
    binaries,
    by_name,
    content,
    java,
    libraries,
    packed,
    paths,
    plug_ins,
    programs,
    python,
    size,
    versions,
)
from builder.layer.checks.examine import examine
from builder.layer.checks.model import CHECKS, ERROR, Finding, Subject, weighed
from builder.layer.slim import matcher
from builder.layer.tree import Tree
from builder.model.recipe import Allow

__all__ = ["CHECKS", "Finding", "Subject", "examine", "failure", "failures", "run", "weigh", "weighed"]


_SHOWN = 10


def run(subject: Subject, allows: Sequence[Allow] = (), only: str | None = None) -> tuple[Finding, ...]:
    """Return the findings of all checks, or of the one named `only`: errors first, sorted by check and path."""
    chosen = [check for check in CHECKS.values() if only in {None, check.name}]
    findings = [_allowed(finding, allows) for check in chosen for finding in check.rule(subject)]
    return tuple(sorted(findings, key=lambda finding: (finding.severity != ERROR, finding.check, finding.path or "")))


def weigh(tree: Tree, allows: Sequence[Allow] = ()) -> tuple[Finding, ...]:
    """Return what the check `size` finds of the files alone, before any of them is read."""
    return tuple(_allowed(finding, allows) for finding in size.weight(tree))


def failures(findings: Iterable[Finding], *, strict: bool) -> tuple[Finding, ...]:
    """Return the findings that make a layer unfit: errors, and with `strict` warnings, too."""
    return tuple(finding for finding in findings if finding.allowed is None and (strict or finding.severity == ERROR))


def failure(layer: str, failed: Sequence[Finding]) -> CheckFailedError:
    """Return the error for a layer that failed checks."""
    names = ", ".join(dict.fromkeys(f"`{finding.check}`" for finding in failed))
    lines: list[str] = []
    for finding in failed[:_SHOWN]:
        lines.append(f"{finding.path} {finding.message}" if finding.path else finding.message)
        lines += [f"  {detail}" for detail in finding.details]
    if len(failed) > _SHOWN:
        lines.append(f"and {len(failed) - _SHOWN} more")
    return CheckFailedError(f"{layer}: check {names} failed", why=lines, hint=failed[0].hint)


def _allowed(finding: Finding, allows: Sequence[Allow]) -> Finding:
    for allow in allows:
        covers = allow.path is None or (finding.path is not None and matcher([allow.path]).match_file(finding.path))
        if allow.check == finding.check and covers:
            return replace(finding, allowed=allow.reason)
    return finding
