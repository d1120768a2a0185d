"""Checks of a layer: small named rules, all enabled. A finding states a problem and its remedy."""

from collections.abc import Sequence
from dataclasses import replace

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
from builder.layer.checks.model import CHECKS, Subject, weighed
from builder.layer.findings import ERROR, Finding
from builder.layer.patterns import Matcher
from builder.layer.tree import Tree
from builder.model.recipe import Allow

__all__ = ["CHECKS", "Subject", "examine", "run", "weigh", "weighed"]

_Allows = Sequence[tuple[Allow, Matcher | None]]


def run(subject: Subject, allows: Sequence[Allow] = (), only: str | None = None) -> tuple[Finding, ...]:
    """Return the findings of all checks, or of the one named `only`: errors first, sorted by check and path."""
    chosen = [check for check in CHECKS.values() if only in {None, check.name}]
    known = _compiled(allows)
    findings = [_allowed(finding, known) for check in chosen for finding in check.rule(subject)]
    return tuple(sorted(findings, key=lambda finding: (finding.severity != ERROR, finding.check, finding.path or "")))


def weigh(tree: Tree, allows: Sequence[Allow] = ()) -> tuple[Finding, ...]:
    """Return what the check `size` finds of the files alone, before any of them is read."""
    return tuple(_allowed(finding, _compiled(allows)) for finding in size.weight(tree))


def _compiled(allows: Sequence[Allow]) -> _Allows:
    return [(allow, Matcher([allow.path]) if allow.path is not None else None) for allow in allows]


def _allowed(finding: Finding, allows: _Allows) -> Finding:
    for allow, matcher in allows:
        covers = matcher is None or (finding.path is not None and matcher.match_file(finding.path))
        if allow.check == finding.check and covers:
            return replace(finding, allowed=allow.reason)
    return finding
