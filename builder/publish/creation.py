"""Publishing one version exactly once, though answers get lost.

PublishLayerVersion has no token that makes it idempotent: who sends it twice has two versions. So it is never sent
again before it is known that the first did nothing, and of two that both arrived the later one is removed.
"""

import random
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from builder.base.errors import PublishError
from builder.publish import aws, look
from builder.publish.look import Place, Version
from builder.publish.state import Begun, Journal
from builder.publish.wanted import Wanted


def create(place: Place, journal: Journal, one: Wanted, content: Mapping[str, Any], newest: int) -> Version:
    """Publish a version, or find the one that an earlier try of ours made."""
    before = journal.begun(one.name, one.code_sha256)
    known = min(before.known, newest) if before else newest
    journal.begin(one.name, Begun(code_sha256=one.code_sha256, known=known))
    sent = _Sending(place, one, known)
    version = sent.until_there(content)
    if version.code_sha256 != one.code_sha256:
        delete(place, version)
        msg = f"{place.region}: Lambda has other bytes of {one.name} than were sent; they are deleted again"
        raise PublishError(msg, why=[f"sent {one.code_sha256}", f"there {version.code_sha256}"])
    place.shas.put(version.arn, one.code_sha256)
    return version


class _Sending:
    """The tries for one version."""

    def __init__(self, place: Place, one: Wanted, known: int) -> None:
        self._place, self._one, self._known = place, one, known
        self._limits = place.cloud.limits
        self._lost = False
        """Whether an answer was lost, so that there may be more than one version."""

    def until_there(self, content: Mapping[str, Any]) -> Version:
        pause = self._limits.backoff
        for left in reversed(range(self._limits.attempts)):
            try:
                version = self._send(content)
            except aws.faults() as error:
                if (found := self._after(error)) or not left:
                    return found or self._give_up(error)
            else:
                return self._only(self._appeared()) or version if self._lost else version
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  to spread, not to hide
            pause *= 2
        raise AssertionError

    def _send(self, content: Mapping[str, Any]) -> Version:
        one = self._one
        answer = self._place.cloud.publisher(self._place.region).publish_layer_version(
            LayerName=one.name,
            Description=one.description,
            LicenseInfo=one.license,
            CompatibleRuntimes=list(one.runtimes),
            **({"CompatibleArchitectures": list(one.architectures)} if one.architectures else {}),
            Content=dict(content),
        )
        return look.listed(answer)

    def _after(self, error: Exception) -> Version | None:
        """Return the version that a try made whose answer was lost; raise when to try again makes no sense."""
        if aws.throttled(error) or aws.unsent(error):
            return None
        if not aws.unsure(error):
            self._give_up(error)
        self._lost = True
        for pause in self._limits.settle:
            time.sleep(pause)
            if found := self._only(self._appeared()):
                return found
        return None

    def _give_up(self, error: Exception) -> Version:
        with aws.told(f"{self._place.region}: publish {self._one.name}"):
            raise error

    def _appeared(self) -> list[Version]:
        """Return the versions with our content that were not there before, the oldest first."""
        every = look.versions(self._place, self._one.name)
        ours = [
            one
            for one in every
            if one.number > self._known and look.content(self._place, one.arn) == self._one.code_sha256
        ]
        return sorted(ours, key=lambda one: one.number)

    def _only(self, ours: list[Version]) -> Version | None:
        """Keep the first, which may be in use already, and delete what came twice."""
        for twice in ours[1:]:
            delete(self._place, twice)
        return _with_content(ours[0], self._one) if ours else None


def _with_content(version: Version, one: Wanted) -> Version:
    return replace(version, code_sha256=one.code_sha256, bytes=one.bytes)


def delete(place: Place, version: Version) -> None:
    """Delete a version; functions that use it go on, and nobody else can begin to."""
    with aws.told(f"{place.region}: delete {version.arn}"):
        place.client.delete_layer_version(**look.which(version.arn))
