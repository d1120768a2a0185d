"""Catalogues: folders of recipes that are ready to build. The project's settings name further ones."""

from collections.abc import Iterator
from pathlib import Path

from builder.model import defaults, facts
from builder.model.defaults import CatalogueSource


def folders() -> Iterator[Path]:
    """Yield the folders of all catalogues: those of the project in their order, then layerwright's own.

    A repository is fetched at its first use, into the cache. Nothing of it is run.
    """
    yield from map(_folder, defaults.current().catalogues)
    yield facts.catalogue()


def on_disk() -> Iterator[Path]:
    """Yield those folders for which nothing has to be fetched."""
    yield from (source.folder for source in defaults.current().catalogues if source.git is None)
    yield facts.catalogue()


def _folder(source: CatalogueSource) -> Path:
    if source.git is None:
        return source.folder
    from builder.packages.pypi.local import repositories
    from builder.packages.pypi.local.place import GitPlace

    place = GitPlace(url=source.git, ref=source.commit, subdirectory=source.folder.as_posix())
    return repositories.fetched(place, str(defaults.current().file), f"the catalogue {place.shown}")
