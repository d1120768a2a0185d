"""The command that makes a layer smaller by evidence."""

from collections.abc import Iterator
from typing import Annotated

import click

from builder.base.frozen import dataclass
from builder.cli import reporting
from builder.cli.options import shared
from builder.cli.options.containers import HostEngine
from builder.cli.options.listener import listener_options
from builder.cli.options.one_target import OneTarget
from builder.cli.options.parameters import Bundle, Mistake, Option, typed


@dataclass(frozen=True, kw_only=True, slots=True)
class SlimOptions(Bundle):
    """The layer, and what is done about its size."""

    target: OneTarget
    output: shared.OutputFolder
    suggest: Annotated[bool, Option("--suggest", about="List what the tests of the layer never open.")]
    as_json: shared.AsJson

    def mistakes(self) -> Iterator[Mistake]:
        if not self.suggest:
            yield Mistake("nothing to do: a layer is slimmed when it is built", "--suggest lists what could go as well")


@click.command("slim", epilog="Example: layerwright slim science --suggest --arch arm64")
@listener_options
@typed
def slim_(slimming: SlimOptions, host: HostEngine) -> None:
    """List what the tests of a layer never open, as lines of `[slim] prune`.

    Runs the tests of the built zip in the sandbox, and compares the times of access of its files, which needs no
    privileges. Files that are only looked for or listed are not seen as used, and tests open no more than they try:
    the list is as good as the tests. Prints TOML with sizes in MB.
    """
    loaded, target = slimming.target.chosen()
    reporting.warn(loaded.warnings)
    from builder.building import evidence as opening
    from builder.cli import terminal
    from builder.cli.views import unopened as view

    with terminal.events().of(target.name).stage("testing"):
        evidence = opening.gather(loaded, target, slimming.output, host.find())
    if slimming.as_json:
        terminal.data({"target": target.name, **view.document(evidence)})
    else:
        view.show(evidence)
    if not evidence.own:
        terminal.warn("the recipe has no tests: imports open less than functions do; add a [[test]] with real work")


COMMANDS = (slim_,)
