"""Findings of checks, and which of them make a layer unfit."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from builder.base.errors import CheckFailedError
from builder.base.frozen import dataclass

_SHOWN = 10
ERROR, WARNING = "error", "warning"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A problem of a layer, or a suspicious property of it."""

    check: str
    severity: str
    """`error`: cannot work in Lambda; `warning`: suspicious."""
    path: str | None
    message: str
    hint: str
    details: tuple[str, ...] = ()
    allowed: str | None = None
    """The reason in the recipe, if an [[allow]] there covers the finding."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Finding":
        return cls(**{**data, "details": tuple(data["details"])})

    def as_json(self) -> dict[str, Any]:
        return {
            "check": self.check,
            "severity": self.severity,
            "path": self.path,
            "message": self.message,
            "hint": self.hint,
            "details": list(self.details),
            "allowed": self.allowed,
        }


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


def refuse(layer: str, found: Iterable[Finding], *, strict: bool) -> None:
    """Raise CheckFailedError if a finding is an error, or with `strict` a warning."""
    if failed := failures(found, strict=strict):
        raise failure(layer, failed)
