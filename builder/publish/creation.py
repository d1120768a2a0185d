"""Publishing one version exactly once, even if answers get lost.

PublishLayerVersion has no idempotency token: two requests create two versions. So a request is only repeated after a
check that the first had no effect, and of two versions the later one is deleted.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from builder.base import retries
from builder.base.errors import PublishError
from builder.base.retries import Backoff
from builder.publish import aws, remote_state
from builder.publish.journal import Journal, PendingVersion
from builder.publish.layer_version import LayerVersion
from builder.publish.remote_state import RemoteRegion, RemoteVersion


def create(
    remote: RemoteRegion, journal: Journal, layer: LayerVersion, content: Mapping[str, Any], newest: int
) -> RemoteVersion:
    """Publish a version, or return the one that an earlier attempt created.

    Raises PublishError if Lambda stored different bytes; the version is deleted then.
    """
    pending = journal.pending(layer.name, layer.code_sha256)
    newest_before = min(pending.known, newest) if pending else newest
    journal.begin(layer.name, PendingVersion(code_sha256=layer.code_sha256, known=newest_before))
    version = _Attempts(remote, layer, newest_before).until_created(content)
    if version.code_sha256 != layer.code_sha256:
        delete(remote, version)
        msg = f"{remote.region}: Lambda stored different bytes for {layer.name}; the version was deleted"
        raise PublishError(msg, why=[f"sent   {layer.code_sha256}", f"stored {version.code_sha256}"])
    remote.hashes.put(version.arn, layer.code_sha256)
    return version


class _Attempts:
    """The attempts to create one version."""

    def __init__(self, remote: RemoteRegion, layer: LayerVersion, newest_before: int) -> None:
        self._remote, self._layer, self._newest_before = remote, layer, newest_before
        self._limits = remote.cloud.limits
        self._answer_lost = False
        """Whether an answer was lost, so that there may be more than one version."""

    def until_created(self, content: Mapping[str, Any]) -> RemoteVersion:
        backoff = Backoff(attempts=self._limits.attempts, first=self._limits.backoff)
        faults = aws.faults()
        try:
            return retries.call(lambda: self._attempt(content), backoff, again=lambda error: isinstance(error, faults))
        except faults as error:
            return self._give_up(error)

    def _attempt(self, content: Mapping[str, Any]) -> RemoteVersion:
        """Publish once. Raises an error of boto3 if it is safe to try again, else PublishError."""
        try:
            version = self._send(content)
        except aws.faults() as error:
            if created := self._after(error):
                return created
            raise
        return self._only(self._created()) or version if self._answer_lost else version

    def _send(self, content: Mapping[str, Any]) -> RemoteVersion:
        layer = self._layer
        answer = self._remote.cloud.publisher(self._remote.region).publish_layer_version(
            LayerName=layer.name,
            Description=layer.description,
            LicenseInfo=layer.license,
            CompatibleRuntimes=list(layer.runtimes),
            **({"CompatibleArchitectures": list(layer.architectures)} if layer.architectures else {}),
            Content=dict(content),
        )
        return remote_state.parse_version(answer)

    def _after(self, error: Exception) -> RemoteVersion | None:
        """Return the version of an attempt whose answer was lost; raise if another attempt is pointless."""
        if aws.throttled(error) or aws.unsent(error):
            return None
        if not aws.unsure(error):
            self._give_up(error)
        self._answer_lost = True
        for pause in self._limits.settle:
            time.sleep(pause)
            if created := self._only(self._created()):
                return created
        return None

    def _give_up(self, error: Exception) -> RemoteVersion:
        with aws.translating(f"{self._remote.region}: cannot publish {self._layer.name}"):
            raise error

    def _created(self) -> list[RemoteVersion]:
        """Return the versions with the same content that did not exist before, the oldest first."""
        created = [
            version
            for version in remote_state.versions(self._remote, self._layer.name)
            if version.number > self._newest_before
            and remote_state.code_sha256(self._remote, version.arn) == self._layer.code_sha256
        ]
        return sorted(created, key=lambda version: version.number)

    def _only(self, created: list[RemoteVersion]) -> RemoteVersion | None:
        """Return the first version, which may be in use already, and delete the duplicates."""
        for duplicate in created[1:]:
            delete(self._remote, duplicate)
        return _with_content(created[0], self._layer) if created else None


def _with_content(version: RemoteVersion, layer: LayerVersion) -> RemoteVersion:
    return replace(version, code_sha256=layer.code_sha256, bytes=layer.bytes)


def delete(remote: RemoteRegion, version: RemoteVersion) -> None:
    """Delete a version. Functions that use it keep working; it can no longer be added to a function."""
    with aws.translating(f"{remote.region}: cannot delete {version.arn}"):
        remote.client.delete_layer_version(**remote_state.identifiers(version.arn))
