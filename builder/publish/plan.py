"""Planned changes per layer and region: a pure function of the request and the remote state."""

from collections.abc import Iterator
from dataclasses import field
from typing import Any, Literal

from builder.base.frozen import dataclass
from builder.publish.grants import Difference, difference
from builder.publish.journal import PendingVersion
from builder.publish.layer_version import LayerVersion
from builder.publish.remote_state import RemoteLayer, RemoteVersion

Action = Literal["create", "skip", "blocked"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanRow:
    """Planned changes of one layer in one region."""

    region: str
    layer: LayerVersion
    action: Action
    why: str = ""
    version: RemoteVersion | None = None
    """The existing version with the same content."""
    newest: int = 0
    """Number of the newest version; 0 if there is none."""
    grants: Difference = field(default_factory=Difference)
    surplus: tuple[RemoteVersion, ...] = ()
    """Duplicates to delete, created by an earlier request whose answer was lost."""

    @property
    def changes(self) -> bool:
        """Whether the row changes anything."""
        return self.action == "create" or bool(self.action == "skip" and (self.grants or self.surplus))

    def as_json(self) -> dict[str, Any]:
        return {
            "region": self.region,
            "layer": self.layer.name,
            "target": self.layer.target,
            "action": self.action,
            "why": self.why,
            "arn": self.version.arn if self.version else None,
            "code_sha256": self.layer.code_sha256,
            "permissions": list(self.grants.named),
            "surplus": [version.arn for version in self.surplus],
        }


def row(region: str, layer: LayerVersion, state: RemoteLayer, pending: PendingVersion | None = None) -> PlanRow:
    """Return the planned changes of a layer in a region."""
    if not state.same:
        why = f"new content, after version {state.newest}" if state.newest else "first version"
        return PlanRow(
            region=region,
            layer=layer,
            action="create",
            why=why,
            newest=state.newest,
            grants=difference(layer.share, {}),
        )
    version = state.same[0]
    surplus = tuple(other for other in state.same[1:] if pending and other.number > pending.known)
    return PlanRow(
        region=region,
        layer=layer,
        action="skip",
        why="; ".join(_reasons(layer, version, state)),
        version=version,
        newest=state.newest,
        grants=difference(layer.share, state.policy),
        surplus=surplus,
    )


def blocked(region: str, layer: LayerVersion, why: str) -> PlanRow:
    return PlanRow(region=region, layer=layer, action="blocked", why=why)


def _reasons(layer: LayerVersion, version: RemoteVersion, state: RemoteLayer) -> Iterator[str]:
    newer = f", version {state.newest} is newer" if state.newest > version.number else ""
    yield f"version {version.number} has this content{newer}"
    different = [
        name
        for name, there, here in (
            ("description", version.description, layer.description),
            ("license", version.license, layer.license),
            ("runtimes", set(version.runtimes), set(layer.runtimes)),
            ("architectures", set(version.architectures), set(layer.architectures)),
        )
        if there != here
    ]
    if different:
        yield f"its {' and '.join(different)} differ, but a published version cannot be changed"
