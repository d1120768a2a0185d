"""What would change, per region and layer: a pure function of what is wanted and what is there."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from builder.publish.grants import Difference, difference
from builder.publish.look import Found, Version
from builder.publish.state import Begun
from builder.publish.wanted import Wanted

Action = Literal["create", "skip", "blocked"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One layer in one region."""

    region: str
    wanted: Wanted
    action: Action
    why: str = ""
    version: Version | None = None
    """The one that is there and has the content."""
    newest: int = 0
    grants: Difference = field(default_factory=Difference)
    surplus: tuple[Version, ...] = ()
    """Versions that a call of ours made and whose answer was lost: the content is there without them."""

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return self.action == "create" or bool(self.action == "skip" and (self.grants or self.surplus))

    def as_json(self) -> dict[str, Any]:
        return {
            "region": self.region,
            "layer": self.wanted.name,
            "target": self.wanted.target,
            "action": self.action,
            "why": self.why,
            "arn": self.version.arn if self.version else None,
            "code_sha256": self.wanted.code_sha256,
            "permissions": list(self.grants.named),
            "surplus": [one.arn for one in self.surplus],
        }


def row(region: str, wanted: Wanted, found: Found, begun: Begun | None = None) -> Row:
    """Return what must happen to a layer in a region."""
    if not found.same:
        why = f"new content, after version {found.newest}" if found.newest else "the first version"
        return Row(
            region=region,
            wanted=wanted,
            action="create",
            why=why,
            newest=found.newest,
            grants=difference(wanted.share, {}),
        )
    kept = found.same[0]
    surplus = tuple(one for one in found.same[1:] if begun and one.number > begun.known)
    return Row(
        region=region,
        wanted=wanted,
        action="skip",
        why="; ".join(_told(wanted, kept, found)),
        version=kept,
        newest=found.newest,
        grants=difference(wanted.share, found.policy),
        surplus=surplus,
    )


def blocked(region: str, wanted: Wanted, why: str) -> Row:
    return Row(region=region, wanted=wanted, action="blocked", why=why)


def _told(wanted: Wanted, kept: Version, found: Found) -> Iterator[str]:
    newer = f", version {found.newest} is newer" if found.newest > kept.number else ""
    yield f"version {kept.number} has this content{newer}"
    others = [
        name
        for name, there, here in (
            ("description", kept.description, wanted.description),
            ("licence", kept.license, wanted.license),
            ("runtimes", set(kept.runtimes), set(wanted.runtimes)),
            ("architectures", set(kept.architectures), set(wanted.architectures)),
        )
        if there != here
    ]
    if others:
        yield f"but another {' and '.join(others)}, which no version can change"
