"""Options of `layerwright init`: what a repository begins with, which a terminal is asked for."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar, cast, get_args

import click

from builder.base import contained
from builder.base.errors import UsageError
from builder.base.frozen import dataclass
from builder.cli.options import shared
from builder.cli.options.cloud import listed
from builder.cli.options.parameters import Bundle, Mistake, Option

if TYPE_CHECKING:
    from builder.authoring.start import StartingPoint

T = TypeVar("T")
CiName = Literal["github", "gitlab", "none"]
_NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class InitOptions(Bundle):
    """The answers to the questions; those that are given are not asked."""

    runtimes: Annotated[tuple[str, ...], shared.runtime("the newest Python")]
    architectures: Annotated[tuple[str, ...], shared.arch("both")]
    regions: Annotated[
        tuple[str, ...],
        Option(
            "--regions", callback=listed, metavar="A,B|all", about="Regions to publish to; repeatable. Default: none."
        ),
    ]
    ci: Annotated[CiName | None, Option("--ci", about="Code host that the workflow is for, or none. Default: github.")]
    recipe: Annotated[
        str | None,
        Option(
            "--recipe",
            metavar="NAME",
            about="First recipe: one of the catalogue, which is copied, or `example`. Default: example.",
        ),
    ]
    yes: Annotated[bool, Option("--yes", about="Ask nothing, and take the defaults, as where there is no terminal.")]

    def mistakes(self) -> Iterator[Mistake]:
        root = contained.repository(Path())
        if self.ci not in {None, _NONE} and root not in {None, Path.cwd().resolve()}:
            what = f"--ci {self.ci} writes a workflow, which belongs to the root of the repository: {root}"
            yield Mistake(what, "call it there, or pass `--ci none`")

    def point(self) -> "StartingPoint":
        """Return the answers that are given, those of a terminal to the other questions, or the defaults."""
        from builder.authoring.start import EXAMPLE, StartingPoint, require_recipe
        from builder.model.architectures import ARCHITECTURES
        from builder.model.target import Selection
        from builder.plan.adhoc import current

        newest = current("python")[-1].name
        root = contained.repository(Path())
        host = "github" if root in {None, Path.cwd().resolve()} else _NONE
        runtimes = self.runtimes or self._asked("Runtimes", newest, _runtimes)
        architectures = self.architectures or self._asked("Architectures", " ".join(ARCHITECTURES), _architectures)
        Selection(runtimes=runtimes, architectures=architectures)
        recipe = self.recipe or self._asked("First recipe, of the catalogue or `example`", EXAMPLE, _recipe)
        require_recipe(recipe)
        return StartingPoint(
            runtimes=runtimes,
            architectures=architectures,
            regions=self.regions or self._asked("Regions to publish to, or none", _NONE, _regions),
            ci=self.ci if self.ci is not None else self._asked("Workflow for github, gitlab or none", host, _ci),
            recipe=recipe,
        )

    def _asked(self, question: str, default: str, parse: Callable[[str], T]) -> T:
        """Return what a terminal answers, as long as it is not valid, or the default."""
        from builder.cli import terminal

        asks = sys.stdin.isatty() and sys.stderr.isatty() and terminal.chosen().events == "text"
        if self.yes or not asks:
            return parse(default)

        def answer(text: str) -> T:
            try:
                return parse(text)
            except UsageError as error:
                raise click.UsageError(error.what) from None

        return click.prompt(question, default=default, value_proc=answer, err=True)


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text.replace(",", " ").split()))


def _runtimes(text: str) -> tuple[str, ...]:
    from builder.model import runtime_names
    from builder.model.runtimes import runtime

    return tuple(runtime(runtime_names.canonical(word)).name for word in _words(text))


def _architectures(text: str) -> tuple[str, ...]:
    from builder.model.architectures import architecture

    return tuple(architecture(word).name for word in _words(text))


def _regions(text: str) -> tuple[str, ...]:
    return () if text == _NONE else _words(text)


def _ci(text: str) -> CiName:
    if text not in get_args(CiName):
        msg = f"`{text}` is none of {', '.join(get_args(CiName))}"
        raise UsageError(msg)
    return cast("CiName", text)


def _recipe(text: str) -> str:
    from builder.authoring.start import require_recipe

    require_recipe(text)
    return text
