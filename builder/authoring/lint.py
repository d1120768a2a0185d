"""`layerwright lint`: mistakes of recipes and settings, and packages that their systems are not known to have."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from builder.base import settings_file, texts
from builder.base.errors import Fault, LayerwrightError, UsageError, near
from builder.base.faults import TomlText
from builder.base.frozen import dataclass
from builder.model import recipes
from builder.model.recipes import Loaded
from builder.model.steps import Packages
from builder.model.target import targets
from builder.packages import table

_RULES = {
    "mistake": "The file is not valid, so nothing is built of it.",
    "advice": "The file is valid, and something in it may not be meant.",
}
SETTINGS = Path(settings_file.NAME)
_LEVELS = {"mistake": "error", "advice": "warning"}


@dataclass(frozen=True, kw_only=True, slots=True)
class LintNote:
    """One thing that was found in a file."""

    rule: Literal["mistake", "advice"]
    fault: Fault
    hint: str | None = None

    def as_json(self) -> dict[str, Any]:
        fault = self.fault
        place = {"file": fault.file, "line": fault.line, "column": fault.column, "key": fault.key or None}
        return {"level": _LEVELS[self.rule], **place, "message": fault.text, "hint": self.hint}

    def as_sarif(self) -> dict[str, Any]:
        from builder.layer import sarif

        fault = self.fault
        words = [
            f"{fault.key}: {fault.text}" if fault.key else fault.text,
            *([f"Hint: {self.hint}"] if self.hint else []),
        ]
        region = {"startLine": fault.line, "startColumn": fault.column}
        return {
            "ruleId": self.rule,
            "level": _LEVELS[self.rule],
            "message": {"text": sarif.plain(". ".join(words))},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": sarif.uri(fault.file)}, "region": region}}],
            "partialFingerprints": {"layerwright/v1": f"{self.rule}:{fault.key}:{fault.text}"},
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class LintResult:
    """What was found in one file."""

    notes: tuple[LintNote, ...] = ()
    error: LayerwrightError | None = None
    """The error that has the mistakes, as other commands tell it."""


def lint(folder: Path, names: Iterable[str]) -> Iterator[LintResult]:
    """Yield what was found in each recipe. Needs no network."""
    for name in names:
        path = folder / name / recipes.RECIPE_FILE
        notes = [*_mark(path)]
        try:
            loaded = recipes.load(folder, name)
            notes += (_advice(Fault(file=path.as_posix(), line=1, column=1, text=text)) for text in loaded.warnings)
            for ecosystem in table.of_recipe(loaded):
                ecosystem.lint(loaded)
        except UsageError as error:
            yield LintResult(notes=(*notes, *mistakes(error, path)), error=error)
        else:
            yield LintResult(notes=(*notes, *map(_advice, _unknown_packages(loaded, path))))


def mistakes(error: LayerwrightError, path: Path) -> Iterator[LintNote]:
    """Yield the mistakes of an error: those with places, else the whole of it at the beginning of the file."""
    if error.faults:
        yield from (LintNote(rule="mistake", fault=fault, hint=error.hint) for fault in error.faults)
    else:
        text = ": ".join([error.what, "; ".join(error.why)] if error.why else [error.what])
        fault = Fault(file=path.as_posix(), line=1, column=1, text=text)
        yield LintNote(rule="mistake", fault=fault, hint=error.hint)


def sarif_document(version: str, notes: Iterable[LintNote]) -> dict[str, Any]:
    """Return a SARIF document with one run."""
    from builder.layer import sarif  # with all checks of layers

    rules = [{"id": name, "shortDescription": {"text": why}} for name, why in _RULES.items()]
    return sarif.run(version, rules, [note.as_sarif() for note in notes])


def _advice(fault: Fault) -> LintNote:
    return LintNote(rule="advice", fault=fault)


def _mark(path: Path) -> Iterator[LintNote]:
    """Yield a note about a byte order mark, which layerwright skips and other tools for TOML refuse."""
    if path.is_file():
        with path.open("rb", buffering=0) as stream:
            marked = stream.read(3) == texts.BOM.encode()
        if marked:
            text = "begins with a byte order mark, which other tools for TOML refuse; save it as UTF-8 without one"
            yield _advice(Fault(file=path.as_posix(), line=1, column=1, text=text))


def _unknown_packages(loaded: Loaded, path: Path) -> Iterator[Fault]:
    """Yield packages that the operating system is not known to have.

    They are no mistakes: the system's repository may be newer than the lists of layerwright.
    """
    steps = [(index, step) for index, step in enumerate(loaded.recipe.step) if isinstance(step, Packages)]
    if not steps:
        return
    from builder.engine.failure import package_names

    text = TomlText(name=path.as_posix(), text=texts.read(path))
    for system in sorted({target.base.os.name for target in targets(loaded.recipe)}):
        listed = package_names(system)
        for index, step in steps:
            if listed and (step.when is None or step.when.os in {None, system}):
                for name in sorted(set(step.install) - set(listed)):
                    told = f"no list of {system} has a package `{name}`{near(name, listed)}"
                    yield text.fault(("step", index, "install", step.install.index(name)), told)
