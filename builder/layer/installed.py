"""A package that was found in a layer. The ecosystems of `packages/` find them; everything here reads the result."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Installed:
    """A package that a layer brings."""

    ecosystem: str
    """The type of its package URL: `pypi`, `npm`, `gem`, `maven`."""
    root: str
    """The folder in which code looks for it; two versions of a package in one folder clash."""
    name: str
    version: str
    described: str
    """Path of the file that says so: METADATA, package.json, a gemspec, or the jar itself."""
    license: str = ""
    """SPDX expression or, with older packages, whatever they call it; empty if they declare nothing."""
    statements: tuple[str, ...] = ()
    """Everything that the package states about its license, for the check; empty is `license` alone."""
    folder: str = ""
    """The folder that its license texts lie in."""
