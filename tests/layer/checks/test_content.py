"""Secrets in layers, and what only looks like them."""

import pytest
from kit.zips import found, tree

ADDRESS = b'url.parse("https://anonymous:flabada@developer.mozilla.org/en-US/docs");\n'
KEY = b"id = 'AKIAQ3ZT7YHJ2LPW8KMD'\n"


@pytest.mark.parametrize(
    "path",
    [
        "nodejs/node_modules/zod/src/v4/classic/tests/string.test.ts",
        "nodejs/node_modules/a/lib/url.spec.js",
        "nodejs/node_modules/a/__tests__/url.js",
        "python/a/tests/urls.py",
        "python/a/test_urls.py",
        "ruby/gems/3.4.0/gems/a-1/spec/url.rb",
    ],
)
def test_addresses_in_tests_of_packages_have_invented_passwords(path: str) -> None:
    assert found(tree({path: ADDRESS}), only="secret") == []
    (finding,) = found(tree({path: KEY}), only="secret")
    assert finding.message == "holds an AWS access key"


@pytest.mark.parametrize(
    "path", ["python/a/contest.py", "tests/settings.ini", "python/latest/urls.py", "lib/test_a.conf"]
)
def test_others_are_told(path: str) -> None:
    (finding,) = found(tree({path: ADDRESS}), only="secret")
    assert finding.message == "holds a password in an address"
