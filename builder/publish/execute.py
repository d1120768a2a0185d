"""Execution of a plan in all regions concurrently. Each row is independent: an error affects only its row."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Literal

from builder.base import processes
from builder.base.errors import LayerwrightError
from builder.base.events import Event
from builder.base.frozen import dataclass
from builder.publish import aws, creation, remote_state
from builder.publish.grants import ACTION, Difference
from builder.publish.plan import PlanRow
from builder.publish.publish_state import THREADS, PublishState
from builder.publish.remote_state import RemoteRegion
from builder.publish.storage import Storage

Status = Literal["published", "there", "failed", "blocked", "not tried"]
_HEAVY = 8_000_000
"""Bytes from which the copies of a zip in memory (content, Base64, JSON) matter."""
_HEAVY_AT_ONCE = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishOutcome:
    """Result of one layer in one region."""

    row: PlanRow
    status: Status
    arn: str | None = None
    why: str = ""
    hint: str | None = None

    @property
    def good(self) -> bool:
        return self.status in {"published", "there"}

    @property
    def number(self) -> int | None:
        return int(self.arn.rpartition(":")[2]) if self.arn else None

    def as_json(self) -> dict[str, Any]:
        return {**self.row.as_json(), "status": self.status, "arn": self.arn, "error": self.why or None}

    def event(self) -> "VersionEnded":
        """Return the event that tells this outcome."""
        return VersionEnded(
            subject=self.row.region, layer=self.row.layer.name, outcome=self.status, arn=self.arn, reason=self.why
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionEnded(Event):
    """The work on one layer version ended in a region, which is the subject."""

    kind: ClassVar[str] = "version_ended"
    layer: str
    outcome: Status
    arn: str | None
    reason: str
    """Why it is not published."""

    @property
    def words(self) -> str:
        return f"{self.layer} {self.outcome}{self.reason and f': {self.reason}'}"


class Execution:
    """One pass over the planned rows."""

    def __init__(
        self, state: PublishState, storage: Storage | None, report: Callable[[PublishOutcome], None] = lambda _: None
    ) -> None:
        self._state, self._storage, self._report = state, storage, report
        self._stop = threading.Event()
        self._heavy = threading.BoundedSemaphore(_HEAVY_AT_ONCE)

    def run(self) -> tuple[PublishOutcome, ...]:
        """Execute all rows and return their outcomes in the same order."""
        rows = self._state.rows
        with ThreadPoolExecutor(min(THREADS, len(rows))) as pool:
            futures = [pool.submit(self._outcome, row) for row in rows]
            try:
                for future in processes.as_completed(futures):
                    if future.exception() is None:
                        self._report(future.result())
            except BaseException:
                self._stop.set()
                for future in futures:
                    future.cancel()
                raise
            finally:
                for region, remote in self._state.remotes.items():
                    with contextlib.suppress(LayerwrightError):
                        remote.hashes.save()
                        self._state.journals[region].close()
        return tuple(future.result() for future in futures)

    def _outcome(self, row: PlanRow) -> PublishOutcome:
        if row.action == "blocked":
            return PublishOutcome(row=row, status="blocked", why=row.why)
        if self._stop.is_set():
            return PublishOutcome(row=row, status="not tried", why="the publish was stopped earlier")
        existing = [row.version.arn] if row.version else []
        try:
            return self._execute(row, existing)
        except LayerwrightError as error:
            if isinstance(error, aws.ExpiredError):
                self._stop.set()  # every further request would be refused as well
            arn = existing[0] if existing else None
            return PublishOutcome(row=row, status="failed", arn=arn, why=error.brief, hint=error.hint)

    def _execute(self, row: PlanRow, existing: list[str]) -> PublishOutcome:
        """Execute a row. `existing` receives the ARN as soon as the version exists, even if a later step fails."""
        remote, journal, layer = self._state.remotes[row.region], self._state.journals[row.region], row.layer
        version = row.version
        if version is None:
            with self._content(remote, row) as content:
                version = creation.create(remote, journal, layer, content, row.newest)
            existing.append(version.arn)
        elif self._storage and self._storage.needed(layer) and journal.pending(layer.name, layer.code_sha256):
            self._storage.remove(remote, layer)  # left by the interrupted publish
        for surplus in row.surplus:
            creation.delete(remote, surplus)
        change_permissions(remote, version.arn, row.grants)
        if layer.ssm:
            write_parameter(remote, layer.ssm, version.arn)
        journal.end(layer.name)
        return PublishOutcome(row=row, status="there" if row.version else "published", arn=version.arn)

    @contextlib.contextmanager
    def _content(self, remote: RemoteRegion, row: PlanRow) -> Iterator[Mapping[str, Any]]:
        """Yield the Content parameter of PublishLayerVersion: the bytes of the zip, or its place in S3."""
        layer = row.layer
        if self._storage and self._storage.needed(layer):
            with self._storage.uploaded(remote, layer) as content:
                yield content
        elif layer.bytes < _HEAVY:
            yield {"ZipFile": layer.zip.read_bytes()}
        else:
            with self._heavy:
                yield {"ZipFile": layer.zip.read_bytes()}


def change_permissions(remote: RemoteRegion, arn: str, change: Difference) -> None:
    """Grant and revoke access to a version. Idempotent."""
    version = remote_state.identifiers(arn)
    for statement in change.remove:
        with (
            contextlib.suppress(aws.MissingError),
            aws.translating(f"{remote.region}: cannot remove statement {statement} from {arn}"),
        ):
            remote.client.remove_layer_version_permission(**version, StatementId=statement)
    for grant in change.add:
        with aws.translating(f"{remote.region}: cannot share {arn} with {grant}"):
            try:
                remote.client.add_layer_version_permission(
                    **version, StatementId=grant.statement, Action=ACTION, **grant.request
                )
            except remote.client.exceptions.ResourceConflictException:
                # The first of two attempts arrived and its answer did not.
                if remote_state.permissions(remote, arn).get(grant.statement) != grant:
                    raise


def write_parameter(remote: RemoteRegion, parameter: str, arn: str) -> None:
    """Write the ARN to an SSM parameter, unless it is the current value."""
    client = remote.cloud.parameters(remote.region)
    with aws.translating(f"{remote.region}: cannot write parameter {parameter}"):
        with contextlib.suppress(client.exceptions.ParameterNotFound):
            if client.get_parameter(Name=parameter)["Parameter"]["Value"] == arn:
                return
        client.put_parameter(Name=parameter, Value=arn, Type="String", Overwrite=True)
