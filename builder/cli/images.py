"""Commands for the images of runtimes: list, pin, survey."""

from collections.abc import Iterator
from typing import Annotated

import click

from builder.base.frozen import dataclass
from builder.cli.options import shared
from builder.cli.options.containers import HostEngine
from builder.cli.options.listener import listener_options
from builder.cli.options.parameters import Argument, Bundle, Mistake, Option, typed

_OLD_PINS = 4
"""Exit code of `images pin --check`."""


@click.group()
def images() -> None:
    """Show, pin and survey the images of runtimes."""


@images.command("list", epilog="Example: layerwright images list --json")
@typed
def list_images(*, as_json: shared.AsJson) -> None:
    """List the images of runtimes with their pins.

    Covers the runtimes that functions can still be updated with. A pin is the digest that builds use.
    """
    from builder.authoring import pin
    from builder.cli import terminal
    from builder.cli.views import pins as view
    from builder.model import images as model

    pins = model.pinned()
    rows = [(path, pins.get(path)) for path in pin.paths(pin.alive())]
    if as_json:
        terminal.data(view.document(rows))
    else:
        view.show(rows)


@dataclass(frozen=True, kw_only=True, slots=True)
class PinOptions(Bundle):
    """The images whose digests are read, and what happens to the digests."""

    runtimes: Annotated[
        tuple[str, ...],
        Option(
            "--runtime",
            metavar="NAME",
            callback=shared.runtimes,
            about="Runtime whose images are pinned, for example python3.13; repeatable. Default: every runtime that "
            "functions can still be updated with.",
        ),
    ]
    check: Annotated[bool, Option("--check", about="Write nothing; exit code 4 when a pin is not the newest digest.")]
    as_json: shared.AsJson


@images.command(epilog="Example: layerwright images pin --check")
@listener_options
@typed
def pin(pinning: PinOptions) -> None:
    """Write the newest digest of every image into images/pins.toml.

    Asks the registry at the pace that it allows, with the login of `docker login` if there is one; needs no engine.
    Prints the digests that changed. After an interruption, the next call continues.
    """
    from builder.authoring import pin
    from builder.cli import terminal
    from builder.cli.views import pins as view
    from builder.model import images as model
    from builder.model.runtimes import runtime

    selected = [runtime(name) for name in pinning.runtimes] or pin.alive()
    events = terminal.events().of(model.registry())
    with events.stage("reading digests from the registry"):
        pinned = pin.pin(selected, write=not pinning.check, events=events)
    view.show_changes(pinned, "differ" if pinning.check else "changed", as_json=pinning.as_json)
    if pinning.check and pinned.changes:
        raise click.exceptions.Exit(_OLD_PINS)


@dataclass(frozen=True, kw_only=True, slots=True)
class SurveyOptions(Bundle):
    """The image that is read, and what is listed of it; or all images."""

    image: Annotated[str | None, Argument("IMAGE", required=False)]
    arch: Annotated[
        str,
        Option("--arch", default="x86_64", metavar="NAME", about="Architecture of IMAGE, x86_64 or arm64."),
    ]
    programs: Annotated[bool, Option("--programs", about="List the programs in PATH instead of the libraries.")]
    everything: Annotated[
        bool,
        Option("--all", about="Ask the images of all runtimes what they have, and write images/facts/IMAGE.toml."),
    ]
    runtimes: Annotated[
        tuple[str, ...],
        Option(
            "--runtime",
            metavar="NAME",
            callback=shared.runtimes,
            about="With --all: only images of this runtime; repeatable.",
        ),
    ]
    folder: shared.RecipesFolder
    host: HostEngine
    as_json: shared.AsJson

    def mistakes(self) -> Iterator[Mistake]:
        if self.everything == (self.image is not None):
            yield Mistake("name one image, or give --all", "for example `layerwright images survey amazonlinux:2023`")
        if self.runtimes and not self.everything:
            yield Mistake("--runtime chooses among --all images", "add --all, or leave --runtime out")


@images.command(epilog="Example: layerwright images survey amazonlinux:2023 --arch arm64")
@listener_options
@typed
def survey(surveyed: SurveyOptions) -> None:
    """List the libraries of an image with their symbol versions, or survey the images of all runtimes.

    For one IMAGE, executes nothing in it; the output has the format of images/libraries and, with --programs, of
    images/commands. With --all, runs a script in each image, writes what it has, and shows where that is not what
    layerwright assumes, and for which recipes that matters: plans follow the files from then on.
    """
    if surveyed.image is None:
        _survey_all(surveyed)
    else:
        _survey_one(surveyed, surveyed.image)


def _survey_all(surveyed: SurveyOptions) -> None:
    from builder.authoring import pin
    from builder.authoring import survey as surveys
    from builder.cli import terminal
    from builder.cli.views import surveys as view
    from builder.model import recipes
    from builder.model.runtimes import runtime

    known, _ = recipes.load_all(surveyed.folder)
    selected = [runtime(name) for name in surveyed.runtimes] or pin.alive()
    with terminal.events().stage("asking images") as events:
        found = surveys.everything(surveyed.host.find(), selected, known, events)
    if surveyed.as_json:
        terminal.data(view.document(found))
    else:
        view.show(found)


def _survey_one(surveyed: SurveyOptions, image: str) -> None:
    from builder.cli import terminal
    from builder.engine.image_contents import read_image
    from builder.model.architectures import architecture

    with terminal.events().of(image).stage("reading"):
        content = read_image(surveyed.host.find(), image, architecture(surveyed.arch))
    if surveyed.as_json:
        terminal.data({"image": image, **content.as_json()})
    else:
        terminal.text(content.text(programs=surveyed.programs))


COMMANDS = (images,)
