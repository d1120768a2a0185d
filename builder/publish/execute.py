"""Doing what the plan says, in all regions at once; each layer of each region by itself, so that one fault is one."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from builder.base import processes
from builder.base.errors import LayerwrightError
from builder.publish import aws, creation, look
from builder.publish.grants import ACTION, Difference
from builder.publish.look import Place
from builder.publish.plan import Row
from builder.publish.storage import Storage
from builder.publish.survey import THREADS, Survey

Status = Literal["published", "there", "failed", "blocked", "not tried"]
_HEAVY = 8_000_000
"""Bytes from which a zip's copies in memory (the bytes, base64, JSON) weigh."""
_HEAVY_AT_ONCE = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of one layer in one region."""

    row: Row
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


class Execution:
    """One run over the rows of a survey."""

    def __init__(
        self, survey: Survey, storage: Storage | None, report: Callable[[Outcome], None] = lambda _: None
    ) -> None:
        self._survey, self._storage, self._report = survey, storage, report
        self._stop = threading.Event()
        self._heavy = threading.BoundedSemaphore(_HEAVY_AT_ONCE)

    def run(self) -> tuple[Outcome, ...]:
        """Do everything, and return what became of each row, in their order."""
        rows = self._survey.rows
        with ThreadPoolExecutor(min(THREADS, len(rows))) as pool:
            futures = [pool.submit(self._one, row) for row in rows]
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
                for region, place in self._survey.places.items():
                    with contextlib.suppress(LayerwrightError):
                        place.shas.save()
                        self._survey.journals[region].close()
        return tuple(future.result() for future in futures)

    def _one(self, row: Row) -> Outcome:
        if row.action == "blocked":
            return Outcome(row=row, status="blocked", why=row.why)
        if self._stop.is_set():
            return Outcome(row=row, status="not tried", why="stopped before")
        there = [row.version.arn] if row.version else []
        try:
            return self._done(row, there)
        except LayerwrightError as error:
            if isinstance(error, aws.ExpiredError):
                self._stop.set()  # every further request would be refused as well
            arn = there[0] if there else None
            return Outcome(row=row, status="failed", arn=arn, why=error.brief, hint=error.hint)

    def _done(self, row: Row, there: list[str]) -> Outcome:
        """Do what a row asks for; `there` gets the version as soon as there is one, whatever goes wrong then."""
        place, journal, wanted = self._survey.places[row.region], self._survey.journals[row.region], row.wanted
        version = row.version
        if version is None:
            with self._content(place, row) as content:
                version = creation.create(place, journal, wanted, content, row.newest)
            there.append(version.arn)
        elif self._storage and self._storage.needed(wanted) and journal.begun(wanted.name, wanted.code_sha256):
            self._storage.clean(place, wanted)  # of the call that began it and did not end
        for surplus in row.surplus:
            creation.delete(place, surplus)
        share(place, version.arn, row.grants)
        if wanted.ssm:
            remember(place, wanted.ssm, version.arn)
        journal.end(wanted.name)
        return Outcome(row=row, status="there" if row.version else "published", arn=version.arn)

    @contextlib.contextmanager
    def _content(self, place: Place, row: Row) -> Iterator[Mapping[str, Any]]:
        """Give a zip's bytes, or where they are in S3."""
        wanted = row.wanted
        if self._storage and self._storage.needed(wanted):
            with self._storage.placed(place, wanted) as content:
                yield content
        elif wanted.bytes < _HEAVY:
            yield {"ZipFile": wanted.zip.read_bytes()}
        else:
            with self._heavy:
                yield {"ZipFile": wanted.zip.read_bytes()}


def share(place: Place, arn: str, change: Difference) -> None:
    """Let in who is wanted and out who is not. Asked twice, it does nothing more."""
    which = look.which(arn)
    for statement in change.remove:
        with contextlib.suppress(aws.MissingError), aws.told(f"{place.region}: take {statement} from {arn}"):
            place.client.remove_layer_version_permission(**which, StatementId=statement)
    for grant in change.add:
        with aws.told(f"{place.region}: let {grant} use {arn}"):
            try:
                place.client.add_layer_version_permission(
                    **which, StatementId=grant.statement, Action=ACTION, **grant.request
                )
            except place.client.exceptions.ResourceConflictException:
                # The first of two tries arrived and its answer did not.
                if look.permissions(place, arn).get(grant.statement) != grant:
                    raise


def remember(place: Place, parameter: str, arn: str) -> None:
    """Write the ARN into a parameter of SSM, where it is not there yet."""
    client = place.cloud.parameters(place.region)
    with aws.told(f"{place.region}: write parameter {parameter}"):
        with contextlib.suppress(client.exceptions.ParameterNotFound):
            if client.get_parameter(Name=parameter)["Parameter"]["Value"] == arn:
                return
        client.put_parameter(Name=parameter, Value=arn, Type="String", Overwrite=True)
