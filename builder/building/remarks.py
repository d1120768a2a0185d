"""What a manifest says to the user: its findings, and the warnings of the build that made it."""

from collections.abc import Iterator, Sequence

from builder.layer.findings import Finding
from builder.model.limits import MB
from builder.model.manifest import LibraryRow, Manifest, document
from builder.plan.plan import Plan

_LISTED = 6
"""Libraries that a note names."""


def findings(built: Manifest) -> list[Finding]:
    """Return the findings of a manifest in the form of the checks."""
    return [Finding.from_json(document(row)) for row in built.findings]


def notes(plan: Plan, built: Manifest) -> tuple[str, ...]:
    """Return the warnings of a build: of the plan, the containers and the checks, and on duplicate packages."""
    name, runtime = plan.target.name, plan.target.base
    duplicates = [package.name for package in built.packages if package.name in runtime.provides]
    duplicate = f"{runtime.name} already provides {', '.join(duplicates)}; the layer's copies take precedence"
    told = plan.reasons_to_compile  # before the work
    return (
        *(text for text in plan.warnings if text not in told),
        *built.notes,
        *([duplicate] if duplicates else []),
        *_bundled(name, built.libraries),
        *(
            f"{name}: [{row.check}] {f'{row.path} ' if row.path else ''}{row.message}"
            for row in built.findings
            if row.allowed is None
        ),
    )


def _bundled(name: str, rows: Sequence[LibraryRow]) -> Iterator[str]:
    """Yield a remark on the bundled libraries and their size, unless there are none."""
    if rows:
        total = sum(row.bytes or 0 for row in rows)
        listed = [f"{row.soname} ({row.package or 'unknown'})" for row in rows]
        more = f" and {len(listed) - _LISTED} more, see the manifest" if len(listed) > _LISTED else ""
        names = ", ".join(listed[:_LISTED]) + more
        yield f"{name}: bundled into lib/ for {total / MB:.1f} MB before stripping: {names}"
