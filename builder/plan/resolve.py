"""Asking of the world for one zip: package indexes and locks through their ecosystems, files, and this host."""

import posixpath
from collections.abc import Iterator, Sequence

from builder.base import contained, files, host_names
from builder.base.errors import CheckFailedError
from builder.layer import compression, interpreters, tree
from builder.layer.zip_headers import MOST_BYTES
from builder.model.images import build_image, run_image
from builder.model.limits import UNZIPPED_LIMIT
from builder.model.recipes import RECIPE_FILE, Loaded
from builder.model.runtimes import refuse_blocked, today
from builder.model.steps import Build, Copy, Script, Step
from builder.model.target import Target, steps
from builder.packages import table
from builder.packages.ecosystem import Request
from builder.packages.resolution import Resolution
from builder.plan.resolved import Copied, Resolved, has_bytecode


def resolve(loaded: Loaded, target: Target, *, may_compile: bool = True) -> Resolved:
    """Return all that the plan of one zip depends on. Queries package indexes where there is no lock.

    Raises UsageError for runtimes that AWS has blocked and locks that do not fit, BuildError for unavailable packages
    and, unless `may_compile`, for packages that would have to be compiled.
    """
    day = today()
    for runtime in target.runtimes:
        refuse_blocked(runtime, day)
    chosen = steps(loaded.recipe, target)
    resolutions = tuple(_resolutions(loaded, target, chosen, may_compile=may_compile))
    bytecode = has_bytecode(loaded.recipe, target, resolutions)
    python = interpreters.find(target.base.series) if bytecode else None
    return Resolved(
        target=target,
        recipe=loaded.recipe,
        resolutions=resolutions,
        copied=_copied(loaded, [step for _, step in chosen]),
        recipe_files=tuple(_beside(loaded)) if any(isinstance(step, (Build, Script)) for _, step in chosen) else (),
        python=python.version if python else None,
        run_image=run_image(target.base, target.arch),
        build_image=build_image(target.base, target.arch),
        compression=compression.name(),
        warnings=(
            *loaded.warnings,
            *table.files_beside_locks(loaded),
            *(text for runtime in target.runtimes if (text := runtime.warning(day))),
        ),
    )


def _resolutions(
    loaded: Loaded, target: Target, chosen: Sequence[tuple[int, Step]], *, may_compile: bool
) -> Iterator[Resolution]:
    """Yield the resolution of each ecosystem that the steps take packages from."""
    for ecosystem in table.ECOSYSTEMS:
        matching = tuple((number, step) for number, step in chosen if isinstance(step, ecosystem.step))
        if matching:
            request = Request(loaded=loaded, target=target, steps=matching, may_compile=may_compile)
            if resolution := ecosystem.resolve(request):
                yield resolution


def _beside(loaded: Loaded) -> Iterator[tuple[str, str]]:
    """Yield the files beside the recipe, which scripts can read, with their SHA-256. Locks are left out."""
    if loaded.folder is None or loaded.adhoc:
        return
    own = {RECIPE_FILE, *table.lock_names(table.of_recipe(loaded))}
    for name, digest in contained.hashes(loaded.folder).items():
        if name.rpartition("/")[2] not in own:
            yield name, digest


def _copied(loaded: Loaded, chosen: Sequence[Step]) -> tuple[Copied, ...]:
    """Return the files that steps copy. Raises CheckFailedError if no layer could hold them, before any is read."""
    root = loaded.file("")
    copies = [step for step in chosen if isinstance(step, Copy)]
    found = [(step, path) for step in copies for pattern in step.files for path in loaded.matching(pattern)]
    if (total := sum(path.stat().st_size for _, path in found)) > MOST_BYTES:
        msg = f"{loaded.name}: [size] the files that are copied have {total:,} bytes"
        raise CheckFailedError(msg, why=[f"Lambda's limit is {UNZIPPED_LIMIT:,} bytes"], hint="copy fewer files")
    return tuple(
        Copied(
            source=tree.layer_path(path.relative_to(root)),
            to=posixpath.normpath(f"{step.to.strip('/')}/{host_names.spelled(path.name)}"),
            executable=step.executable,
            sha256=files.sha256(path),
        )
        for step, path in found
    )
