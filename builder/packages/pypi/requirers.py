"""Who requires whom among packages of a plan, as uv annotates these versions. For messages: it may ask the index."""

import re
from collections.abc import Collection, Mapping, Sequence

from packaging.utils import canonicalize_name

from builder.base.errors import LayerwrightError
from builder.model.target import Target
from builder.packages.pypi import uv
from builder.packages.pypi.indexes import Indexes
from builder.packages.pypi.install import Pinned

_ANNOTATED = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(?:==| @ )\S.*?\s+# via (?P<by>.*)")
_OUTPUT = ("--annotation-style", "line", "--no-header", "--quiet")


def of(packages: Collection[Pinned], target: Target, indexes: Indexes) -> Mapping[str, Sequence[str]]:
    """Return the packages that require each of them, sorted; nothing if the index does not tell.

    What only an extra requires is not known: a plan has no extras.
    """
    lines = "\n".join(package.requirement.partition(" --hash=")[0] for package in packages)
    names = {canonicalize_name(package.name) for package in packages}
    for platform in target.base.os.uv_platforms:
        arguments = [*uv.platform_arguments(target.base, target.arch, platform), *uv.NO_CODE, *indexes.arguments()]
        try:
            finished = uv.run(["compile", "-", *arguments, *_OUTPUT], stdin=lines, env=indexes.by_hash())
        except LayerwrightError:  # of a resolution that takes too much memory
            return {}
        if finished.returncode == 0:
            rows = [row for line in finished.stdout.splitlines() if (row := _ANNOTATED.fullmatch(line.strip()))]
            required = {canonicalize_name(row["name"]): sorted(names & {*row["by"].split(", ")}) for row in rows}
            return {name: required.get(name, []) for name in names}
    return {}
