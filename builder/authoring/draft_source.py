"""A new recipe for an upstream source: pinned by hash, with the steps of its build system."""

import dataclasses
from collections.abc import Iterator

from builder.authoring import build_systems, draft_packages, source_archive
from builder.authoring.build_systems import RecognizedSource
from builder.authoring.draft_packages import EVERYTHING
from builder.authoring.draft_recipe import RecipeDraft, layer_table, require_name
from builder.authoring.source_archive import SourceArchive
from builder.base import foreign
from builder.base.emitter import Events
from builder.base.errors import BuildError, UsageError
from builder.model.architectures import ARCHITECTURES
from builder.model.runtimes import runtime
from builder.packages.go import licence_text
from builder.plan import adhoc
from builder.plan.adhoc import AdhocRequest

_PRUNED = (
    *draft_packages.FOR_COMPILERS,
    *("/cmake/", "/doc/", "/man/"),
    *(f"share/{name}/" for name in ("aclocal", "doc", "info", "locale", "man", "pkgconfig")),
    *(f"share/{name}/" for name in ("bash-completion", "fish", "zsh")),
)
_SHOWN = 20
"""Names at the top of a source that an error shows."""
_BY_HAND = (
    'write recipe.toml by hand: a [[source]] with this url and sha256, a step `uses = "script"` with the commands that '
    'install into "$PREFIX", and a [[test]]; docs/recipes.md has an example'
)


def draft(url: str, request: AdhocRequest, name: str, events: Events) -> RecipeDraft:
    """Return a recipe for the source at an address.

    Raises UsageError for an address that a recipe must not have, and for a source that is not recognized.
    """
    require_name(name)
    draft_packages.require_known(request)
    source = source_archive.fetched(url, events)
    found = build_systems.recognized(source)
    if found is None:
        raise _unknown(source)
    if found.missing:
        msg = f"{_title(source)} cannot be built by hash: {'; '.join(found.missing)}"
        raise BuildError(msg, why=_facts(source))
    events.note(f"{_title(source)}: {found.title}")
    return _of_python(found, request, name) if found.requirement else _compiled(source, found, request, name)


def _of_python(found: RecognizedSource, request: AdhocRequest, name: str) -> RecipeDraft:
    """Return the recipe for a source distribution of Python, which is one of packages."""
    if others := [each for each in request.runtimes if runtime(each).language != "python"]:
        msg = f"the source is one of Python, and {', '.join(others)} is not a runtime of Python"
        raise UsageError(msg, hint=f"for example `--runtime {adhoc.current('python')[-1].name}`")
    asked = dataclasses.replace(request, specs={"pypi": (str(found.requirement),)})
    return draft_packages.draft(asked, name, compiling=True)


def _compiled(source: SourceArchive, found: RecognizedSource, request: AdhocRequest, name: str) -> RecipeDraft:
    chosen = draft_packages.for_programs(request)
    packages = sorted({*found.packages, *request.system_packages})
    system = [{"uses": "packages", "install": packages}] if packages else []
    files = [{"files": [f"bin/{program}" for program in found.programs]}] if found.programs else []
    return RecipeDraft(
        name=name,
        tables={
            "layer": layer_table(
                name,
                source.version or "1",
                description=f"{source.name or name}, compiled from its source",
                license_=_license(source),
            ),
            "targets": {
                "runtimes": list(chosen),
                "architectures": list(request.architectures or ARCHITECTURES),
                "split-by": ["arch"],
            },
            "source": [{"url": source.template, "sha256": source.sha256}],
            "step": [*system, *found.steps],
            "slim": {"prune": list(_PRUNED)},
            "test": [EVERYTHING, *files],
        },
    )


def _license(source: SourceArchive) -> str:
    """Return the license of a source, if its text is unmistakable; else where it is."""
    names = sorted(name for name in source.texts if name.upper().startswith(("LICEN", "COPY")) and "/" not in name)
    known = [license_ for name in names if (license_ := licence_text.name(source.texts[name]))]
    return known[0] if known else f"see {' and '.join(names)} of the source" if names else "see the source"


def _title(source: SourceArchive) -> str:
    return foreign.line(" ".join(filter(None, (source.name or "the source", source.version))))


def _facts(source: SourceArchive) -> Iterator[str]:
    yield f"url = {source.url}"
    yield f"sha256 = {source.sha256}"


def _unknown(source: SourceArchive) -> UsageError:
    """Return the error for a source with a build system of its own."""
    shown = [foreign.line(name) for name in source.top[:_SHOWN]]
    more = f" and {len(source.top) - _SHOWN} more" if len(source.top) > _SHOWN else ""
    known = "autotools, CMake, Meson, make with an `install` into PREFIX, cargo, Go, or a source distribution of Python"
    msg = f"how {_title(source)} is built is not recognized: it is none of {known}"
    return UsageError(msg, why=[f"at its top: {', '.join(shown)}{more}", *_facts(source)], hint=_BY_HAND)
