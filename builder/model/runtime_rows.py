"""Rows of runtimes, as tables of files have them."""

import datetime as dt

from builder.base.frozen import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class RuntimeTable:
    """A runtime."""

    os: str
    language: str
    series: str
    image: str
    build_image: str
    deprecated: dt.date | None
    block_create: dt.date | None
    block_update: dt.date | None
    preview: bool
    tools: tuple[str, ...]
    """What its build image lacks besides, as that of a package manager."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomRuntimeTable:
    """A customer-managed runtime of a project: an image of its own, published as `custom`."""

    table: RuntimeTable
    directories: tuple[str, ...]
    """Directories under /opt that it reads; empty for those of its language."""
