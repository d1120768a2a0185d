"""Publishing at the end of a nightly run."""

from collections.abc import Sequence
from pathlib import Path

from builder.base.errors import LayerwrightError, UsageError
from builder.base.frozen import dataclass
from builder.nightly.journal import Run
from builder.publish import grants, layer_version, run
from builder.publish.aws import Cloud
from builder.publish.interaction import Interaction
from builder.publish.layer_version import PublishOptions
from builder.publish.publish_state import PublishRequest
from builder.publish.run import Pair, PublishResult
from builder.publish.storage import Storage


@dataclass(frozen=True, kw_only=True, slots=True)
class RunPublication:
    """The publication of a run's layers."""

    result: PublishResult | None = None
    """None if nothing was to be published."""
    errors: tuple[LayerwrightError, ...] = ()
    """Errors of single layers, which stop neither the others nor the report."""

    @property
    def good(self) -> bool:
        return not self.errors and (self.result is None or self.result.good)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunPublisher:
    """What publishes the layers of a run."""

    cloud: Cloud
    public: bool
    bucket: str | None
    untested: bool = False
    """Whether layers are published of which no test has passed."""

    def check(self, pairs: Sequence[Pair], interaction: Interaction) -> None:
        """Raise UsageError before a run if its layers could not be published afterwards."""
        grants.parse(run.shares_of(pairs), public=self.public)
        texts = run.regions_of(pairs)
        if not texts:
            msg = "none of these recipes has regions to publish to"
            raise UsageError(msg, hint='set `regions = ["eu-west-1"]` under [publish] in a recipe')
        run.check(self.cloud, texts, interaction)

    def publish(self, pairs: Sequence[Pair], done: Run, output: Path, interaction: Interaction) -> RunPublication:
        """Publish the good layers of a run."""
        options = PublishOptions(public=self.public, storage=bool(self.bucket), untested=self.untested)
        layers, errors = layer_version.gather_valid(run.zips_of(pairs, done, output), options)
        if not layers:
            return RunPublication(errors=tuple(errors))
        storage = Storage(pattern=self.bucket) if self.bucket else None
        request = PublishRequest(layers=layers, output=output, storage=storage)
        try:
            result = run.publish(self.cloud, request, interaction)
        except LayerwrightError as error:
            return RunPublication(errors=(*errors, error))
        return RunPublication(result=result, errors=tuple(errors))
