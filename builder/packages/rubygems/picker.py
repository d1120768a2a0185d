"""The choice of a file for each gem: a precompiled one if it loads in Lambda, else the one to compile."""

from collections.abc import Sequence

from builder.base.errors import BuildError
from builder.layer import elf
from builder.model.runtimes import Runtime
from builder.model.steps import Gem
from builder.model.steps.gem_version import Requirement, Version
from builder.model.symbol_versions import version_key
from builder.model.target import Target
from builder.packages.rubygems import gemspec, index
from builder.packages.rubygems.resolution import ChosenGem, described, other_abi
from builder.packages.rubygems.spec import RUBY, Spec


def rubies(runtimes: Sequence[Runtime]) -> list[str]:
    """Return versions to compare with `required_ruby_version`. Lambda keeps each series at its newest patch release."""
    return sorted({f"{runtime.series.rpartition('.')[0]}.99" for runtime in runtimes})


class Picker:
    """Chooses the best file of each gem for a target, and keeps the reasons."""

    def __init__(self, step: Gem, target: Target, address: str) -> None:
        self._step, self._target, self._address = step, target, address
        self._why: dict[str, str] = {}

    def choose(self, files: Sequence[Spec]) -> Spec:
        refused: list[str] = []
        for spec in files:
            problem = self._problem(spec)
            if problem is None:
                self._why[spec.name] = "; ".join(refused)
                return spec
            refused.append(f"{spec.full_name}: {problem}")
        msg = f"{self._target.name}: no file of {files[0].name} {files[0].version} fits"
        raise BuildError(msg, why=refused, hint="`bundle lock --add-platform ruby` adds the file to compile")

    def _problem(self, spec: Spec) -> str | None:
        if spec.platform != RUBY and self._step.precompiled == "never":
            return "the recipe excludes precompiled gems"
        needs = gemspec.required_ruby(described(spec, self._address))
        for text in rubies(self._target.runtimes):
            if needs and not Requirement(needs).allows(Version(text)):
                return f"needs Ruby {needs}"
        return _too_new(spec, self._address, self._target) if spec.platform != RUBY else None

    def gem(self, spec: Spec) -> ChosenGem:
        metadata = described(spec, self._address)
        compiled = spec.platform == RUBY and bool(gemspec.extensions(metadata))
        if compiled:
            reason = self._why.get(spec.name) or "has an extension and no precompiled gem"
        else:
            reason = "pure Ruby" if spec.platform == RUBY else f"precompiled for {spec.platform}"
        return ChosenGem(spec=spec, compiled=compiled, reason=reason, options=self._step.options.get(spec.name, ()))


def _too_new(spec: Spec, address: str, target: Target) -> str | None:
    """Return the reason if a precompiled gem needs a newer glibc than Lambda has; else None."""
    highest = target.base.os.glibc
    for file in gemspec.contents(index.fetched(spec, address), f"{spec.full_name}.gem"):
        if not file.data.startswith(elf.MAGIC) or other_abi(file.path, target.base):
            continue
        for need in elf.parse(file.data).versions:
            family, _, version = need.version.partition("_")
            if family == "GLIBC" and version[:1].isdigit() and version_key(version) > version_key(highest):
                return f"{file.path} needs glibc {version}, {target.base.os.title} has {highest}"
    return None
