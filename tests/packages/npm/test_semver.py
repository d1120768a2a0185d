"""Ranges of versions, compared with node-semver, which npm has."""

import json
import subprocess
from collections.abc import Callable
from itertools import product

import pytest
from kit import npm

from builder.packages.npm import semver

VERSIONS = [
    *("0.0.0", "0.0.3", "0.0.4", "0.1.0", "0.2.3", "0.3.0", "1.0.0", "1.2.0", "1.2.3", "1.2.4", "1.3.0", "2.0.0"),
    *("2.0.0-0", "2.0.0-alpha.1", "1.2.3-beta.2", "1.2.3-beta.10", "1.2.3-beta", "10.20.30", "v1.2.3", "1.2.3+b"),
    *("=1.2.3", "1.2.3beta", "22.0.0", "1.2", "nope"),
]
RANGES = [
    *(
        "",
        "*",
        "x",
        "1",
        "1.x",
        "1.2",
        "1.2.x",
        "1.2.3",
        "v1.2.3",
        "=1.2.3",
        "^1.2.3",
        "^0.2.3",
        "^0.0.3",
        "^0",
        "^0.0",
    ),
    *("^0.0.x", "^1.x", "^1", "~1", "~1.2", "~1.2.3", "~>1.2.3", ">1", ">1.2", ">1.2.3", ">=1", ">=1.2", ">= 1.2.3"),
    *(
        "<1",
        "<1.2",
        "<1.2.3",
        "<=1",
        "<=1.2",
        "<= 1.2.3",
        ">*",
        "<*",
        "1 - 2",
        "1.2 - 1.3",
        "1.2.3 - 2.0.0",
        "1.2.3 - 2",
    ),
    *("^1.2.3-beta.2", "~1.2.3-beta", ">1.2.3-beta", "1.2.3-beta", "<2.0.0-alpha.5", "^1.2.3 || ^2", ">=1 <2", "1.2.*"),
    *(">=1.2.0 <1.3.0 || 2.x", "18 || 20", "^1.2.3beta", ">=1.2.3 <=1.2.3", "1.2.3 1.2.4", "^ 1.2", "~ 1.2", ">=1.x"),
    *("latest", "git+ssh://x", "file:../x", "1.x.3", "*.1", "workspace:^"),
]
CODE = """
const semver = require(process.argv[1]), [pairs, ranges] = JSON.parse(require('fs').readFileSync(0));
const answer = ([version, range]) => !semver.valid(version, true) || semver.validRange(range, true) === null ? null
  : semver.satisfies(version, range, true) || ['', '*'].includes(range.trim());  // as npm takes these two
const both = ([one, other]) => { try { return semver.intersects(one, other, true) } catch { return null } };
console.log(JSON.stringify([pairs.map(answer), ranges.map(both)]));
"""


def test_versions_are_in_the_ranges_of_node_semver(program: Callable[[str], str]) -> None:
    program("npm")
    node, script = npm.program()
    plain = [each for each in RANGES if "-beta" not in each and "*" not in each]  # else node-semver contradicts itself
    pairs, ranges = list(product(VERSIONS, RANGES)), list(product(plain, plain))
    finished = subprocess.run(
        [node, "-e", CODE, script.parents[1] / "node_modules" / "semver"],
        input=json.dumps([pairs, ranges]),
        capture_output=True,
        text=True,
        check=True,
    )
    satisfied, intersecting = json.loads(finished.stdout)
    assert [semver.satisfies(*pair) for pair in pairs] == satisfied
    assert [semver.intersect(*pair) for pair in ranges] == intersecting


@pytest.mark.parametrize(
    ("wanted", "majors"),
    [
        (">=18", [20, 22, 24]),
        ("^22.1.0 || ^20", [20, 22]),
        ("~22.3", [22]),
        (">=20.1.0 <24", [20, 22]),
        ("<=22", [20, 22]),
        (">22", [24]),
        ("4", []),
        (">24", []),
    ],
)
def test_a_range_accepts_a_major_version_of_which_it_has_some(wanted: str, majors: list[int]) -> None:
    assert [major for major in (20, 22, 24) if semver.accepts_major(wanted, major)] == majors


def test_what_is_no_range_is_not_compared() -> None:
    assert semver.accepts_major("lts/*", 22) is None
    assert semver.satisfies("1.0.0", "^1 " * 1000) is None
    assert not semver.is_range("@shop/core")
