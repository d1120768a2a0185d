"""Hashes in requirements files, as pip has them: one for a package asks for one of each, also of what it needs.

SHA-256 is compared, because that is what indexes give; hashes of other kinds may stand beside it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from builder.base.errors import BuildError, UsageError
from builder.packages.pypi import names
from builder.packages.pypi.dist import Candidate

REQUIRED = "--require-hashes"
MARK = re.compile(r"(?:^|\s)--(?:hash|require-hashes)\b")
"""What a line has that gives a hash, or asks for them."""
_OPTION = re.compile(r"--hash[= ]\s*(?P<kind>\w+):(?P<digest>\S+)")
_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}
"""The kinds that pip takes, with their hexadecimal digits."""
_SHA256 = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def options(given: Sequence[str]) -> tuple[str, ...]:
    """Return the SHA-256 among the options of a requirement, in one form. Raises ValueError for others and none."""
    found = []
    for text in given:
        match = _OPTION.fullmatch(text)
        if match is None:
            msg = "this option is not known"
            raise ValueError(msg)
        kind, digest = match["kind"].lower(), match["digest"].lower()
        if kind not in _DIGITS or not re.fullmatch(rf"[0-9a-f]{{{_DIGITS[kind]}}}", digest):
            msg = "a hash has the form sha256: and 64 hexadecimal digits"
            raise ValueError(msg)
        found += [f"--hash={kind}:{digest}"] if kind == "sha256" else []
    if given and not found:
        msg = "SHA-256 is what is compared, and this line has none"
        raise ValueError(msg)
    return tuple(found)


def by_name(lines: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return the SHA-256 of the files of each package, by name, from plain lines; packages without are left out."""
    found: dict[str, set[str]] = {}
    for line in lines:
        if digests := _SHA256.findall(line):
            found.setdefault(names.of_line(line), set()).update(digests)
    return {name: frozenset(digests) for name, digests in found.items()}


def compared(
    found: Iterable[Candidate], hashes: Mapping[str, frozenset[str]], *, required: bool
) -> tuple[Candidate, ...]:
    """Return the packages with only the files whose hashes are given.

    Raises BuildError if the index has none of them, and UsageError if hashes are required and a package has none.
    """
    packages = tuple(found)
    without = [package.name for package in packages if package.name not in hashes and not _is_hashed(package)]
    if required and without:
        msg = f"no hash is given for {', '.join(without)}"
        hint = (
            "a file with hashes has one for each package, also for those that others need; uv and pip-compile write it"
        )
        raise UsageError(msg, hint=hint)
    return tuple(_checked(package, hashes[package.name]) if package.name in hashes else package for package in packages)


def _is_hashed(package: Candidate) -> bool:
    """Tell whether the address of a package has its hash, which uv compares; files of a folder are what they are."""
    return package.origin is not None or (package.direct is not None and "sha256=" in urlsplit(package.direct).fragment)


def _checked(package: Candidate, digests: frozenset[str]) -> Candidate:
    checked = package.with_hashes(digests)
    if not checked.wheels and not checked.sdist:
        msg = f"hash mismatch: the index has no file of {package.name} {package.version} that the requirements name"
        hint = "the index is another one, or its files were replaced; lock again only if you know why"
        raise BuildError(msg, hint=hint)
    return checked
