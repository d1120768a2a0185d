"""The layers of a template: published versions in the ARN book, or zips that the template publishes."""

from pathlib import Path
from typing import Literal

from builder.base.errors import NothingSelectedError, UsageError
from builder.base.frozen import dataclass
from builder.publish import arn_book, layer_version
from builder.publish.arn_book import ArnEntry
from builder.publish.layer_version import LayerVersion, PublishOptions
from builder.publish.selection import LayerSelection, layer_names
from builder.publish.template_source import TemplateOptions, TemplateSource, of_book, of_zips


@dataclass(frozen=True, kw_only=True, slots=True)
class TemplateRequest:
    """The layers of a template, and where they come from."""

    layers: LayerSelection
    source: Literal["auto", "published", "zip"] = "auto"
    """`published`: the ARN book. `zip`: the zips. `auto`: the ARN book, else the zips."""
    account: str | None = None
    """The account of the versions in the ARN book, if there are several."""
    share: tuple[str, ...] = ()
    """The principals that may use the layers of the zips."""
    base: Path
    """Folder of the template; the paths of zips are relative to it."""
    function: bool = True
    """Whether to add a sample function."""


def template_source(request: TemplateRequest) -> TemplateSource:
    """Return the values of a template. Raises NothingSelectedError if no version is in the ARN book but should be."""
    entries = _published(request) if request.source != "zip" else []
    title = ", ".join(request.layers.names)
    if request.source == "published" and not entries:
        msg = f"the ARN book in {request.layers.output} has no versions of {title}"
        raise NothingSelectedError(msg, hint="run `layerwright publish`, or pass --from zip")
    layers = request.layers
    options = TemplateOptions(base=request.base, output=layers.output, tests=layers.tests(), function=request.function)
    return of_book(title, entries, options) if entries else of_zips(title, _zips(request), options)


def _published(request: TemplateRequest) -> list[ArnEntry]:
    """Return the entries of the ARN book for the named layers, in the same order."""
    layers = request.layers
    if layers.by_path:
        stems = [Path(name).stem for name in layers.names]
        rows = [entry for entry in arn_book.read(layers.output) if entry.target in stems]
    else:
        names = layer_names(layers)
        selected = [entry for entry in arn_book.read(layers.output) if entry.layer in names]
        rows = sorted(selected, key=lambda entry: names.index(entry.layer))
    return [entry for entry in rows if request.account in {None, entry.account}]


def _zips(request: TemplateRequest) -> tuple[LayerVersion, ...]:
    """Return the layers of the named zips, and of the selected targets of recipes that have a zip."""
    layers = request.layers
    options = PublishOptions(
        share=request.share or None,
        public=True,  # the template shows the share before it is deployed
        runtimes=layers.runtimes if layers.by_path else (),
        architectures=layers.architectures if layers.by_path else (),
        storage=True,
        untested=True,  # a template shows and publishes nothing by itself
    )
    zips = [source for source in layers.sources() if layers.by_path or source.zip.is_file()]
    if not zips:
        msg = f"no zips of {', '.join(layers.names)} in {layers.output}"
        raise UsageError(msg, hint=f"run `layerwright build {layers.names[0]}`")
    return layer_version.gather(zips, options)
